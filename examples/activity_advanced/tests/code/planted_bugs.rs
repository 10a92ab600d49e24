//! The table that says `lost progress: 0` of our activity sees the progress that broken ones lose.

use crate::kept::Kept;
use crate::run_text::run_text;
use activity_advanced::activities::migrate_data::{MigrationInput, MigrationProgress, MigrationResult};
use activity_advanced::activities::process_large_file::{FileProcessingInput, FileProcessingResult, Progress};
use activity_advanced::activities::process_large_file_activity;
use activity_advanced::fakes::chunk_store::ChunkStore;
use activity_advanced::fakes::database::{Database, DatabaseError};
use activity_advanced::stops::{Stop, migration};
use activity_advanced::tour::row::Row;
use activity_advanced::workflows::{data_migration_workflow, resilient_processing_workflow};
use durasim::check;
use durasim::{ActivityContext, ActivityError, ActivityFn, Simulation};

/// The tour's simulation with another activity in the place of ours.
fn with_activity<F>(activity: F) -> Simulation
where
    F: ActivityFn<FileProcessingInput, FileProcessingResult>,
{
    Simulation::temporal()
        .activity("process_large_file", activity)
        .workflow("resilient_processing", resilient_processing_workflow)
        .state(ChunkStore::default)
}

async fn process(file: &str, chunk: u32) -> Result<(), ActivityError> {
    let store = durasim::state::<ChunkStore>();
    store.process(file, chunk).await?;
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

fn explored(simulation: &Simulation) -> Row {
    Row::of(Stop::of("resilient_processing").unwrap(), simulation, 0..300).unwrap()
}

/// The first failure: the check that minds, its finding, and the number of faults that it takes.
fn failure(row: &Row) -> Option<(String, String, usize)> {
    let failed = row.failures().next()?;
    Some((failed.check.clone(), failed.violation.kind.clone(), failed.plan.entries.len()))
}

#[test]
fn our_activity_loses_nothing() {
    let row = explored(&with_activity(process_large_file_activity));
    assert!(row.holds());
    assert_eq!((row.lost_progress(), failure(&row)), (0, None));
    assert!(row.outcomes.resumed > 0, "nothing was ever resumed");
}

#[test]
fn a_heartbeat_before_the_work_loses_chunks() {
    let row = explored(&with_activity(heartbeats_before_the_work));
    assert!(row.lost_progress() > 0);
    assert_eq!(failure(&row), Some(("effects".to_owned(), "lost".to_owned(), 1)));
}

#[test]
fn heartbeats_that_nobody_reads_lose_all_progress() {
    let row = explored(&with_activity(never_reads_its_heartbeats));
    assert!(row.lost_progress() > 0);
    assert_eq!(failure(&row), Some(("progress".to_owned(), "never read".to_owned(), 1)));
}

/// Its heartbeats count the records that are staged, not those that are published: records that were staged when a
/// worker died are discarded, and never copied again.
async fn counts_what_is_only_staged(
    ctx: &ActivityContext,
    input: MigrationInput,
) -> Result<MigrationResult, ActivityError> {
    let retryable = |error: DatabaseError| ActivityError::retryable(error.to_string());
    let database = durasim::state::<Database>();
    let mut progress: MigrationProgress = ctx.heartbeat_details()?.unwrap_or_default();
    let lock = database.try_lock("migration").map_err(|_| ActivityError::retryable("locked"))?;
    lock.discard_staged();
    while progress.records_done < input.records {
        for record in lock.read_batch(progress.records_done, input.batch_size, input.records).await {
            lock.stage(record).await.map_err(retryable)?;
            progress.records_done += 1;
            if progress.records_done.is_multiple_of(20) {
                ctx.heartbeat(&progress)?;
            }
        }
        lock.publish().await.map_err(retryable)?;
    }
    Ok(MigrationResult { records: progress.records_done, checksum: 0 })
}

#[test]
fn heartbeats_that_count_what_is_only_staged_lose_records() {
    let failed = Simulation::temporal()
        .activity("migrate_data", counts_what_is_only_staged)
        .workflow("data_migration", data_migration_workflow)
        .state(Database::default)
        .explore("data_migration", &migration())
        .every_fault()
        .check(check::effects(|database: &Database| &database.published))
        .report();
    let [failed] = failed.failures() else { panic!("{failed}") };
    assert_eq!((&*failed.violation.kind, failed.plan.entries.len()), ("lost", 1), "{}", failed.text);
}

/// Every event of the broken activities. Part of the golden net; `tests/golden/main.rs` of the crate says what it is for.
#[test]
fn golden_broken_activities() {
    let mut kept = Kept::new("tour_broken");
    let file = FileProcessingInput { file: "data.csv".to_owned(), chunks: 7 };
    for (code, simulation) in [
        ("heartbeats before the work", with_activity(heartbeats_before_the_work)),
        ("never reads its heartbeats", with_activity(never_reads_its_heartbeats)),
    ] {
        for plan in ["v1", "process_large_file#1@1:await4=crash", "process_large_file#1@1:effect3=fail_applied"] {
            let simulation = simulation.clone().plan(plan.parse().unwrap());
            kept.add(&format!("{code}: {plan}"), &run_text(simulation.run("resilient_processing", &file).as_ref()));
        }
    }
    let simulation = Simulation::temporal()
        .activity("migrate_data", counts_what_is_only_staged)
        .workflow("data_migration", data_migration_workflow)
        .state(Database::default);
    let records = MigrationInput { records: 24, batch_size: 15, ..migration() };
    for plan in ["v1", "migrate_data#1@1:await26=crash"] {
        let simulation = simulation.clone().plan(plan.parse().unwrap());
        kept.add(
            &format!("counts what is only staged: {plan}"),
            &run_text(simulation.run("data_migration", &records).as_ref()),
        );
    }
    kept.assert();
}
