//! [`migrate_data_activity`]: records in batches, with cancellation and a worker that may stop.

use std::time::Duration;

use crabdance_activity::{ActivityContext, activity};
use crabdance_workflow::ActivityError;
use serde::{Deserialize, Serialize};

/// The time that a record takes.
pub const RECORD_TIME: Duration = Duration::from_millis(500);

/// The number of records after which it heartbeats, whatever the size of a batch.
pub const RECORDS_PER_HEARTBEAT: u32 = 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MigrationInput {
    pub source_table: String,
    pub destination_table: String,
    pub records: u32,
    pub batch_size: u32,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MigrationResult {
    pub records_migrated: u32,
    pub checksum: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct MigrationProgress {
    pub records_migrated: u32,
    pub checksum: u64,
}

impl MigrationProgress {
    /// The progress after one more record.
    pub fn and(self, record: u32) -> MigrationProgress {
        let checksum = self.checksum.wrapping_mul(31).wrapping_add(u64::from(record));
        MigrationProgress { records_migrated: self.records_migrated + 1, checksum }
    }
}

#[activity(name = "migrate_data")]
pub async fn migrate_data_activity(
    ctx: &ActivityContext,
    input: MigrationInput,
) -> Result<MigrationResult, ActivityError> {
    let mut progress = match ctx.get_heartbeat_details() {
        Some(details) => serde_json::from_slice(details).map_err(ActivityError::execution_failed_error)?,
        None => MigrationProgress::default(),
    };
    while progress.records_migrated < input.records {
        let batch_ends = input.records.min(progress.records_migrated + input.batch_size);
        for record in progress.records_migrated..batch_ends {
            if ctx.is_cancelled() {
                // Save current progress
                let details = serde_json::to_vec(&progress).map_err(ActivityError::execution_failed_error)?;
                ctx.record_heartbeat(Some(&details));
                return Err(ActivityError::execution_failed("Cancelled".to_string()));
            }
            if ctx.get_worker_stop_channel().is_some_and(|stop| *stop.borrow()) {
                let details = serde_json::to_vec(&progress).map_err(ActivityError::execution_failed_error)?;
                ctx.record_heartbeat(Some(&details));
                return Err(ActivityError::retryable("the worker stops"));
            }
            tokio::time::sleep(RECORD_TIME).await;
            progress = progress.and(record);
            if progress.records_migrated.is_multiple_of(RECORDS_PER_HEARTBEAT) {
                let details = serde_json::to_vec(&progress).map_err(ActivityError::execution_failed_error)?;
                ctx.record_heartbeat(Some(&details));
            }
        }
    }
    Ok(MigrationResult { records_migrated: progress.records_migrated, checksum: progress.checksum })
}
