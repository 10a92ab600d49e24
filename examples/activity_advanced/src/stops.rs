//! The stops of the tour: each is a workflow with its input, and the checks by which every run of it is judged.

use std::time::Duration;

use durasim::{Client, ClientError, Dialect, Exploration, Run, RunError, Simulation, check};

use crate::activities::deadline_aware::{self, ItemsInput, ItemsProgress};
use crate::activities::migrate_data::{self, MigrationInput, MigrationProgress};
use crate::activities::process_large_file::{self, FileProcessingInput, Progress};
use crate::activities::{deadline_aware_activity, migrate_data_activity, process_large_file_activity};
use crate::checks::{if_there_is_time, items_are_done, total_is_right};
use crate::fakes::chunk_store::{CHUNK_TIME, ChunkStore};
use crate::fakes::database::Database;
use crate::fakes::item_queue::{ITEM_TIME, ItemQueue};
use crate::workflows::skip_at_a_signal::{FileAndMigration, FileAndMigrationResult, SKIP_FILE};
use crate::workflows::{
    data_migration_with_retries_workflow, data_migration_workflow, deadline_aware_with_retries_workflow,
    deadline_aware_workflow, file_processing_with_retries_workflow, file_processing_workflow,
    resilient_processing_workflow, skip_at_a_signal_workflow,
};

/// One stop of the tour.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// The registered name of its workflow.
    pub workflow: &'static str,
    /// The reason to look at it, in a few words.
    pub about: &'static str,
    /// The registered name of the activity that it is about.
    pub activity: &'static str,
    judged: fn(&Simulation, &'static str) -> Exploration,
    run: fn(&Simulation, &'static str) -> Result<Run, RunError>,
}

/// All stops, in the order of the tour.
pub const STOPS: [Stop; 8] = [
    Stop {
        workflow: "resilient_processing",
        about: "three attempts, resumed",
        activity: "process_large_file",
        judged: judge_resilient,
        run: run_file,
    },
    Stop {
        workflow: "file_processing",
        about: "timeouts for a long activity",
        activity: "process_large_file",
        judged: judge_file,
        run: run_file,
    },
    Stop {
        workflow: "file_processing_with_retries",
        about: "the same in five attempts",
        activity: "process_large_file",
        judged: judge_file,
        run: run_file,
    },
    Stop {
        workflow: "data_migration",
        about: "a lock, batches, cleaning up",
        activity: "migrate_data",
        judged: judge_migration,
        run: run_migration,
    },
    Stop {
        workflow: "data_migration_with_retries",
        about: "the same in four attempts",
        activity: "migrate_data",
        judged: judge_migration,
        run: run_migration,
    },
    Stop {
        workflow: "deadline_aware",
        about: "a part of the work in 5 s",
        activity: "deadline_aware_activity",
        judged: judge_items,
        run: run_items,
    },
    Stop {
        workflow: "deadline_aware_with_retries",
        about: "the same in three attempts",
        activity: "deadline_aware_activity",
        judged: judge_items,
        run: run_items,
    },
    Stop {
        workflow: "skip_at_a_signal",
        about: "one of two is cancelled",
        activity: "process_large_file",
        judged: judge_skip,
        run: run_skip,
    },
];

impl Stop {
    /// The stop of this workflow.
    pub fn of(workflow: &str) -> Option<&'static Stop> {
        STOPS.iter().find(|stop| stop.workflow == workflow)
    }

    /// Everything that its runs are judged by, and no run yet.
    pub fn judged(&self, simulation: &Simulation) -> Exploration {
        (self.judged)(simulation, self.workflow).named(self.workflow)
    }

    /// Makes one run.
    ///
    /// # Errors
    /// The errors are those of [`Simulation::run`].
    pub fn run(&self, simulation: &Simulation) -> Result<Run, RunError> {
        (self.run)(simulation, self.workflow)
    }
}

/// A function that registers an activity of the tour.
pub type Register = fn(Simulation) -> Simulation;

