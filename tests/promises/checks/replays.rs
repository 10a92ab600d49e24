//! A replay must ask for the same things, arguments and options included.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::Duration;

use durasim::explore::Failed;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Simulation, WorkflowContext, WorkflowError,
    WorkflowFn, check,
};

use super::holds;

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// Gives another number at each call, as the clock, a random number or a counter of the process do.
fn another() -> u32 {
    CALLS.replace(CALLS.get() + 1)
}

fn options(seconds: u64) -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: Duration::from_secs(seconds), ..Default::default() }
}

fn exploring(workflow: impl WorkflowFn<(), u32>) -> Exploration {
    let send = async |_: &ActivityContext, number: u32| -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        Ok(number)
    };
    Simulation::temporal()
        .activity("send", send)
        .workflow("sending", workflow)
        .explore("sending", &())
        .every_fault()
        .check(check::replays())
}

/// The violation of the fault-free run.
#[track_caller]
fn minded(workflow: impl WorkflowFn<(), u32>) -> Failed {
    let report = exploring(workflow).report();
    assert!(report.error().is_none(), "{report}");
    let failed = report.failures().first().expect("a violation").clone();
    assert_eq!((failed.check.as_str(), failed.plan.entries.len()), ("replays", 0), "{}", failed.text);
    failed
}

#[test]
fn another_argument_is_found_without_any_fault() {
    async fn numbered(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        let _: u32 = ctx.execute_activity("send", &7u32, options(60)).await?;
        let _: u32 = ctx.execute_activity("send", &(100 + another()), options(60)).await?;
        Ok(0)
    }
    let failed = minded(numbered);
    assert_eq!(failed.violation.kind, "drift");
    // The place of the call has a test of its own.
    let message = failed.violation.message.split("; it is asked for by `ctx.execute_activity` at ").next();
    assert_eq!(
        message,
        Some(
            "a replay of the workflow `sending` schedules activity 2 (send) with another input, which no worker notices"
        )
    );
    assert_eq!(failed.violation.expected.as_deref(), Some("100, as in the history"));
    assert_eq!(failed.violation.found.as_deref(), Some("101"));
    assert!(failed.text.contains("send#2 "), "{}", failed.text);
    assert_eq!(failed.violation.events.len(), 1);
}

#[test]
fn another_option_is_found() {
    async fn timed(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        ctx.execute_activity("send", &7u32, options(60 + u64::from(another()))).await
    }
    let failed = minded(timed);
    assert!(failed.violation.message.contains("with another start-to-close timeout"), "{}", failed.text);
    assert_eq!(failed.violation.found.as_deref(), Some("61s"));
}

#[test]
fn another_duration_and_another_result_are_found() {
    async fn waits(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        ctx.sleep(Duration::from_secs(10 + u64::from(another()))).await?;
        Ok(0)
    }
    let failed = minded(waits);
    assert!(failed.violation.message.contains("starts timer 1 with another duration"), "{}", failed.text);
    async fn returns(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        ctx.sleep(Duration::from_secs(10)).await?;
        Ok(another())
    }
    let failed = minded(returns);
    assert!(failed.violation.message.contains("completes with another result"), "{}", failed.text);
}

#[test]
fn another_way_is_found_too() {
    async fn skips(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        if another() == 0 {
            ctx.sleep(Duration::from_secs(10)).await?;
        }
        ctx.execute_activity("send", &7u32, options(60)).await
    }
    let failed = minded(skips);
    assert_eq!(failed.violation.kind, "goes another way");
    assert!(failed.violation.message.contains("schedule activity 1 (send)"), "{}", failed.text);
}

#[test]
fn the_order_of_a_hash_map_is_found_where_all_activities_are_alike() {
    async fn shuffled(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        let numbers: HashMap<u32, ()> = (0..40).map(|number| (number, ())).collect();
        for number in numbers.into_keys() {
            let _: u32 = ctx.execute_activity("send", &number, options(60)).await?;
        }
        Ok(0)
    }
    assert_eq!(minded(shuffled).violation.kind, "drift");
}

#[test]
fn markers_do_not_stand_in_the_way() {
    async fn marked(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        let salt: u32 = ctx.side_effect(|| 7);
        let version = ctx.version("more", 0, 3);
        let _: u32 = ctx.execute_activity("send", &(salt + version.unsigned_abs()), options(60)).await?;
        let salt: u32 = ctx.side_effect(|| 8);
        let _: u32 = ctx.execute_activity("send", &(salt + another()), options(60)).await?;
        Ok(0)
    }
    let failed = minded(marked);
    assert!(failed.violation.message.contains("activity 2 (send) with another input"), "{}", failed.text);
}

#[test]
fn code_that_asks_whether_it_is_replayed_is_found_from_the_middle() {
    // The answer is the same whether all or none of it is a replay. Only a task that begins as a replay and goes on
    // afresh differs.
    async fn forgets(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        let replayed = ctx.is_replaying();
        let _: u32 = ctx.execute_activity("send", &1u32, options(60)).await?;
        let same = replayed == ctx.is_replaying();
        let _: u32 = ctx.execute_activity("send", &u32::from(same), options(60)).await?;
        Ok(0)
    }
    assert_eq!(minded(forgets).violation.kind, "drift");
}

#[test]
fn what_the_history_holds_may_be_used() {
    async fn careful(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        let numbers: HashMap<u32, ()> = (0..5).map(|number| (number, ())).collect();
        let mut numbers: Vec<u32> = numbers.into_keys().collect();
        numbers.sort_unstable();
        let salt: u32 = ctx.side_effect(another);
        let version = ctx.version("more", 0, 3);
        let now = ctx.now().as_nanos() as u32;
        for number in numbers {
            let _: u32 =
                ctx.execute_activity("send", &(number + salt + now % 7 + version.unsigned_abs()), options(60)).await?;
            ctx.sleep(Duration::from_secs(3)).await?;
        }
        Ok(salt)
    }
    // The value of the side effect is another in each run, so results are not compared, nor runs repeated.
    holds(exploring(careful).without("same_result").without_repeats().every_pair().budget(1_000));
}

#[test]
fn a_workflow_that_fails_or_is_cancelled_is_replayed_to_its_end() {
    async fn fails(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        let failing = async |scope: WorkflowContext| scope.execute_activity::<u32>("send", &1u32, options(60)).await;
        let scope = ctx.child_scope();
        let first = scope.execute_activity::<u32>("send", &1u32, options(60));
        ctx.sleep(Duration::from_millis(200)).await?;
        scope.cancel();
        let _ = first.await;
        failing(ctx.clone()).await?;
        Err(WorkflowError::application("that is all"))
    }
    holds(exploring(fails).reference_may_fail());
}
