//! The futures of a workflow work in the usual combinators as they are.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use futures::{join, select_biased};

use super::*;

#[test]
fn activities_in_join_run_side_by_side() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let (a, b): (Result<u32, _>, Result<u32, _>) = join!(
            ctx.execute_activity("a", &BTreeMap::from([("x", 1)]), options()),
            ctx.execute_activity("b", &2, options())
        );
        Ok::<_, WorkflowError>(a? * 10 + b?)
    });
    assert_eq!(w.last(), [r#"schedule 1 a {"x":1}"#, "schedule 2 b 2"]);
    assert!(w.activate([done(2, 2)]).is_empty());
    assert_eq!(w.activate([done(1, 1)]), ["complete 12"]);
    w.assert_replays();
}

#[test]
fn an_activity_is_scheduled_by_the_call_and_not_by_the_poll() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let first = ctx.execute_activity::<u32>("first", &(), options());
        let second = ctx.execute_activity::<u32>("second", &(), options()).await?;
        Ok(first.await? + second)
    });
    assert_eq!(w.last(), ["schedule 1 first null", "schedule 2 second null"]);
    // The first has ended before anybody looks at it.
    assert!(w.activate([done(1, 1)]).is_empty());
    assert_eq!(w.activate([done(2, 2)]), ["complete 3"]);
}

#[test]
fn a_timer_that_loses_a_select_is_cancelled() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let mut work = ctx.execute_activity::<u32>("a", &(), options());
        select_biased! {
            result = work => result,
            _ = ctx.sleep(Duration::from_secs(60)) => Err(WorkflowError::application("too late")),
        }
    });
    assert_eq!(w.last(), ["schedule 1 a null", "timer 1 60s"]);
    assert_eq!(w.activate([done(1, 5)]), ["cancel timer 1", "complete 5"]);
    w.assert_replays();
}

#[test]
fn a_timer_that_wins_a_select_is_not() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let mut work = ctx.execute_activity::<u32>("a", &(), options());
        select_biased! {
            result = work => result,
            fired = ctx.sleep(Duration::from_secs(60)) => fired.map(|()| 0),
        }
    });
    assert_eq!(w.activate([Job::FireTimer(1)]), ["complete 0"]);
}

#[test]
fn both_at_once_go_by_the_order_in_the_select() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let mut work = ctx.execute_activity::<u32>("a", &(), options());
        let mut timer = ctx.sleep(Duration::from_secs(60));
        select_biased! { result = work => result, _ = timer => Ok(0) }
    });
    assert_eq!(w.activate([Job::FireTimer(1), done(1, 5)]), ["complete 5"]);
}

#[test]
fn tokio_select_biased_takes_them_too() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        tokio::select! {
            biased;
            result = ctx.execute_activity::<u32>("a", &(), options()) => result,
            _ = ctx.sleep(Duration::from_secs(1)) => Ok(0),
        }
    });
    assert_eq!(w.activate([Job::FireTimer(1)]), ["complete 0"]);
}

#[test]
fn a_timer_started_and_dropped_in_one_task_never_was() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        drop(ctx.sleep(Duration::from_secs(1)));
        let kept = ctx.sleep(Duration::from_secs(2));
        drop(ctx.sleep(Duration::from_secs(3)));
        kept.await
    });
    assert_eq!(w.last(), ["timer 2 2s"]);
    assert_eq!(w.activate([Job::FireTimer(2)]), ["complete null"]);
}

#[test]
fn futures_unordered_gives_results_as_they_come() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let mut all: FuturesUnordered<_> = (0..100).map(|n| ctx.execute_activity::<u32>("a", &n, options())).collect();
        let mut order = Vec::new();
        while let Some(result) = all.next().await {
            order.push(result?);
        }
        Ok::<_, WorkflowError>(order)
    });
    assert_eq!(w.last().len(), 100);
    assert!(w.activate([done(3, 3), done(1, 1)]).is_empty());
    let rest: Vec<Job> = (1..=100).rev().filter(|seq| ![1, 3].contains(seq)).map(|seq| done(seq, seq)).collect();
    let end = w.activate(rest);
    assert!(end[0].starts_with("complete [3,1,100,99,98,"), "{end:?}");
    w.assert_replays();
}

#[test]
fn a_channel_between_branches_is_no_foreign_wake() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let (send, receive) = tokio::sync::oneshot::channel();
        let sender = async { send.send(ctx.execute_activity::<u32>("a", &(), options()).await) };
        let (_, received) = join!(sender, receive);
        received.expect("sent")
    });
    assert_eq!(w.activate([done(1, 5)]), ["complete 5"]);
    assert!(!w.run.foreign_wake());
}

#[test]
fn a_wake_from_outside_is_foreign_and_seen_once() {
    let (send, receive) = tokio::sync::oneshot::channel::<u32>();
    let receive = std::sync::Mutex::new(Some(receive));
    let mut w = driven(async move |ctx: &WorkflowContext, (): ()| {
        let receive = receive.lock().expect("not poisoned").take().expect("one instance");
        let (received, slept) = join!(receive, ctx.sleep(Duration::from_secs(1)));
        slept?;
        Ok::<_, WorkflowError>(received.expect("sent"))
    });
    assert!(!w.run.foreign_wake());
    send.send(9).expect("waited for");
    assert!(w.run.foreign_wake());
    assert_eq!(w.activate([Job::FireTimer(1)]), ["complete 9"]);
    assert!(!w.run.foreign_wake());
}
