//! The comparison of a played scenario with its recording, in everything but absolute times.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value, json};

/// The fields that are passed over. A recording lacks them where the simulator has them, or the other way round,
/// without a meaning: tokens and links of the transport, and inputs that the scenario itself gives.
const PASSED_OVER: [&str; 15] = [
    "took_ms",
    "task_queue",
    "workflow_type",
    "workflow_id",
    "first_workflow_task_backoff_ms",
    "link",
    "pause_info",
    "identity",
    "pending_workflow_task",
    "local",
    "t_ms",
    "at_ms",
    // Of the marker of a local activity: two times, and a number that only sdk-core's replay uses.
    "complete_time",
    "original_schedule_time",
    "activation_index",
];

const NOT_DETERMINISTIC: &str = "WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR";

/// The words with which durasim tells of an exception in a workflow.
const OF_A_PANIC: &str = "the workflow's code panicked: ";

/// One line for each field that differs: `field: expected .. found ..`.
pub fn disagreements(expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    differ("", &normal(expected), &normal(found), &mut lines);
    lines
}

/// The places that the events of a history have, by their ids, when workflow tasks are left out.
type Places = BTreeMap<u64, usize>;

/// Takes times away, and numbers events as if there were no workflow tasks, unless the scenario is about these: only
/// the jitter decides how news is spread over tasks. Runs are numbered in the order in which they are met.
fn normal(observed: &Value) -> Value {
    let mut observed = observed.clone();
    // An empty trace is none, and an error of the query no trace.
    let trace = &observed["workflow_trace"];
    if trace.as_array().is_some_and(Vec::is_empty) || trace.is_object() {
        observed["workflow_trace"] = Value::Null;
    }
    let looks_at_tasks = observed["workflow_tasks"].is_array();
    let mut places: BTreeMap<String, Places> = BTreeMap::new();
    let empty = Places::new();
    if let Some(Value::Object(runs)) = observed.get_mut("history") {
        for (run, history) in runs {
            places.insert(run.clone(), renumber(history, looks_at_tasks));
        }
    }
    let first = places.get("run-1").unwrap_or(&empty);
    let last = places.values().next_back().unwrap_or(&empty);
    let mut reduced = reduce(&observed, first, first);
    for (run, places) in &places {
        reduced["history"][run] = reduce(&observed["history"][run], places, first);
    }
    reduced["workflow"] = reduce(&observed["workflow"], last, first);
    if let Some(Value::Object(children)) = observed.get_mut("children") {
        for (name, child) in children {
            let places = renumber(&mut child["history"], looks_at_tasks);
            reduced["children"][name] = reduce(child, &places, first);
        }
    }
    number_runs(&mut reduced, &mut Vec::new());
    reduced
}

/// Numbers the events of a history anew, and gives their places.
fn renumber(history: &mut Value, looks_at_tasks: bool) -> Places {
    let mut places = Places::new();
    let Some(history) = history.as_array_mut() else { return places };
    let is_task = |event: &Value| event["type"].as_str().is_some_and(|name| name.starts_with("WORKFLOW_TASK_"));
    history.retain(|event| looks_at_tasks || !is_task(event));
    for (place, event) in history.iter_mut().enumerate() {
        places.insert(event["id"].as_u64().unwrap_or(0), place + 1);
        event["id"] = json!(place + 1);
        if event["type"] == "WORKFLOW_TASK_SCHEDULED" && event["attrs"]["attempt"].as_u64() > Some(3) {
            // These are drawn at random from here on.
            event["attrs"]["start_to_close_timeout_ms"] = Value::Null;
        }
        if event["type"] == "WORKFLOW_TASK_FAILED" {
            let message = event["attrs"]["failure"]["message"].as_str().unwrap_or_default();
            // sdk-core has words of its own for what does not match a history.
            let words = (event["attrs"]["cause"] != NOT_DETERMINISTIC).then(|| message.trim_start_matches(OF_A_PANIC));
            event["attrs"]["failure"] = json!(words);
        }
        let removed: &[&str] = match event["type"].as_str().unwrap_or_default() {
            // It is random.
            "WORKFLOW_EXECUTION_UPDATE_ACCEPTED" => &["accepted_request_message_id"],
            // The driver put the input in.
            "WORKFLOW_EXECUTION_STARTED" => &["input"],
            // The options in force are those of the run that starts.
            "START_CHILD_WORKFLOW_EXECUTION_INITIATED" | "WORKFLOW_EXECUTION_CONTINUED_AS_NEW" => {
                &["input", "workflow_task_timeout_ms", "inherit_build_id"]
            }
            // The service does not keep who has asked.
            "WORKFLOW_EXECUTION_CANCEL_REQUESTED" => &["external_initiated_event_id", "external_workflow_execution"],
            _ => &[],
        };
        for name in removed {
            event["attrs"].as_object_mut().expect("attributes").remove(*name);
        }
    }
    places
}

