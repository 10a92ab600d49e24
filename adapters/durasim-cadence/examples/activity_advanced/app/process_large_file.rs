//! [`process_large_file_activity`]: a file in chunks, with heartbeats, cancellation and a deadline.

#![allow(clippy::collapsible_if, reason = "the document has it so")]

use std::ops::Range;
use std::time::Duration;

use crabdance_activity::{ActivityContext, activity};
use crabdance_workflow::ActivityError;
use serde::{Deserialize, Serialize};

/// The time that a chunk takes.
pub const CHUNK_TIME: Duration = Duration::from_secs(1);

/// The number of chunks after which it heartbeats. It also does after the last.
pub const CHUNKS_PER_HEARTBEAT: u32 = 3;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileProcessingInput {
    pub file_path: String,
    pub chunk_size: u64,
    pub chunks: u32,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FileProcessingResult {
    pub file_path: String,
    pub chunks_processed: u32,
    pub total_bytes: u64,
    pub checksum: String,
}

/// All that a retry needs, and all that the result is made of.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct ProcessingProgress {
    pub chunks_processed: u32,
    pub total_bytes: u64,
    pub checksum: u32,
}

impl ProcessingProgress {
    /// The progress after one more chunk.
    pub fn and(self, chunk: u32, bytes: u64) -> ProcessingProgress {
        ProcessingProgress {
            chunks_processed: self.chunks_processed + 1,
            total_bytes: self.total_bytes + bytes,
            checksum: self.checksum.rotate_left(5) ^ (chunk + 1),
        }
    }
}

/// Looks at chunks that have been read.
fn process_chunk(chunk: Range<u32>) -> Result<(), ActivityError> {
    if chunk.is_empty() { Err(ActivityError::application("there is no chunk")) } else { Ok(()) }
}

#[activity(name = "process_large_file")]
pub async fn process_large_file_activity(
    ctx: &ActivityContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, ActivityError> {
    let mut progress = match ctx.get_heartbeat_details() {
        Some(details) => serde_json::from_slice(details).map_err(ActivityError::execution_failed_error)?,
        None => ProcessingProgress::default(),
    };
    let first = (progress.chunks_processed..input.chunks).step_by(CHUNKS_PER_HEARTBEAT as usize);
    let chunks = first.map(|first| first..input.chunks.min(first + CHUNKS_PER_HEARTBEAT));

    // Record progress periodically
    for chunk in chunks {
        if ctx.is_cancelled() {
            // Save current progress
            let details = serde_json::to_vec(&progress).map_err(ActivityError::execution_failed_error)?;
            ctx.record_heartbeat(Some(&details));
            return Err(ActivityError::execution_failed("Cancelled".to_string()));
        }
        if let Some(remaining) = ctx.get_remaining_time() {
            if remaining < Duration::from_secs(5) {
                // Stop gracefully
                break;
            }
        }
        for one in chunk.clone() {
            tokio::time::sleep(CHUNK_TIME).await;
            progress = progress.and(one, input.chunk_size);
        }
        process_chunk(chunk)?;

        // Save progress in heartbeat
        let progress =
            serde_json::to_vec(&ProcessingProgress { ..progress }).map_err(ActivityError::execution_failed_error)?;
        ctx.record_heartbeat(Some(&progress));
    }
    if progress.chunks_processed < input.chunks {
        // A part of a file is no result.
        let message = format!("stopped before the deadline, after {} chunks", progress.chunks_processed);
        return Err(ActivityError::retryable(message));
    }
    Ok(FileProcessingResult {
        file_path: input.file_path,
        chunks_processed: progress.chunks_processed,
        total_bytes: progress.total_bytes,
        checksum: format!("{:08x}-{}", progress.checksum, progress.chunks_processed),
    })
}
