//! Payloads, details and failures, in the words of the recordings and in the crate's.

use durasim::Span;
use durasim::program::{Details, Failure, FailureKind, Payload, RetrySpec, TimeoutType};
use serde_json::{Map, Value, json};

/// Payloads longer than this are recorded by their length.
const SHOWN_WHOLE: usize = 10_000;

/// The words of Python's error for a child whose id is taken.
pub const ALREADY_STARTED: &str = "Workflow execution already started";

/// The mark of several payloads in one: the service never looks inside.
pub const LIST: &str = "$payloads";

/// Reads milliseconds, possibly with a fraction; an absent value is zero.
pub fn span(value: &Value) -> Span {
    Span::from_nanos((value.as_f64().unwrap_or(0.0) * 1e6) as i64)
}

pub fn millis(span: Span) -> Value {
    json!(span.as_nanos() as f64 / 1e6)
}

pub fn payload(value: &Value) -> Payload {
    Payload::from_json(value).expect("JSON")
}

/// Reads the details of a step: the word `NONE` is no field, a list is that many payloads, all else is one payload.
pub fn details(value: &Value) -> Details {
    match value {
        Value::String(word) if word == "NONE" => Details::Absent,
        Value::Array(list) => match &list[..] {
            [] => Details::Empty,
            [one] => Details::Payload(payload(one)),
            several => Details::Payload(payload(&json!({ LIST: several }))),
        },
        one => Details::Payload(payload(one)),
    }
}

/// One payload as it is recorded.
pub fn shown(payload: &Payload) -> Value {
    let bytes = payload.as_bytes();
    if bytes.len() > SHOWN_WHOLE {
        return json!({ "encoding": "json/plain", "len": bytes.len() });
    }
    payload.to_json().unwrap_or_else(|_| json!(payload.to_string()))
}

/// A result or an input as it is recorded: a list of one payload; `null` for none at all.
pub fn sole(payload: &Payload) -> Value {
    if payload.as_bytes().is_empty() { Value::Null } else { json!([shown(payload)]) }
}

/// Details as they are recorded: a list of payloads, or `null`.
pub fn listed(details: &Details) -> Value {
    match details {
        Details::Absent => Value::Null,
        Details::Empty => json!([]),
        Details::Payload(payload) => match shown(payload) {
            Value::Object(mut object) if object.contains_key(LIST) => object.remove(LIST).expect("just seen"),
            one => json!([one]),
        },
    }
}

/// The failure that a `fail` or `raise` step asks for.
pub fn failure(step: &Value) -> Failure {
    let attached = |field: &str| step.get(field).filter(|value| !value.is_null()).map_or(Details::Absent, details);
    let kind = match step["kind"].as_str().unwrap_or("application") {
        "application" => FailureKind::Application {
            error_type: step["type"].as_str().unwrap_or_default().into(),
            non_retryable: step["non_retryable"].as_bool().unwrap_or(false),
            details: attached("details"),
            next_retry_delay: step.get("next_retry_delay_ms").map(span),
        },
        "canceled" => FailureKind::Canceled { details: attached("details") },
        "timeout" => FailureKind::Timeout {
            timeout_type: timeout_type(step["timeout_type"].as_str().unwrap_or_default()),
            last_heartbeat_details: Details::Absent,
        },
        "terminated" => FailureKind::Terminated,
        // A failure that says nothing of its kind has no form of its own here.
        "server" | "none" => FailureKind::Server { non_retryable: step["non_retryable"] == true },
        other => panic!("unknown kind of failure {other}"),
    };
    let raised = Failure::new(step["message"].as_str().unwrap_or("boom"), kind);
    match step.get("cause").filter(|cause| !cause.is_null()) {
        Some(cause) => raised.caused_by(failure(cause)),
        None => raised,
    }
}

/// The failure of an error that Python code raises. A delay of zero is none to Python (recorded scenario `rs_011`).
pub fn raised_failure(step: &Value) -> Failure {
    let mut failure = failure(step);
    if let FailureKind::Application { next_retry_delay, .. } = &mut failure.kind
        && next_retry_delay.is_some_and(Span::is_zero)
    {
        *next_retry_delay = None;
    }
    failure
}

