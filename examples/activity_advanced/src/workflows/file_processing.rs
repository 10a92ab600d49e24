//! [`file_processing_workflow`]: a long activity with the timeouts that suit it.

use std::time::Duration;

use durasim::program::CancellationType;
use durasim::{ActivityOptions, RetryPolicy, WorkflowContext, WorkflowError};

use crate::activities::process_large_file::{FileProcessingInput, FileProcessingResult};

/// Has a file processed within 300 s, retries included. A worker that is lost is noticed 30 s after its last heartbeat.
/// Without a policy of its own the service's default retries for as long as there is time.
///
/// A cancelled workflow waits until the activity has stopped, so that the progress which the activity saves is
/// accepted: once a workflow is closed, the service refuses heartbeats of its activities.
///
/// # Errors
/// The error is the activity's, when the service has given it up.
pub async fn file_processing_workflow(
    ctx: &WorkflowContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(300),
        heartbeat_timeout: Duration::from_secs(30),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    ctx.execute_activity("process_large_file", &input, options).await
}

/// Works as [`file_processing_workflow`] does, in at most five attempts of at most 150 s each.
///
/// # Errors
/// The error is the activity's, when the service has given it up.
pub async fn file_processing_with_retries_workflow(
    ctx: &WorkflowContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, WorkflowError> {
    let retry_policy = RetryPolicy {
        initial_interval: Duration::from_secs(1),
        backoff_coefficient: 2.0,
        maximum_attempts: 5,
        ..Default::default()
    };
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(300),
        start_to_close_timeout: Duration::from_secs(150),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(retry_policy),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    ctx.execute_activity("process_large_file", &input, options).await
}
