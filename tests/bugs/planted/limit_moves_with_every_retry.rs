//! Bug 11: an activity polls until something is ready, for 100 s at most, counted from the last heartbeat of the attempt
//! before. One crash moves the limit a little, two move it behind the deadline.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, RetryPolicy, Simulation, Time,
    WorkflowContext, WorkflowError, check,
};

const POLL: Duration = Duration::from_secs(20);
const LIMIT: Duration = Duration::from_secs(100);

async fn waiting(ctx: &WorkflowContext, (): ()) -> Result<bool, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(240),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    match ctx.execute_activity::<()>("wait_until_ready", &(), options).await {
        Err(WorkflowError::Cancelled(why)) => Err(WorkflowError::Cancelled(why)),
        other => Ok(other.is_ok()),
    }
}

/// It never is.
async fn poll(ctx: &ActivityContext, since: Time) -> Result<(), ActivityError> {
    while ctx.now() - since < LIMIT {
        durasim::time::sleep(POLL).await;
        ctx.heartbeat(&ctx.now().as_nanos())?;
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        if ctx.is_worker_stopping() {
            return Err(ActivityError::retryable("the worker stops"));
        }
    }
    Err(ActivityError::non_retryable("not ready"))
}

async fn with_bug(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    let since = ctx.heartbeat_details::<u64>()?.map_or(ctx.get_info().scheduled_at, Time::from_nanos);
    poll(ctx, since).await
}

async fn corrected(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    let _ = ctx.heartbeat_details::<u64>()?;
    poll(ctx, ctx.get_info().scheduled_at).await
}

fn explored(wait: impl ActivityFn<(), ()>) -> Exploration {
    Simulation::temporal()
        .activity("wait_until_ready", wait)
        .workflow("waiting", waiting)
        .no_heartbeat_throttle()
        .explore("waiting", &())
        .check(check::stops_in_time(2 * POLL).before_deadline(Duration::from_secs(5)))
}

pub fn planted() -> Exploration {
    explored(with_bug).named("limit_moves_with_every_retry")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
