//! Timelines of the four workflows, to read: each without faults, and when something goes wrong.

use activity_advanced::activities::process_large_file::{FileProcessingInput, FileProcessingResult};
use activity_advanced::activities::process_large_file_activity;
use activity_advanced::fakes::chunk_store::ChunkStore;
use activity_advanced::fakes::database::Database;
use activity_advanced::stops::{Stop, simulation};
use activity_advanced::tour::tale::CRASH_AND_RESUME;
use activity_advanced::workflows::resilient_processing_workflow;
use durasim::{ActivityContext, ActivityError, Dialect, Run, Simulation, Time};

#[track_caller]
fn run(workflow: &str, plan: &str) -> Run {
    let simulation = simulation(Dialect::Temporal).plan(plan.parse().unwrap());
    let run = Stop::of(workflow).unwrap().run(&simulation).unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

/// Compares what happened from one second to another with the snapshot of this name.
#[track_caller]
fn assert_timeline(name: &str, run: &Run, seconds: std::ops::RangeInclusive<u64>) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let [from, to] = [*seconds.start(), *seconds.end()].map(|second| Time::from_millis(second * 1000));
    let timeline = run.timeline().header(run.plan().to_string()).between(from, to).details_width(80);
    settings.bind(|| insta::assert_snapshot!(name, timeline));
}

const ALL: std::ops::RangeInclusive<u64> = 0..=1_000_000;

#[test]
fn file_without_faults() {
    assert_timeline("file_without_faults", &run("file_processing", "v1"), ALL);
}

#[test]
fn file_crash_and_resume() {
    assert_timeline("file_crash_and_resume", &run("resilient_processing", CRASH_AND_RESUME.plan), 60..=1000);
}

/// The workflow waits for its activity, so it is open when the progress comes.
#[test]
fn file_cancelled_and_its_progress_accepted() {
    let run = run("file_processing", "process_large_file#1@1:await17=cancel");
    assert_timeline("file_cancelled_and_its_progress_accepted", &run, 60..=1000);
}

/// The workflow has closed at once, so the service knows the activity no more.
#[test]
fn file_cancelled_and_its_progress_refused() {
    let run = run("resilient_processing", "process_large_file#1@1:await17=cancel");
    assert_timeline("file_cancelled_and_its_progress_refused", &run, 60..=1000);
}

#[test]
fn file_stopped_by_its_deadline() {
    let run = run("file_processing", "process_large_file#1@1:dispatch=delayed(270s)");
    assert_timeline("file_stopped_by_its_deadline", &run, ALL);
}

#[test]
fn file_stopped_with_its_worker() {
    let run = run("file_processing", "process_large_file#1@1:await17=stop");
    assert_timeline("file_stopped_with_its_worker", &run, 75..=110);
}

#[test]
fn file_heartbeat_timeout_beside_a_zombie() {
    let run = run("file_processing", "process_large_file#1@1:await9=stall(45s)");
    assert_timeline("file_heartbeat_timeout_beside_a_zombie", &run, 35..=110);
}

/// The tour's activity without its heartbeats.
async fn silent(_ctx: &ActivityContext, input: FileProcessingInput) -> Result<FileProcessingResult, ActivityError> {
    let store = durasim::state::<ChunkStore>();
    for chunk in 0..input.chunks {
        store.process(&input.file, chunk).await?;
    }
    Ok(FileProcessingResult { file: input.file, chunks: input.chunks, checksum: 0 })
}

/// A file of 40 s, with a heartbeat timeout of 30 s.
fn small_file(simulation: Simulation) -> Run {
    simulation
        .workflow("resilient_processing", resilient_processing_workflow)
        .state(ChunkStore::default)
        .run("resilient_processing", &FileProcessingInput { file: "data.csv".to_owned(), chunks: 8 })
        .unwrap()
}

#[test]
fn heartbeats_prevent_timeouts() {
    let with = small_file(Simulation::temporal().activity("process_large_file", process_large_file_activity));
    assert_timeline("heartbeats_prevent_timeouts_with", &with, ALL);
    assert_eq!(with.state::<ChunkStore>().processed.total(), 8);

    let without = small_file(Simulation::temporal().activity("process_large_file", silent));
    assert_timeline("heartbeats_prevent_timeouts_without", &without, ALL);
    assert!(without.state::<ChunkStore>().processed.total() > 16, "three attempts, all at work");
    assert!(without.result::<FileProcessingResult>().is_err());
}

#[test]
fn migration_without_faults() {
    assert_timeline("migration_without_faults", &run("data_migration", "v1"), ALL);
}

/// The second attempt finds records that the first has staged, and copies them again.
#[test]
fn migration_crash_and_resume() {
    let run = run("data_migration", "migrate_data#1@1:await60=crash");
    assert_timeline("migration_crash_and_resume", &run, 45..=110);
    assert_eq!(run.state::<Database>().left_behind(), None);
}

#[test]
fn migration_cancelled_and_cleaned_up() {
    let run = run("data_migration", "migrate_data#1@1:await60=cancel");
    assert_timeline("migration_cancelled_and_cleaned_up", &run, 45..=1000);
    assert_eq!(run.state::<Database>().left_behind(), None);
}

#[test]
fn migration_stopped_with_its_worker() {
    let run = run("data_migration", "migrate_data#1@1:await60=stop");
    assert_timeline("migration_stopped_with_its_worker", &run, 45..=72);
    assert_eq!(run.state::<Database>().left_behind(), None);
}

#[test]
fn migration_stopped_by_its_deadline() {
    let run = run("data_migration", "migrate_data#1@1:dispatch=delayed(570s)");
    assert_timeline("migration_stopped_by_its_deadline", &run, ALL);
    assert_eq!(run.state::<Database>().left_behind(), None);
}

/// The second attempt has taken the lock over: the first cannot write any more when it goes on.
#[test]
fn migration_zombie_has_lost_the_lock() {
    let run = run("data_migration", "migrate_data#1@1:await30=stall(80s)");
    assert_timeline("migration_zombie_has_lost_the_lock", &run, 20..=118);
    let mut twice = 0;
    run.state::<Database>().published.each(|_, entries| twice += usize::from(entries.len() > 1));
    assert_eq!(twice, 0);
}

#[test]
fn deadline_without_faults() {
    assert_timeline("deadline_without_faults", &run("deadline_aware", "v1"), ALL);
}

#[test]
fn deadline_crash_and_resume() {
    let run = run("deadline_aware_with_retries", "deadline_aware_activity#1@1:await3=crash");
    assert_timeline("deadline_crash_and_resume", &run, ALL);
}

/// The progress in the last heartbeat becomes the result.
#[test]
fn deadline_missed() {
    let run = run("deadline_aware", "deadline_aware_activity#1@1:await5=stall(3s)");
    assert_timeline("deadline_missed", &run, ALL);
}

#[test]
fn file_skipped_at_a_signal() {
    assert_timeline("file_skipped_at_a_signal", &run("skip_at_a_signal", "v1"), 35..=1000);
}
