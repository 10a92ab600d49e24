//! The interpreter of scripts by itself: each step, each default and each refusal as the recorder has it.

use serde_json::{Value, json};

use super::play;
use crate::pace::Pace;

fn played(definition: &Value) -> Value {
    play(definition, Pace::Nominal).0
}

fn scenario(script: &Value, activities: &Value, external: &Value) -> Value {
    played(&json!({ "workflow": { "script": script }, "activities": activities, "external": external }))
}

/// The notes of the last run about itself, without times.
fn trace(observed: &Value) -> Vec<Value> {
    let notes = observed["workflow_trace"].as_array().cloned().unwrap_or_default();
    notes.iter().map(|note| json!([note["what"], note["v"]])).collect()
}

/// The types of a run's events that are not about workflow tasks, without the first one.
fn events(observed: &Value, history: &str) -> Vec<String> {
    let events = observed.pointer(history).and_then(Value::as_array).cloned().unwrap_or_default();
    let names = events.iter().skip(1).filter_map(|event| event["type"].as_str());
    names.filter(|name| !name.starts_with("WORKFLOW_TASK_")).map(str::to_owned).collect()
}

fn activity(reference: &str) -> Value {
    json!({ "activity": { "ref": reference, "start_to_close_ms": 5000, "retry": { "max_attempts": 1 } } })
}

fn cancelled_error() -> Value {
    json!({ "kind": "asyncio.CancelledError", "message": "" })
}

#[test]
fn a_race_notes_the_first_and_neither_raises_nor_cancels() {
    let script = json!([
        activity("a"), { "timer": { "ref": "t", "ms": 300 } },
        { "race": { "refs": ["t", "a"] } }, { "await": { "ref": "t" } }, { "return": 1 },
    ]);
    let observed = scenario(&script, &json!({ "a": [[{ "fail": { "type": "E" } }]] }), &Value::Null);
    assert_eq!(trace(&observed), [json!(["race_done", ["a"]]), json!(["ok t", null])]);

    let script = json!([{ "timer": { "ref": "t", "ms": 300 } }, { "race": { "refs": ["t"] } }]);
    let cancel = json!([{ "at": 100, "do": "cancel_workflow" }]);
    let observed = scenario(&script, &Value::Null, &cancel);
    let end = ["TIMER_STARTED", "WORKFLOW_EXECUTION_CANCEL_REQUESTED", "WORKFLOW_EXECUTION_CANCELED"];
    assert_eq!(events(&observed, "/history/run-1"), end);
}

#[test]
fn a_try_notes_the_error_that_it_caught() {
    let script = json!([{ "try": { "body": [{ "sleep": 500 }], "handler": [{ "sleep": 100 }], "reraise": true } }]);
    let observed = scenario(&script, &Value::Null, &json!([{ "at": 100, "do": "cancel_workflow" }]));
    assert_eq!(trace(&observed), [json!(["caught", cancelled_error()]), json!(["slept", 100])]);
    assert_eq!(observed["workflow"]["close_event"], "WORKFLOW_EXECUTION_CANCELED");
}

#[test]
fn a_wait_for_signals_notes_them() {
    let script = json!([{ "wait_signals": 2 }]);
    let signal = |at: u32, value: &str| json!({ "at": at, "do": "signal", "value": value });
    let observed = scenario(&script, &Value::Null, &json!([signal(10, "x"), signal(20, "y")]));
    assert_eq!(trace(&observed), [json!(["signal", "x"]), json!(["signal", "y"]), json!(["signals", ["x", "y"]])]);
}

#[test]
fn a_cancelled_timer_raises_when_it_is_awaited() {
    let script = json!([
        { "timer": { "ref": "t", "ms": 300 } }, { "sleep": 100 }, { "cancel": { "ref": "t" } },
        { "await": { "ref": "t", "catch": true } },
    ]);
    let observed = scenario(&script, &Value::Null, &Value::Null);
    let notes = [json!(["slept", 100]), json!(["cancel_sent t", null]), json!(["err t", cancelled_error()])];
    assert_eq!(trace(&observed), notes);
}

#[test]
fn a_thing_that_is_cancelled_in_the_task_that_made_it_leaves_no_command() {
    let script = json!([
        { "timer": { "ref": "t", "ms": 300 } }, { "cancel": { "ref": "t" } },
        activity("a"), { "cancel": { "ref": "a" } }, activity("b"), { "sleep": 0 }, { "cancel": { "ref": "b" } },
        { "await": { "ref": "a", "catch": true } }, { "await": { "ref": "t", "catch": true } },
        { "await": { "ref": "b", "catch": true } }, { "sleep": 100 },
    ]);
    let observed = scenario(&script, &Value::Null, &Value::Null);
    let trace = trace(&observed);
    // The task of the first has not begun.
    assert_eq!(trace[4], json!(["err a", cancelled_error()]));
    assert_eq!(trace[5], json!(["err t", cancelled_error()]));
    assert_eq!([&trace[6][1]["kind"], &trace[6][1]["cause"]["kind"]], ["activity", "canceled"]);
    let end = ["TIMER_STARTED", "TIMER_FIRED", "WORKFLOW_EXECUTION_COMPLETED"];
    assert_eq!(events(&observed, "/history/run-1"), end);
}

