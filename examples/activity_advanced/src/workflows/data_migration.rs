//! [`data_migration_workflow`]: an activity that holds a lock, with longer timeouts.

use std::time::Duration;

use durasim::program::CancellationType;
use durasim::{ActivityOptions, RetryPolicy, WorkflowContext, WorkflowError};

use crate::activities::migrate_data::{MigrationInput, MigrationResult};

/// Has records migrated within 600 s, retries included. A worker that is lost is noticed 60 s after its last heartbeat.
///
/// A cancelled workflow waits until the activity has stopped: the activity holds a lock, and the one who asked for the
/// cancellation wants to know when that is free.
///
/// # Errors
/// The error is the activity's, when the service has given it up.
pub async fn data_migration_workflow(
    ctx: &WorkflowContext,
    input: MigrationInput,
) -> Result<MigrationResult, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(60),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    ctx.execute_activity("migrate_data", &input, options).await
}

/// Works as [`data_migration_workflow`] does, in at most four attempts, and with time between them for a database to
/// recover.
///
/// # Errors
/// The error is the activity's, when the service has given it up.
pub async fn data_migration_with_retries_workflow(
    ctx: &WorkflowContext,
    input: MigrationInput,
) -> Result<MigrationResult, WorkflowError> {
    let retry_policy = RetryPolicy {
        initial_interval: Duration::from_secs(5),
        backoff_coefficient: 3.0,
        maximum_interval: Duration::from_secs(30),
        maximum_attempts: 4,
        ..Default::default()
    };
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(60),
        retry_policy: Some(retry_policy),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    ctx.execute_activity("migrate_data", &input, options).await
}
