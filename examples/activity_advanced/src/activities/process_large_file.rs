//! [`process_large_file_activity`]: it processes a file in chunks, with heartbeats from which a retry resumes.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError};
use serde::{Deserialize, Serialize};

use crate::fakes::chunk_store::{CHUNK_TIME, ChunkStore};

/// The number of chunks after which it heartbeats. It also does after the last chunk.
pub const HEARTBEAT_EVERY: u32 = 3;

/// The time below which no chunk is begun: one takes [`CHUNK_TIME`], and a second is left for the report.
pub const STOP_BEFORE_DEADLINE: Duration = Duration::from_secs(6);

/// The file to process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileProcessingInput {
    /// The name of the file.
    pub file: String,
    /// The number of chunks that it has.
    pub chunks: u32,
}

/// The result, which is the same whatever went wrong on the way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FileProcessingResult {
    /// The file's name.
    pub file: String,
    /// The number of chunks that were processed.
    pub chunks: u32,
    /// The checksum over the digests of all chunks, in order.
    pub checksum: u32,
}

/// The progress of the work: the details of each heartbeat. Every part of the result has to be in it, or a retry could
/// not give the same result.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The number of chunks processed, from the first.
    pub chunks_done: u32,
    /// The checksum over the digests of these.
    pub checksum: u32,
}

impl Progress {
    /// The progress after one more chunk with this digest.
    pub fn and(self, digest: u32) -> Progress {
        Progress { chunks_done: self.chunks_done + 1, checksum: self.checksum.rotate_left(5) ^ digest }
    }
}

/// Processes a file chunk by chunk, beginning where the last heartbeat that reached the service says.
///
/// # Errors
/// - The store fails: this is worth a retry.
/// - The activity is cancelled by the workflow, or by a worker that shuts down: progress is saved in a heartbeat first.
///   The worker turns the second into a failure that is retried.
/// - The deadline is near: progress is saved too. A file processed in part is not a result.
pub async fn process_large_file_activity(
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
        if let Some(left) = ctx.get_remaining_time()
            && left < STOP_BEFORE_DEADLINE
        {
            ctx.heartbeat(&progress)?;
            let (done, all) = (progress.chunks_done, input.chunks);
            let message = format!("stopped before the deadline with {done} of {all} chunks done");
            // All attempts have this deadline. The service does not try a retry that would be due after it.
            let delay = left + CHUNK_TIME;
            return Err(ActivityError::RetryableWithDelay(message, delay.as_millis() as u64));
        }
        let digest = store.process(&input.file, progress.chunks_done).await?;
        progress = progress.and(digest);
        // It heartbeats after the work, never before it: a heartbeat says what need not be done again.
        if progress.chunks_done.is_multiple_of(HEARTBEAT_EVERY) || progress.chunks_done == input.chunks {
            ctx.heartbeat(&progress)?;
        }
    }
    Ok(FileProcessingResult { file: input.file, chunks: progress.chunks_done, checksum: progress.checksum })
}
