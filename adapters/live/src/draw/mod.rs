//! Scenarios drawn by a seed, with the distributions of the recorded groups `random` and `randomwf`.

mod activity;
mod dice;
mod script;

use serde_json::{Value, json};

use crate::play::Drawn;
use dice::Dice;

/// The scenario with this number: two in three have one activity, the others several, with timers and signals.
pub fn draw(seed: u64, number: u64) -> Drawn {
    let mut dice = Dice::new(seed, number);
    let name = format!("live_{seed}_{number:03}");
    match number % 3 {
        2 => Drawn { name, group: "randomwf", definition: script::several(&mut dice) },
        _ => Drawn { name, group: "random", definition: one(&mut dice) },
    }
}

/// One activity, awaited, with cancels and calls of operators and clients.
fn one(dice: &mut Dice) -> Value {
    let mut script = vec![json!({ "activity": activity::options(dice, "a") })];
    if dice.percent(35) {
        script.push(json!({ "sleep": dice.time(&[150, 250, 350, 650, 900, 1450]) }));
        script.push(json!({ "cancel": { "ref": "a" } }));
    }
    if dice.percent(75) {
        script.push(json!({ "await": { "ref": "a", "catch": true } }));
        script.push(json!({ "sleep": dice.time(&[300, 900, 1500]) }));
        script.push(json!({ "return": "end" }));
    } else {
        script.push(json!({ "await": { "ref": "a" } }));
    }
    let mut external = Vec::new();
    if dice.percent(60) {
        for _ in 0..dice.between(1, 2) {
            outside(dice, &mut external);
        }
    }
    json!({
        "workflow": { "script": script },
        "activities": { "a": activity::attempts(dice, "a") },
        "external": external,
        "trace": true,
        "limit_ms": 40_000,
        "settle_ms": 20_000,
    })
}

/// Adds a call from outside, or two that belong together.
fn outside(dice: &mut Dice, external: &mut Vec<Value>) {
    let at = dice.moment(120, 2500);
    let after = at + dice.moment(200, 1300);
    match dice.between(0, 99) {
        0..25 => external.push(json!({ "at": at, "do": "cancel_workflow" })),
        25..42 => {
            external.push(json!({ "at": at, "do": "pause", "activity_id": "a" }));
            external.push(json!({ "at": after, "do": "unpause", "activity_id": "a" }));
        }
        42..55 => external.push(json!({ "at": at, "do": "reset", "activity_id": "a" })),
        55..70 => {
            let mut call = activity::by_id(dice, "a");
            call["at"] = json!(at);
            call["do"] = json!("by_id");
            external.push(call);
        }
        70..85 => {
            external.push(json!({ "at": at, "do": "poll_stop" }));
            external.push(json!({ "at": after, "do": "poll_start" }));
        }
        85..92 => external.push(json!({ "at": at, "do": "describe", "label": "d" })),
        92..98 => external.push(json!({ "at": at, "do": "signal", "value": dice.between(0, 9) })),
        _ => external.push(json!({ "at": at, "do": "terminate" })),
    }
}

#[test]
fn a_scenario_is_known_by_seed_and_number() {
    let drawn = |seed: u64, number: u64| draw(seed, number).definition;
    assert_eq!(drawn(1, 5), drawn(1, 5));
    assert_ne!(drawn(1, 5), drawn(2, 5));
    assert_ne!(drawn(1, 5), drawn(1, 8));
}
