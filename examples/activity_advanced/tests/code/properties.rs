//! Whatever goes wrong, in both dialects and with several workers: every attempt of every activity of the tour starts with
//! the last checkpoint that the service had, no checkpoint goes backwards, and nothing that one covers is left undone.

use std::cell::Cell;

use activity_advanced::activities::deadline_aware::ItemsProgress;
use activity_advanced::activities::migrate_data::MigrationProgress;
use activity_advanced::activities::process_large_file::Progress;
use activity_advanced::fakes::chunk_store::ChunkStore;
use activity_advanced::stops::{STOPS, Stop, file, items, migration, simulation};
use durasim::fault::Plan;
use durasim::{ActivityRecord, Dialect, Run, Simulation, Time, strategy};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

/// The gate tries the same cases each time. To try others, change this.
const SEED: RngSeed = RngSeed::Fixed(1);
const CASES: u32 = 600;

/// Plans whose points are known from the run without faults; of a script, whose points they do not know, random ones.
fn plans(stop: &Stop, world: &Simulation) -> BoxedStrategy<Option<Plan>> {
    match stop.workflow {
        "resilient_processing" | "file_processing" | "file_processing_with_retries" => {
            strategy::plan(world, stop.workflow, &file()).prop_map(Some).boxed()
        }
        "data_migration" | "data_migration_with_retries" => {
            strategy::plan(world, stop.workflow, &migration()).prop_map(Some).boxed()
        }
        "deadline_aware" | "deadline_aware_with_retries" => {
            strategy::plan(world, stop.workflow, &items()).prop_map(Some).boxed()
        }
        _ => Just(None).boxed(),
    }
}

/// The progress that a checkpoint of this activity says.
fn done(activity: &str, details: &[u8]) -> u32 {
    match activity {
        "process_large_file" => serde_json::from_slice::<Progress>(details).unwrap().chunks_done,
        "migrate_data" => serde_json::from_slice::<MigrationProgress>(details).unwrap().records_done,
        _ => serde_json::from_slice::<ItemsProgress>(details).unwrap().items_done,
    }
}

/// The heartbeats that became visible: the time, the attempt, and the details.
fn visible(activity: &ActivityRecord) -> Vec<(Time, u32, &[u8])> {
    let mut visible: Vec<_> = activity
        .attempts
        .iter()
        .flat_map(|attempt| attempt.heartbeats.iter().map(move |heartbeat| (attempt.number, heartbeat)))
        .filter_map(|(number, heartbeat)| Some((heartbeat.visible_at?, number, heartbeat.details.as_deref()?)))
        .collect();
    visible.sort_by_key(|(at, ..)| *at);
    visible
}

fn judge(run: &Run) -> Result<(), TestCaseError> {
    for activity in run.activities() {
        let visible = visible(&activity);
        let checkpoints: Vec<u32> =
            visible.iter().map(|(.., details)| done(&activity.activity_type, details)).collect();
        prop_assert!(checkpoints.is_sorted(), "{}: {checkpoints:?}", activity.activity_type);
        for attempt in &activity.attempts {
            let last = visible.iter().rfind(|(at, number, _)| *at <= attempt.started_at && *number < attempt.number);
            let expected = last.map(|(.., details)| *details);
            prop_assert_eq!(attempt.details_at_start.as_deref(), expected, "attempt {}", attempt.number);
        }
        if *activity.activity_type == *"process_large_file" {
            let store = run.state::<ChunkStore>();
            let covered = checkpoints.last().copied().unwrap_or(0);
            let lost: Vec<u32> = (0..covered).filter(|chunk| store.processed.count(chunk) == 0).collect();
            prop_assert!(lost.is_empty(), "lost of {covered}: {lost:?}");
        }
    }
    Ok(())
}

#[test]
fn progress_survives_whatever_goes_wrong() {
    let resumed = Cell::new(0);
    for dialect in [Dialect::Temporal, Dialect::Cadence] {
        for stop in &STOPS {
            let world = simulation(dialect);
            let cases = (plans(stop, &world), any::<u64>(), 1..4usize);
            let each = CASES / (2 * STOPS.len() as u32);
            let mut runner =
                TestRunner::new(Config { cases: each, failure_persistence: None, rng_seed: SEED, ..Config::default() });
            let outcome = runner.run(&cases, |(plan, seed, workers)| {
                let world = world.clone().workers(workers);
                let world = match plan {
                    Some(plan) => world.plan(plan.with_seed(seed)),
                    None => world.random_faults(seed),
                };
                let run = stop.run(&world).map_err(|error| TestCaseError::fail(error.to_string()))?;
                judge(&run).map_err(|error| TestCaseError::fail(format!("{error}\n{}", run.timeline())))?;
                let later = run.activities();
                let mut later = later.iter().flat_map(|activity| &activity.attempts);
                if later.any(|attempt| attempt.number > 1 && attempt.details_at_start.is_some()) {
                    resumed.set(resumed.get() + 1);
                }
                Ok(())
            });
            if let Err(error) = outcome {
                panic!("{} ({dialect:?}): {error}", stop.workflow);
            }
        }
    }
    // Properties of things that never happen hold for nothing.
    assert!(resumed.get() > CASES / 10, "{} of {CASES} cases resumed", resumed.get());
}
