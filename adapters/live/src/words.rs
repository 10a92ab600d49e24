//! The server's JSON, in the words of the recordings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The attributes of events that the recordings have. The others are of the transport, or drawn by the server.
const ATTRIBUTES: [&str; 38] = [
    "activity_id",
    "activity_type",
    "attempt",
    "backoff_coefficient",
    "cause",
    "details",
    "failure",
    "first_workflow_task_backoff_ms",
    "heartbeat_timeout_ms",
    "initial_interval_ms",
    "input",
    "last_failure",
    "last_heartbeat_details",
    "latest_cancel_requested_event_id",
    "maximum_attempts",
    "maximum_interval_ms",
    "new_execution_run_id",
    "next_retry_delay_ms",
    "non_retryable",
    "non_retryable_error_types",
    "reason",
    "result",
    "retry_policy",
    "retry_state",
    "schedule_to_close_timeout_ms",
    "schedule_to_start_timeout_ms",
    "scheduled_event_id",
    "signal_name",
    "start_to_close_timeout_ms",
    "start_to_fire_timeout_ms",
    "started_event_id",
    "task_queue",
    "timeout_type",
    "timer_id",
    "type",
    "workflow_id",
    "workflow_task_timeout_ms",
    "workflow_type",
];

/// The fields of a pending activity that the recordings have, but for times.
const PENDING: [&str; 9] = [
    "activity_id",
    "activity_type",
    "attempt",
    "current_retry_interval_ms",
    "heartbeat_details",
    "last_failure",
    "maximum_attempts",
    "paused",
    "state",
];

/// An event, whose time counts from `start`, in milliseconds since the Unix epoch.
pub fn event(event: &Value, start: f64) -> Value {
    let fields = event.as_object().into_iter().flatten();
    let mut attributes = fields.filter(|(name, _)| name.ends_with("EventAttributes"));
    let attributes = attributes.next().map_or(json!({}), |(_, attributes)| kept(attributes, &ATTRIBUTES));
    let name = event["eventType"].as_str().unwrap_or_default();
    json!({
        "id": number(&event["eventId"]),
        "t_ms": since(&event["eventTime"], start),
        "type": name.strip_prefix("EVENT_TYPE_").unwrap_or(name),
        "attrs": attributes,
    })
}

/// The view of a workflow in an answer of `DescribeWorkflowExecution`.
pub fn snapshot(described: &Value, label: &str) -> Value {
    let status = described["workflowExecutionInfo"]["status"].as_str().unwrap_or_default();
    let pending = described["pendingActivities"].as_array().into_iter().flatten();
    let pending: Vec<Value> = pending.map(|activity| kept(activity, &PENDING)).collect();
    json!({
        "label": label,
        "status": status.strip_prefix("WORKFLOW_EXECUTION_STATUS_").unwrap_or(status),
        "pending_activities": pending,
    })
}

/// The timeouts and the policy of a task of an activity.
pub fn task(task: &Value) -> Value {
    const OF_A_TASK: [&str; 4] =
        ["schedule_to_close_timeout_ms", "start_to_close_timeout_ms", "heartbeat_timeout_ms", "retry_policy"];
    kept(task, &OF_A_TASK)
}

/// A list of payloads; `null` if the field is not there.
pub fn listed(payloads: &Value) -> Value {
    if payloads.is_null() {
        return Value::Null;
    }
    payloads["payloads"].as_array().into_iter().flatten().map(payload).collect()
}

