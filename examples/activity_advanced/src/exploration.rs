//! The simulations of the tour, and what is asked of them under faults.

use durasim::Simulation;

use crate::activities::process_large_file::FileProcessingInput;
use crate::activities::process_large_file_activity;
use crate::chunk_store::ChunkStore;
use crate::workflows::resilient_processing_workflow;

/// The workflow's registered name.
pub const RESILIENT_PROCESSING: &str = "resilient_processing";

/// A telling run: the worker crashes while chunk 17 is processed. 15 chunks are in recorded heartbeats then, but only 12
/// in one that the worker's throttle has let through to the service; so 12 is where the second attempt resumes.
pub const CRASH_AND_RESUME: &str = "process_large_file#1@1:await17=crash";

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
#[cfg(any())]
pub fn explore(simulation: &Simulation) -> Exploration {
    simulation
        .explore(RESILIENT_PROCESSING, &file())
        .named(RESILIENT_PROCESSING)
        .every_fault()
        .seeds(0..1000)
        .check(check::same_result())
        .check(
            check::progress("process_large_file", |progress: &Progress| progress.chunks_done)
                .at_most(HEARTBEAT_EVERY),
        )
        // Each of three attempts may do a chunk once: at least once, never lost, never more than twice again.
        .check(check::effects(|store: &ChunkStore| &store.processed).repeats_at_most(2))
}
