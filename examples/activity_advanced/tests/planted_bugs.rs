//! The summary that says `lost progress: 0` of our activity sees the progress that broken ones lose.

use activity_advanced::activities::process_large_file::{FileProcessingInput, FileProcessingResult, Progress};
use activity_advanced::chunk_store::ChunkStore;
use activity_advanced::exploration::{RESILIENT_PROCESSING, explore, simulation};
use activity_advanced::summary::Summary;
use activity_advanced::workflows::resilient_processing_workflow;
use durasim::{ActivityContext, ActivityError, ActivityFn, Simulation};

/// The tour's simulation with another activity in the place of ours.
fn with_activity<F>(activity: F) -> Simulation
where
    F: ActivityFn<FileProcessingInput, FileProcessingResult>,
{
    Simulation::temporal()
        .activity("process_large_file", activity)
        .workflow(RESILIENT_PROCESSING, resilient_processing_workflow)
        .state(ChunkStore::default)
}

async fn process(file: &str, chunk: u32) -> Result<(), ActivityError> {
    let store = durasim::state::<ChunkStore>();
    store.process(file, chunk).await.map_err(|error| ActivityError::retryable(error.to_string()))?;
    Ok(())
}

/// Says that all is done, whatever was.
fn all_done(input: FileProcessingInput) -> FileProcessingResult {
    FileProcessingResult { file: input.file, chunks: input.chunks, checksum: 0 }
}

/// The heartbeat names the chunk that is about to be processed, and a retry begins after it: a crash between the two
/// leaves that chunk undone.
async fn heartbeats_before_the_work(
    ctx: &ActivityContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, ActivityError> {
    let first = ctx.heartbeat_details::<Progress>()?.map_or(0, |progress| progress.chunks_done + 1);
    for chunk in first..input.chunks {
        ctx.heartbeat(&Progress { chunks_done: chunk, checksum: 0 })?;
        process(&input.file, chunk).await?;
    }
    Ok(all_done(input))
}

/// The heartbeats carry progress that no attempt reads: every retry begins with the first chunk.
async fn never_reads_its_heartbeats(
    ctx: &ActivityContext,
    input: FileProcessingInput,
) -> Result<FileProcessingResult, ActivityError> {
    for chunk in 0..input.chunks {
        process(&input.file, chunk).await?;
        ctx.heartbeat(&Progress { chunks_done: chunk + 1, checksum: 0 })?;
    }
    Ok(all_done(input))
}

#[test]
fn our_activity_loses_nothing() {
    let summary = Summary::of(&explore(&simulation())).unwrap();
    assert!(summary.holds(), "{summary}");
    assert_eq!(summary.lost_progress(), 0, "{summary}");
    assert!(!summary.resumes().is_empty(), "nothing was ever resumed:\n{summary}");
}

/// Each distinct failure: the check that minds, what it minds, and how many faults it takes.
fn failures(summary: &Summary) -> Vec<(&str, &str, usize)> {
    let failed = summary.failures().iter();
    failed.map(|failed| (&*failed.check, &*failed.violation.kind, failed.plan.entries.len())).collect()
}

#[test]
fn a_heartbeat_before_the_work_loses_chunks() {
    let summary = Summary::of(&explore(&with_activity(heartbeats_before_the_work))).unwrap();
    assert!(summary.lost_progress() > 0, "{summary}");
    assert_eq!(failures(&summary), [("effects", "lost", 1)]);
}

#[test]
fn heartbeats_that_nobody_reads_lose_all_progress() {
    let summary = Summary::of(&explore(&with_activity(never_reads_its_heartbeats))).unwrap();
    assert!(summary.lost_progress() > 0, "{summary}");
    assert_eq!(failures(&summary), [("progress", "never read", 1)]);
}
