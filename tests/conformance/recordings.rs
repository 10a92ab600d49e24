//! One scenario: played, and judged by its recording.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::pace::{Pace, SLACKS, Timers};
use crate::recording::compare::disagreements;
use crate::recording::gap::{Gap, latest};
use crate::recording::scenario::{Engine, Scenario, load};
use crate::snapshot;
use crate::{raw, sdk};

/// The verdict on a scenario.
pub enum Verdict {
    Agrees,
    /// At nominal times the scenario comes out otherwise, because of the recording's own jitter. With hand-overs and
    /// calls at their recorded times it agrees.
    AgreesAtItsPace,
    Disagrees(Vec<String>),
    NotCovered(String),
}

pub fn judge(scenario: &Scenario) -> Verdict {
    if let Some(needed) = scenario.needs() {
        return Verdict::NotCovered(needed);
    }
    let observed = &scenario.observed;
    let nominal = compare(scenario, play(scenario, Pace::Nominal));
    if nominal.is_empty() {
        return Verdict::Agrees;
    }
    let latest = latest(scenario.is_slow);
    // The second time for what the recording does not show: timers of the service by itself, calls to a simulation.
    let paces = [false, true].into_iter().flat_map(|again| {
        let timers = Timers { latest, unseen_are_late: again };
        SLACKS.into_iter().map(move |slack| Pace::Recorded { observed, slack, timers, calls_by_history: again })
    });
    let by_history = (scenario.engine() == Engine::Sdk).then_some(Pace::ByHistory { observed });
    // Those of the play that comes nearest say most.
    let mut fewest = nominal;
    for pace in by_history.into_iter().chain(paces) {
        let lines = compare(scenario, play(scenario, pace));
        if lines.is_empty() {
            return Verdict::AgreesAtItsPace;
        }
        if lines.len() < fewest.len() {
            fewest = lines;
        }
    }
    Verdict::Disagrees(fewest)
}

fn play(scenario: &Scenario, pace: Pace<&Value>) -> Result<(Value, Vec<Gap>), String> {
    let played = catch_unwind(AssertUnwindSafe(|| match scenario.engine() {
        Engine::Sdk => {
            let pace = match pace {
                Pace::Nominal => Pace::Nominal,
                Pace::ByHistory { observed } => Pace::ByHistory { observed: observed.clone() },
                Pace::Recorded { observed, slack, timers, calls_by_history } => {
                    Pace::Recorded { observed: observed.clone(), slack, timers, calls_by_history }
                }
            };
            sdk::play(&scenario.definition, pace)
        }
        Engine::Raw | Engine::Standalone => Ok(raw::play(&scenario.definition, pace)),
    }));
    played.unwrap_or_else(|_| Err("a panic".to_owned()))
}

/// The contradictions of the recording to the simulator.
fn compare(scenario: &Scenario, played: Result<(Value, Vec<Gap>), String>) -> Vec<String> {
    let (mut found, gaps) = match played {
        Ok(played) => played,
        Err(error) => return vec![format!("all: expected an end found {error}")],
    };
    // It was asked for in some scenarios only.
    if scenario.observed["workflow_trace"].is_null() {
        found["workflow_trace"] = Value::Null;
    }
    let expected = &scenario.observed;
    let mut lines = disagreements(expected, &found);
    lines.extend(gaps.iter().filter_map(|gap| gap.disagreement(&scenario.observed, scenario.is_slow)));
    lines
}

/// A comparison that passes over something passes for the wrong reason.
#[test]
fn whatever_is_changed_in_a_recording_is_noticed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/data/temporal-server-1.32");
    let names = [
        "raw_buffer_mixed",
        "cancel_wait_open_fails_after",
        "retry_max_attempts_3",
        "byid_fail_before_start",
        "sdk_plain_exception",
    ];
    let mut tried = 0;
    let mut unnoticed = std::collections::BTreeSet::new();
    for scenario in load(&folder).iter().filter(|scenario| names.contains(&&*scenario.name)) {
        assert!(matches!(judge(scenario), Verdict::Agrees), "{}", scenario.name);
        let mut leaves = Vec::new();
        collect_leaves(&scenario.observed, String::new(), &mut leaves);
        // The service does not decide what the driver gave, nor how news was spread over workflow tasks.
        let is_task = |leaf: &str| {
            let event =
                leaf.strip_prefix("/history/run-1/").and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
            let events = &scenario.observed["history"]["run-1"];
            event.is_some_and(|event| events[event]["type"].as_str().unwrap().starts_with("WORKFLOW_TASK_"))
        };
        let about_tasks = scenario.observed["workflow_tasks"].is_array();
        leaves.retain(|leaf| !leaf.contains("/run-1/0/attrs/input/") && (about_tasks || !is_task(leaf)));
        for leaf in leaves {
            let mut changed = Scenario { observed: scenario.observed.clone(), ..scenario.clone() };
            let value = changed.observed.pointer_mut(&leaf).expect("a leaf of it");
            *value = match &*value {
                Value::String(text) => Value::from(format!("{text}?")),
                Value::Number(number) => Value::from(number.as_f64().unwrap_or(0.0) + 1000.0),
                Value::Bool(flag) => Value::from(!flag),
                _ => Value::from("something"),
            };
            tried += 1;
            if compare(&changed, play(&changed, Pace::Nominal)).is_empty() {
                unnoticed.insert(leaf.rsplit('/').find(|name| name.parse::<u32>().is_err()).unwrap().to_owned());
            }
        }
    }
    assert!(tried > 400, "{tried}");
    let unnoticed: Vec<String> = unnoticed.into_iter().collect();
    snapshot::assert_kept("conformance_not_compared", &unnoticed.join("\n"));
}

fn collect_leaves(value: &Value, path: String, leaves: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| collect_leaves(field, format!("{path}/{name}"), leaves));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(place, item)| collect_leaves(item, format!("{path}/{place}"), leaves));
        }
        _ => leaves.push(path),
    }
}
