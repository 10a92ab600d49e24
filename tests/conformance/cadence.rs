//! Rows about Cadence's server: kinds `cadence_next_backoff`, `cadence_timeout_normalize`.
//!
//! The rule by itself, and the service of that dialect brought into the row's situation, which must agree.

use durasim::internals::{ActivityClose, ActivityState, Service, cadence};
use durasim::program::{Failure, RetrySpec, RetryState, Timeouts};
use durasim::service::Dialect;
use durasim::{Span, Time};
use serde_json::{Value, json};

use crate::bench::{Bench, spec};
use crate::row::Found;
use crate::vocabulary::found;

/// Reads seconds; an absent field and `null` are "not set".
fn seconds(input: &Value, field: &str) -> Span {
    Span::from_secs(input[field].as_i64().unwrap_or(0))
}

fn to_seconds(span: Span) -> Value {
    let nanos = span.as_nanos();
    assert_eq!(nanos % 1_000_000_000, 0, "Cadence knows whole seconds only");
    json!(nanos / 1_000_000_000)
}

fn policy(input: &Value) -> RetrySpec {
    let listed = input["non_retriable"].as_array();
    RetrySpec::default()
        .initial_interval(seconds(input, "initial_s"))
        .backoff_coefficient(input["coefficient"].as_f64().unwrap_or(0.0))
        .maximum_interval(seconds(input, "max_interval_s"))
        .maximum_attempts(input["max_attempts"].as_i64().unwrap_or(0) as i32)
        .expiration_interval(seconds(input, "expiration_s"))
        .non_retryable_error_types(listed.into_iter().flatten().map(|name| name.as_str().unwrap()))
}

pub fn next_backoff(input: &Value) -> Found {
    const NOW: Time = Time::from_millis(3_600_000);
    let attempt = input["attempt0"].as_u64().unwrap() as u32;
    let expires = input["expires_in_s"].as_i64().map(|seconds| NOW.plus(Span::from_secs(seconds)));
    let reason = input["reason"].as_str().unwrap();
    let decided = cadence::next_backoff(&policy(input), attempt, reason, NOW, expires).ok();
    // The first attempt can be played as it is; a row that asks for a later one would need those before it.
    if attempt == 0 && expires.is_none() {
        assert_eq!(play(input, reason), decided, "the service's state against the rule by itself");
    }
    found! { "backoff_s": decided.map(to_seconds) }
}

/// Lets the first attempt fail for this reason.
fn play(input: &Value, reason: &str) -> Option<Span> {
    let given = policy(input);
    let timeouts = Timeouts::default().schedule_to_close(Span::from_secs(600));
    let mut bench = Bench::schedule_on(Service::with_dialect(Dialect::Cadence), spec(timeouts, Some(given)));
    bench.poll();
    assert_eq!(bench.task.as_ref().map(|task| task.info.attempt), Some(0), "the server counts from 0");
    bench.fail(bench.tokens[0], Some(Failure::application(reason, "m")), None).expect("a running attempt may fail");
    match bench.activity().state() {
        ActivityState::Backoff => bench.activity().current_retry_interval(bench.now),
        ActivityState::Closed(ActivityClose::Failed { retry_state, .. }) => {
            assert_ne!(*retry_state, RetryState::InProgress);
            None
        }
        other => panic!("neither retried nor failed: {other:?}"),
    }
}

pub fn timeout_normalize(input: &Value) -> Found {
    let given = Timeouts::default()
        .schedule_to_close(seconds(input, "schedule_to_close_s"))
        .schedule_to_start(seconds(input, "schedule_to_start_s"))
        .start_to_close(seconds(input, "start_to_close_s"))
        .heartbeat(seconds(input, "heartbeat_s"));
    let longest = seconds(input, "max_schedule_to_start_for_retry_s");
    assert_eq!(cadence::LONGEST_SCHEDULE_TO_START_FOR_RETRY, longest, "the server's setting");
    let retry = input["retry_policy"].as_object().map(|_| policy(&input["retry_policy"]));
    match cadence::normalize_timeouts(given, retry.as_ref(), seconds(input, "workflow_timeout_s")) {
        Ok(timeouts) => found! {
            "schedule_to_close_s": to_seconds(timeouts.schedule_to_close),
            "schedule_to_start_s": to_seconds(timeouts.schedule_to_start),
            "start_to_close_s": to_seconds(timeouts.start_to_close),
            "heartbeat_s": to_seconds(timeouts.heartbeat),
        },
        Err(error) => found! { "error": error },
    }
}
