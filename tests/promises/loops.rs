//! A loop that never waits ends its run, whatever it calls; and much work at one moment is no loop.

use std::cell::Cell;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Client, Ledger, RunError, Simulation, WorkflowContext,
    WorkflowError, WorkflowFn, task, time,
};
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: seconds(60), ..Default::default() }
}

async fn main(ctx: &WorkflowContext, number: u32) -> Result<u32, WorkflowError> {
    ctx.execute_activity("work", &number, options()).await
}

fn activity(code: impl ActivityFn<u32, u32>) -> Simulation {
    workflow(main).activity("work", code)
}

/// Makes a workflow with the least budget for calls that there is.
fn workflow(code: impl WorkflowFn<u32, u32>) -> Simulation {
    Simulation::temporal().workflow("main", code).event_budget(1_000)
}

/// Names the code that never waits, in a run that must end with that.
#[track_caller]
fn looping(error: Option<RunError>) -> String {
    match error {
        Some(error @ RunError::NeverWaits { .. }) => {
            let words = error.to_string();
            assert!(words.contains("has called durasim 1000001 times at "), "{words}");
            assert!(words.contains("`.event_budget(..)`"), "{words}");
            // The code and its last call.
            let (who, place) = words.split(" has called").next().unwrap().split_once(" (its last call was `").unwrap();
            assert!(place.contains(concat!("` at ", file!(), ":")), "{words}");
            who.to_owned()
        }
        other => panic!("it ends with {other:?}"),
    }
}

#[track_caller]
fn assert_activity_loops(code: impl ActivityFn<u32, u32>) {
    assert_eq!(looping(activity(code).state(Ledger::<u32>::default).run("main", &1u32).err()), "activity work#1@1");
}

#[track_caller]
fn assert_workflow_loops(code: impl WorkflowFn<u32, u32>) {
    assert_eq!(looping(workflow(code).run("main", &1u32).err()), "workflow `main`");
}

#[test]
fn an_activity_that_polls_the_clock() {
    assert_activity_loops(async |_: &ActivityContext, number: u32| {
        let end = time::now() + seconds(60);
        while time::now() < end {}
        Ok(number)
    });
    assert_activity_loops(async |ctx: &ActivityContext, number: u32| {
        while ctx.get_remaining_time() > Some(seconds(1)) {}
        Ok(number)
    });
}

#[test]
fn an_activity_that_polls_a_flag() {
    assert_activity_loops(async |ctx: &ActivityContext, number: u32| {
        while !ctx.is_cancelled() {}
        Ok(number)
    });
    assert_activity_loops(async |ctx: &ActivityContext, number: u32| {
        while !ctx.is_worker_stopping() {}
        Ok(number)
    });
    assert_activity_loops(async |_: &ActivityContext, number: u32| {
        let other = task::spawn(time::sleep(seconds(1)));
        while !other.is_finished() {}
        Ok(number)
    });
}

#[test]
fn an_activity_that_polls_its_state() {
    assert_activity_loops(async |_: &ActivityContext, number: u32| {
        while durasim::state::<Ledger<u32>>().count(&1) == 0 {}
        Ok(number)
    });
    assert_activity_loops(async |_: &ActivityContext, number: u32| {
        let ledger = durasim::state::<Ledger<u32>>();
        while ledger.is_empty() {}
        Ok(number)
    });
}

#[test]
fn an_activity_that_draws_and_writes() {
    assert_activity_loops(async |_: &ActivityContext, number: u32| {
        while durasim::random() != 1 {}
        Ok(number)
    });
    assert_activity_loops(async |_: &ActivityContext, _: u32| {
        let ledger = durasim::state::<Ledger<u32>>();
        loop {
            ledger.record(1);
        }
    });
}

#[test]
fn an_activity_that_survives_the_crash_of_its_call() {
    let run = activity(async |ctx: &ActivityContext, number: u32| {
        let beaten = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ctx.record_heartbeat(None)));
        while beaten.is_err() && !ctx.is_cancelled() {}
        Ok(number)
    })
    .plan("v1 seed=0 order=fifo; work#1@1:heartbeat1=crash_before".parse().unwrap())
    .run("main", &1u32);
    assert_eq!(looping(run.err()), "activity work#1@1");
}

