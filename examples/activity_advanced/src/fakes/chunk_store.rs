//! [`ChunkStore`]: the fake of a store in the world outside, where chunks of files are processed.

use std::time::Duration;

use durasim::{EffectError, Ledger, time};

/// The time that one chunk takes.
pub const CHUNK_TIME: Duration = Duration::from_secs(5);

/// Processes chunks of files, and counts how often it did each.
///
/// The store is part of the run's state: fresh for each run, untouched by crashes of workers.
#[derive(Debug, Default)]
pub struct ChunkStore {
    /// The chunks that were processed, from 0.
    pub processed: Ledger<u32>,
}

impl ChunkStore {
    /// Processes one chunk in [`CHUNK_TIME`] and gives its digest, which depends on nothing but the file and the chunk.
    ///
    /// # Errors
    /// It fails where the simulation lets the effect fail. As with any store, the chunk may have been processed all the
    /// same.
    pub async fn process(&self, file: &str, chunk: u32) -> Result<u32, EffectError> {
        time::sleep(CHUNK_TIME).await;
        durasim::effect("process chunk", || self.processed.record(chunk))?;
        Ok(digest(file, chunk))
    }
}

/// Computes FNV-1a over the file's name and the chunk's number, in place of a digest of the chunk's content.
fn digest(file: &str, chunk: u32) -> u32 {
    file.bytes()
        .chain(chunk.to_le_bytes())
        .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