/// Numbers runs in the order in which they are met.
fn number_runs(value: &mut Value, met: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|field| number_runs(field, met)),
        Value::Array(list) => list.iter_mut().for_each(|item| number_runs(item, met)),
        Value::String(text) if text.starts_with("<run-") => {
            let place = met.iter().position(|known| known == text).unwrap_or_else(|| {
                met.push(text.clone());
                met.len() - 1
            });
            *text = format!("<run-{}>", place + 1);
        }
        _ => {}
    }
}

/// Cuts ids of workflows and runs out of a message.
fn without_ids(message: &str) -> String {
    let mut left = message;
    let mut text = String::new();
    while let Some((before, after)) =
        ["WorkflowId: ", "RunId: ", "workflow not found for ID: "].iter().find_map(|name| {
            let start = left.find(name)? + name.len();
            Some((&left[..start], &left[start..]))
        })
    {
        text += before;
        left = after.trim_start_matches(|c: char| !",. ".contains(c));
    }
    text + left
}

/// Leaves out what does not count. The events of a history are known by `places`, those of a parent by `parents`.
fn reduce(value: &Value, places: &Places, parents: &Places) -> Value {
    match value {
        Value::Object(fields) => {
            let mut reduced: Map<String, Value> = fields
                .iter()
                .filter(|(name, field)| !field.is_null() && !is_time(name) && !PASSED_OVER.contains(&&***name))
                .map(|(name, field)| match field {
                    Value::String(text) if name == "message" => (name.clone(), json!(without_ids(text))),
                    // The server tells some lengths as the difference of two of its stamps.
                    Value::Number(millis) if name.ends_with("_ms") => (name.clone(), json!(tenths(millis))),
                    Value::Number(id) if id.is_u64() && (name.ends_with("_event_id") || name == "initiated_id") => {
                        let places = if name == "parent_initiated_event_id" { parents } else { places };
                        (name.clone(), json!(id.as_u64().and_then(|id| places.get(&id))))
                    }
                    _ => (name.clone(), reduce(field, places, parents)),
                })
                .filter(|(_, field)| !field.is_null())
                .collect();
            // The server's own code for the error is enough; the rest is how gRPC packs it.
            if reduced.contains_key("code") {
                reduced.remove("details");
            }
            // After a timeout the server shows a number without meaning.
            if reduced.get("last_failure").is_some_and(|failure| failure["kind"] == "timeout") {
                reduced.remove("current_retry_interval_ms");
            }
            // The API leaves a flag out that is not set.
            if reduced.get("non_retryable") == Some(&json!(false)) {
                reduced.remove("non_retryable");
            }
            // The server keeps them in a map.
            if let Some(Value::Array(pending)) = reduced.get_mut("pending_activities") {
                pending.sort_by_key(|activity| activity["activity_id"].to_string());
            }
            if let Some(response) = reduced.get("response")
                && response.as_object().is_some_and(Map::is_empty)
            {
                reduced.remove("response");
            }
            Value::Object(reduced)
        }
        Value::Array(list) => list.iter().map(|item| reduce(item, places, parents)).collect(),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

/// Rounds milliseconds to tenths, as the recordings have them.
fn tenths(millis: &Number) -> Option<f64> {
    millis.as_f64().map(|millis| (millis * 10.0).round() / 10.0)
}

fn is_time(name: &str) -> bool {
    name.ends_with("_at_ms") || name.ends_with("since_schedule_ms") || name == "execution_duration_ms"
}

fn differ(path: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let names: std::collections::BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            for name in names {
                let side = |side: &Map<String, Value>| side.get(name).cloned().unwrap_or(Value::Null);
                differ(&inner(name), &side(expected), &side(found), lines);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (place, (expected, found)) in expected.iter().zip(found).enumerate() {
                differ(&inner(&place.to_string()), expected, found, lines);
            }
        }
        (Value::String(expected), Value::String(found)) if is_cut(expected, found) => {}
        _ if expected == found => {}
        _ => lines.push(format!("{path}: expected {} found {}", short(expected), short(found))),
    }
}

/// Says whether the recorder has cut this text, whose length it then says behind three dots: `...<20000 characters>`.
fn is_cut(expected: &str, found: &str) -> bool {
    let length = expected.strip_suffix(" characters>").and_then(|rest| rest.rsplit_once("...<"));
    length.is_some_and(|(start, length)| found.starts_with(start) && length.parse() == Ok(found.chars().count()))
}

fn short(value: &Value) -> String {
    const MOST: usize = 300;
    let text = match value {
        Value::Array(list) if list.iter().all(|item| item["type"].is_string() && item["attrs"].is_object()) => {
            let names: Vec<&str> = list.iter().filter_map(|event| event["type"].as_str()).collect();
            format!("[{}]", names.join(", "))
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[test]
fn times_and_workflow_tasks_do_not_count() {
    let history = |tasks: bool, at: f64, reason: &str| {
        let mut events = vec![json!({ "id": 1, "t_ms": at, "type": "TIMER_STARTED", "attrs": {} })];
        if tasks {
            events.push(json!({ "id": 2, "t_ms": at, "type": "WORKFLOW_TASK_SCHEDULED", "attrs": {} }));
        }
        let id = events.len() + 1;
        let attributes = json!({ "reason": reason, "started_event_id": 1 });
        events.push(json!({ "id": id, "t_ms": at, "type": "TIMER_FIRED", "attrs": attributes }));
        json!({ "history": { "run-1": events }, "snapshots": null })
    };
    assert!(disagreements(&history(true, 5.0, "x"), &history(false, 7.0, "x")).is_empty());
    assert_eq!(
        disagreements(&history(true, 5.0, "x"), &history(false, 5.0, "y")),
        [r#"history.run-1.1.attrs.reason: expected "x" found "y""#]
    );
}

#[test]
fn a_text_that_the_recorder_cut_is_known_by_its_start_and_length() {
    let agrees = |found: &str| {
        disagreements(&json!({ "message": "xx...<5 characters>" }), &json!({ "message": found })).is_empty()
    };
    assert!(agrees("xxabc"));
    assert!(!agrees("xxab"));
    assert!(!agrees("yxabc"));
}

#[test]
fn runs_are_known_by_the_order_in_which_they_are_met() {
    let met = |first: &str, second: &str| json!({ "a": first, "b": second, "c": first });
    assert!(disagreements(&met("<run-1>", "<run-2>"), &met("<run-w:7>", "<run-w>")).is_empty());
    assert!(!disagreements(&met("<run-1>", "<run-2>"), &met("<run-1>", "<run-1>")).is_empty());
}

#[test]
fn ids_in_messages_do_not_count() {
    let text =
        |run: &str, end: &str| json!({ "message": format!("finished. WorkflowId: w, RunId: {run}. Policy: {end}.") });
    assert!(disagreements(&text("01-a", "x"), &text("w:2", "x")).is_empty());
    assert!(!disagreements(&text("01-a", "x"), &text("w:2", "y")).is_empty());
}
