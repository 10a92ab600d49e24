//! Bug 4: the checksum is set inside the loop, and the heartbeat does not hold it.

use durasim::{ActivityContext, ActivityError};

use crate::activities::process_large_file::{FileProcessingInput, FileProcessingResult, HEARTBEAT_EVERY, Progress};
use crate::fakes::chunk_store::ChunkStore;

/// Works as [`process_large_file_activity`](crate::activities::process_large_file_activity) does, with the bug.
///
/// # Errors
/// The store fails.
pub async fn process_large_file(
    ctx: &ActivityContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, ActivityError> {
    let store = durasim::state::<ChunkStore>();
    let first = ctx.heartbeat_details::<Progress>()?.map_or(0, |progress| progress.chunks_done);
    let mut checksum = 0;
    for chunk in first..input.chunks {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        checksum = store.process(&input.file, chunk).await?;
        let chunks_done = chunk + 1;
        if chunks_done.is_multiple_of(HEARTBEAT_EVERY) {
            ctx.heartbeat(&Progress { chunks_done, checksum: 0 })?;
        }
    }
    Ok(FileProcessingResult { file: input.file, chunks: input.chunks, checksum })
}
