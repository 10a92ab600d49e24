//! [`deadline_aware_workflow`]: a tight deadline, and something to show for it in any case.

use std::time::Duration;

use durasim::{ActivityFuture, ActivityOptions, RetryPolicy, WorkflowContext, WorkflowError};

use crate::activities::deadline_aware::{ItemsInput, ItemsProgress, ItemsResult};

/// Has as many items processed as 5 s are enough for, retries included.
///
/// An activity that runs into a timeout reports nothing, but its last heartbeat comes with the error: the work that it
/// says was done is the result then.
///
/// # Errors
/// The error is the activity's, when it fails.
pub async fn deadline_aware_workflow(ctx: &WorkflowContext, input: ItemsInput) -> Result<ItemsResult, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(5),
        heartbeat_timeout: Duration::from_secs(2),
        ..Default::default()
    };
    let items = input.items;
    or_so_far(ctx.execute_activity("deadline_aware_activity", &input, options), items).await
}

/// Works as [`deadline_aware_workflow`] does, in at most three attempts, the first of which has to begin within half a
/// second, and the others as soon. The service never retries an attempt that does not begin in time.
///
/// # Errors
/// The error is the activity's, when it fails.
pub async fn deadline_aware_with_retries_workflow(
    ctx: &WorkflowContext,
    input: ItemsInput,
) -> Result<ItemsResult, WorkflowError> {
    let retry_policy =
        RetryPolicy { initial_interval: Duration::from_millis(200), maximum_attempts: 3, ..Default::default() };
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(5),
        schedule_to_start_timeout: Duration::from_millis(500),
        start_to_close_timeout: Duration::from_millis(4500),
        heartbeat_timeout: Duration::from_secs(2),
        retry_policy: Some(retry_policy),
        ..Default::default()
    };
    let items = input.items;
    or_so_far(ctx.execute_activity("deadline_aware_activity", &input, options), items).await
}

/// The activity's result, or, if it timed out, the progress in its last heartbeat.
async fn or_so_far(activity: ActivityFuture<ItemsResult>, items: u32) -> Result<ItemsResult, WorkflowError> {
    match activity.await {
        Err(error) if error.timeout_type().is_some() => {
            let progress: Option<ItemsProgress> = error.details().map(serde_json::from_slice).transpose()?;
            Ok(ItemsResult::so_far(progress.unwrap_or_default(), items))
        }
        result => result,
    }
}