fn timeout_type(name: &str) -> TimeoutType {
    match name {
        "START_TO_CLOSE" => TimeoutType::StartToClose,
        "SCHEDULE_TO_START" => TimeoutType::ScheduleToStart,
        "SCHEDULE_TO_CLOSE" => TimeoutType::ScheduleToClose,
        "HEARTBEAT" => TimeoutType::Heartbeat,
        _ => TimeoutType::Unspecified,
    }
}

pub fn timeout_name(timeout: TimeoutType) -> &'static str {
    match timeout {
        TimeoutType::StartToClose => "START_TO_CLOSE",
        TimeoutType::ScheduleToStart => "SCHEDULE_TO_START",
        TimeoutType::ScheduleToClose => "SCHEDULE_TO_CLOSE",
        TimeoutType::Heartbeat => "HEARTBEAT",
        _ => "UNSPECIFIED",
    }
}

/// A failure as the API carries it.
pub fn recorded(failure: &Failure) -> Value {
    let mut fields = match &failure.kind {
        FailureKind::Application { error_type, non_retryable, details, next_retry_delay } => json!({
            "kind": "application",
            "type": &**error_type,
            "non_retryable": non_retryable,
            "details": listed(details),
            "next_retry_delay_ms": next_retry_delay.map(millis),
        }),
        FailureKind::Timeout { timeout_type, last_heartbeat_details } => json!({
            "kind": "timeout",
            "timeout_type": format!("TIMEOUT_TYPE_{}", timeout_name(*timeout_type)),
            "last_heartbeat_details": listed(last_heartbeat_details),
        }),
        FailureKind::Canceled { details } => json!({ "kind": "canceled", "details": listed(details) }),
        // The SDK's error says nothing of its kind, which has no form of its own here.
        FailureKind::Server { .. } if *failure.message == *ALREADY_STARTED => json!({ "kind": "none" }),
        FailureKind::ChildWorkflow {
            workflow_type, run_id, initiated_event_id, started_event_id, retry_state, ..
        } => {
            json!({
                "kind": "child_workflow_execution",
                "workflow_execution": { "run_id": named(run_id) },
                "workflow_type": &**workflow_type,
                "initiated_event_id": event_id(*initiated_event_id),
                "started_event_id": event_id(*started_event_id),
                "retry_state": format!("RETRY_STATE_{retry_state}"),
            })
        }
        FailureKind::Server { non_retryable } => json!({ "kind": "server", "non_retryable": non_retryable }),
        FailureKind::Terminated => json!({ "kind": "terminated" }),
        FailureKind::Activity { activity_type, activity_id, scheduled_event_id, started_event_id, retry_state } => {
            json!({
                "kind": "activity",
                "activity_type": &**activity_type,
                "activity_id": &**activity_id,
                "scheduled_event_id": event_id(*scheduled_event_id),
                "started_event_id": event_id(*started_event_id),
                "retry_state": format!("RETRY_STATE_{retry_state}"),
            })
        }
        other => json!({ "kind": format!("{other:?}") }),
    };
    fields["message"] = json!(&*failure.message);
    if let Some(cause) = &failure.cause {
        fields["cause"] = recorded(cause);
    }
    without_nulls(fields)
}

/// A retry policy as a step gives it; `None` if it has none.
pub fn retry(retry: &Value) -> Option<RetrySpec> {
    if retry.is_null() {
        return None;
    }
    let listed = retry["non_retryable"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let policy = RetrySpec::default()
        .initial_interval(span(&retry["initial_ms"]))
        .backoff_coefficient(retry["coefficient"].as_f64().unwrap_or(0.0))
        .maximum_interval(span(&retry["max_interval_ms"]))
        .maximum_attempts(retry["max_attempts"].as_i64().unwrap_or(0) as i32)
        .non_retryable_error_types(listed);
    Some(policy)
}

/// A run's id, which the recordings replace by a name of this form.
pub fn named(run_id: &str) -> String {
    format!("<run-{run_id}>")
}

/// Gives an event's id; the id of an event that is not there is left out.
pub fn event_id(id: u64) -> Option<u64> {
    (id != 0).then_some(id)
}

pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(_, field)| !field.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}
