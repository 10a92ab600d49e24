//! `tokio::task`: tasks of the activity's code.

use std::cell::{Cell, RefCell};

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Run, Simulation, WorkflowContext, WorkflowError, check,
};
use durasim_tokio::SimulationExt;
use tokio::task::JoinSet;
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{Since, explored, millis, options, result, simulation};

type Result = std::result::Result<u64, ActivityError>;

#[test]
fn spawned_tasks_run_and_are_joined() {
    explored(async |ctx: &ActivityContext, (): ()| -> Result {
        let tasks: Vec<_> = (0..3u64)
            .map(|part| {
                tokio::spawn(async move {
                    time::sleep(millis(100 * (part + 1))).await;
                    part
                })
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.map_err(|error| ActivityError::retryable(error.to_string()))?;
            ctx.heartbeat(&sum)?;
        }
        Ok(sum)
    })
    .assert();
}

#[test]
fn a_join_set_gives_results_as_they_come() {
    let code = async |_: &ActivityContext, (): ()| -> Result {
        let mut set = JoinSet::new();
        for part in [3u64, 1, 2] {
            set.spawn(async move {
                time::sleep(millis(100 * part)).await;
                part
            });
        }
        let mut order = 0;
        while let Some(part) = set.join_next().await {
            order = order * 10 + part.map_err(|error| ActivityError::retryable(error.to_string()))?;
        }
        Ok(order)
    };
    assert_eq!(result(code), 123);
    explored(code).assert();
}

#[test]
fn an_aborted_task_ends_where_it_waits() {
    let code = async |_: &ActivityContext, (): ()| -> Result {
        let task = tokio::spawn(time::sleep(millis(10_000)));
        time::sleep(millis(100)).await;
        task.abort();
        Ok(u64::from(task.await.is_err_and(|error| error.is_cancelled())))
    };
    assert_eq!(result(code), 1);
    explored(code).assert();
}

#[test]
fn a_panic_in_a_task_is_its_join_error() {
    let code = async |_: &ActivityContext, (): ()| -> Result {
        let task = tokio::spawn(async {
            time::sleep(millis(100)).await;
            panic!("of the task");
        });
        Ok(u64::from(task.await.is_err_and(|error| error.is_panic())))
    };
    assert_eq!(result(code), 1);
    explored(code).assert();
}

#[test]
fn a_cancellation_token_ends_tasks() {
    let code = async |_: &ActivityContext, (): ()| -> Result {
        let token = CancellationToken::new();
        let child = token.child_token();
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = child.cancelled() => 1,
                () = time::sleep(millis(60_000)) => 2,
            }
        });
        time::sleep(millis(300)).await;
        token.cancel();
        task.await.map_err(|error| ActivityError::retryable(error.to_string()))
    };
    assert_eq!(result(code), 1);
    explored(code).assert();
}

tokio::task_local! {
    static NUMBER: u64;
}

#[test]
fn task_locals_follow_their_task() {
    let code = async |_: &ActivityContext, (): ()| -> Result {
        let inner = NUMBER.scope(7, async {
            time::sleep(millis(100)).await;
            NUMBER.get()
        });
        let task = tokio::spawn(NUMBER.scope(5, async {
            time::sleep(millis(50)).await;
            NUMBER.get()
        }));
        Ok(inner.await * 10 + task.await.map_err(|error| ActivityError::retryable(error.to_string()))?)
    };
    assert_eq!(result(code), 75);
    explored(code).assert();
}

#[derive(Default)]
struct Ticks {
    of_attempts: RefCell<Vec<(u32, u64)>>,
    dropped: Cell<u32>,
}

/// Counts what was dropped with its task.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        let ticks = durasim::state::<Ticks>();
        ticks.dropped.set(ticks.dropped.get() + 1);
    }
}

