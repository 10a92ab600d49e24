//! Bug 18 as code for the client: an activity looks whether it is cancelled, and records no heartbeat, so that it never hears
//! of it. It works on for a workflow that has closed.

use std::time::Duration;

use crabdance_activity::ActivityContext;
use crabdance_core::{ActivityOptions, RetryPolicy};
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError};
use durasim::{Exploration, Simulation, check};
use durasim_cadence::CadenceExt;

use super::found::{called, is_found, is_silent, save, saved};

/// The time that a frame takes.
const FRAME: Duration = Duration::from_secs(10);

async fn render(ctx: &ActivityContext, frames: u32, heartbeats: bool) -> Result<u32, ActivityError> {
    for frame in saved::<u32>(ctx)?..frames {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        tokio::time::sleep(FRAME).await;
        if heartbeats {
            save(ctx, &(frame + 1))?;
        }
    }
    Ok(frames)
}

fn renderings(heartbeats: bool) -> Exploration {
    let rendering = async move |ctx: &mut WorkflowContext, frames: u32| -> Result<u32, WorkflowError> {
        let options = ActivityOptions {
            schedule_to_close_timeout: Duration::from_secs(300),
            heartbeat_timeout: Duration::from_secs(if heartbeats { 30 } else { 0 }),
            retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
            ..Default::default()
        };
        called(ctx, "render", &frames, options).await
    };
    Simulation::cadence()
        .cadence_activity("render", async move |ctx: &ActivityContext, frames| render(ctx, frames, heartbeats).await)
        .cadence_workflow("rendering", rendering)
        .explore("rendering", &12)
        // The throttle holds heartbeats back for 24 s.
        .check(check::hears_cancel(Duration::from_secs(30)))
}

#[test]
fn an_activity_that_records_no_heartbeat_never_hears_of_a_cancel() {
    is_found(renderings(false), "hears_cancel", "works for nobody", "render#1@1:await1=cancel");

    is_silent(renderings(true));
}
