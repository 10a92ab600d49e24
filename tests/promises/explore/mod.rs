//! Explorations say what they tried and found, refuse to run if they could show nothing, and obey the environment.

mod accepted;
mod classes;
mod coverage;
mod ends_early;
mod ends_well;
mod environment;
mod inputs;
mod message;
mod nothing_to_look_at;
mod orders;
mod over_budget;
mod refused;
mod regressions;
mod sampled;
mod stall_lengths;
mod standard;
mod strikes;
mod threads;
mod told;

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, WorkflowError,
};

/// Steps of 10 s with a heartbeat after each, resumed from there.
async fn steps(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    for step in done..count {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        durasim::time::sleep(Duration::from_secs(10)).await;
        ctx.heartbeat(&(step + 1))?;
    }
    Ok(count)
}

/// Five attempts, 30 s between heartbeats, an hour in all.
fn resilient() -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(3_600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    }
}

/// A workflow of one activity of four steps, under these options.
fn simulation(options: ActivityOptions) -> Simulation {
    Simulation::temporal().activity("steps", steps).workflow("work", async move |ctx: &WorkflowContext, count: u32| {
        let done: Result<u32, WorkflowError> = ctx.execute_activity("steps", &count, options.clone()).await;
        done
    })
}
