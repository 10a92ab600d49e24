//! The four workflows: timeouts for each activity, and a retry policy.

use std::time::Duration;

use crabdance_core::{ActivityOptions, RetryPolicy};
use crabdance_workflow::{WorkflowContext, WorkflowError, call_activity, workflow};

use super::deadline_aware::{self, DeadlineInput, DeadlineResult};
use super::migrate_data::{self, MigrationInput, MigrationResult};
use super::process_large_file::{self, FileProcessingInput, FileProcessingResult};

/// Executes file processing with appropriate timeouts.
#[workflow(name = "file_processing")]
pub async fn file_processing_workflow(
    ctx: WorkflowContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(300),
        heartbeat_timeout: Duration::from_secs(30),
        ..Default::default()
    };
    call_activity!(ctx, process_large_file::process_large_file_activity, input, options).await
}

/// Executes data migration with longer timeouts.
#[workflow(name = "data_migration")]
pub async fn data_migration_workflow(
    ctx: WorkflowContext,
    input: MigrationInput,
) -> Result<MigrationResult, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(60),
        ..Default::default()
    };
    call_activity!(ctx, migrate_data::migrate_data_activity, input, options).await
}

/// Demonstrates tight deadline handling.
#[workflow(name = "deadline_aware")]
pub async fn deadline_aware_workflow(
    ctx: WorkflowContext,
    input: DeadlineInput,
) -> Result<DeadlineResult, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(5),
        heartbeat_timeout: Duration::from_secs(2),
        ..Default::default()
    };
    call_activity!(ctx, deadline_aware::deadline_aware_activity, input, options).await
}

/// Shows retry policy with heartbeat recovery.
#[workflow(name = "resilient_processing")]
pub async fn resilient_processing_workflow(
    ctx: WorkflowContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, WorkflowError> {
    let retry_policy = RetryPolicy { maximum_attempts: 3, backoff_coefficient: 2.0, ..Default::default() };
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(300),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(retry_policy),
        ..Default::default()
    };
    call_activity!(ctx, process_large_file::process_large_file_activity, input, options).await
}
