//! The simulation of the application, and what every run of it is judged by.

use std::time::Duration;

use durasim::{Exploration, Simulation, check};
use durasim_cadence::CadenceExt;

use super::app;
use super::app::deadline_aware::{DeadlineInput, DeadlineResult, MARGIN, Progress};
use super::app::migrate_data::{MigrationInput, MigrationProgress};
use super::app::process_large_file::{FileProcessingInput, ProcessingProgress};

/// The application in a simulation of Cadence. A deploy of the same code, and the way back, cost attempts and time, and nothing
/// else.
pub fn simulation() -> Simulation {
    Simulation::cadence().registered(app::register_all).deploy(|simulation| simulation).rollback()
}

/// A file of ten chunks of 1 MB.
pub fn file() -> FileProcessingInput {
    FileProcessingInput { file_path: "/data/large_file.dat".to_owned(), chunk_size: 1 << 20, chunks: 10 }
}

/// 100 records, in batches that do not coincide with heartbeats.
pub fn migration() -> MigrationInput {
    MigrationInput {
        source_table: "orders".into(),
        destination_table: "orders_v2".into(),
        records: 100,
        batch_size: 15,
    }
}

/// 6 s of work, for which there are 5 s.
pub fn items() -> DeadlineInput {
    DeadlineInput { task_name: "report".to_owned(), total_items: 120 }
}

/// The workflows, each with its checks, without any fault yet.
pub fn explorations(simulation: &Simulation) -> [(&'static str, Exploration); 4] {
    let files = |workflow| {
        simulation
            .explore(workflow, &file())
            .check(check::same_result())
            .check(check::progress("process_large_file", |progress: &ProcessingProgress| progress.chunks_processed))
            .check(check::heartbeats_in_time())
            .check(check::replays())
    };
    let migration = simulation
        .explore("data_migration", &migration())
        .check(check::same_result())
        .check(check::progress("migrate_data", |progress: &MigrationProgress| progress.records_migrated))
        .check(check::heartbeats_in_time())
        .check(check::replays());
    let deadline = simulation
        .explore("deadline_aware", &items())
        .check(check::same_result().partial(is_part))
        .check(check::progress("deadline_aware_task", |progress: &Progress| progress.completed_items))
        .check(check::stops_in_time(MARGIN).before_deadline(Duration::from_millis(100)))
        .check(check::replays());
    [
        ("file_processing", files("file_processing")),
        ("data_migration", migration),
        ("deadline_aware", deadline),
        ("resilient_processing", files("resilient_processing")),
    ]
}

/// An attempt that begins late does fewer items, and says so.
fn is_part(all: &DeadlineResult, part: &DeadlineResult) -> bool {
    part.completed_items <= all.completed_items && part.stopped_early && part.task_name == all.task_name
}
