//! The file's words in the crate's, and back.

use std::sync::Arc;

use durasim::Span;
use durasim::program::{Details, Failure, FailureKind, Payload, RetrySpec, RetryState, TimeoutType, Timeouts};
use serde_json::{Value, json};

/// A row that this translator cannot put to the crate, with the reason.
pub struct Gap(pub String);

/// Leaves a row: it is a gap of the translator, and says nothing about the crate.
pub fn gap(reason: impl Into<String>) -> ! {
    std::panic::resume_unwind(Box::new(Gap(reason.into())))
}

/// Reads milliseconds; an absent field and `null` are "not set".
pub fn ms(input: &Value, field: &str) -> Span {
    Span::from_millis(input[field].as_i64().unwrap_or(0))
}

pub fn to_ms(span: Span) -> Value {
    let nanos = span.as_nanos();
    if nanos % 1_000_000 == 0 { json!(nanos / 1_000_000) } else { json!(nanos as f64 / 1e6) }
}

fn integer(input: &Value, field: &str) -> i32 {
    input[field].as_i64().map_or(0, |number| i32::try_from(number).expect("a 32-bit number"))
}

fn text(input: &Value, field: &str) -> Arc<str> {
    input[field].as_str().unwrap_or_default().into()
}

pub fn flag(input: &Value, field: &str) -> bool {
    input[field].as_bool().unwrap_or(false)
}

/// The server's number is signed; one below 1 counts as the first attempt.
pub fn attempt(input: &Value) -> u32 {
    integer(input, "attempt").try_into().unwrap_or(0)
}

pub fn error_types(input: &Value) -> Vec<Arc<str>> {
    let listed = input["non_retryable_error_types"].as_array();
    listed.into_iter().flatten().map(|name| name.as_str().expect("a name").into()).collect()
}

pub fn policy(input: &Value) -> RetrySpec {
    RetrySpec::default()
        .initial_interval(ms(input, "initial_ms"))
        .backoff_coefficient(input["coefficient"].as_f64().unwrap_or(0.0))
        .maximum_interval(ms(input, "max_interval_ms"))
        .maximum_attempts(integer(input, "max_attempts"))
        .non_retryable_error_types(error_types(input))
}

pub fn to_policy(policy: &RetrySpec) -> Value {
    json!({
        "initial_ms": to_ms(policy.initial_interval),
        "coefficient": policy.backoff_coefficient,
        "max_interval_ms": to_ms(policy.maximum_interval),
        "max_attempts": policy.maximum_attempts,
        "non_retryable_error_types": policy.non_retryable_error_types.iter().map(|name| &**name).collect::<Vec<_>>(),
    })
}

pub fn timeouts(input: &Value) -> Timeouts {
    Timeouts::default()
        .schedule_to_close(ms(input, "schedule_to_close_ms"))
        .schedule_to_start(ms(input, "schedule_to_start_ms"))
        .start_to_close(ms(input, "start_to_close_ms"))
        .heartbeat(ms(input, "heartbeat_ms"))
}

pub fn timeout_type(name: &str) -> TimeoutType {
    match name {
        "StartToClose" => TimeoutType::StartToClose,
        "ScheduleToStart" => TimeoutType::ScheduleToStart,
        "ScheduleToClose" => TimeoutType::ScheduleToClose,
        "Heartbeat" => TimeoutType::Heartbeat,
        "Unspecified" => TimeoutType::Unspecified,
        other => gap(format!("the timeout `{other}`")),
    }
}

/// Reads a failure. `null` is none, and a kind without a form of its own in the crate is one of those that the server treats as it:
/// neither an application's nor a timeout, worth a retry whatever is in it.
pub fn failure(input: &Value) -> Option<Failure> {
    let kind = match input["kind"].as_str()? {
        "application" => FailureKind::Application {
            error_type: text(input, "type"),
            non_retryable: flag(input, "non_retryable"),
            details: input.get("details").map_or(Details::Absent, details),
            next_retry_delay: input["next_retry_delay_ms"].as_i64().map(Span::from_millis),
        },
        "timeout" => FailureKind::Timeout {
            timeout_type: timeout_type(&text(input, "timeout_type")),
            last_heartbeat_details: input.get("last_heartbeat_details").map_or(Details::Absent, details),
        },
        "canceled" => FailureKind::Canceled { details: input.get("details").map_or(Details::Absent, details) },
        "terminated" => FailureKind::Terminated,
        "activity" | "none" | "reset_workflow" | "nexus_operation" | "nexus_handler" => FailureKind::Activity {
            activity_type: "activity".into(),
            activity_id: "activity".into(),
            scheduled_event_id: 5,
            started_event_id: 6,
            retry_state: RetryState::NonRetryableFailure,
        },
        "server" => FailureKind::Server { non_retryable: flag(input, "non_retryable") },
        "child_workflow" | "child_workflow_execution" => FailureKind::ChildWorkflow {
            workflow_type: "child".into(),
            workflow_id: "child".into(),
            run_id: "child".into(),
            initiated_event_id: 5,
            started_event_id: 6,
            retry_state: RetryState::NonRetryableFailure,
        },
        other => gap(format!("the kind of failure `{other}`")),
    };
    let failed = Failure::new(text(input, "message"), kind);
    Some(match failure(&input["cause"]) {
        Some(cause) => failed.caused_by(cause),
        None => failed,
    })
}

/// Details as the file writes them: absent is `null`, a list of nothing is `[]`.
pub fn to_details(details: &Details) -> Value {
    match details {
        Details::Absent => Value::Null,
        Details::Empty => json!([]),
        Details::Payload(payload) => payload.to_json().expect("the test's own JSON"),
    }
}

/// Reads details as the file writes them.
pub fn details(value: &Value) -> Details {
    match value {
        Value::Null => Details::Absent,
        Value::Array(list) if list.is_empty() => Details::Empty,
        one => Details::Payload(Payload::from_json(one).expect("JSON")),
    }
}

/// A map of the fields that were found.
macro_rules! found {
    ($($json:tt)+) => {
        match serde_json::json!({ $($json)+ }) {
            serde_json::Value::Object(fields) => fields,
            _ => unreachable!(),
        }
    };
}
pub(crate) use found;
