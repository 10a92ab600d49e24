//! Any combinator and any channel works in simulated code, and a task that is woken twice is polled once.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use durasim::task::spawn;
use durasim::time::{now, sleep};
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Run, RunError, Simulation, WorkflowContext,
    WorkflowError,
};
use futures::channel::{mpsc, oneshot};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, SinkExt, StreamExt, join, pin_mut, select_biased};

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: Duration::from_secs(600), ..Default::default() }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Runs the activity once and gives its result with the number of its awaits.
#[track_caller]
fn activity(code: impl ActivityFn<(), String>) -> (String, u32) {
    let run = Simulation::temporal()
        .activity("work", code)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
            ctx.execute_activity("work", &(), options()).await
        })
        .run("main", &())
        .unwrap();
    (run.result().unwrap(), run.activities()[0].attempts[0].awaits)
}

fn since_start(ctx: &ActivityContext) -> u64 {
    (now() - ctx.get_info().started_at).as_secs()
}

#[test]
fn join_in_an_activity() {
    let code = async |ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        join!(sleep(seconds(2)), sleep(seconds(3)), sleep(seconds(2)));
        Ok(since_start(ctx).to_string())
    };
    // Once at the start, once when two of the three are over; the last wake finds it ready.
    assert_eq!(activity(code), ("3".to_owned(), 2));
}

#[test]
fn select_biased_in_an_activity() {
    let code = async |ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let (slow, fast) = (sleep(seconds(9)).fuse(), sleep(seconds(4)).fuse());
        pin_mut!(slow, fast);
        let winner = select_biased! { () = slow => "slow", () = fast => "fast" };
        Ok(format!("{winner} after {}", since_start(ctx)))
    };
    assert_eq!(activity(code), ("fast after 4".to_owned(), 1));
}

#[test]
fn tokio_select_in_an_activity() {
    let code = async |ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let winner = tokio::select! { biased; () = sleep(seconds(9)) => "slow", () = sleep(seconds(4)) => "fast" };
        Ok(format!("{winner} after {}", since_start(ctx)))
    };
    assert_eq!(activity(code), ("fast after 4".to_owned(), 1));
}

#[test]
fn futures_unordered_in_an_activity() {
    let code = async |ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let mut sleeps: FuturesUnordered<_> =
            [5, 1, 3].into_iter().map(|length| sleep(seconds(length)).map(move |()| length)).collect();
        let mut order = Vec::new();
        while let Some(length) = sleeps.next().await {
            assert_eq!(length, since_start(ctx));
            order.push(length.to_string());
        }
        Ok(order.join(" "))
    };
    // It yields once by itself, after it has polled all it holds.
    assert_eq!(activity(code), ("1 3 5".to_owned(), 4));
}

#[test]
fn channels_of_futures_in_an_activity() {
    let code = async |_ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let (mut numbers, mut received) = mpsc::channel(1);
        let (done, is_done) = oneshot::channel();
        spawn(async move {
            for number in 0..5 {
                sleep(seconds(1)).await;
                numbers.send(number).await.unwrap();
            }
            done.send("done").unwrap();
        });
        let mut sum = 0;
        while let Some(number) = received.next().await {
            sum += number;
        }
        Ok(format!("{sum} {}", is_done.await.unwrap()))
    };
    assert_eq!(activity(code).0, "10 done");
}

#[test]
fn channels_of_tokio_in_an_activity() {
    let code = async |_ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let (numbers, mut received) = tokio::sync::mpsc::channel(1);
        let (state, mut watched) = tokio::sync::watch::channel(0);
        let gate = Rc::new(tokio::sync::Semaphore::new(0));
        let opened = gate.clone();
        spawn(async move {
            for number in 0..5 {
                sleep(seconds(1)).await;
                numbers.send(number).await.unwrap();
                state.send(number).unwrap();
            }
            opened.add_permits(1);
            // Held until here: the receiver sees the last value.
            drop(state);
        });
        let mut sum = 0;
        while let Some(number) = received.recv().await {
            sum += number;
        }
        let _permit = gate.acquire().await.unwrap();
        watched.changed().await.unwrap();
        Ok(format!("{sum} {}", *watched.borrow()))
    };
    assert_eq!(activity(code).0, "10 4");
}

