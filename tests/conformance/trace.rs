//! Rows that play a short story on the service: kind `trace`.

use std::sync::Arc;

use durasim::Span;
use durasim::internals::{ActivityClose, ActivityState, HeartbeatAnswer, Refused};
use durasim::program::{Details, Failure, FailureKind, TimeoutType, Timeouts};
use durasim::service::{EventKind, Reset};
use serde_json::{Value, json};

use crate::bench::{Bench, spec};
use crate::row::Found;
use crate::vocabulary::{details, found, policy, timeout_type, to_details, to_ms};

/// The answer to the last call of a story.
type Answer = Result<Option<HeartbeatAnswer>, Refused>;

pub fn trace(input: &Value) -> Found {
    let steps: Vec<&str> = input["trace"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    let config = &input["config"];
    let mut bench = Bench::schedule(spec(timeouts(config, &steps), Some(retry(config))));
    let mut answer = Ok(None);
    for (index, step) in steps.iter().enumerate() {
        let refused = answer.as_ref().err();
        assert!(refused.is_none(), "step {index}: the call before `{step}` was refused: {refused:?}");
        answer = take(step, config, &mut bench);
    }
    observe(&bench, &answer)
}

/// Makes the policy: the row's interval is an initial interval that never grows; the file says `short` where its length
/// does not matter.
fn retry(config: &Value) -> durasim::program::RetrySpec {
    let interval = config["retry_interval_ms"].as_i64().unwrap_or(1000);
    policy(&json!({ "initial_ms": interval, "coefficient": 1.0, "max_attempts": config["max_attempts"] }))
}

/// A deadline that the story waits for is set so that it passes before any other.
fn timeouts(config: &Value, steps: &[&str]) -> Timeouts {
    let waits_for = |timeout: TimeoutType| steps.iter().any(|step| elapsing(step) == Some(timeout));
    let when = |condition: bool, seconds: i64| Span::from_secs(if condition { seconds } else { 0 });
    let schedule_to_close = match config["schedule_to_close_ms"].as_i64() {
        Some(millis) => Span::from_millis(millis),
        None => when(waits_for(TimeoutType::ScheduleToClose), 3600),
    };
    let whole = waits_for(TimeoutType::ScheduleToClose);
    Timeouts::default()
        .schedule_to_close(schedule_to_close)
        .schedule_to_start(when(waits_for(TimeoutType::ScheduleToStart), 30))
        .start_to_close(when(!whole, 60))
        .heartbeat(when(waits_for(TimeoutType::Heartbeat), 10))
}

fn elapsing(step: &str) -> Option<TimeoutType> {
    match step {
        "(start-to-close elapses)" => Some(TimeoutType::StartToClose),
        "BackoffElapses" => None,
        step => step.strip_suffix("Elapses").map(timeout_type),
    }
}

fn take(step: &str, config: &Value, bench: &mut Bench) -> Answer {
    let silent = Ok(None);
    if let Some(timeout) = elapsing(step) {
        bench.pass(timeout);
        return silent;
    }
    let failure = |non_retryable: bool| {
        let mut failure = Failure::application("TestFailure", "test failure");
        let FailureKind::Application { non_retryable: flag, next_retry_delay, .. } = &mut failure.kind else {
            unreachable!()
        };
        *flag = non_retryable;
        *next_retry_delay = config["next_retry_delay_ms"].as_i64().map(Span::from_millis);
        Some(failure)
    };
    let timed_out = |timeout: &str| {
        let (timeout_type, last_heartbeat_details) = (timeout_type(timeout), Details::Absent);
        Some(Failure::new("synthetic", FailureKind::Timeout { timeout_type, last_heartbeat_details }))
    };
    let first = bench.tokens.first().copied();
    let last = bench.tokens.last().copied();
    let running = || last.expect("a polled attempt");
    let by_id = step.strip_prefix("FailByIDRetryablyWith").or_else(|| step.strip_prefix("FailByIDWith"));
    if let Some(timeout) = by_id.and_then(|kind| kind.strip_suffix("TimeoutFailure")) {
        return bench.fail_by_id(timed_out(timeout)).map(|()| None);
    }
    match step {
        "Poll" => bench.poll(),
        "BackoffElapses" => bench.pass_backoff(),
        "RequestCancel" => bench.request_cancel(),
        "Pause" => bench.operate(|service, activity, _| service.pause(activity)),
        "Reset" => bench.operate(|service, activity, now| service.reset(activity, Reset::default(), now)),
        "ResetClearingHeartbeat" => bench.operate(|service, activity, now| {
            service.reset(activity, Reset { reset_heartbeat: true, ..Reset::default() }, now)
        }),
        "Heartbeat{D}" => return bench.heartbeat(running(), details(&json!("D"))).map(Some),
        "Heartbeat{}" => return bench.heartbeat(running(), Details::Absent).map(Some),
        "Heartbeat(attempt 1 token)" => return bench.heartbeat(first.unwrap(), details(&json!("stale"))).map(Some),
        "FailRetryably" => return bench.fail(running(), failure(false), None).map(|()| None),
        "FailNonRetryably" => return bench.fail(running(), failure(true), None).map(|()| None),
        "FailWithoutFailure" => return bench.fail(running(), None, None).map(|()| None),
        "RespondFailed{retryable,heartbeat_details=D}" => {
            return bench.fail(running(), failure(false), Some(details(&json!("D")))).map(|()| None);
        }
        "RespondFailed{retryable,heartbeat_details=[]}" => {
            return bench.fail(running(), failure(false), Some(Details::Empty)).map(|()| None);
        }
        "RespondCanceled" => return bench.cancel(running(), Details::Absent).map(|()| None),
        "Complete(attempt 1 token)" => return bench.complete(first.unwrap()).map(|()| None),
        "CompleteByID" => return bench.complete_by_id().map(|()| None),
        other => panic!("unknown step {other}"),
    }
    silent
}

/// All that a row may ask for, at the end of the story.
fn observe(bench: &Bench, answer: &Answer) -> Found {
    let activity = bench.activity();
    let mut found = found! {
        "attempt": activity.attempt(),
        "run_state": run_state(bench),
        "current_retry_interval_ms": activity.current_retry_interval().map(to_ms),
        "next_attempt_schedule_time_set": activity.next_attempt_at().is_some(),
        "last_heartbeat_details": to_details(activity.details()),
        "heartbeat_details_delivered": bench.task.as_ref().map(|task| to_details(&task.heartbeat_details)),
    };
    match answer {
        Ok(None) => {}
        Ok(Some(heartbeat)) => found.extend(found! { "cancel_requested": heartbeat.cancel_requested }),
        Err(refused) => {
            found.extend(found! { "rpc_error": format!("{:?}", refused.code), "message": refused.message });
        }
    }
    if let Some(close) = activity.outcome() {
        let (status, retry_state) = match close {
            ActivityClose::Completed { .. } => ("COMPLETED", None),
            ActivityClose::Failed { retry_state, .. } => ("FAILED", Some(retry_state)),
            ActivityClose::TimedOut { retry_state, .. } => ("TIMED_OUT", Some(retry_state)),
            ActivityClose::Canceled { .. } => ("CANCELED", None),
        };
        assert_eq!(closing_events(bench), [status], "the history against the activity's outcome");
        found.extend(found! { "status": status, "retry_state": retry_state.map(ToString::to_string) });
        match close {
            ActivityClose::Canceled { details } => found.extend(found! { "details": to_details(details) }),
            ActivityClose::TimedOut { failure, .. } => found.extend(found! { "cause": cause(failure) }),
            ActivityClose::Completed { .. } | ActivityClose::Failed { .. } => {}
        }
    }
    found
}

/// Names the state as `DescribeWorkflowExecution` shows it for a pending activity.
fn run_state(bench: &Bench) -> &'static str {
    match bench.activity().state() {
        ActivityState::Started(_) => "STARTED",
        ActivityState::Scheduled | ActivityState::Backoff if bench.activity().is_paused() => "PAUSED",
        ActivityState::Scheduled | ActivityState::Backoff => "SCHEDULED",
        ActivityState::Closed(_) => "none: it has closed",
    }
}

fn closing_events(bench: &Bench) -> Vec<&'static str> {
    let closing = bench.history().filter_map(|event| match event {
        EventKind::ActivityTaskCompleted { .. } => Some("COMPLETED"),
        EventKind::ActivityTaskFailed { .. } => Some("FAILED"),
        EventKind::ActivityTaskTimedOut { .. } => Some("TIMED_OUT"),
        EventKind::ActivityTaskCanceled { .. } => Some("CANCELED"),
        _ => None,
    });
    closing.collect()
}

fn cause(failure: &Arc<Failure>) -> Value {
    match failure.cause.as_ref().map(|cause| (&cause.message, &cause.kind)) {
        Some((message, FailureKind::Application { error_type, .. })) => {
            json!({ "type": &**error_type, "message": &**message })
        }
        other => json!(format!("{other:?}")),
    }
}
