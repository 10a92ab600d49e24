//! The histories of the recordings, replayed as a user replays those of production: they are written in Temporal's JSON, and the
//! script of their workflow has to go along with them. Each change of a command in them is refused at its event.

mod changes;
mod translate;

use std::collections::BTreeMap;
use std::io::Write as _;

use durasim::{ReplayError, Simulation};
use serde_json::Value;

use crate::recording::scenario::Scenario;
use crate::script::{ScriptProgram, Worker};
use crate::source::Source;
use changes::CHANGES;

/// Scenarios whose histories the code of today does not go along with, and the reason.
const EXCEPTIONS: [(&str, &str); 2] = [
    ("replay_nondeterminism run-1", "its code is changed while it runs, which is what the scenario is about"),
    ("rs_010 run-1", "its cancel is there at its first task: the interpreter ends there, where this code had begun"),
];

/// The histories that the interpreter can play, with the names of their scenarios and runs.
fn histories() -> Vec<(String, Vec<Value>)> {
    let plays = |scenario: &Scenario| scenario.has_known_script() && !scenario.observed["history"].is_null();
    let scenarios = Source::Own.scenarios();
    let of = |scenario: &Scenario| {
        let runs = scenario.observed["history"].as_object().cloned().unwrap_or_default();
        let name = scenario.name.clone();
        runs.into_iter()
            .filter_map(move |(run, events)| Some((format!("{name} {run}"), translate::events(events.as_array()?))))
    };
    scenarios.iter().filter(|scenario| plays(scenario)).flat_map(of).collect()
}

fn replay(events: &[Value]) -> Result<u32, ReplayError> {
    let worker = Worker::default();
    // The workers of the recordings have panicked and changed their code as often as they were to.
    (worker.kept().panics, worker.kept().flips) = (1 << 32, 1 << 32);
    let simulation = Simulation::temporal().workflow_program(ScriptProgram { worker });
    let json = serde_json::json!({ "events": events }).to_string();
    simulation.replay_history(&json).map(|replayed| replayed.tasks)
}

#[test]
fn the_recorded_histories_are_replayed() {
    let histories = histories();
    let (mut replayed, mut tasks, mut open) = (0, 0, 0);
    let (mut refused, mut excepted) = (Vec::new(), 0);
    for (name, events) in &histories {
        match replay(events) {
            Ok(compared) => {
                replayed += 1;
                tasks += compared;
            }
            Err(ReplayError::NothingAnswered { .. }) => open += 1,
            Err(why) if EXCEPTIONS.iter().all(|(known, _)| known != name) => refused.push(format!("{name}: {why}")),
            Err(_) => excepted += 1,
        }
    }
    let line = format!(
        "histories: {replayed} of {} replayed, {tasks} tasks, {open} without an answered task\n",
        histories.len()
    );
    // This is written past the test harness, which swallows the output of a passing test.
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    assert!(refused.is_empty(), "{} are refused:\n{}", refused.len(), refused.join("\n"));
    assert_eq!(excepted, EXCEPTIONS.len(), "an exception is replayed, or has no recording");
    assert!(replayed > 450 && tasks > 1200, "{line}");
}

/// Whatever command of a history is another one, the code of today is not that of then.
#[test]
fn each_change_of_a_command_is_refused_at_its_event() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut unnoticed = Vec::new();
    for (name, events) in histories() {
        if replay(&events).is_err() {
            continue;
        }
        for (change, make) in CHANGES {
            let Some((changed, expected)) = make(&events) else { continue };
            *counts.entry(change).or_default() += 1;
            match replay(&changed) {
                Err(ReplayError::Differs { event_id, event_type, .. }) => {
                    let event = &changed[event_id as usize - 1];
                    assert_eq!(event["eventType"], format!("EVENT_TYPE_{event_type}"));
                    if event_id != expected {
                        unnoticed.push(format!("{name}: {change}: at event {event_id} and not at {expected}"));
                    }
                }
                Err(other) => unnoticed.push(format!("{name}: {change}: {other}")),
                Ok(_) => unnoticed.push(format!("{name}: {change}: it is replayed")),
            }
        }
    }
    let line = format!("histories with a change, all refused: {counts:?}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    assert!(unnoticed.is_empty(), "{}:\n{}", unnoticed.len(), unnoticed.join("\n"));
    assert_eq!(counts.len(), CHANGES.len(), "{counts:?}");
}