/// An activity whose spawned task ticks ten times a second.
fn ticking() -> Simulation {
    Simulation::temporal()
        .tokio()
        .state(Ticks::default)
        .activity("ticks", async |ctx: &ActivityContext, (): ()| -> Result {
            let attempt = ctx.get_info().attempt;
            let task = tokio::spawn(async move {
                let _guard = Guard;
                loop {
                    time::sleep(millis(100)).await;
                    let at = (durasim::time::now() - durasim::Time::ZERO).as_millis() as u64;
                    durasim::state::<Ticks>().of_attempts.borrow_mut().push((attempt, at));
                }
            });
            time::sleep(millis(1_050)).await;
            task.abort();
            Ok(0)
        })
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> std::result::Result<u64, WorkflowError> {
            ctx.execute_activity("ticks", &(), ActivityOptions { heartbeat_timeout: millis(2_000), ..options() }).await
        })
}

fn ticks_of(run: &Run, attempt: u32) -> Vec<u64> {
    let state = run.state::<Ticks>();
    let ticks = state.of_attempts.borrow();
    ticks.iter().filter(|(of, _)| *of == attempt).map(|(_, at)| *at).collect()
}

#[test]
fn a_task_that_is_aborted_runs_its_destructors() {
    let run = ticking().run("main", &()).unwrap();
    assert_eq!(ticks_of(&run, 1), [102, 202, 302, 402, 502, 602, 702, 802, 902, 1_002]);
    assert_eq!(run.state::<Ticks>().dropped.get(), 1);
}

/// Where only the attempt dies, its spawned tasks live on, as in production.
#[test]
fn a_task_outlives_an_attempt_that_fails() {
    let run = ticking().plan("ticks#1@1:await1=fail".parse().unwrap()).run("main", &()).unwrap();
    assert!(ticks_of(&run, 1).len() > 10, "{:?}", ticks_of(&run, 1));
    assert_eq!(ticks_of(&run, 2).len(), 10);
}

/// A process that dies takes the tasks that were spawned on it, and runs none of their destructors; one that stops runs them.
#[test]
fn what_a_crashed_attempt_has_spawned_is_gone() {
    let code = async |ctx: &ActivityContext, (): ()| -> Result {
        let attempt = ctx.get_info().attempt;
        tokio::spawn(async move {
            loop {
                time::sleep(millis(100)).await;
                let at = (durasim::time::now() - durasim::Time::ZERO).as_millis() as u64;
                durasim::state::<Ticks>().of_attempts.borrow_mut().push((attempt, at));
            }
        });
        time::sleep(millis(600)).await;
        time::sleep(millis(600)).await;
        Ok(0)
    };
    let run =
        simulation(code).state(Ticks::default).plan("code#1@1:await2=crash".parse().unwrap()).run("main", &()).unwrap();
    assert!(ticks_of(&run, 1).iter().all(|at| *at <= 603), "{:?}", ticks_of(&run, 1));
    assert!(!ticks_of(&run, 2).is_empty());
    let run = ticking().plan("ticks#1@1:await1=crash".parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.state::<Ticks>().dropped.get(), 1, "only the second attempt's");
    let run = ticking().plan("ticks#1@1:await1=stop".parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.state::<Ticks>().dropped.get(), 1);
}

/// A heartbeater beside the work, as SDK samples have it.
#[test]
fn a_spawned_heartbeater_beats_and_dies_with_its_worker() {
    async fn code(ctx: &ActivityContext, (): ()) -> Result {
        let since = Since::now();
        let first: u64 = ctx.heartbeat_details()?.unwrap_or(0);
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<u64>(8);
        let work = tokio::spawn(async move {
            for step in first..8 {
                time::sleep(millis(1_000)).await;
                if sender.send(step + 1).await.is_err() {
                    return;
                }
            }
        });
        while let Some(done) = receiver.recv().await {
            ctx.heartbeat(&done)?;
        }
        work.await.map_err(|error| ActivityError::retryable(error.to_string()))?;
        assert!(since.millis() <= 9_000);
        Ok(8)
    }
    explored(code).check(check::progress("code", |done: &u64| *done)).check(check::heartbeats_in_time()).assert();
}
