//! Bug 18: an activity records no heartbeat, so it never hears of the cancel, and works on for a workflow that has closed.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

async fn render(ctx: &ActivityContext, frames: u32, heartbeats: bool) -> Result<u32, ActivityError> {
    for frame in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..frames {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        durasim::time::sleep(Duration::from_secs(10)).await;
        if heartbeats {
            ctx.heartbeat(&(frame + 1))?;
        }
    }
    Ok(frames)
}

fn explored(heartbeats: bool) -> Exploration {
    let rendering = async move |ctx: &WorkflowContext, frames: u32| -> Result<u32, WorkflowError> {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(300),
            heartbeat_timeout: Duration::from_secs(if heartbeats { 30 } else { 0 }),
            retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
            ..Default::default()
        };
        ctx.execute_activity("render", &frames, options).await
    };
    let activity = async move |ctx: &ActivityContext, frames: u32| render(ctx, frames, heartbeats).await;
    let simulation = Simulation::temporal().activity("render", activity).workflow("rendering", rendering);
    // The throttle holds heartbeats back for 24 s.
    simulation.explore("rendering", &12u32).check(check::hears_cancel(Duration::from_secs(30)))
}

pub fn planted() -> Exploration {
    explored(false).named("never_hears_of_a_cancel")
}

pub fn twin() -> Exploration {
    explored(true)
}
