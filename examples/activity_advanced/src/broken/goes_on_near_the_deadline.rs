//! Bug 5: the deadline is noticed, and the loop goes on.

use durasim::{ActivityContext, ActivityError};

use crate::activities::process_large_file::{
    FileProcessingInput, FileProcessingResult, HEARTBEAT_EVERY, Progress, STOP_BEFORE_DEADLINE,
};
use crate::fakes::chunk_store::ChunkStore;

/// Works as [`process_large_file_activity`](crate::activities::process_large_file_activity) does, with the bug.
///
/// # Errors
/// The store fails, or the workflow was cancelled.
pub async fn process_large_file(
    ctx: &ActivityContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, ActivityError> {
    let store = durasim::state::<ChunkStore>();
    let mut progress: Progress = ctx.heartbeat_details()?.unwrap_or_default();
    while progress.chunks_done < input.chunks {
        if ctx.is_cancelled() {
            ctx.heartbeat(&progress)?;
            return Err(ActivityError::Cancelled);
        }
        if ctx.get_remaining_time().is_some_and(|left| left < STOP_BEFORE_DEADLINE) {
            ctx.heartbeat(&progress)?;
        }
        let digest = store.process(&input.file, progress.chunks_done).await?;
        progress = progress.and(digest);
        if progress.chunks_done.is_multiple_of(HEARTBEAT_EVERY) || progress.chunks_done == input.chunks {
            ctx.heartbeat(&progress)?;
        }
    }
    Ok(FileProcessingResult { file: input.file, chunks: progress.chunks_done, checksum: progress.checksum })
}
