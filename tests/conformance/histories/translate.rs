//! Recorded events, written as Temporal's tools write them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Milliseconds from the Unix epoch to the start of all runs here.
const START: f64 = 1_700_000_000_000.0;

/// Writes the events of a run.
pub fn events(recorded: &[Value]) -> Vec<Value> {
    recorded.iter().map(event).collect()
}

fn event(recorded: &Value) -> Value {
    let kind = recorded["type"].as_str().expect("an event has a type");
    let mut event = json!({
        "eventId": recorded["id"].to_string(),
        "eventTime": timestamp(START + recorded["t_ms"].as_f64().unwrap_or(0.0)),
        "eventType": format!("EVENT_TYPE_{kind}"),
    });
    let mut attributes = message(&recorded["attrs"]);
    if kind == "WORKFLOW_EXECUTION_STARTED" {
        attributes["originalExecutionRunId"] = json!("3f0c1b6e-0000-4000-8000-000000000001");
        // Behind the script stands the queue of the recorder's activities.
        attributes["input"]["payloads"].as_array_mut().expect("an input").truncate(1);
    }
    event[format!("{}EventAttributes", camel(&kind.to_ascii_lowercase()))] = attributes;
    event
}

pub fn message(recorded: &Value) -> Value {
    let mut fields = Map::new();
    for (name, value) in recorded.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let (name, value) = match name.as_str() {
            // The recordings have it as a distance from the start.
            "workflow_execution_expiration_at_ms" => continue,
            "workflow_type" | "activity_type" | "task_queue" => (camel(name), json!({ "name": value })),
            "input" | "result" | "args" | "success" | "last_heartbeat_details" if value.is_array() => {
                (camel(name), payloads(value))
            }
            "details" if value.is_object() => {
                let named = value.as_object().into_iter().flatten();
                let named = named.map(|(name, value)| (name.clone(), payloads(value)));
                (camel(name), Value::Object(named.collect()))
            }
            "details" => (camel(name), payloads(value)),
            "failure" | "last_failure" | "continued_failure" | "cause" if value.is_object() => {
                (camel(name), failure(value))
            }
            name => match name.strip_suffix("_ms") {
                Some(name) => (camel(name), json!(format!("{:.3}s", value.as_f64().unwrap_or(0.0) / 1000.0))),
                None if name.ends_with("_event_id") => (camel(name), json!(value.to_string())),
                None if value.is_object() => (camel(name), message(value)),
                None => (camel(name), value.clone()),
            },
        };
        fields.insert(name, value);
    }
    Value::Object(fields)
}

pub fn failure(recorded: &Value) -> Value {
    let mut info = message(recorded);
    let fields = info.as_object_mut().expect("an object");
    let kind = fields.remove("kind").unwrap_or_default();
    let mut written = json!({ "message": fields.remove("message").unwrap_or(json!("")) });
    if let Some(cause) = fields.remove("cause") {
        written["cause"] = cause;
    }
    let name = match kind.as_str().unwrap_or("none") {
        "none" => return written,
        kind => camel(kind) + "FailureInfo",
    };
    written[name] = info;
    written
}

/// A list of payloads. One that was too long to be recorded is its length, as JSON.
pub fn payloads(list: &Value) -> Value {
    let encoding = STANDARD.encode("json/plain");
    let written =
        list.as_array().into_iter().flatten().map(
            |payload| json!({ "metadata": { "encoding": encoding }, "data": STANDARD.encode(payload.to_string()) }),
        );
    json!({ "payloads": written.collect::<Vec<_>>() })
}

/// Writes a moment, which is a day at most after the start.
fn timestamp(millis: f64) -> String {
    let seconds = millis / 1000.0;
    // The start was on 14 November 2023, at 22:13:20.
    let of_day = seconds - 1_699_920_000.0;
    let day = 14 + (of_day / 86_400.0) as u32;
    let of_day = of_day % 86_400.0;
    let (hour, minute) = ((of_day / 3600.0) as u32, (of_day / 60.0) as u32 % 60);
    format!("2023-11-{day}T{hour:02}:{minute:02}:{:09.6}Z", of_day % 60.0)
}

/// Turns `timer_started` into `timerStarted`.
fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        name += &first.to_ascii_uppercase();
        name += rest;
    }
    name
}
