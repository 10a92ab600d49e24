//! The comparison of a played scenario with its recording, in everything but absolute times.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The fields that are passed over. A recording lacks them where the simulator has them, or the other way round,
/// without a meaning: tokens and links of the transport, and inputs that the scenario itself gives.
const PASSED_OVER: [&str; 12] = [
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
];

/// One line for each field that differs: `field: expected .. found ..`.
pub fn disagreements(expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    differ("", &normal(expected), &normal(found), &mut lines);
    lines
}

/// Takes times away, and numbers events as if there were no workflow tasks, unless the scenario is about these: only
/// the jitter decides how news is spread over tasks.
fn normal(observed: &Value) -> Value {
    let mut places = BTreeMap::new();
    let mut observed = observed.clone();
    // An empty trace is none.
    if observed["workflow_trace"].as_array().is_some_and(Vec::is_empty) {
        observed["workflow_trace"] = Value::Null;
    }
    let looks_at_tasks = observed["workflow_tasks"].is_array();
    if let Some(history) = observed["history"]["run-1"].as_array_mut() {
        let is_task = |event: &Value| event["type"].as_str().is_some_and(|name| name.starts_with("WORKFLOW_TASK_"));
        history.retain(|event| looks_at_tasks || !is_task(event));
        for (place, event) in history.iter_mut().enumerate() {
            places.insert(event["id"].as_u64().unwrap_or(0), place + 1);
            if event["type"] == "WORKFLOW_TASK_SCHEDULED" && event["attrs"]["attempt"].as_u64() > Some(3) {
                // These are drawn at random from here on.
                event["attrs"]["start_to_close_timeout_ms"] = Value::Null;
            }
            if event["type"] == "WORKFLOW_TASK_FAILED" {
                event["attrs"]["failure"] = event["attrs"]["failure"]["message"].clone();
            }
            // The driver put these in. An execution timeout is a timeout of the run, where there is one run.
            if event["type"] == "WORKFLOW_EXECUTION_STARTED" {
                let attributes = event["attrs"].as_object_mut().expect("attributes");
                attributes.remove("input");
                if let Some(limit) = attributes.remove("workflow_execution_timeout_ms") {
                    attributes.entry("workflow_run_timeout_ms").or_insert(limit);
                }
            }
            event["id"] = json!(place + 1);
        }
    }
    reduce(&observed, &places)
}

fn reduce(value: &Value, places: &BTreeMap<u64, usize>) -> Value {
    match value {
        Value::Object(fields) => {
            let mut reduced: Map<String, Value> = fields
                .iter()
                .filter(|(name, field)| !field.is_null() && !is_time(name) && !PASSED_OVER.contains(&&***name))
                .map(|(name, field)| match field.as_u64() {
                    Some(id) if name.ends_with("_event_id") => (name.clone(), json!(places.get(&id))),
                    _ => (name.clone(), reduce(field, places)),
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
            if let Some(response) = reduced.get("response")
                && response.as_object().is_some_and(Map::is_empty)
            {
                reduced.remove("response");
            }
            Value::Object(reduced)
        }
        Value::Array(list) => list.iter().map(|item| reduce(item, places)).collect(),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

fn is_time(name: &str) -> bool {
    name.ends_with("_at_ms") || name.ends_with("since_schedule_ms")
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
        _ if expected == found => {}
        _ => lines.push(format!("{path}: expected {} found {}", short(expected), short(found))),
    }
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
