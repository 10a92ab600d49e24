//! A workflow of three activities that heartbeat: old plans of every kind of fault, and random ones.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, WorkflowError,
};
use futures::future::try_join_all;

use super::kept::Kept;
use super::run_text::run_text;
use super::seeds::random_runs;

async fn step(ctx: &ActivityContext, steps: u32) -> Result<u32, ActivityError> {
    for done in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..steps {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        durasim::time::sleep(Duration::from_millis(1_500)).await;
        durasim::effect("step", || ())?;
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
    let both = try_join_all([3u32, 4].map(|count| ctx.execute_activity::<u32>("step", &count, options()))).await?;
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

fn simulations() -> [(&'static str, Simulation); 2] {
    let with_code = |simulation: Simulation| simulation.activity("step", step).workflow("steps", steps);
    [("temporal", with_code(Simulation::temporal())), ("cadence", with_code(Simulation::cadence()))]
}

/// The plans, with at least one of every kind of fault that an attempt or a workflow task has.
const PLANS: [&str; 38] = [
    "v1",
    "v1 seed=7 order=random",
    "step#1@1:dispatch=delayed(4s)",
    "step#1@1:dispatch=worker_dies",
    "step#3@1:dispatch=cancel",
    "step#1@1:await3=crash",
    "step#2@1:await2=crash_attempt",
    "step#2@1:await1=fail",
    "step#1@1:await2=stall(2s)",
    "step#1@1:await2=stall(20s)",
    "step#1@1:await2=freeze(2s)",
    "step#1@1:await2=freeze(20s)",
    "step#1@1:await2=cancel",
    "step#3@1:await1=stop",
    "step#1@1:effect2=crash_before",
    "step#1@1:effect2=crash_after",
    "step#1@1:effect2=fail_unapplied",
    "step#1@1:effect2=fail_applied; steps#1:task2=evicted",
    "step#2@1:heartbeat2=crash_before",
    "step#2@1:heartbeat4=crash_after_sent; step#2@2:completion=request_lost",
    "step#2@1:heartbeat2=crash_after_unsent",
    "step#2@1:heartbeat1=request_lost",
    "step#2@1:heartbeat1=answer_lost",
    "step#2@1:heartbeat2=delayed(2s)",
    "step#2@1:deadline2=before(1ms)",
    "step#2@1:deadline2=at",
    "step#2@1:deadline4=at_late",
    "step#2@1:deadline2=after(1ms)",
    "step#1@1:completion=answer_lost",
    "step#1@1:completion=delayed(1s)",
    "step#1@1:completion=crash",
    "step#1@1:completion=cancel",
    "step#1@1:await2=fail; step#1@1:backoff=cancel",
    "step#1@1:await2=fail; step#1@1:backoff=worker_gone",
    "steps#1:task2=completion_lost; step#3@1:dispatch=cancel",
    "steps#1:task2=crash; steps#1:task3=late(1s)",
    "steps#1:task2=cancel",
    "steps#1:timer1=delayed(1s); steps#1:task1=late(11s)",
];

#[test]
fn golden_steps_under_plans() {
    for (dialect, simulation) in simulations() {
        let mut kept = Kept::new(if dialect == "temporal" { "steps_temporal" } else { "steps_cadence" });
        for plan in PLANS {
            let result = simulation.clone().plan(plan.parse().unwrap()).run("steps", &());
            kept.add(plan, &run_text(result.as_ref()));
        }
        let fails = async |_: &ActivityContext, (): ()| Err::<u32, _>(ActivityError::retryable("always"));
        let simulation = simulation.activity("fails", fails).workflow("tries", tries);
        kept.add("backoffs", &run_text(simulation.run("tries", &()).as_ref()));
        kept.assert();
    }
}

#[test]
fn golden_steps_under_random_faults() {
    let text = |simulation: &Simulation| run_text(simulation.run("steps", &()).as_ref());
    random_runs("steps_random", &simulations(), 0..50, text);
}
