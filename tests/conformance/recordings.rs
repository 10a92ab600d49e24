//! All scenarios, group by group.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;

use crate::raw::{self, Pace};
use crate::recording::compare::disagreements;
use crate::recording::scenario::{Engine, Scenario, load};

/// What became of a scenario.
pub enum Verdict {
    Agrees,
    /// Nominally the recording's own jitter decides otherwise; with its hand-overs and calls at their recorded times it
    /// agrees.
    AgreesAtItsPace(Vec<String>),
    Disagrees(Vec<String>),
    NotCovered(String),
}

pub fn judge(scenario: &Scenario) -> Verdict {
    if let Some(needed) = scenario.needs() {
        return Verdict::NotCovered(needed);
    }
    if scenario.engine() == Engine::Sdk {
        return Verdict::NotCovered("sdk".into());
    }
    let nominal = play(scenario, Pace::Nominal);
    if nominal.is_empty() {
        return Verdict::Agrees;
    }
    if play(scenario, Pace::Recorded(&scenario.observed)).is_empty() {
        return Verdict::AgreesAtItsPace(nominal);
    }
    Verdict::Disagrees(nominal)
}

/// What the recording says against the simulator.
fn play(scenario: &Scenario, pace: Pace<'_>) -> Vec<String> {
    let played = catch_unwind(AssertUnwindSafe(|| raw::play(&scenario.definition, pace)));
    let Ok((found, gaps)) = played else {
        return vec!["all: expected an end found a panic".to_owned()];
    };
    let expected = shown(&scenario.observed);
    let mut lines = disagreements(&expected, &found);
    lines.extend(gaps.iter().filter_map(|gap| gap.disagreement(&scenario.observed)));
    lines
}

/// What is not looked at: the trace of the workflow's own view is in its result too.
fn shown(observed: &Value) -> Value {
    let mut observed = observed.clone();
    for field in ["workflow_trace", "children"] {
        observed.as_object_mut().expect("observations").remove(field);
    }
    observed
}

#[test]
fn recordings() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/data");
    let scenarios = load(&data.join("temporal-server-1.32"));
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut text = String::new();
    for scenario in &scenarios {
        let group = groups.entry(&scenario.group).or_default();
        group.1 += 1;
        match judge(scenario) {
            Verdict::Agrees => group.0 += 1,
            Verdict::AgreesAtItsPace(lines) => {
                group.0 += 1;
                writeln!(text, "{}: at the recorded pace ({})", scenario.name, lines[0]).unwrap();
            }
            Verdict::NotCovered(_) => {}
            Verdict::Disagrees(lines) => {
                for line in lines {
                    writeln!(text, "{}: {line}", scenario.name).unwrap();
                }
            }
        }
    }
    print!("{text}");
    for (group, (agree, all)) in groups {
        println!("{group} {agree}/{all}");
    }
}
