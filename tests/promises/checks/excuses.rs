//! An excuse belongs to the fault that struck: a fault elsewhere, or one that takes nothing, excuses no end.

use std::time::Duration;

use durasim::check::{Budget, Class};
use durasim::program::CancellationType;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

use super::waiting::judged;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn different() -> (Class, Option<String>) {
    (Class::Different, Some("same_result".to_owned()))
}

async fn nap(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ctx.sleep(seconds(1_000)).await
}

/// Ten rows under a script, which starts a nap too and may cancel it.
fn scripted(swallows: bool, cancels_another: bool) -> Exploration {
    let copy = async move |ctx: &ActivityContext, rows: u64| -> Result<String, ActivityError> {
        for row in ctx.heartbeat_details::<u64>()?.unwrap_or(0)..rows {
            if ctx.is_cancelled() {
                return if swallows { Ok(format!("{row} rows")) } else { Err(ActivityError::Cancelled) };
            }
            durasim::time::sleep(seconds(5)).await;
            ctx.heartbeat(&(row + 1))?;
        }
        Ok(format!("{rows} rows"))
    };
    let options = ActivityOptions {
        start_to_close_timeout: seconds(300),
        heartbeat_timeout: seconds(20),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    let copying = async move |ctx: &WorkflowContext, rows: u64| -> Result<String, WorkflowError> {
        ctx.execute_activity("copy", &rows, options.clone()).await
    };
    let simulation = Simulation::temporal().activity("copy", copy).workflow("copying", copying).workflow("nap", nap);
    simulation.explore_script(async move |client: Client| -> Result<String, String> {
        let copying = client.start::<String>("copying", "c", &10).await.map_err(|error| error.to_string())?;
        let nap = client.start::<()>("nap", "n", &()).await.map_err(|error| error.to_string())?;
        if cancels_another {
            nap.cancel().await.map_err(|error| error.to_string())?;
        }
        copying.result().await.map_err(|error| error.to_string())
    })
}

#[test]
fn a_cancel_excuses_only_the_workflow_that_it_was_for() {
    for cancels_another in [false, true] {
        let plan = "copy#1@1:await1=cancel";
        assert_eq!(judged(scripted(true, cancels_another), plan), different(), "{cancels_another}");
        assert_eq!(judged(scripted(false, cancels_another), plan), (Class::Cancelled, None), "{cancels_another}");
        // The nap is cancelled by the fault, and heeds it.
        let plan = "nap#1:task1=cancel; copy#1@1:await1=cancel";
        assert_eq!(judged(scripted(false, cancels_another), plan).0, Class::Cancelled, "{cancels_another}");
    }
}

/// Fails before anybody has heard of a cancel, on every retry.
#[test]
fn a_failure_before_the_cancel_was_heard_of_is_not_because_of_it() {
    async fn fails_on_a_retry(ctx: &ActivityContext, _: u32) -> Result<u32, ActivityError> {
        durasim::time::sleep(seconds(5)).await;
        match ctx.get_info().attempt {
            1 => Ok(1),
            _ => Err(ActivityError::non_retryable("already begun")),
        }
    }
    let options = ActivityOptions {
        start_to_close_timeout: seconds(60),
        cancellation_type: CancellationType::Abandon,
        ..Default::default()
    };
    let calling = async move |ctx: &WorkflowContext, n: u32| -> Result<u32, WorkflowError> {
        ctx.detached().execute_activity("job", &n, options.clone()).await
    };
    let simulation = Simulation::temporal().activity("job", fails_on_a_retry).workflow("calling", calling);
    let plan = "job#1@1:await1=fail; job#1@2:await1=cancel";
    assert_eq!(judged(simulation.explore("calling", &1u32), plan), different());
}

#[test]
fn a_workflow_without_activities_may_fail_because_of_a_cancel() {
    let napping = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        match ctx.sleep(seconds(100)).await {
            Ok(()) => Ok(1),
            Err(_) => Err(WorkflowError::application("stopped by the operator")),
        }
    };
    let simulation = Simulation::temporal().workflow("napping", napping);
    assert_eq!(judged(simulation.explore("napping", &()), "napping#1:task1=cancel"), (Class::Cancelled, None));
}