/// The activities of the tour: their registered names, and the functions that register them.
pub const ACTIVITIES: [(&str, Register); 3] = [
    ("process_large_file", |simulation| simulation.activity("process_large_file", process_large_file_activity)),
    ("migrate_data", |simulation| simulation.activity("migrate_data", migrate_data_activity)),
    ("deadline_aware_activity", |simulation| simulation.activity("deadline_aware_activity", deadline_aware_activity)),
];

/// The tour: all activities and workflows, and the fakes of the world outside.
pub fn simulation(dialect: Dialect) -> Simulation {
    ACTIVITIES.iter().fold(world(dialect), |simulation, (_, register)| register(simulation))
}

/// All workflows of the tour, and the fakes of the world outside, without the activities.
pub fn world(dialect: Dialect) -> Simulation {
    let simulation = match dialect {
        Dialect::Cadence => Simulation::cadence(),
        _ => Simulation::temporal(),
    };
    simulation
        .workflow("resilient_processing", resilient_processing_workflow)
        .workflow("file_processing", file_processing_workflow)
        .workflow("file_processing_with_retries", file_processing_with_retries_workflow)
        .workflow("data_migration", data_migration_workflow)
        .workflow("data_migration_with_retries", data_migration_with_retries_workflow)
        .workflow("deadline_aware", deadline_aware_workflow)
        .workflow("deadline_aware_with_retries", deadline_aware_with_retries_workflow)
        .workflow("skip_at_a_signal", skip_at_a_signal_workflow)
        .state(ChunkStore::default)
        .state(Database::default)
        .state(ItemQueue::default)
}

/// The file of the tour: 120 s of work, far longer than the heartbeat timeout, and with room in the 300 s for a crash at
/// the end of it.
pub fn file() -> FileProcessingInput {
    FileProcessingInput { file: "data.csv".to_owned(), chunks: 24 }
}

/// The migration of the tour: some 135 s of work, in batches that heartbeats do not coincide with.
pub fn migration() -> MigrationInput {
    MigrationInput { from: "orders".to_owned(), to: "orders_v2".to_owned(), records: 120, batch_size: 15 }
}

/// The items of the tour: 6 s of work, for which there are 5 s.
pub fn items() -> ItemsInput {
    ItemsInput { items: 10 }
}

/// The time that each attempt has in all: the schedule-to-close timeouts of the workflows.
const FILE_BUDGET: Duration = Duration::from_secs(300);
const MIGRATION_BUDGET: Duration = Duration::from_secs(600);

/// The longest time that a record, the publication of staged records, and the next batch take: an attempt looks up
/// after them.
const MIGRATION_STEP: Duration = Duration::from_secs(3);

fn judge_resilient(simulation: &Simulation, workflow: &'static str) -> Exploration {
    // Execution is at least once: each of the three attempts may do a chunk, so two may repeat it.
    judge_file(simulation, workflow).check(check::effects(|store: &ChunkStore| &store.processed).repeats_at_most(2))
}

fn judge_file(simulation: &Simulation, workflow: &'static str) -> Exploration {
    let margin = process_large_file::STOP_BEFORE_DEADLINE;
    with_file_checks(simulation.explore(workflow, &file()))
        .check(
            check::effects(|store: &ChunkStore| &store.processed)
                .covered_by("process_large_file", |progress: &Progress, chunk: &u32| *chunk < progress.chunks_done),
        )
        .check(if_there_is_time(check::same_result(), FILE_BUDGET, margin))
}

/// Adds the checks that hold of the activity in every workflow.
fn with_file_checks(exploration: Exploration) -> Exploration {
    let margin = process_large_file::STOP_BEFORE_DEADLINE - CHUNK_TIME;
    exploration
        .check(check::completes())
        .check(check::replays())
        .check(check::heartbeats_in_time())
        .check(
            check::progress("process_large_file", |progress: &Progress| progress.chunks_done)
                .at_most(process_large_file::HEARTBEAT_EVERY),
        )
        .check(check::stops_in_time(CHUNK_TIME).of("process_large_file").until_cancelled().before_deadline(margin))
}

