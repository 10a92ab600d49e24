//! The simulations of the tour, and what is asked of them under faults.

use durasim::{Exploration, Simulation, check};

use crate::activities::process_large_file::{FileProcessingInput, HEARTBEAT_EVERY, Progress};
use crate::activities::process_large_file_activity;
use crate::chunk_store::ChunkStore;
use crate::workflows::resilient_processing_workflow;

/// The workflow's registered name.
pub const RESILIENT_PROCESSING: &str = "resilient_processing";

/// A telling run, told by [`CRASH_AND_RESUME_EXPLAINED`].
pub const CRASH_AND_RESUME: &str = "process_large_file#1@1:await17=crash";

/// What to look for in the run of [`CRASH_AND_RESUME`].
pub const CRASH_AND_RESUME_EXPLAINED: &str = "\
The heartbeat after chunk 15 was recorded but still held back by the worker, so the service knows of 12 chunks.
The second attempt resumes there: chunks 13 to 16 are done again, none is lost, and the result is the same.";

/// The world of [`resilient_processing_workflow`].
pub fn simulation() -> Simulation {
    Simulation::temporal()
        .activity("process_large_file", process_large_file_activity)
        .workflow(RESILIENT_PROCESSING, resilient_processing_workflow)
        .state(ChunkStore::default)
}

/// The file of the tour: 120 s of work, far longer than the heartbeat timeout, and with room in the 300 s for a crash at
/// the end of it.
pub fn file() -> FileProcessingInput {
    FileProcessingInput { file: "data.csv".to_owned(), chunks: 24 }
}

/// Every fault at every point, then 1,000 random plans.
pub fn explore(simulation: &Simulation) -> Exploration {
    simulation
        .explore(RESILIENT_PROCESSING, &file())
        .named(RESILIENT_PROCESSING)
        .every_fault()
        .seeds(0..1000)
        .check(
            check::progress("process_large_file", |progress: &Progress| progress.chunks_done).at_most(HEARTBEAT_EVERY),
        )
        // At least once: each of the three attempts may do a chunk, so two may repeat it.
        .check(check::effects(|store: &ChunkStore| &store.processed).repeats_at_most(2))
        .check(check::same_result())
}
