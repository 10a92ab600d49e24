//! Bug 6: heartbeats only where the count of records divides at the end of a batch.

use durasim::{ActivityContext, ActivityError};

use crate::activities::migrate_data::{HEARTBEAT_EVERY, MigrationInput, MigrationProgress, MigrationResult};
use crate::fakes::database::{Database, DatabaseError, content};

/// Works as [`migrate_data_activity`](crate::activities::migrate_data_activity) does, with the bug.
///
/// # Errors
/// The database fails, another attempt holds the lock, or the workflow was cancelled.
pub async fn migrate_data(ctx: &ActivityContext, input: MigrationInput) -> Result<MigrationResult, ActivityError> {
    let failed = |error: DatabaseError| ActivityError::retryable(error.to_string());
    let database = durasim::state::<Database>();
    let mut progress: MigrationProgress = ctx.heartbeat_details()?.unwrap_or_default();
    let owner = format!("{}/{}", ctx.get_info().run_id(), ctx.get_info().activity_id);
    let lock = database.try_lock(&owner).map_err(|_| ActivityError::retryable("locked"))?;
    lock.discard_staged();
    while progress.records_done < input.records {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        for record in lock.read_batch(progress.records_done, input.batch_size, input.records).await {
            lock.stage(record).await.map_err(failed)?;
        }
        for record in lock.publish().await.map_err(failed)? {
            progress = progress.and(content(record));
        }
        if progress.records_done.is_multiple_of(HEARTBEAT_EVERY) {
            ctx.heartbeat(&progress)?;
        }
    }
    Ok(MigrationResult { records: progress.records_done, checksum: progress.checksum })
}
