//! The scenarios as this service plays them, with the absolute times by which no recording is compared, and the events
//! of those that run on a whole simulation. They are part of the golden net; `tests/golden/main.rs` says how it is
//! written anew.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::kept::{Kept, on_one_line};
use crate::pace::Pace;
use crate::recording::scenario::{Engine, Scenario};
use crate::run_text::run_text;
use crate::source::Source;
use crate::{raw, rules, sdk};

/// The scenarios of the first set that can be played, by their groups.
fn groups() -> BTreeMap<String, Vec<Scenario>> {
    let mut groups = BTreeMap::<String, Vec<Scenario>>::new();
    for scenario in Source::Own.scenarios() {
        if !scenario.is_slow && scenario.needs().is_none() {
            groups.entry(scenario.group.clone()).or_default().push(scenario);
        }
    }
    groups
}

/// A line for each thing in a list, and for each other value.
fn lines(name: &str, value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(field, value)| lines(&format!("{name}.{field}"), value, into));
        }
        Value::Array(list) if !list.is_empty() => {
            into.extend(list.iter().map(|item| format!("{name}: {}", on_one_line(&item.to_string()))));
        }
        other => into.push(format!("{name}: {}", on_one_line(&other.to_string()))),
    }
}

#[test]
fn golden_scenarios_on_the_service() {
    for (group, scenarios) in groups() {
        let file = match group.as_str() {
            "cancel" => "conformance_cancel",
            "limits" => "conformance_limits",
            "ops" => "conformance_ops",
            "rawwf" => "conformance_rawwf",
            "retry" => "conformance_retry",
            "stale" => "conformance_stale",
            "standalone" => "conformance_standalone",
            "timeout" => "conformance_timeout",
            "workflow" => "conformance_workflow",
            "local" | "replay" | "sdk" => continue,
            other => panic!("a group without a golden text: {other}"),
        };
        let mut kept = Kept::new(file);
        for scenario in &scenarios {
            let (observed, _) = raw::play(&scenario.definition, Pace::Nominal);
            let mut text = Vec::new();
            lines("", &observed, &mut text);
            kept.add(&scenario.name, &text.join("\n"));
        }
        kept.assert();
    }
}

#[test]
fn golden_scenarios_on_a_simulation() {
    let mut kept = Kept::new("conformance_sdk");
    for scenario in groups().values().flatten().filter(|scenario| scenario.engine() == Engine::Sdk) {
        let played = sdk::simulate(&scenario.definition, Pace::Nominal);
        kept.add(&scenario.name, &run_text(played.map(|(_, _, run)| run).as_ref()));
    }
    kept.assert();
}

#[test]
fn golden_rules() {
    let mut kept = Kept::new("conformance_rules");
    for row in Source::Own.rules().expect("our own rules") {
        if let Some(found) = rules::answer(&row) {
            kept.add(&row.id, &on_one_line(&format!("{found:?}")));
        }
    }
    kept.assert();
}
