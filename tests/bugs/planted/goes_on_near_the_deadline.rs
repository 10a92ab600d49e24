//! Bug 5: near its deadline the activity saves its progress, and then goes on until the timeout ends it.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

const STEP: Duration = Duration::from_secs(5);

/// An activity of ten steps has 100 s for all its attempts. A time that was too short is no failure.
async fn working(ctx: &WorkflowContext, steps: u32) -> Result<bool, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(100),
        heartbeat_timeout: Duration::from_secs(20),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    match ctx.execute_activity::<u32>("work", &steps, options).await {
        Err(WorkflowError::Cancelled(why)) => Err(WorkflowError::Cancelled(why)),
        other => Ok(other.is_ok()),
    }
}

async fn steps(ctx: &ActivityContext, steps: u32, stops: bool) -> Result<u32, ActivityError> {
    for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..steps {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        if ctx.is_worker_stopping() {
            return Err(ActivityError::retryable("the worker stops"));
        }
        if ctx.get_remaining_time().is_some_and(|left| left < 2 * STEP) {
            ctx.heartbeat(&step)?;
            if stops {
                return Err(ActivityError::retryable("no time for another step"));
            }
        }
        durasim::time::sleep(STEP).await;
        ctx.heartbeat(&(step + 1))?;
    }
    Ok(steps)
}

async fn with_bug(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    steps(ctx, count, false).await
}

async fn corrected(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    steps(ctx, count, true).await
}

fn explored(work: impl ActivityFn<u32, u32>) -> Exploration {
    Simulation::temporal()
        .activity("work", work)
        .workflow("working", working)
        .explore("working", &10u32)
        // A time that was too short is a result.
        .check(check::same_result().partial(|_: &bool, done: &bool| !done))
        .check(check::progress("work", |done: &u32| *done))
        .check(check::stops_in_time(STEP).before_deadline(Duration::ZERO))
}

pub fn planted() -> Exploration {
    explored(with_bug).named("goes_on_near_the_deadline")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
