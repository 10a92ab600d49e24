//! The published activities of this kind have faults that an ordinary test never shows. They stand here, small and
//! written anew; the simulation finds each of their faults, and finds none in ours.

use std::time::Duration;

use activity_advanced::activities::deadline_aware::{ItemsInput, ItemsProgress, ItemsResult};
use activity_advanced::activities::migrate_data::{MigrationInput, MigrationProgress, MigrationResult};
use activity_advanced::activities::process_large_file::{FileProcessingInput, HEARTBEAT_EVERY};
use activity_advanced::activities::{deadline_aware_activity, migrate_data_activity, process_large_file_activity};
use activity_advanced::fakes::chunk_store::ChunkStore;
use activity_advanced::fakes::database::Database;
use activity_advanced::fakes::item_queue::ItemQueue;
use activity_advanced::stops::{file, items, migration};
use activity_advanced::workflows::{data_migration_workflow, deadline_aware_workflow};
use durasim::check::Check;
use durasim::explore::Failed;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, Simulation, WorkflowContext,
    WorkflowError, check,
};
use serde::{Deserialize, Serialize};

/// The only failure of an exploration.
#[track_caller]
fn failure(exploration: &Exploration) -> Failed {
    let report = exploration.report();
    assert!(report.error().is_none(), "{report}");
    let [failed] = report.failures() else {
        panic!("{} failures:\n{report}", report.failures().len());
    };
    failed.clone()
}

fn retryable(error: impl ToString) -> ActivityError {
    ActivityError::retryable(error.to_string())
}

// A result that is made in the loop.

#[derive(Default, Serialize, Deserialize)]
struct Chunks {
    chunks_done: u32,
}

/// The checksum is set in the loop. When a retry has nothing left to do, the loop does not run.
async fn checksum_made_in_the_loop(ctx: &ActivityContext, input: FileProcessingInput) -> Result<String, ActivityError> {
    let store = durasim::state::<ChunkStore>();
    let mut progress: Chunks = ctx.heartbeat_details()?.unwrap_or_default();
    let mut checksum = "init".to_owned();
    for chunk in progress.chunks_done..input.chunks {
        checksum = format!("{:08x}", store.process(&input.file, chunk).await.map_err(retryable)?);
        progress.chunks_done = chunk + 1;
        if progress.chunks_done.is_multiple_of(HEARTBEAT_EVERY) || progress.chunks_done == input.chunks {
            ctx.heartbeat(&progress)?;
        }
    }
    Ok(format!("{checksum}-{}", progress.chunks_done))
}

/// Any result will do.
async fn any_file(ctx: &WorkflowContext, input: FileProcessingInput) -> Result<serde_json::Value, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(300),
        heartbeat_timeout: Duration::from_secs(30),
        ..Default::default()
    };
    ctx.execute_activity("process_large_file", &input, options).await
}

fn files<O, F>(activity: F) -> Simulation
where
    O: Serialize + 'static,
    F: ActivityFn<FileProcessingInput, O>,
{
    Simulation::temporal()
        .activity("process_large_file", activity)
        .workflow("files", any_file)
        .state(ChunkStore::default)
}

fn same_file(simulation: &Simulation) -> Exploration {
    simulation.explore("files", &file()).every_fault().check(check::same_result())
}

#[test]
fn a_checksum_made_in_the_loop_is_wrong_when_nothing_is_left_to_do() {
    let failed = failure(&same_file(&files(checksum_made_in_the_loop)));
    assert_eq!((&*failed.check, failed.plan.entries.len()), ("same_result", 1));
    assert!(failed.text.contains("init-24"), "{}", failed.text);

    same_file(&files(process_large_file_activity)).assert();
}

// A deadline that is seen and not heeded.

/// Near its deadline it saves its progress, and goes on.
async fn goes_on_at_the_deadline(ctx: &ActivityContext, input: FileProcessingInput) -> Result<u32, ActivityError> {
    let store = durasim::state::<ChunkStore>();
    let mut progress: Chunks = ctx.heartbeat_details()?.unwrap_or_default();
    while progress.chunks_done < input.chunks {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        if ctx.get_remaining_time().is_some_and(|left| left < Duration::from_secs(6)) {
            ctx.heartbeat(&progress)?;
        }
        store.process(&input.file, progress.chunks_done).await.map_err(retryable)?;
        progress.chunks_done += 1;
        if progress.chunks_done.is_multiple_of(HEARTBEAT_EVERY) {
            ctx.heartbeat(&progress)?;
        }
    }
    Ok(progress.chunks_done)
}

