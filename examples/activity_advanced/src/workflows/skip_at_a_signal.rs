//! [`skip_at_a_signal_workflow`]: a user cancels one activity of two, and the workflow goes on.

use std::time::Duration;

use durasim::program::CancellationType;
use durasim::{ActivityOptions, WorkflowContext, WorkflowError};
use serde::{Deserialize, Serialize};

use crate::activities::migrate_data::{MigrationInput, MigrationResult};
use crate::activities::process_large_file::{FileProcessingInput, FileProcessingResult};

/// The signal that cancels the file, and nothing else.
pub const SKIP_FILE: &str = "skip_file";

/// A file and a migration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileAndMigration {
    /// The file to process.
    pub file: FileProcessingInput,
    /// The records to migrate at the same time.
    pub migration: MigrationInput,
}

/// The results of both.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FileAndMigrationResult {
    /// `None` if the user had it skipped.
    pub file: Option<FileProcessingResult>,
    /// The result of the migration, which the skipping does not touch.
    pub migration: MigrationResult,
}

/// Has a file processed and records migrated side by side. The signal [`SKIP_FILE`] cancels the file alone, by a scope of
/// its own; the migration goes on.
///
/// # Errors
/// The errors are those of the activities, when the service has given one up.
pub async fn skip_at_a_signal_workflow(
    ctx: &WorkflowContext,
    input: FileAndMigration,
) -> Result<FileAndMigrationResult, WorkflowError> {
    let options = |secs, heartbeat| ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(secs),
        heartbeat_timeout: Duration::from_secs(heartbeat),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    let migration = ctx.execute_activity("migrate_data", &input.migration, options(600, 60));
    let scope = ctx.child_scope();
    let mut file = scope.execute_activity("process_large_file", &input.file, options(300, 30));
    let mut skip = ctx.signals::<()>(SKIP_FILE).recv();
    let mut is_skipped = false;
    let file: Result<FileProcessingResult, WorkflowError> = futures::select_biased! {
        file = file => file,
        signal = skip => {
            // An error says that the workflow itself is cancelled, and with it both activities.
            is_skipped = signal.is_ok();
            if is_skipped {
                scope.cancel();
            }
            file.await
        }
    };
    let migration = migration.await;
    if ctx.is_cancelled() {
        // Both have stopped, in whatever way.
        return Err(WorkflowError::cancelled());
    }
    match file {
        Ok(file) => Ok(FileAndMigrationResult { file: Some(file), migration: migration? }),
        // The file's activity may end in any way: nobody waits for it any more.
        Err(_) if is_skipped => Ok(FileAndMigrationResult { file: None, migration: migration? }),
        Err(error) => Err(error),
    }
}
