//! Cancellation goes down the scopes, each thing once, and stops at detached ones.

use std::time::Duration;

use futures::{join, select_biased};

use super::*;

#[test]
fn a_request_cancels_what_is_under_way_in_the_order_it_was_started() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let (a, slept, b, free) = join!(
            ctx.execute_activity::<u32>("a", &(), options()),
            ctx.sleep(Duration::from_secs(1)),
            ctx.child_scope().execute_activity::<u32>("b", &(), options()),
            ctx.detached().execute_activity::<u32>("free", &(), options()),
        );
        assert!(slept.expect_err("cancelled").is_cancelled());
        let a = a.expect_err("cancelled");
        assert!(a.is_cancelled());
        assert_eq!(a.details(), Some(&b"half"[..]));
        assert_eq!(a.activity_type(), Some("a"));
        assert_eq!(b?, 2);
        assert_eq!(free?, 3);
        Err::<(), _>(a)
    });
    assert_eq!(w.activate([cancel()]), ["cancel 1", "cancel timer 1", "cancel 2"]);
    // A second request is no second cancel.
    assert!(w.activate([cancel()]).is_empty());
    assert!(w.activate([cancelled(1), done(2, 2)]).is_empty());
    assert_eq!(w.activate([done(3, 3)]), ["cancelled"]);
    w.assert_replays();
}

#[test]
fn a_cancelled_scope_starts_nothing() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        ctx.cancelled().await;
        assert!(ctx.is_cancelled() && ctx.child_scope().is_cancelled() && !ctx.detached().is_cancelled());
        let activity = ctx.execute_activity::<u32>("a", &(), options()).await;
        assert_eq!(activity, Err(WorkflowError::cancelled()));
        assert_eq!(ctx.sleep(Duration::ZERO).await, Err(WorkflowError::cancelled()));
        ctx.detached().execute_activity::<u32>("undo", &(), options()).await
    });
    assert_eq!(w.activate([cancel()]), ["schedule 1 undo null"]);
    // It handled the cancellation and completes.
    assert_eq!(w.activate([done(1, 4)]), ["complete 4"]);
    w.assert_replays();
}

#[test]
fn what_has_not_left_is_taken_back() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let before = ctx.execute_activity::<u32>("before", &(), options());
        let scope = ctx.child_scope();
        let activity = scope.execute_activity::<u32>("inside", &(), options());
        let timer = scope.sleep(Duration::from_secs(1));
        let kept = ctx.execute_activity::<u32>("kept", &(), options());
        scope.cancel();
        assert_eq!(activity.await, Err(WorkflowError::cancelled()));
        assert_eq!(timer.await, Err(WorkflowError::cancelled()));
        Ok::<_, WorkflowError>(before.await? + kept.await?)
    });
    assert_eq!(w.last(), ["schedule 1 before null", "schedule 3 kept null"]);
    assert_eq!(w.activate([done(1, 1), done(3, 3)]), ["complete 4"]);
}

#[test]
fn a_scope_is_cancelled_alone() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        let outside = ctx.execute_activity::<u32>("outside", &(), options());
        let scope = ctx.child_scope();
        let mut inside = scope.execute_activity::<u32>("inside", &(), options());
        select_biased! {
            result = inside => { result?; }
            _ = ctx.sleep(Duration::from_secs(1)) => scope.cancel(),
        }
        assert!(!ctx.is_cancelled());
        assert!(inside.await.is_err_and(|error| error.is_cancelled()));
        outside.await
    });
    assert_eq!(w.activate([Job::FireTimer(1)]), ["cancel 2"]);
    assert!(w.activate([cancelled(2)]).is_empty());
    assert_eq!(w.activate([done(1, 1)]), ["complete 1"]);
    w.assert_replays();
}

#[test]
fn several_wait_for_the_same_scope_and_one_gives_up() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        {
            let mut given_up = ctx.cancelled();
            select_biased! {
                () = given_up => unreachable!("nobody has cancelled"),
                _ = ctx.sleep(Duration::from_secs(1)) => {}
            }
        }
        join!(ctx.cancelled(), ctx.cancelled(), ctx.child_scope().cancelled());
        Err::<(), _>(WorkflowError::cancelled())
    });
    assert!(w.activate([Job::FireTimer(1)]).is_empty());
    assert_eq!(w.activate([cancel()]), ["cancelled"]);
}

#[test]
fn a_request_with_the_start_is_seen_from_the_first_line() {
    let mut w = fresh(async |ctx: &WorkflowContext, (): ()| ctx.execute_activity::<u32>("a", &(), options()).await);
    assert_eq!(w.activate([Job::Start, cancel()]), ["cancelled"]);
}

#[test]
fn a_cancellation_nobody_requested_is_a_failure() {
    let mut w = driven(async |ctx: &WorkflowContext, (): ()| {
        ctx.cancel();
        ctx.sleep(Duration::from_secs(1)).await
    });
    assert_eq!(w.last(), ["fail cancelled"]);
    let (_, commands) = w.activations.pop().expect("activated");
    let [Command::Fail(failure)] = &commands[..] else { panic!("not failed: {commands:?}") };
    assert!(matches!(failure.kind, FailureKind::Canceled { .. }));
}
