//! Workflows with several activities, timers and signals.

use serde_json::{Value, json};

use super::activity;
use super::dice::{Dice, LONGER};

const TIMER: [u64; 8] = [88, 211, 388, 635, 794, 953, 1324, 1536];
const SLEEP: [u64; 7] = [112, 212, 334, 456, 578, 761, 822];

/// A workflow that starts several things and waits for them in some order.
pub fn several(dice: &mut Dice) -> Value {
    let mut activities = json!({});
    let mut started: Vec<&str> = Vec::new();
    let mut starts = Vec::new();
    let mut ends = activity::SCHEDULE_TO_CLOSE.map(|end| end * LONGER).to_vec();
    let count = dice.between(2, 4) as usize;
    for reference in ["a", "b", "c", "d"].into_iter().take(count) {
        let mut options = activity::options(dice, reference);
        // Two that end at one moment are written in another order by the server, which takes what is due at once: docs/fidelity.md.
        if options["schedule_to_close_ms"].is_number() {
            let left = ends.iter().position(|end| options["schedule_to_close_ms"] == *end).unwrap_or(0);
            options["schedule_to_close_ms"] = json!(ends.remove(left));
        }
        starts.push(json!({ "activity": options }));
        activities[reference] = activity::attempts(dice, reference);
        started.push(reference);
        let timer = ["t0", "t1"][usize::from(started.contains(&"t0"))];
        if dice.percent(30) && !started.contains(&timer) {
            starts.push(json!({ "timer": { "ref": timer, "ms": dice.time(&TIMER) } }));
            started.push(timer);
        }
    }
    let signals = if dice.percent(35) { dice.between(1, 2) } else { 0 };
    let mut script = starts;
    script.push(json!({ "sleep": dice.time(&SLEEP) }));
    for _ in 0..dice.between(1, 4) {
        let one = dice.among(&started);
        script.push(match dice.between(0, 99) {
            0..20 => json!({ "cancel": { "ref": one } }),
            20..45 => {
                let others: Vec<&str> = started.iter().copied().filter(|other| *other != one).collect();
                json!({ "race": { "refs": [one, dice.among(&others)] } })
            }
            45..65 => json!({ "sleep": dice.time(&SLEEP) }),
            65..80 if signals > 0 => json!({ "wait_signals": 1 }),
            _ => json!({ "await": { "ref": one, "catch": true } }),
        });
    }
    let all: Vec<&str> = started.iter().copied().filter(|reference| !reference.starts_with('t')).collect();
    if dice.percent(45) {
        script.push(json!({ "await_all": { "refs": all } }));
    } else {
        script.extend(all.iter().map(|reference| json!({ "await": { "ref": reference, "catch": true } })));
    }
    if dice.percent(20) {
        activities["z"] = json!([[{ "sleep": dice.time(&[90]) }, { "succeed": "cleaned" }]]);
        let handler = json!([
            { "activity": { "ref": "z", "start_to_close_ms": 4500 } },
            { "await": { "ref": "z", "catch": true } },
        ]);
        script = vec![json!({ "try": { "body": script, "handler": handler, "reraise": dice.percent(50) } })];
    }
    script.push(json!({ "return": "end" }));
    let mut external: Vec<Value> = (0..signals.max(dice.between(0, 1)))
        .map(|value| json!({ "at": dice.moment(60, 900), "do": "signal", "value": value }))
        .collect();
    if dice.percent(45) {
        external.push(json!({ "at": dice.moment(100, 2200), "do": "cancel_workflow" }));
    }
    if dice.percent(6) {
        external.push(json!({ "at": dice.moment(700, 2000), "do": "terminate" }));
    }
    json!({
        "workflow": { "script": script },
        "activities": activities,
        "external": external,
        "trace": true,
        "limit_ms": 40_000,
        "settle_ms": 20_000,
    })
}
