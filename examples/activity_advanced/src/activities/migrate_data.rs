//! [`migrate_data_activity`]: records in batches from one table to another, and nothing left behind.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, time};
use serde::{Deserialize, Serialize};

use crate::fakes::database::{COPY_TIME, Database, DatabaseError, Lock, PUBLISH_TIME, content};

/// A heartbeat after so many records, whatever the size of a batch, and after the last.
pub const HEARTBEAT_EVERY: u32 = 20;

/// With less time than this left, no record is begun: one takes [`COPY_TIME`] and [`PUBLISH_TIME`], and the rest is for the
/// report.
pub const STOP_BEFORE_DEADLINE: Duration = Duration::from_secs(5);

/// How often an attempt that waits for another's lock looks whether it should go on waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to migrate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MigrationInput {
    /// From this table.
    pub from: String,
    /// To this one.
    pub to: String,
    /// So many records.
    pub records: u32,
    /// Read so many at a time.
    pub batch_size: u32,
}

/// What came of it: the same whatever went wrong on the way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MigrationResult {
    /// How many records were migrated.
    pub records: u32,
    /// Over the contents of all records, in order.
    pub checksum: u32,
}

/// How far the migration is: the details of each heartbeat. Counts what is in the target table, not what is staged.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct MigrationProgress {
    /// Records migrated, from the first.
    pub records_done: u32,
    /// Over the contents of these.
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
/// However it ends, the staging table is empty and the lock is given back. What a crash leaves there the next attempt
/// removes.
///
/// # Errors
/// - The database fails, or another attempt has taken the lock over: worth a retry.
/// - Cancelled: by the workflow, or because the service has given this attempt up.
/// - The worker stops: worth a retry, elsewhere.
/// - The deadline is near.
///
/// Whichever it is, what is staged is published and saved in a heartbeat first.
pub async fn migrate_data_activity(
    ctx: &ActivityContext,
    input: MigrationInput,
) -> Result<MigrationResult, ActivityError> {
    let database = durasim::state::<Database>();
    let mut progress: MigrationProgress = ctx.heartbeat_details()?.unwrap_or_default();
    // The same for all attempts: a retry takes over what the attempt before it held.
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
        // As much of it as the database takes is saved. The error that is reported is the first.
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

/// Moves what is staged to the target table. Only then is it progress.
async fn publish(lock: &Lock, progress: &mut MigrationProgress) -> Result<(), DatabaseError> {
    for record in lock.publish().await? {
        *progress = progress.and(content(record));
    }
    Ok(())
}

/// Why a migration does not go on.
enum Interruption {
    Cancelled,
    WorkerStops,
    /// So much time is left.
    Deadline(Duration),
    Database(DatabaseError),
    Heartbeat(serde_json::Error),
}

fn reason_to_stop(ctx: &ActivityContext) -> Option<Interruption> {
    if ctx.is_cancelled() {
        return Some(Interruption::Cancelled);
    }
    // Well before the worker's grace period is over, after which the attempt would be dropped where it stands.
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
                // As in `process_large_file_activity`: a retry after the deadline is one that is not tried.
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