#[test]
fn an_activity_is_cancelled_once() {
    let script = json!([
        activity("a"), { "sleep": 50 }, { "cancel": { "ref": "a" } }, { "sleep": 50 }, { "cancel": { "ref": "a" } },
        { "sleep": 50 },
    ]);
    let observed = scenario(&script, &json!({ "a": [[{ "sleep": 1000 }, { "succeed": 1 }]] }), &Value::Null);
    let asked = events(&observed, "/history/run-1");
    assert_eq!(asked.iter().filter(|name| *name == "ACTIVITY_TASK_CANCEL_REQUESTED").count(), 1);
    assert_eq!(observed["workflow"]["closed"], true);
}

#[test]
fn calls_from_outside_have_the_defaults_of_the_recorder() {
    let script = json!([activity("a"), { "await": { "ref": "a", "catch": true } }, { "sleep": 1000 }]);
    let external = json!([
        { "at": 100, "do": "by_id", "op": "fail", "activity_id": "a" },
        { "at": 200, "do": "pause", "activity_id": "a" },
        { "at": 300, "do": "terminate", "reason": "enough" },
        { "at": 400, "do": "reset", "activity_id": "a" },
    ]);
    let observed = scenario(&script, &json!({ "a": [[{ "vanish": true }]] }), &external);
    assert_eq!(observed["activities"]["a"]["outcome"]["failure"]["message"], "boom");
    let words = "Can't find pending activity with such ID. Invalid activityID or activity already completed";
    assert_eq!(observed["client_calls"][1]["error"]["message"], words);
    assert_eq!(observed["workflow"]["reason"], "enough");
    assert_eq!(observed["client_calls"][3]["error"]["message"], "workflow execution already completed");
}

#[test]
fn a_heartbeat_by_id_has_details_of_its_own_inside_an_attempt() {
    let script = json!([activity("a"), { "sleep": 200 }]);
    let beat = json!({ "a": [[{ "by_id": { "op": "heartbeat", "activity_id": "a" } }, { "vanish": true }]] });
    let observed = scenario(&script, &beat, &json!([{ "at": 100, "do": "describe" }]));
    assert_eq!(observed["snapshots"][0]["pending_activities"][0]["heartbeat_details"], json!(["hb-by-id"]));
}

#[test]
fn a_workflow_that_raises_has_words_of_its_own() {
    let observed = scenario(&json!([{ "raise": { "type": "E" } }]), &Value::Null, &Value::Null);
    assert_eq!(observed["workflow"]["failure"]["message"], "wf boom");
}

#[test]
fn a_child_is_awaited_first_until_it_has_started() {
    let child = json!({ "child": { "ref": "c", "script": [{ "sleep": 100 }, { "return": "kid" }] } });
    let observed = scenario(&json!([child, { "await": { "ref": "c" } }]), &Value::Null, &Value::Null);
    assert_eq!(trace(&observed), [json!(["child_started", "c"]), json!(["ok c", "kid"])]);

    let observed = scenario(&json!([child, child]), &Value::Null, &Value::Null);
    assert_eq!(observed["workflow"]["failure"]["message"], "Workflow execution already started");
}

#[test]
fn a_chain_is_followed_to_its_end() {
    let next = json!([{ "wait_signals": 1 }, { "return": 2 }]);
    let script = json!([{ "sleep": 200 }, { "continue_as_new": { "script": next } }]);
    let observed = scenario(&script, &Value::Null, &json!([{ "at": 1500, "do": "signal", "value": "x" }]));
    assert_eq!(events(&observed, "/history/run-1")[2..], ["WORKFLOW_EXECUTION_CONTINUED_AS_NEW"]);
    assert_eq!(events(&observed, "/history/run-2")[1..], ["WORKFLOW_EXECUTION_COMPLETED"]);
    assert_eq!(observed["workflow"]["runs"], 2);
    assert_eq!(trace(&observed), [json!(["signal", "x"]), json!(["signals", ["x"]])]);
}

