//! `ledgers`, `reported` and `no_leftovers`, which nobody asks for, are silent where nothing is wrong.

use std::time::Duration;

use durasim::check::Check;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Client, Ledger, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError, WorkflowFn, check,
};

#[derive(Default)]
struct Table {
    rows: Ledger<u32>,
}

fn row(row: u32) {
    durasim::state::<Table>().rows.record(row);
}

async fn nap(seconds: u64) {
    durasim::time::sleep(Duration::from_secs(seconds)).await;
}

fn tries(maximum_attempts: i32) -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        retry_policy: Some(RetryPolicy { maximum_attempts, ..Default::default() }),
        ..Default::default()
    }
}

/// The kinds of what this check alone finds in the run of this plan, of a workflow that calls `work`.
#[track_caller]
fn finds(
    work: impl ActivityFn<bool, u32>,
    main: impl WorkflowFn<(), u32>,
    check: impl Check + 'static,
    plan: &str,
) -> Vec<String> {
    let simulation = Simulation::temporal().activity("work", work).workflow("main", main).state(Table::default);
    let explored = simulation.explore("main", &()).without_standard_checks().check(check);
    let report = explored.replay(&plan.parse().unwrap());
    assert!(report.error().is_none(), "{report}");
    report.failures().iter().map(|failed| failed.violation.kind.clone()).collect()
}

/// Calls `work` once.
async fn once(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    ctx.execute_activity("work", &false, tries(3)).await
}

const NOTHING: [&str; 0] = [];

#[test]
fn an_effect_is_lost_where_a_retry_leaves_it_out() {
    let skips = async |ctx: &ActivityContext, _: bool| -> Result<u32, ActivityError> {
        nap(5).await;
        (0..6).filter(|number| *number < 4 || ctx.get_info().attempt == 1).for_each(row);
        Ok(6)
    };
    assert_eq!(finds(skips, once, check::ledgers(), "work#1@1:await1=fail"), ["lost"]);
    // A run that says it did less is another matter.
    let tells = async |ctx: &ActivityContext, _: bool| -> Result<u32, ActivityError> {
        nap(5).await;
        let rows = if ctx.get_info().attempt == 1 { 6 } else { 4 };
        (0..rows).for_each(row);
        Ok(rows)
    };
    assert_eq!(finds(tells, once, check::ledgers(), "work#1@1:await1=fail"), NOTHING);
    // Keys that are drawn anew say nothing of those that are missing.
    let draws = async |ctx: &ActivityContext, _: bool| -> Result<u32, ActivityError> {
        nap(5).await;
        if ctx.get_info().attempt == 1 {
            (0..6).for_each(row)
        } else {
            row(100)
        }
        Ok(6)
    };
    assert_eq!(finds(draws, once, check::ledgers(), "work#1@1:await1=fail"), NOTHING);
}

#[test]
fn an_effect_is_not_missed_of_an_activity_that_did_not_complete() {
    // The workflow can do without.
    let does_without = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let _ = ctx.execute_activity::<u32>("work", &false, tries(1)).await;
        Ok(6)
    };
    let works = async |_: &ActivityContext, _: bool| -> Result<u32, ActivityError> {
        nap(5).await;
        row(1);
        Ok(6)
    };
    assert_eq!(finds(works, does_without, check::ledgers(), "work#1@1:await1=fail"), NOTHING);
    // Nor of one that fails without faults too: without them after its effect, with them before it.
    let fails = async |_: &ActivityContext, _: bool| -> Result<u32, ActivityError> {
        nap(5).await;
        row(1);
        nap(5).await;
        Err(ActivityError::non_retryable("the table is full"))
    };
    assert_eq!(finds(fails, does_without, check::ledgers(), "work#1@1:await1=fail"), NOTHING);
    // Nor of an attempt that fails without faults, and is followed by one that does otherwise.
    let tries_first = async |ctx: &ActivityContext, _: bool| -> Result<u32, ActivityError> {
        nap(5).await;
        if ctx.get_info().attempt == 1 {
            row(1);
            return Err(ActivityError::retryable("not yet"));
        }
        Ok(6)
    };
    assert_eq!(finds(tries_first, once, check::ledgers(), "work#1@1:await1=fail"), NOTHING);
}

#[test]
fn an_effect_is_not_missed_on_another_branch() {
    let works = async |_: &ActivityContext, is_late: bool| -> Result<u32, ActivityError> {
        nap(5).await;
        row(if is_late { 1 } else { 2 });
        row(1);
        Ok(6)
    };
    // It waits for a while where it is late, and does less.
    let branches = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        ctx.execute_activity::<u32>("work", &true, tries(3)).await?;
        let is_late = ctx.now() > durasim::Time::ZERO + Duration::from_secs(30);
        if is_late {
            ctx.sleep(Duration::from_secs(1)).await?;
        }
        ctx.execute_activity("work", &is_late, tries(3)).await
    };
    assert_eq!(finds(works, branches, check::ledgers(), "work#1@1:await1=crash"), NOTHING);
}

/// Leaves a task behind that does an effect after 20 s.
async fn leaves_a_task(_: &ActivityContext, _: bool) -> Result<u32, ActivityError> {
    drop(durasim::task::spawn(async {
        nap(20).await;
        let _ = durasim::effect("write", || row(1));
    }));
    nap(5).await;
    row(0);
    Ok(6)
}

#[test]
fn what_is_done_after_the_end_of_its_attempt_is_not_missed() {
    let waits = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let done = ctx.execute_activity("work", &false, tries(3)).await?;
        ctx.sleep(Duration::from_secs(60)).await?;
        Ok(done)
    };
    assert_eq!(finds(leaves_a_task, waits, check::ledgers(), "main#1:task2=crash"), NOTHING);
    assert_eq!(finds(leaves_a_task, waits, check::no_leftovers(), "main#1:task2=completion_lost"), ["goes on"]);
}

#[test]
fn an_attempt_that_died_leaves_nothing_behind_that_goes_on_elsewhere() {
    // An attempt alone dies, and its task lives in the worker's process.
    let plan = "work#1@1:await1=crash_attempt";
    let found = finds(leaves_a_task, once, check::no_leftovers(), plan);
    assert_eq!(found, NOTHING);
}

#[test]
fn a_report_is_stale_where_somebody_else_has_completed_the_activity() {
    let works = async |_: &ActivityContext, (): ()| -> Result<u32, ActivityError> {
        nap(10).await;
        Ok(6)
    };
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let done = ctx.execute_activity("work", &(), tries(3)).await?;
        ctx.sleep(Duration::from_secs(60)).await?;
        Ok(done)
    };
    let script = async |client: Client| {
        let workflow = client.start::<u32>("main", "main", &()).await?;
        client.sleep(Duration::from_secs(5)).await;
        workflow.complete_activity("1", &6u32).await?;
        workflow.result().await
    };
    let simulation = Simulation::temporal().activity("work", works).workflow("main", main);
    let explored = simulation.explore_script(script).without_standard_checks().check(check::reported());
    let report = explored.replay(&"main#1:task1=late(1s)".parse().unwrap());
    assert!(report.holds(), "{report}");
}
