//! The meaning of old plans and seeds does not change without a new trace version: fingerprints of fixed runs, kept.
//!
//! A change here is a change for everybody who keeps plans. If it is meant, raise `TRACE_VERSION` and accept the snapshot.

use std::fmt::Write;
use std::time::Duration;

use durasim::fault::Order;
use durasim::trace::TRACE_VERSION;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, WorkflowError,
};
use futures::future::try_join_all;

async fn step(ctx: &ActivityContext, steps: u32) -> Result<u32, ActivityError> {
    for done in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..steps {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        durasim::time::sleep(Duration::from_millis(1_500)).await;
        durasim::effect("step", || ()).map_err(|error| ActivityError::Retryable(error.to_string()))?;
        ctx.heartbeat(&(done + 1))?;
    }
    Ok(steps)
}

async fn steps(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let options = || ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(120),
        heartbeat_timeout: Duration::from_secs(5),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    let both = try_join_all([6u32, 9].map(|count| ctx.execute_activity::<u32>("step", &count, options()))).await?;
    ctx.sleep(Duration::from_secs(3)).await?;
    let last: u32 = ctx.execute_activity("step", &2u32, options()).await?;
    Ok(both.into_iter().sum::<u32>() + last)
}

/// Backoffs of a coefficient that is no whole number, to the nanosecond.
async fn tries(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        retry_policy: Some(RetryPolicy {
            initial_interval: Duration::from_millis(700),
            backoff_coefficient: 1.7,
            maximum_attempts: 12,
            ..Default::default()
        }),
        ..Default::default()
    };
    ctx.execute_activity("fails", &(), options).await
}

fn fingerprint(simulation: &Simulation, workflow: &str) -> String {
    let run = simulation.run(workflow, &()).unwrap();
    format!("{:016x} {} events, {}", run.trace().hash(), run.trace().events().len(), run.virtual_time())
}

#[test]
fn old_plans_and_seeds_mean_what_they_meant() {
    let temporal = Simulation::temporal().activity("step", step).workflow("steps", steps);
    let cadence = Simulation::cadence().activity("step", step).workflow("steps", steps);
    let mut kept = format!("trace version {TRACE_VERSION}\n");
    for plan in [
        "v1",
        "step#1@1:await3=crash",
        "step#2@1:heartbeat4=crash_after_sent; step#2@2:completion=request_lost",
        "step#1@1:effect2=fail_applied; steps#1:task2=evicted",
        "step#2@1:deadline5=at_late",
        "step#1@1:await2=freeze(20s)",
        "step#3@1:await1=stop",
        "steps#1:task2=completion_lost; step#3@1:dispatch=cancel",
        "v1 seed=7 order=random",
    ] {
        let plan: durasim::fault::Plan = plan.parse().unwrap();
        for (dialect, simulation) in [("temporal", &temporal), ("cadence", &cadence)] {
            let found = fingerprint(&simulation.clone().plan(plan.clone()), "steps");
            let _ = writeln!(kept, "{dialect} {plan}\n    {found}");
        }
    }
    for seed in 0..12 {
        let order = if seed % 2 == 0 { Order::Fifo } else { Order::Random };
        let run = temporal.clone().order(order).random_faults(seed);
        let _ = writeln!(kept, "temporal seed {seed}\n    {}", fingerprint(&run, "steps"));
    }
    let fails = async |_: &ActivityContext, (): ()| Err::<u32, _>(ActivityError::retryable("always"));
    for (dialect, simulation) in [("temporal", &temporal), ("cadence", &cadence)] {
        let simulation = simulation.clone().activity("fails", fails).workflow("tries", tries);
        let _ = writeln!(kept, "{dialect} backoffs\n    {}", fingerprint(&simulation, "tries"));
    }
    insta::with_settings!({snapshot_path => "../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("golden", kept);
    });
}