fn in_time(simulation: &Simulation) -> Exploration {
    let step = Duration::from_secs(5);
    let check = check::stops_in_time(step).until_cancelled().before_deadline(Duration::from_secs(1));
    simulation.explore("files", &file()).every_fault().check(check)
}

#[test]
fn a_deadline_that_is_not_heeded_ends_in_a_timeout() {
    let failed = failure(&in_time(&files(goes_on_at_the_deadline)));
    assert_eq!((&*failed.check, &*failed.violation.kind), ("stops_in_time", "deadline"));
    assert_eq!(failed.plan.entries.len(), 1, "{}", failed.plan);

    in_time(&files(process_large_file_activity)).assert();
}

// Heartbeats that depend on the size of a batch.

/// Looks at the count after each batch only: with batches of 15 it is a multiple of 20 after every fourth.
async fn heartbeats_when_the_batch_fits(
    ctx: &ActivityContext,
    input: MigrationInput,
) -> Result<MigrationResult, ActivityError> {
    let database = durasim::state::<Database>();
    let mut progress: MigrationProgress = ctx.heartbeat_details()?.unwrap_or_default();
    let lock = database.try_lock("migration").map_err(|_| retryable("locked"))?;
    lock.discard_staged();
    while progress.records_done < input.records {
        for record in lock.read_batch(progress.records_done, input.batch_size, input.records).await {
            lock.stage(record).await.map_err(retryable)?;
        }
        progress.records_done += lock.publish().await.map_err(retryable)?.len() as u32;
        if progress.records_done.is_multiple_of(20) {
            ctx.heartbeat(&progress)?;
        }
    }
    drop(lock);
    Ok(MigrationResult { records: progress.records_done, checksum: 0 })
}

fn migrations(activity: impl ActivityFn<MigrationInput, MigrationResult>, check: impl Check + 'static) -> Exploration {
    Simulation::temporal()
        .activity("migrate_data", activity)
        .workflow("data_migration", data_migration_workflow)
        .state(Database::default)
        .explore("data_migration", &migration())
        .every_fault()
        .check(check)
}

#[test]
fn heartbeats_that_depend_on_the_batch_leave_too_much_at_risk() {
    let little_at_risk =
        || check::progress("migrate_data", |progress: &MigrationProgress| progress.records_done).at_most(23);
    let failed = failure(&migrations(heartbeats_when_the_batch_fits, little_at_risk()));
    assert_eq!((&*failed.check, &*failed.violation.kind), ("progress", "too much at risk"));
    assert!(failed.plan.is_empty(), "it takes no fault: {}", failed.plan);

    migrations(migrate_data_activity, little_at_risk()).assert();
}

#[test]
fn heartbeats_that_depend_on_the_batch_come_too_late() {
    // Four batches of 15 s and more, with a heartbeat timeout of 60 s.
    let failed = failure(&migrations(heartbeats_when_the_batch_fits, check::heartbeats_in_time()));
    assert_eq!(&*failed.check, "heartbeats_in_time");
    assert!(failed.plan.is_empty(), "it takes no fault: {}", failed.plan);

    migrations(migrate_data_activity, check::heartbeats_in_time()).assert();
}

// Heartbeats that nobody reads.

/// Carries its progress in heartbeats, and begins with the first item whenever it is tried.
async fn never_reads_its_heartbeats(ctx: &ActivityContext, input: ItemsInput) -> Result<ItemsResult, ActivityError> {
    let queue = durasim::state::<ItemQueue>();
    let mut progress = ItemsProgress::default();
    while progress.items_done < input.items
        && ctx.get_remaining_time().is_none_or(|left| left >= Duration::from_millis(1100))
    {
        progress.total += queue.process(progress.items_done).await.map_err(retryable)?;
        progress.items_done += 1;
        ctx.heartbeat(&progress)?;
    }
    Ok(ItemsResult::so_far(progress, input.items))
}

fn deadlines(activity: impl ActivityFn<ItemsInput, ItemsResult>) -> Exploration {
    Simulation::temporal()
        .activity("deadline_aware_activity", activity)
        .workflow("deadline_aware", deadline_aware_workflow)
        .state(ItemQueue::default)
        .explore("deadline_aware", &items())
        .without_standard_checks()
        .every_fault()
        .check(check::progress("deadline_aware_activity", |progress: &ItemsProgress| progress.items_done))
}

#[test]
fn heartbeats_that_nobody_reads_are_no_progress() {
    let failed = failure(&deadlines(never_reads_its_heartbeats));
    assert_eq!((&*failed.check, &*failed.violation.kind), ("progress", "never read"));
    assert_eq!(failed.plan.entries.len(), 1, "{}", failed.plan);

    deadlines(deadline_aware_activity).assert();
}