fn payload(payload: &Value) -> Value {
    let bytes = STANDARD.decode(payload["data"].as_str().unwrap_or_default()).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

/// The milliseconds from `start` to a moment of the server, or `null`.
pub fn since(moment: &Value, start: f64) -> Value {
    json!(moment.as_str().and_then(millis).map(|at| round(at - start)))
}

/// Cuts to microseconds.
pub fn round(millis: f64) -> f64 {
    (millis * 1000.0).round() / 1000.0
}

/// The milliseconds from the Unix epoch to a moment such as `2026-11-30T13:45:35.25Z`.
pub fn millis(moment: &str) -> Option<f64> {
    let (date, time) = moment.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.split(':').map(|part| part.parse::<f64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some((days as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second) * 1000.0)
}

fn number(text: &Value) -> Value {
    json!(text.as_str().and_then(|text| text.parse::<u64>().ok()))
}

/// The fields of a message that have one of these names.
fn kept(message: &Value, names: &[&str]) -> Value {
    let Value::Object(mut fields) = fields(message) else { return json!({}) };
    fields.retain(|name, _| names.contains(&&**name));
    Value::Object(fields)
}

fn fields(message: &Value) -> Value {
    let mut found = Map::new();
    for (name, value) in message.as_object().into_iter().flatten() {
        let words = snake(name);
        let is_length = ["Timeout", "Interval", "Backoff", "Delay"].iter().any(|end| name.ends_with(end));
        let (words, value) = match &**name {
            "input" | "result" | "details" | "lastHeartbeatDetails" | "heartbeatDetails" => (words, listed(value)),
            "failure" | "lastFailure" | "continuedFailure" | "cause" if value.is_object() => (words, failure(value)),
            "workflowType" | "activityType" | "taskQueue" => (words, value["name"].clone()),
            _ if name.ends_with("EventId") => (words, number(value)),
            _ if is_length => (words + "_ms", length(value)),
            _ if value.is_object() => (words, fields(value)),
            _ => (words, value.clone()),
        };
        found.insert(words, value);
    }
    Value::Object(found)
}

/// The milliseconds of a length such as `1.500s`.
fn length(text: &Value) -> Value {
    let seconds = text.as_str().and_then(|text| text.strip_suffix('s')?.parse::<f64>().ok());
    json!(seconds.map(|seconds| round(seconds * 1000.0)))
}

fn failure(failure: &Value) -> Value {
    let mut written = json!({ "kind": "none" });
    let parts = failure.as_object().into_iter().flatten();
    for (name, info) in parts {
        if let Some(kind) = name.strip_suffix("FailureInfo") {
            let Value::Object(info) = fields(info) else { continue };
            written["kind"] = json!(snake(kind));
            info.into_iter().filter(|(name, _)| name != "identity").for_each(|(name, field)| written[name] = field);
        }
    }
    written["message"] = failure.get("message").cloned().unwrap_or(json!(""));
    if failure["cause"].is_object() {
        written["cause"] = self::failure(&failure["cause"]);
    }
    written
}

/// Turns `timerStarted` into `timer_started`.
fn snake(camel: &str) -> String {
    let mut words = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[test]
fn a_moment_counts_from_the_epoch() {
    assert_eq!(millis("1970-01-01T00:00:00Z"), Some(0.0));
    assert_eq!(millis("2024-02-29T12:30:01.5Z"), Some(1_709_209_801_500.0));
    assert_eq!(millis("2026-11-30T00:00:00Z"), Some(1_795_996_800_000.0));
    assert_eq!(millis("yesterday"), None);
}

#[test]
fn a_failure_has_the_words_of_the_recordings() {
    let details = json!({ "payloads": [{ "data": STANDARD.encode("[1]") }] });
    let info = json!({ "type": "T", "details": details, "nextRetryDelay": "1.500s" });
    let cause = json!({ "message": "late", "timeoutFailureInfo": { "timeoutType": "TIMEOUT_TYPE_HEARTBEAT" } });
    let written = failure(&json!({ "message": "boom", "applicationFailureInfo": info, "cause": cause }));
    let expected = json!({
        "kind": "application", "message": "boom", "type": "T", "details": [[1]], "next_retry_delay_ms": 1500.0,
        "cause": { "kind": "timeout", "message": "late", "timeout_type": "TIMEOUT_TYPE_HEARTBEAT" },
    });
    assert_eq!(written, expected);
}