/// An activity that nobody waits for, and one that gives something else on a retry.
#[test]
fn an_activity_that_was_given_up_excuses_only_what_comes_after() {
    let job = async |ctx: &ActivityContext, n: u32| -> Result<u32, ActivityError> {
        durasim::time::sleep(seconds(5)).await;
        if ctx.get_info().attempt == 1 { Ok(n) } else { Err(ActivityError::non_retryable("already begun")) }
    };
    let notify = async |_: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        durasim::time::sleep(seconds(5)).await;
        Ok(())
    };
    let once = Some(RetryPolicy { maximum_attempts: 1, ..Default::default() });
    let notifies = ActivityOptions { start_to_close_timeout: seconds(100), retry_policy: once, ..Default::default() };
    let calls = ActivityOptions { start_to_close_timeout: seconds(10), ..Default::default() };
    let calling = async move |ctx: &WorkflowContext, n: u32| -> Result<u32, WorkflowError> {
        let notified = ctx.execute_activity::<()>("notify", &(), notifies.clone());
        let (notified, done) = futures::join!(notified, ctx.execute_activity::<u32>("job", &n, calls.clone()));
        let _ = notified;
        done
    };
    let simulation =
        Simulation::temporal().activity("job", job).activity("notify", notify).workflow("calling", calling);
    // The worker takes both; the job fails 90 s before the other is given up.
    assert_eq!(judged(simulation.explore("calling", &1u32), "job#1@1:await1=crash"), different());
}

/// The report of a refusal is lost, so that the wait for it takes the rest of the time.
#[test]
fn a_report_that_a_fault_held_up_is_why_its_attempt_was_given_up() {
    async fn refused_once(ctx: &ActivityContext, n: u32) -> Result<u32, ActivityError> {
        durasim::time::sleep(seconds(1)).await;
        if ctx.get_info().attempt == 1 { Err(ActivityError::retryable("not ready")) } else { Ok(n) }
    }
    let options = ActivityOptions { schedule_to_close_timeout: seconds(50), ..Default::default() };
    let calling = async move |ctx: &WorkflowContext, n: u32| -> Result<u32, WorkflowError> {
        ctx.execute_activity("job", &n, options.clone()).await
    };
    let exploration = || {
        let simulation = Simulation::temporal().activity("job", refused_once).workflow("calling", calling.clone());
        simulation.explore("calling", &1u32)
    };
    for fault in ["crash", "request_lost", "delayed(60s)"] {
        let plan = format!("job#1@1:completion={fault}");
        assert_eq!(judged(exploration(), &plan), (Class::OverBudget(Budget::Unprotected), None), "{plan}");
    }
}

/// A cancel takes no time: what is returned because of it is not partial for lack of time.
#[test]
fn a_cancel_is_no_lack_of_time() {
    let partial = check::same_result().partial(|_: &Result<String, String>, _: &Result<String, String>| true);
    let report = scripted(true, false).check(partial).replay(&"copy#1@1:await1=cancel".parse().unwrap());
    let failed = report.failures().first().expect("a violation");
    assert!(failed.violation.message.contains("no fault cost it time"), "{}", failed.text);

    // Neither if the attempt fails for it, and the workflow makes the best of that.
    let copy = async |ctx: &ActivityContext, rows: u32| -> Result<u32, ActivityError> {
        for row in 0..rows {
            durasim::time::sleep(seconds(5)).await;
            ctx.heartbeat(&row)?;
            if ctx.is_cancelled() {
                return Err(ActivityError::retryable("stopped"));
            }
        }
        Ok(rows)
    };
    let options = ActivityOptions {
        start_to_close_timeout: seconds(300),
        heartbeat_timeout: seconds(20),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    let copying = async move |ctx: &WorkflowContext, rows: u32| -> Result<u32, WorkflowError> {
        Ok(ctx.execute_activity("copy", &rows, options.clone()).await.unwrap_or(0))
    };
    let simulation = Simulation::temporal().activity("copy", copy).workflow("copying", copying);
    let partial = check::same_result().partial(|reference: &u32, got: &u32| got < reference);
    let report =
        simulation.explore("copying", &10u32).check(partial).replay(&"copy#1@1:await1=cancel".parse().unwrap());
    let failed = report.failures().first().expect("a violation");
    assert!(failed.violation.message.contains("no fault cost it time"), "{}", failed.text);
}
