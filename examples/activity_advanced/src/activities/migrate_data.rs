//! [`migrate_data_activity`]: it moves records in batches from one table to another, and leaves nothing behind.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, time};
use serde::{Deserialize, Serialize};

use crate::fakes::database::{COPY_TIME, Database, DatabaseError, Lock, PUBLISH_TIME, content};

/// The number of records after which it heartbeats, whatever the size of a batch. It also does after the last record.
pub const HEARTBEAT_EVERY: u32 = 20;

/// The time below which no record is begun. One record takes [`COPY_TIME`] and [`PUBLISH_TIME`], and the rest is for
/// the report.
pub const STOP_BEFORE_DEADLINE: Duration = Duration::from_secs(5);

/// The time between two looks of an attempt that waits for another's lock: it may have to stop waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// The migration to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MigrationInput {
    /// The table from which records are taken.
    pub from: String,
    /// The table to which they go.
    pub to: String,
    /// The number of records.
    pub records: u32,
    /// The number of records that are read at a time.
    pub batch_size: u32,
}

/// The result of a migration, which is the same whatever went wrong on the way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MigrationResult {
    /// The number of records that were migrated.
    pub records: u32,
    /// The checksum over the contents of all records, in order.
    pub checksum: u32,
}

/// The progress of the migration: the details of each heartbeat. It counts records in the target table, not staged
/// ones.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct MigrationProgress {
    /// The number of records migrated, from the first.
    pub records_done: u32,
    /// The checksum over the contents of these.
    pub checksum: u32,
}

impl MigrationProgress {
    /// The progress after one more record with this content.
    pub fn and(self, content: u32) -> MigrationProgress {
        MigrationProgress { records_done: self.records_done + 1, checksum: self.checksum.rotate_left(3) ^ content }
    }
}

/// Copies records to the staging table, and from there, a few at a time, to the target table. Begins where the last
/// heartbeat that reached the service says.
///
/// However it ends, the staging table is empty and the lock is given back. After a crash, the next attempt removes the
/// records that are left there.
///
/// # Errors
/// - The database fails, or another attempt has taken the lock over: this is worth a retry.
/// - The activity is cancelled: by the workflow, or because the service has given this attempt up.
/// - The worker stops: this is worth a retry, elsewhere.
/// - The deadline is near.
///
/// In each case the staged records are first published and saved in a heartbeat.
pub async fn migrate_data_activity(
    ctx: &ActivityContext,
    input: MigrationInput,
) -> Result<MigrationResult, ActivityError> {
    let database = durasim::state::<Database>();
    let mut progress: MigrationProgress = ctx.heartbeat_details()?.unwrap_or_default();
    // The owner is the same for all attempts: a retry takes over the lock that the attempt before it held.
    let owner = format!("{}/{}", ctx.get_info().run_id(), ctx.get_info().activity_id);
    let lock = loop {
        let held_until = match database.try_lock(&owner) {
            Ok(lock) => break lock,
            Err(held_until) => held_until,
        };
        ctx.heartbeat(&progress)?;
        if let Some(why) = reason_to_stop(ctx) {
            return Err(why.into_error(&progress, &input));
        }
        time::sleep((held_until - time::now()).min(PATIENCE)).await;
    };
    // An attempt that crashed may have left records there. No heartbeat counts them, so they are copied again.
    lock.discard_staged();
    let ended = copy_batches(ctx, &lock, &input, &mut progress).await;
    if ended.is_err() {
        // As much progress is saved as the database takes. The error that is reported is the first.
        if publish(&lock, &mut progress).await.is_err() {
            lock.discard_staged();
        }
        ctx.heartbeat(&progress)?;
    }
    drop(lock);
    match ended {
        Ok(()) => Ok(MigrationResult { records: progress.records_done, checksum: progress.checksum }),
        Err(why) => Err(why.into_error(&progress, &input)),
    }
}

async fn copy_batches(
    ctx: &ActivityContext,
    lock: &Lock,
    input: &MigrationInput,
    progress: &mut MigrationProgress,
) -> Result<(), Interruption> {
    while progress.records_done < input.records {
        for record in lock.read_batch(progress.records_done, input.batch_size, input.records).await {
            if let Some(why) = reason_to_stop(ctx) {
                return Err(why);
            }
            lock.stage(record).await?;
            let copied = record + 1;
            // Counts records, not batches: a batch of 7 or 15 would else be silent for most of the time.
            if copied.is_multiple_of(HEARTBEAT_EVERY) || copied == input.records {
                publish(lock, progress).await?;
                ctx.heartbeat(progress).map_err(Interruption::Heartbeat)?;
            }
        }
        publish(lock, progress).await?;
    }
    Ok(())
}

/// Moves the staged records to the target table. Only then are they progress.
async fn publish(lock: &Lock, progress: &mut MigrationProgress) -> Result<(), DatabaseError> {
    for record in lock.publish().await? {
        *progress = progress.and(content(record));
    }
    Ok(())
}

/// The reason why a migration does not go on.
enum Interruption {
    Cancelled,
    WorkerStops,
    /// The deadline is near, and this much time is left.
    Deadline(Duration),
    Database(DatabaseError),
    Heartbeat(serde_json::Error),
}

fn reason_to_stop(ctx: &ActivityContext) -> Option<Interruption> {
    if ctx.is_cancelled() {
        return Some(Interruption::Cancelled);
    }
    // This is well before the worker's grace period is over, after which the attempt would be dropped where it stands.
    if ctx.is_worker_stopping() {
        return Some(Interruption::WorkerStops);
    }
    ctx.get_remaining_time().filter(|left| *left < STOP_BEFORE_DEADLINE).map(Interruption::Deadline)
}

impl Interruption {
    fn into_error(self, progress: &MigrationProgress, input: &MigrationInput) -> ActivityError {
        let (done, all) = (progress.records_done, input.records);
        match self {
            Interruption::Cancelled => ActivityError::Cancelled,
            Interruption::WorkerStops => {
                ActivityError::retryable(format!("stopped with the worker, with {done} of {all} records done"))
            }
            Interruption::Deadline(left) => {
                let message = format!("stopped before the deadline with {done} of {all} records done");
                // The delay is as in `process_large_file_activity`: a retry after the deadline is not tried.
                let delay = left + COPY_TIME + PUBLISH_TIME;
                ActivityError::RetryableWithDelay(message, delay.as_millis() as u64)
            }
            Interruption::Database(error) => ActivityError::retryable(error.to_string()),
            Interruption::Heartbeat(error) => error.into(),
        }
    }
}

impl From<DatabaseError> for Interruption {
    fn from(error: DatabaseError) -> Interruption {
        Interruption::Database(error)
    }
}