/// Wakes itself several times in one poll, and again from two others before it is polled: each is one poll more.
#[test]
fn a_double_wake_is_one_poll() {
    let code = async |_ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        let polls = Cell::new(0);
        poll_fn(|context| {
            polls.set(polls.get() + 1);
            if polls.get() > 1 {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            let other = context.waker().clone();
            context.waker().wake_by_ref();
            other.wake();
            Poll::Pending
        })
        .await;
        let (first, one) = oneshot::channel::<()>();
        let (second, other) = tokio::sync::oneshot::channel::<()>();
        spawn(async move {
            sleep(seconds(1)).await;
            first.send(()).unwrap();
            second.send(()).unwrap();
        });
        let both = async {
            let _ = join!(one, other);
        };
        pin_mut!(both);
        poll_fn(|context| {
            polls.set(polls.get() + 1);
            both.as_mut().poll(context)
        })
        .await;
        sleep(seconds(1)).await;
        Ok(polls.get().to_string())
    };
    // Two polls of the first future, two of the second; awaits: one each, and one for the sleep.
    assert_eq!(activity(code), ("4".to_owned(), 3));
}

async fn wait(_ctx: &ActivityContext, length: u64) -> Result<u64, ActivityError> {
    sleep(seconds(length)).await;
    Ok(length)
}

/// Runs the workflow as it is, and with its cache lost before each of its tasks.
#[track_caller]
fn workflow(
    code: impl AsyncFn(&WorkflowContext, ()) -> Result<String, WorkflowError> + Clone + Send + Sync + 'static,
) -> String {
    let simulation = Simulation::temporal().activity("wait", wait).workflow("main", code);
    let result = |run: Run| run.result::<String>().unwrap();
    let reference = result(simulation.run("main", &()).unwrap());
    for task in 2..=3 {
        let plan = format!("main#1:task{task}=evicted").parse().unwrap();
        let run = simulation.clone().plan(plan).run("main", &()).unwrap();
        assert_eq!(run.not_fired(), []);
        assert_eq!(result(run), reference);
    }
    reference
}

#[test]
fn join_and_select_in_a_workflow() {
    let result = workflow(async |ctx: &WorkflowContext, (): ()| {
        let (one, other) = join!(
            ctx.execute_activity::<u64>("wait", &2, options()),
            ctx.execute_activity::<u64>("wait", &3, options())
        );
        let (mut slow, mut fast) = (ctx.execute_activity::<u64>("wait", &8, options()), ctx.sleep(seconds(5)));
        let futures_won = select_biased! { _ = slow => "slow", _ = fast => "fast" };
        let tokio_won = tokio::select! { biased; _ = &mut slow => "slow", _ = ctx.sleep(seconds(60)) => "fast" };
        Ok(format!("{} {} {futures_won} {tokio_won}", one?, other?))
    });
    assert_eq!(result, "2 3 fast slow");
}

#[test]
fn futures_unordered_and_channels_in_a_workflow() {
    let result = workflow(async |ctx: &WorkflowContext, (): ()| {
        let (sender, mut receiver) = mpsc::unbounded();
        let (last, is_last) = tokio::sync::oneshot::channel();
        let produce = async {
            let mut waits: FuturesUnordered<_> =
                [5, 1, 3].into_iter().map(|length| ctx.execute_activity::<u64>("wait", &length, options())).collect();
            while let Some(length) = waits.next().await {
                sender.unbounded_send(length).unwrap();
            }
            drop(sender);
            last.send("end").unwrap();
        };
        let consume = async {
            let mut order = Vec::new();
            while let Some(length) = receiver.next().await {
                order.push(length.unwrap().to_string());
            }
            order.push(is_last.await.unwrap().to_owned());
            order.join(" ")
        };
        let ((), order) = join!(produce, consume);
        Ok(order)
    });
    assert_eq!(result, "1 3 5 end");
}

#[test]
fn a_tokio_runtime_around_the_test_is_named_where_something_waits_for_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let sleeps = || tokio::time::sleep(Duration::from_millis(1));
    let _around = runtime.enter();
    let script = Simulation::temporal().drive(async move |_| sleeps().await).unwrap_err();
    assert!(matches!(script, RunError::ScriptStuck { .. }), "{script}");
    assert!(script.to_string().contains("a tokio runtime around the test (`#[tokio::test]`)"), "{script}");
}
