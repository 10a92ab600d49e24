//! [`checksum_in_the_loop`]: the activity with a fault that was published. `docs/bug-4.md` tells its story.

use crabdance_activity::ActivityContext;
use crabdance_workflow::ActivityError;

use super::app::process_large_file::{CHUNK_TIME, CHUNKS_PER_HEARTBEAT, FileProcessingInput, FileProcessingResult};

/// The checksum is set in the loop, and is no part of what a heartbeat saves. A retry that has nothing left to do returns
/// the one that was set before the loop.
pub async fn checksum_in_the_loop(
    ctx: &ActivityContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, ActivityError> {
    let saved = ctx.get_heartbeat_details().map(serde_json::from_slice::<u32>);
    let first = saved.transpose().map_err(ActivityError::execution_failed_error)?.unwrap_or(0);
    let mut done = first;
    let mut checksum = "init".to_owned();
    for chunk in first..input.chunks {
        tokio::time::sleep(CHUNK_TIME).await;
        checksum = format!("checksum-{chunk}");
        done = chunk + 1;
        if done.is_multiple_of(CHUNKS_PER_HEARTBEAT) || done == input.chunks {
            ctx.record_heartbeat(Some(done.to_string().as_bytes()));
        }
    }
    Ok(FileProcessingResult {
        file_path: input.file_path,
        chunks_processed: done,
        total_bytes: u64::from(done) * input.chunk_size,
        checksum: format!("{checksum}-{done}"),
    })
}
