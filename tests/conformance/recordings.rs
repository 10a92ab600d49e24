//! All scenarios, group by group.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;

use crate::pace::{Pace, SLACKS};
use crate::recording::compare::disagreements;
use crate::recording::gap::Gap;
use crate::recording::scenario::{Engine, Scenario, load};
use crate::{raw, sdk};

/// What became of a scenario.
pub enum Verdict {
    Agrees,
    /// Nominally the recording's own jitter decides otherwise, here in words; with hand-overs and calls at their recorded
    /// times it agrees.
    AgreesAtItsPace(String),
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
    let paced = SLACKS.map(|slack| compare(scenario, play(scenario, Pace::Recorded { observed, slack })));
    if paced.iter().any(Vec::is_empty) {
        return Verdict::AgreesAtItsPace(nominal[0].clone());
    }
    Verdict::Disagrees(nominal)
}

fn play(scenario: &Scenario, pace: Pace<&Value>) -> Result<(Value, Vec<Gap>), String> {
    let played = catch_unwind(AssertUnwindSafe(|| match scenario.engine() {
        Engine::Sdk => {
            let pace = match pace {
                Pace::Nominal => Pace::Nominal,
                Pace::Recorded { observed, slack } => Pace::Recorded { observed: observed.clone(), slack },
            };
            sdk::play(&scenario.definition, pace)
        }
        Engine::Raw | Engine::Standalone => Ok(raw::play(&scenario.definition, pace)),
    }));
    played.unwrap_or_else(|_| Err("a panic".to_owned()))
}

/// What the recording says against the simulator.
fn compare(scenario: &Scenario, played: Result<(Value, Vec<Gap>), String>) -> Vec<String> {
    let (found, gaps) = match played {
        Ok(played) => played,
        Err(error) => return vec![format!("all: expected an end found {error}")],
    };
    // The workflow's own view is in its result too, where it has one.
    let mut expected = scenario.observed.clone();
    for field in ["workflow_trace", "children"] {
        expected.as_object_mut().expect("observations").remove(field);
    }
    let mut lines = disagreements(&expected, &found);
    lines.extend(gaps.iter().filter_map(|gap| gap.disagreement(&scenario.observed)));
    lines
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
            Verdict::AgreesAtItsPace(line) => {
                group.0 += 1;
                writeln!(text, "{}: at the recorded pace ({line})", scenario.name).unwrap();
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