#[test]
fn a_task_by_hand_cancels_a_timer() {
    let timer = json!({ "commandType": "COMMAND_TYPE_START_TIMER",
        "startTimerCommandAttributes": { "timerId": "x", "startToFireTimeout": "1s" } });
    let cancel = json!({ "commandType": "COMMAND_TYPE_CANCEL_TIMER",
        "cancelTimerCommandAttributes": { "timerId": "x" } });
    let end = json!({ "commandType": "COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION" });
    let tasks = json!([{ "commands": [timer] }, { "commands": [cancel, end] }]);
    let external = json!([{ "at": 100, "do": "signal" }]);
    let observed = played(&json!({ "workflow": {}, "raw_tasks": tasks, "external": external }));
    let end = ["TIMER_STARTED", "WORKFLOW_EXECUTION_SIGNALED", "TIMER_CANCELED", "WORKFLOW_EXECUTION_COMPLETED"];
    assert_eq!(events(&observed, "/history/run-1"), end);
}

#[test]
fn an_attempt_has_ended_as_its_first_answer_says() {
    let script = json!([activity("a"), { "await": { "ref": "a", "catch": true } }]);
    let answers = json!({ "a": [[{ "respond_canceled": null }, { "succeed": 1 }]] });
    let observed = scenario(&script, &answers, &Value::Null);
    assert_eq!(observed["activities"]["a"]["attempts"][0]["ended"], "canceled but rejected INVALID_ARGUMENT");
}

#[test]
fn a_workflow_that_is_cancelled_before_its_first_task_does_not_begin() {
    let script = json!([activity("a"), { "await": { "ref": "a" } }]);
    let mut definition = json!({ "workflow": { "script": script, "start_delay_ms": 500 }, "children": ["c"] });
    definition["external"] = json!([{ "at": 100, "do": "cancel_workflow" }]);
    let observed = played(&definition);
    let end = ["WORKFLOW_EXECUTION_CANCEL_REQUESTED", "WORKFLOW_EXECUTION_CANCELED"];
    assert_eq!(events(&observed, "/history/run-1"), end);
    assert_eq!(observed["children"]["c"]["error"]["code"], "NOT_FOUND");
}

#[test]
fn attempts_are_watched_for_as_long_as_the_scenario_says() {
    let script = json!([activity("a"), { "sleep": 100 }]);
    let late = json!({ "a": [[{ "sleep": 1000 }, { "heartbeat": 1 }, { "sleep": 1000 }, { "heartbeat": 2 }]] });
    let mut definition = json!({ "workflow": { "script": script }, "activities": late });
    let calls =
        |definition: &Value| played(definition)["activities"]["a"]["attempts"][0]["calls"].as_array().unwrap().len();
    assert_eq!(calls(&definition), 2);
    definition["settle_ms"] = json!(1500);
    assert_eq!(calls(&definition), 1);
}

#[test]
fn a_cancel_of_what_is_not_there_names_its_event() {
    let cancel = json!({ "commandType": "COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK",
        "requestCancelActivityTaskCommandAttributes": { "scheduledEventId": 999 } });
    let end = json!({ "commandType": "COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION" });
    let observed = played(&json!({ "workflow": {}, "raw_tasks": [{ "commands": [cancel] }, { "commands": [end] }] }));
    let message = observed["workflow_tasks"][0]["calls"][0]["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("ScheduledEventID: 999"), "{message}");
}

/// A dead poller is waited for, one that was never there is not.
#[test]
fn a_task_on_a_sticky_queue_waits_for_a_poller_that_was_seen() {
    let timer = json!({ "commandType": "COMMAND_TYPE_START_TIMER",
        "startTimerCommandAttributes": { "timerId": "x", "startToFireTimeout": "1s" } });
    let end = json!({ "commandType": "COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION" });
    let started = |was_seen: bool| {
        let first = json!({ "commands": [timer], "sticky_ms": 1500, "poll_sticky_once": was_seen });
        let observed = played(&json!({ "workflow": {}, "raw_tasks": [first, { "commands": [end] }] }));
        let history = observed["history"]["run-1"].as_array().cloned().unwrap_or_default();
        history.iter().rfind(|event| event["type"] == "WORKFLOW_TASK_STARTED").unwrap()["t_ms"].as_f64()
    };
    assert_eq!([started(false), started(true)], [Some(1002.0), Some(2502.0)]);
}

#[test]
fn a_task_by_hand_fails_or_cancels_the_workflow() {
    let failure = json!({ "message": "no", "applicationFailureInfo": { "type": "E", "nonRetryable": true } });
    let fail = json!({ "commandType": "COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION",
        "failWorkflowExecutionCommandAttributes": { "failure": failure } });
    let cancel = json!({ "commandType": "COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION" });
    let closed = |command: Value| played(&json!({ "workflow": {}, "raw_tasks": [{ "commands": [command] }] }));
    let failed = closed(fail);
    assert_eq!(failed["workflow"]["failure"]["message"], "no");
    assert_eq!(failed["workflow"]["failure"]["non_retryable"], true);
    assert_eq!(closed(cancel)["workflow"]["close_event"], "WORKFLOW_EXECUTION_CANCELED");
}
