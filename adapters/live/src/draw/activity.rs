//! Activities: their options, and the scripts of their attempts.

use serde_json::{Value, json};

use super::dice::Dice;

// The times of the grids, and their sums, keep away from each other: what decides is the rule, not the jitter.
const START_TO_CLOSE: [u64; 5] = [430, 730, 930, 1130, 1730];
pub const SCHEDULE_TO_CLOSE: [u64; 4] = [890, 1490, 2290, 3370];
const SCHEDULE_TO_START: [u64; 2] = [310, 670];
const HEARTBEAT: [u64; 4] = [370, 590, 910, 1700];
const INITIAL: [u64; 6] = [1, 170, 290, 410, 610, 1010];
const COEFFICIENT: [f64; 6] = [1.0, 1.3, 1.75, 2.0, 3.0, 10.0];
const MAX_INTERVAL: [u64; 3] = [350, 530, 1100];
const SLEEP: [u64; 9] = [110, 130, 190, 270, 390, 550, 860, 1210, 1850];
const NEXT_DELAY: [u64; 5] = [0, 60, 470, 1330, 5000];

/// The options of an activity, which the server takes.
pub fn options(dice: &mut Dice, reference: &str) -> Value {
    let mut options = json!({ "ref": reference });
    let has_schedule_to_close = dice.percent(50);
    if has_schedule_to_close {
        options["schedule_to_close_ms"] = json!(dice.time(&SCHEDULE_TO_CLOSE));
    }
    if !has_schedule_to_close || dice.percent(85) {
        options["start_to_close_ms"] = json!(dice.time(&START_TO_CLOSE));
    }
    if dice.percent(55) {
        options["heartbeat_ms"] = json!(dice.time(&HEARTBEAT));
    }
    if dice.percent(15) {
        options["schedule_to_start_ms"] = json!(dice.time(&SCHEDULE_TO_START));
    }
    match dice.between(0, 99) {
        0..45 => options["cancellation"] = json!("WAIT"),
        45..58 => options["cancellation"] = json!("ABANDON"),
        _ => {}
    }
    if dice.percent(90) {
        options["retry"] = retry(dice, has_schedule_to_close);
    } else if !has_schedule_to_close {
        // The server's policy has no end.
        options["schedule_to_close_ms"] = json!(dice.time(&SCHEDULE_TO_CLOSE));
    }
    options
}

/// A retry policy, with an end if nothing else ends the activity.
fn retry(dice: &mut Dice, ends: bool) -> Value {
    let initial = dice.time(&INITIAL);
    let mut policy = json!({ "initial_ms": initial, "coefficient": dice.among(&COEFFICIENT) });
    if dice.percent(40) || !ends {
        policy["max_interval_ms"] = json!(dice.time(&MAX_INTERVAL).max(initial));
    }
    if dice.percent(75) || !ends {
        policy["max_attempts"] = json!(dice.among(&[1, 2, 2, 3, 3, 3, 4]));
    }
    if dice.percent(33) {
        policy["non_retryable"] = dice.among(&[
            json!(["Fatal"]),
            json!(["Fatal", "MyError"]),
            json!(["TemporalTimeout:Heartbeat"]),
            json!(["TemporalTimeout:StartToClose"]),
        ]);
    }
    policy
}

/// The scripts of the attempts; the last one repeats.
pub fn attempts(dice: &mut Dice, reference: &str) -> Value {
    let count = dice.between(1, 4);
    (1..=count).map(|number| attempt(dice, reference, number)).collect()
}

fn attempt(dice: &mut Dice, reference: &str, number: u64) -> Value {
    let mut steps = Vec::new();
    for _ in 0..dice.between(0, 3) {
        let step = match dice.between(0, 99) {
            0..45 => json!({ "sleep": dice.time(&SLEEP) }),
            45..75 => {
                let details = dice.details();
                let mut step = json!({ "heartbeat": details });
                if dice.percent(50) {
                    step["on_cancel"] = on_cancel(dice);
                }
                show(dice, number, &mut step);
                step
            }
            75..90 => {
                let every = dice.time(&[70, 140, 170, 230]);
                let on_cancel = on_cancel(dice);
                json!({ "heartbeat_loop": { "count": dice.between(2, 6), "every": every, "on_cancel": on_cancel } })
            }
            90..94 => json!({ "by_id": by_id(dice, reference) }),
            _ => {
                let mut step = json!({ "respond_canceled": ["early"] });
                show(dice, number, &mut step);
                step
            }
        };
        steps.push(step);
    }
    steps.push(end(dice, number));
    // Whoever has answered may go on, to no avail.
    if dice.percent(15) {
        steps.push(json!({ "sleep": dice.time(&[70]) }));
        steps.push(dice.among(&[json!({ "succeed": "after all" }), json!({ "heartbeat": 77 })]));
    }
    json!(steps)
}

fn end(dice: &mut Dice, number: u64) -> Value {
    let mut step = match dice.between(0, 99) {
        0..35 => fail(dice),
        35..60 => json!({ "succeed": format!("ok{number}") }),
        60..80 => return json!({ "vanish": true }),
        _ => json!({ "respond_canceled": dice.among(&[json!(null), json!(["c"])]) }),
    };
    show(dice, number, &mut step);
    step
}

/// Lets a call show the token of an attempt before this one, now and then.
fn show(dice: &mut Dice, number: u64, step: &mut Value) {
    if number > 1 && dice.percent(8) {
        step["token"] = json!(dice.between(1, number - 1));
    }
}

pub fn fail(dice: &mut Dice) -> Value {
    let error_type = dice.among(&["MyError", "MyError", "MyError", "Fatal", "fatal"]);
    let mut failure = json!({ "type": error_type, "message": format!("m{}", dice.between(1, 9)) });
    if dice.percent(8) {
        failure["non_retryable"] = json!(true);
    }
    if dice.percent(30) {
        failure["next_retry_delay_ms"] = json!(dice.time(&NEXT_DELAY));
    }
    if dice.percent(15) {
        failure["details"] = dice.among(&[json!(["fd"]), json!([null, 2])]);
    }
    if dice.percent(20) {
        failure["last_heartbeat_details"] = dice.among(&[json!([]), json!(["L9"]), json!([null])]);
    }
    json!({ "fail": failure })
}

fn on_cancel(dice: &mut Dice) -> Value {
    match dice.between(0, 4) {
        0 => json!("ignore"),
        1 => json!("stop"),
        2 => json!([{ "respond_canceled": ["bye"] }]),
        3 => json!([{ "heartbeat": "last words" }, { "respond_canceled": null }]),
        _ => json!([{ "sleep": dice.time(&[150]) }, fail(dice)]),
    }
}

/// A call by the id of the activity.
pub fn by_id(dice: &mut Dice, reference: &str) -> Value {
    let mut call = json!({ "activity_id": reference });
    let op = dice.among(&["complete", "fail", "heartbeat", "cancel"]);
    call["op"] = json!(op);
    match op {
        "heartbeat" => call["details"] = json!("hb-by-id"),
        "fail" => call["failure"] = json!({ "type": "MyError", "message": "by id" }),
        _ => {}
    }
    call
}
