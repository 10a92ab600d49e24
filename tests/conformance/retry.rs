//! Rows about retries: kinds `next_backoff`, `exponential`, `is_retryable_failure`, `retry_activity`.

use std::time::Duration;

use durasim::internals::retry::{self, EndedAttempt, RetryVerdict};
use durasim::internals::{ActivityClose, ActivityState};
use durasim::program::Timeouts;
use durasim::{Span, Time};
use serde_json::{Value, json};

use crate::bench::{Bench, spec};
use crate::row::Found;
use crate::vocabulary::{attempt, error_types, failure, flag, found, policy, to_ms};

/// A moment with room before and after it.
const NOW: Time = Time::from_millis(3_600_000);

pub fn next_backoff(input: &Value) -> Found {
    let expires = input["expires_in_ms"].as_i64().map(|millis| NOW.plus(Span::from_millis(millis)));
    let delay = input["next_retry_delay_ms"].as_i64().map(Span::from_millis);
    match retry::next_backoff(&policy(input), attempt(input), delay, NOW, expires) {
        Ok(backoff) => found! { "backoff_ms": to_ms(backoff), "retry_state": "IN_PROGRESS" },
        Err(state) => found! { "backoff_ms": null, "retry_state": state.to_string() },
    }
}

pub fn exponential(input: &Value) -> Found {
    let nanos = |field: &str| Span::from_nanos(input[field].as_i64().unwrap_or(0));
    let coefficient = input["coefficient"].as_f64().unwrap();
    let interval = retry::exponential(nanos("initial_ns"), coefficient, attempt(input), nanos("max_interval_ns"));
    found! { "interval_ns": interval.as_nanos() }
}

pub fn is_retryable_failure(input: &Value) -> Found {
    found! { "retryable": retry::is_retryable(failure(&input["failure"]).as_ref(), &error_types(input)) }
}

/// Gives the verdict by itself. Where a service can be brought into the row's situation, its state after the report has
/// to be the same.
pub fn retry_activity(input: &Value) -> Found {
    let policy = policy(input);
    let failure = failure(&input["failure"]);
    let ended = EndedAttempt {
        workflow_running: flag(input, "workflow_running"),
        policy: flag(input, "has_retry_policy").then_some(&policy),
        cancel_requested: flag(input, "cancel_requested"),
        paused: flag(input, "paused"),
        attempt: attempt(input),
        failure: failure.as_ref(),
        now: NOW,
        expires: flag(input, "expired").then(|| NOW.plus(Span::from_secs(-60))),
    };
    let decided = match retry::retry_verdict(&ended) {
        RetryVerdict::Retry(backoff) => {
            found! { "retry_state": "IN_PROGRESS", "attempt": ended.attempt + 1, "scheduled_in_ms": to_ms(backoff) }
        }
        RetryVerdict::Close(state) => found! { "retry_state": state.to_string(), "changed": false },
        // The next attempt waits for an operator.
        RetryVerdict::Hold => {
            return found! { "retry_state": "IN_PROGRESS", "attempt": ended.attempt + 1, "scheduled_in_ms": null };
        }
    };
    // A later attempt would need those before it, for which the row's policy may have no room.
    if ended.workflow_running && ended.policy.is_some() && ended.attempt == 1 {
        let played = play(input);
        assert_eq!(played, decided, "the service's state against the verdict by itself");
    }
    decided
}

/// Runs attempt 1 and reports the row's failure by id, which takes failures of every kind.
fn play(input: &Value) -> Found {
    let limit = Span::from_secs(60);
    let timeouts = if flag(input, "expired") {
        Timeouts::default().schedule_to_close(limit)
    } else {
        Timeouts::default().start_to_close(limit)
    };
    let mut bench = Bench::schedule(spec(timeouts, Some(policy(input))));
    bench.poll();
    if flag(input, "cancel_requested") {
        bench.request_cancel();
    }
    if flag(input, "expired") {
        // The report and the deadline's timer race, and the report wins.
        bench.now = bench.activity().scheduled_at() + limit.to_duration() + Duration::from_millis(1);
    }
    bench.fail_by_id(failure(&input["failure"])).expect("by id, every failure is taken");
    let activity = bench.activity();
    match activity.state() {
        ActivityState::Backoff => found! {
            "retry_state": "IN_PROGRESS",
            "attempt": activity.attempt(),
            "scheduled_in_ms": to_ms(activity.attempt_scheduled_at().since(bench.now).into()),
        },
        ActivityState::Closed(
            ActivityClose::Failed { retry_state, .. } | ActivityClose::TimedOut { retry_state, .. },
        ) => found! { "retry_state": retry_state.to_string(), "changed": activity.attempt() != 1 },
        other => found! { "state": json!(format!("{other:?}")) },
    }
}