#[test]
fn a_background_task_of_an_attempt_that_has_ended() {
    let run = Simulation::temporal()
        .event_budget(1_000)
        .activity("work", async |ctx: &ActivityContext, number: u32| {
            let ctx = ctx.clone();
            drop(task::spawn(async move {
                time::sleep(seconds(1)).await;
                loop {
                    ctx.record_heartbeat(None);
                }
            }));
            Ok::<u32, ActivityError>(number)
        })
        .workflow("main", async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
            let _: u32 = ctx.execute_activity("work", &number, options()).await?;
            ctx.sleep(seconds(60)).await?;
            Ok(number)
        })
        .run("main", &1u32);
    assert_eq!(looping(run.err()), "a background task of activity work#1@1");
}

#[test]
fn a_destructor_that_waits_for_a_flag() {
    struct Guard(ActivityContext);
    impl Drop for Guard {
        fn drop(&mut self) {
            while !self.0.is_cancelled() {}
        }
    }
    assert_activity_loops(async |ctx: &ActivityContext, number: u32| {
        let _guard = Guard(ctx.clone());
        Ok(number)
    });
}

#[test]
fn a_workflow_that_polls_its_context() {
    assert_workflow_loops(async |ctx: &WorkflowContext, number: u32| {
        let end = ctx.now() + seconds(60);
        while ctx.now() < end {}
        Ok(number)
    });
    assert_workflow_loops(async |ctx: &WorkflowContext, number: u32| {
        while !ctx.is_cancelled() {}
        Ok(number)
    });
    assert_workflow_loops(async |ctx: &WorkflowContext, number: u32| {
        let values = ctx.signals::<u32>("value");
        while values.try_recv()?.is_none() {}
        Ok(number)
    });
    assert_workflow_loops(async |ctx: &WorkflowContext, number: u32| {
        while ctx.random() != 1 {}
        Ok(number)
    });
    assert_workflow_loops(async |ctx: &WorkflowContext, number: u32| {
        while ctx.version("change", 0, 1) == 1 {}
        Ok(number)
    });
    assert_workflow_loops(async |ctx: &WorkflowContext, _: u32| {
        loop {
            ctx.side_effect(|| while durasim::random() != 1 {});
        }
    });
}

/// Cancels a workflow after 3 s.
fn cancelled(code: impl WorkflowFn<u32, u32>) -> Option<RunError> {
    workflow(code)
        .drive(async |client: Client| {
            let handle = client.start::<u32>("main", "main-1", &1u32).await.unwrap();
            client.sleep(seconds(3)).await;
            handle.cancel().await.unwrap();
            handle.result().await.is_ok()
        })
        .err()
}

#[test]
fn a_workflow_that_asks_again_in_a_cancelled_scope() {
    let asks = cancelled(async |ctx: &WorkflowContext, _: u32| {
        let values = ctx.signals::<u32>("value");
        loop {
            if let Ok(value) = values.recv().await {
                return Ok(value);
            }
        }
    });
    assert_eq!(looping(asks), "workflow `main`");
    let sleeps = cancelled(async |ctx: &WorkflowContext, number: u32| {
        while ctx.sleep(seconds(5)).await.is_err() {}
        Ok(number)
    });
    assert_eq!(looping(sleeps), "workflow `main`");
    let runs = cancelled(async |ctx: &WorkflowContext, _: u32| {
        let _ = ctx.sleep(seconds(5)).await;
        loop {
            if let Ok(value) = ctx.execute_activity::<u32>("work", &1u32, options()).await {
                return Ok(value);
            }
        }
    });
    assert_eq!(looping(runs), "workflow `main`");
}

#[test]
fn a_query_that_loops_is_answered_with_that() {
    let (failed, _) = workflow(async |ctx: &WorkflowContext, number: u32| {
        let context = ctx.clone();
        ctx.on_query("loop", move |()| {
            while !context.is_cancelled() {}
            Ok(number)
        });
        ctx.on_query("fine", move |()| Ok(number));
        ctx.sleep(seconds(60)).await?;
        Ok(number)
    })
    .drive(async |client: Client| {
        let handle = client.start::<u32>("main", "main-1", &1u32).await.unwrap();
        client.sleep(seconds(3)).await;
        let failed = handle.query::<u32>("loop", &()).await.unwrap_err().to_string();
        assert_eq!(handle.query::<u32>("fine", &()).await, Ok(1));
        assert_eq!(handle.result().await, Ok(1));
        failed
    })
    .unwrap();
    assert!(failed.contains("has called its context 1000001 times without waiting"), "{failed}");
}

