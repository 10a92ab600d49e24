//! Bug 12: when it is cancelled, the activity tidies up and returns what it has got so far, as if that were all.

use std::time::Duration;

use durasim::program::CancellationType;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

use super::Target;

const ROW: Duration = Duration::from_secs(5);

/// Waits for the end of the activity after a cancel.
async fn copying(ctx: &WorkflowContext, rows: u32) -> Result<String, WorkflowError> {
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(300),
        heartbeat_timeout: Duration::from_secs(20),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    ctx.execute_activity("copy", &rows, options).await
}

async fn copy(ctx: &ActivityContext, rows: u32, swallows: bool) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        if ctx.is_cancelled() {
            return if swallows { Ok(format!("{row} rows")) } else { Err(ActivityError::Cancelled) };
        }
        target.write(row, ROW).await?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(format!("{rows} rows"))
}

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    copy(ctx, rows, true).await
}

async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    copy(ctx, rows, false).await
}

fn explored(copy: impl ActivityFn<u32, String>) -> Exploration {
    Simulation::temporal()
        .activity("copy", copy)
        .workflow("copying", copying)
        .state(Target::default)
        .explore("copying", &10)
        .check(check::same_result())
        .check(check::progress("copy", |done: &u32| *done))
        .check(check::effects(|target: &Target| &target.rows))
}

pub fn planted() -> Exploration {
    explored(with_bug).named("cancel_is_swallowed")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
