//! [`resilient_processing_workflow`]: a retry policy with heartbeat recovery.

use std::time::Duration;

use durasim::{ActivityOptions, RetryPolicy, WorkflowContext, WorkflowError};

use crate::activities::process_large_file::{FileProcessingInput, FileProcessingResult};

/// Has a file processed by an activity that may be tried three times, 300 s in all. A worker that is lost is noticed
/// 30 s after its last heartbeat.
///
/// # Errors
/// The error is the activity's, when the service has given it up.
pub async fn resilient_processing_workflow(
    ctx: &WorkflowContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, WorkflowError> {
    let retry_policy = RetryPolicy { maximum_attempts: 3, backoff_coefficient: 2.0, ..Default::default() };
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(300),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(retry_policy),
        ..Default::default()
    };
    ctx.execute_activity("process_large_file", &input, options).await
}