#[test]
fn a_script_that_asks_the_client() {
    let script = workflow(async |ctx: &WorkflowContext, number: u32| {
        ctx.sleep(seconds(60)).await?;
        Ok(number)
    });
    let asks = script.drive(async |client: Client| {
        let handle = client.start::<u32>("main", "main-1", &1u32).await.unwrap();
        while handle.is_open() {}
    });
    assert_eq!(looping(asks.err()), "the script");
    let signals = script.drive(async |client: Client| while client.start::<u32>("none", "1", &()).await.is_err() {});
    assert_eq!(looping(signals.err()), "the script");
}

#[test]
fn each_poll_has_the_whole_budget() {
    let run = activity(async |ctx: &ActivityContext, number: u32| {
        for _ in 0..3 {
            for _ in 0..400_000 {
                assert!(!ctx.is_cancelled());
            }
            time::sleep(seconds(1)).await;
        }
        Ok(number)
    })
    .run("main", &1u32);
    assert_eq!(run.unwrap().result::<u32>(), Ok(1));
    let run = workflow(async |ctx: &WorkflowContext, number: u32| {
        for _ in 0..3 {
            for _ in 0..400_000 {
                assert!(!ctx.is_cancelled());
            }
            ctx.sleep(seconds(1)).await?;
        }
        Ok(number)
    })
    .run("main", &1u32);
    assert_eq!(run.unwrap().result::<u32>(), Ok(1));
}

#[test]
fn a_greater_event_budget_is_a_greater_budget_for_calls() {
    let run = activity(async |ctx: &ActivityContext, number: u32| {
        for _ in 0..1_500_000 {
            assert!(!ctx.is_cancelled());
        }
        Ok(number)
    })
    .event_budget(2_000_000)
    .run("main", &1u32);
    assert_eq!(run.unwrap().result::<u32>(), Ok(1));
}

/// Waits for tasks that end at one moment, one by one.
async fn joins(_: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let tasks: Vec<_> = (0..count).map(|_| task::spawn(time::sleep(seconds(1)))).collect();
    for task in tasks {
        task.await;
    }
    Ok(count)
}

#[test]
fn what_others_wake_a_task_for_is_no_busy_loop() {
    let joined = Simulation::temporal().workflow("main", main).activity("work", joins).run("main", &20_000u32);
    assert_eq!(joined.unwrap().result::<u32>(), Ok(20_000));

    let passed = activity(async |_: &ActivityContext, count: u32| {
        let (mut sender, mut receiver) = mpsc::channel(0);
        drop(task::spawn(async move {
            for number in 0..count {
                sender.send(number).await.unwrap();
            }
        }));
        let mut received = 0;
        while receiver.next().await.is_some() {
            received += 1;
        }
        Ok(received)
    });
    assert_eq!(passed.event_budget(1_000_000).run("main", &20_000u32).unwrap().result::<u32>(), Ok(20_000));
}

#[test]
fn tasks_that_wake_each_other_without_end_are_one() {
    let run = activity(async |_: &ActivityContext, _: u32| {
        let (mut there, mut from_here) = mpsc::channel(0);
        let (mut back, mut from_there) = mpsc::channel(0);
        drop(task::spawn(async move {
            while let Some(()) = from_here.next().await {
                back.send(()).await.unwrap();
            }
        }));
        loop {
            there.send(()).await.unwrap();
            from_there.next().await.unwrap();
        }
    })
    .event_budget(5_000_000)
    .run("main", &1u32);
    let Err(error @ RunError::Busy { .. }) = run else { panic!("it ends with {:?}", run.err()) };
    assert!(error.to_string().contains("or tasks wake each other; "), "{error}");
}

#[test]
fn a_task_that_wakes_itself_meets_the_poll_budget() {
    let yields = async |_: &ActivityContext, count: u32| {
        for _ in 0..count {
            let yielded = Cell::new(false);
            std::future::poll_fn(|context| {
                if yielded.replace(true) {
                    return std::task::Poll::Ready(());
                }
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
        }
        Ok(count)
    };
    assert!(activity(yields).event_budget(1_000_000).run("main", &9_000u32).is_ok());
    let error = activity(yields).event_budget(1_000_000).run("main", &11_000u32).unwrap_err();
    assert!(matches!(error, RunError::Busy { polls: 10_000, .. }), "{error:?}");
    assert!(error.to_string().contains("raise `.poll_budget(..)`"), "{error}");
    assert!(activity(yields).event_budget(1_000_000).poll_budget(20_000).run("main", &11_000u32).is_ok());
}
