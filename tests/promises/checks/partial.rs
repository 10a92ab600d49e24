//! A partial result is accepted where a fault shortened the time left, and nowhere else.

use std::time::Duration;

use durasim::check::SameResult;
use durasim::explore::Report;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, RetryPolicy, RunError, Simulation, WorkflowContext,
    WorkflowError, check,
};

/// Stops short of its deadline with the rows it has.
async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        if ctx.get_remaining_time().is_some_and(|left| left < Duration::from_secs(15)) {
            return Ok(row);
        }
        durasim::time::sleep(Duration::from_secs(10)).await;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(rows)
}

/// Takes the stop of its worker for a deadline.
async fn copy_until_stopped(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    let done = copy(ctx, rows).await?;
    Ok(if ctx.is_worker_stopping() { 0 } else { done })
}

fn explored(activity: impl ActivityFn<u32, u32>, check: SameResult) -> Report {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(80),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    Simulation::temporal()
        .activity("copy", activity)
        .no_heartbeat_throttle()
        .workflow("copying", async move |ctx: &WorkflowContext, rows: u32| {
            ctx.execute_activity::<u32>("copy", &rows, options.clone()).await
        })
        .explore("copying", &6u32)
        .named("partial")
        .every_fault()
        .check(check)
        .report()
}

#[test]
fn a_partial_result_is_a_violation_unless_it_is_accepted() {
    let report = explored(copy, check::same_result());
    assert!(report.parts()[1].tally.failed > 0 && report.failures()[0].check == "same_result", "{report}");
    let message = &report.failures()[0].violation.message;
    let told = "the workflow did not end as it does without faults; if a part of the result may differ, say \
                `.normalize(..)`, and if it may be less where faults take its time, `.partial(..)`";
    assert_eq!(message, told);

    let accepted = explored(copy, check::same_result().partial(|reference: &u32, got: &u32| got < reference));
    assert!(accepted.holds(), "{accepted}");
    assert_eq!(accepted.parts()[1].tally.differ, report.parts()[1].tally.failed, "{accepted}");
}

#[test]
fn what_is_not_accepted_is_told() {
    let report = explored(copy, check::same_result().partial(|_: &u32, got: &u32| *got > 100));
    let message = &report.failures()[0].violation.message;
    assert!(message.ends_with("`.partial(..)` does not accept its result"), "{message}");
}

#[test]
fn a_partial_result_without_loss_of_time_is_a_violation() {
    let partial = check::same_result().partial(|reference: &u32, got: &u32| got < reference);
    let report = explored(copy_until_stopped, partial);
    assert!(!report.holds(), "{report}");
    let failed = &report.failures()[0];
    assert!(failed.plan.to_string().contains("=stop"), "{}", failed.plan);
    assert!(failed.violation.message.contains("no fault cost it time"), "{}", failed.violation.message);
}

#[test]
fn a_result_of_another_type_is_told_before_any_fault() {
    let report = explored(copy, check::same_result().partial(|_: &String, _: &String| true));
    let Some(RunError::Setup(message)) = report.error() else { panic!("{report}") };
    assert!(message.contains("`same_result`") && message.contains("its result 6 is not of the type"), "{message}");
}

/// As many naps of two steps as begin within 20 s, of at most four.
fn napping(fault: &str) -> Report {
    async fn nap(ctx: &ActivityContext, steps: u32) -> Result<u32, ActivityError> {
        for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..steps {
            durasim::time::sleep(Duration::from_secs(2)).await;
            ctx.heartbeat(&(step + 1))?;
        }
        Ok(steps)
    }
    let options = || ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        heartbeat_timeout: Duration::from_secs(10),
        ..Default::default()
    };
    Simulation::temporal()
        .activity("nap", nap)
        .workflow("napping", async move |ctx: &WorkflowContext, naps: u32| {
            let end = ctx.now() + Duration::from_secs(20);
            let mut done = 0;
            while ctx.now() < end && done < naps {
                let _: u32 = ctx.execute_activity("nap", &2u32, options()).await?;
                done += 1;
            }
            Ok::<u32, WorkflowError>(done)
        })
        .explore("napping", &4u32)
        .check(check::same_result().partial(|reference: &u32, got: &u32| got < reference))
        .replay(&fault.parse().unwrap())
}

#[test]
fn a_retry_costs_time_also_where_another_activity_is_never_started_for_it() {
    // One attempt more and one activity less: as many attempts as without faults.
    let report = napping("nap#1@1:await1=crash");
    let text: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", text.join("\n"));
    assert_eq!(report.parts().iter().map(|part| part.tally.differ).sum::<u64>(), 1, "{report}");
}

#[test]
fn so_does_the_crash_of_a_worker_that_has_only_a_workflow_task() {
    let report = napping("napping#1:task3=crash");
    assert!(report.holds(), "{report}");
    assert_eq!(report.parts().iter().map(|part| part.tally.differ).sum::<u64>(), 1, "{report}");
}
