//! A fault excuses the end of a workflow also where it struck a child of it, or a later run of its chain.

use std::sync::Arc;
use std::time::Duration;

use durasim::check::{Budget, Class};
use durasim::program::{ContinueAsNew, Payload};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ChildOptions, RetryPolicy, Simulation, Span, WorkflowContext,
    WorkflowError,
};

use super::waiting::judged;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn job(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    durasim::time::sleep(seconds(5)).await;
    Ok(())
}

/// Does the job, and sleeps as long.
async fn work(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let once = Some(RetryPolicy { maximum_attempts: 1, ..Default::default() });
    let options = ActivityOptions { start_to_close_timeout: seconds(60), retry_policy: once, ..Default::default() };
    let () = ctx.execute_activity("job", &(), options).await?;
    ctx.sleep(seconds(5)).await?;
    Ok(1)
}

/// Does the work, and has a child do the same.
async fn family(ctx: &WorkflowContext, patient: bool) -> Result<u32, WorkflowError> {
    let own = work(ctx, ()).await?;
    let run_timeout = if patient { Duration::ZERO } else { seconds(12) };
    let options = ChildOptions { workflow_id: Some("kid".to_owned()), run_timeout, ..Default::default() };
    Ok(own + ctx.start_child::<u32>("work", &(), options).result().await?)
}

/// Has a child do the work, and fails with words of its own where that comes to nothing.
async fn boss(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let done = ctx.start_child::<u32>("work", &(), ChildOptions::default()).result().await;
    done.map_err(|_| WorkflowError::application("no work today"))
}

/// Works in its second run, which has 12 seconds.
async fn relay(ctx: &WorkflowContext, is_second: bool) -> Result<u32, WorkflowError> {
    if is_second {
        return work(ctx, ()).await;
    }
    let next = ContinueAsNew::new(Payload::from_json(&true).expect("JSON")).run_timeout(Span::from(seconds(12)));
    Err(WorkflowError::ContinueAsNew(Arc::new(next)))
}

fn simulation() -> Simulation {
    Simulation::temporal()
        .activity("job", job)
        .workflow("work", work)
        .workflow("family", family)
        .workflow("boss", boss)
        .workflow("relay", relay)
}

/// The activities of parent and child have the same ids.
#[test]
fn an_activity_of_a_child_that_was_given_up_excuses_the_failure_of_the_parent() {
    let excused = (Class::OverBudget(Budget::Attempts), None);
    for plan in ["kid:job#1@1:await1=crash", "job#1@1:await1=crash"] {
        assert_eq!(judged(simulation().explore("family", &true), plan), excused, "{plan}");
    }
}

#[test]
fn a_child_that_times_out_because_of_a_fault_excuses_the_failure_of_the_parent() {
    for plan in ["work#1:timer1=delayed(60s)", "work#1:task2=completion_lost"] {
        let judged = judged(simulation().explore("family", &false), plan);
        assert_eq!(judged, (Class::OverBudget(Budget::Time), None), "{plan}");
    }
}

#[test]
fn a_later_run_that_times_out_because_of_a_fault_is_over_budget() {
    for plan in ["relay#1@2:timer1=delayed(60s)", "/2:job#1@1:dispatch=delayed(60s)"] {
        let judged = judged(simulation().explore("relay", &false), plan);
        assert_eq!(judged, (Class::OverBudget(Budget::Time), None), "{plan}");
    }
}

#[test]
fn a_cancel_that_reaches_a_child_is_why_its_parent_fails() {
    let plan = "boss#1:task2=cancel";
    assert_eq!(judged(simulation().explore("boss", &()), plan), (Class::Cancelled, None));
}

#[test]
fn a_family_and_a_relay_raise_no_alarm() {
    for (workflow, input) in [("family", true), ("family", false), ("relay", false)] {
        simulation().explore(workflow, &input).every_fault().every_order().seeds(0..300).assert();
    }
    simulation().explore("boss", &()).every_fault().every_order().seeds(0..300).assert();
}