fn judge_migration(simulation: &Simulation, workflow: &'static str) -> Exploration {
    let margin = migrate_data::STOP_BEFORE_DEADLINE;
    with_migration_checks(simulation.explore(workflow, &migration())).check(if_there_is_time(
        check::same_result(),
        MIGRATION_BUDGET,
        margin,
    ))
}

/// Adds the checks that hold of the activity in every workflow.
fn with_migration_checks(exploration: Exploration) -> Exploration {
    let published = check::effects(|database: &Database| &database.published)
        .covered_by("migrate_data", |progress: &MigrationProgress, record: &u32| *record < progress.records_done);
    let margin = migrate_data::STOP_BEFORE_DEADLINE;
    exploration
        .check(check::completes())
        .check(check::replays())
        .check(check::heartbeats_in_time())
        .check(
            // A record is an effect, and so is each of the two or three times that staged records are published.
            check::progress("migrate_data", |progress: &MigrationProgress| progress.records_done)
                .at_most(migrate_data::HEARTBEAT_EVERY + 3),
        )
        .check(if_there_is_time(published, MIGRATION_BUDGET, margin))
        .check(
            check::stops_in_time(MIGRATION_STEP)
                .of("migrate_data")
                .from_worker_stop()
                .before_deadline(margin.saturating_sub(MIGRATION_STEP)),
        )
        .check(
            // A lock that the database does not take back is free at the end of its lease.
            check::cleaned_up(|database: &Database| database.left_behind().map_or(Ok(()), Err::<(), String>))
                .of("migrate_data")
                .from_worker_stop()
                .unless_failed("give back the lock"),
        )
}

fn judge_items(simulation: &Simulation, workflow: &'static str) -> Exploration {
    simulation
        .explore(workflow, &items())
        .check(check::completes())
        .check(check::replays())
        .check(check::heartbeats_in_time())
        .check(
            check::progress("deadline_aware_activity", |progress: &ItemsProgress| progress.items_done)
                .at_most(deadline_aware::HEARTBEAT_EVERY),
        )
        // A worker that stops lets its attempts run for 10 s, which is longer than this attempt takes.
        .check(check::stops_in_time(ITEM_TIME).until_cancelled().before_deadline(deadline_aware::MARGIN))
        .check(items_are_done())
        .check(total_is_right())
}

fn judge_skip(simulation: &Simulation, _workflow: &'static str) -> Exploration {
    let margin = migrate_data::STOP_BEFORE_DEADLINE;
    // The number of chunks that are done before the file is skipped depends on when its activity hears of that, so
    // chunks are not compared.
    with_migration_checks(with_file_checks(simulation.explore_script(skip_file))).check(if_there_is_time(
        check::same_result(),
        MIGRATION_BUDGET,
        margin,
    ))
}

fn run_file(simulation: &Simulation, workflow: &'static str) -> Result<Run, RunError> {
    simulation.run(workflow, &file())
}

fn run_migration(simulation: &Simulation, workflow: &'static str) -> Result<Run, RunError> {
    simulation.run(workflow, &migration())
}

fn run_items(simulation: &Simulation, workflow: &'static str) -> Result<Run, RunError> {
    simulation.run(workflow, &items())
}

fn run_skip(simulation: &Simulation, _workflow: &'static str) -> Result<Run, RunError> {
    simulation.drive(skip_file).map(|(_, run)| run)
}

/// A user who starts both and has the file skipped after 40 s.
async fn skip_file(client: Client) -> Result<FileAndMigrationResult, ClientError> {
    let input = FileAndMigration { file: file(), migration: MigrationInput { records: 60, ..migration() } };
    let both = client.start("skip_at_a_signal", "skip-1", &input).await?;
    client.sleep(Duration::from_secs(40)).await;
    both.signal(SKIP_FILE, &()).await?;
    both.result().await
}
