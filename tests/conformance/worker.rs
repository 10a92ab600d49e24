//! Rows about the worker: kinds `heartbeat_throttle`, `heartbeat_flush`, `worker_completion`, `local_activity_backoff`,
//! `local_activity_policy_defaults`.

use std::sync::Arc;

use durasim::internals::local_activity;
use durasim::internals::report::{PendingHeartbeat, Report, report};
use durasim::internals::throttle::{self, Action, Throttle};
use durasim::internals::{ActivityClose, ActivityState, Code, Refused};
use durasim::program::{ActivityOutcome, CancelReason, Details, Failure, Payload, RetrySpec, TimeoutType, Timeouts};
use durasim::service::{Dialect, Reset};
use durasim::{Span, Time};
use serde_json::{Value, json};

use crate::bench::{Bench, spec};
use crate::row::Found;
use crate::vocabulary::{details, failure, found, gap, ms, policy, to_details, to_ms, to_policy};

pub fn heartbeat_throttle(profile: &str, input: &Value) -> Found {
    let timeout = ms(input, "heartbeat_timeout_ms");
    let interval = match profile {
        "temporal-sdk" => throttle::interval(timeout, ms(input, "default_ms"), ms(input, "max_ms")),
        "cadence-sdk" => throttle::cadence_interval(timeout),
        other => gap(format!("the profile `{other}`")),
    };
    found! { "interval_ms": to_ms(interval) }
}

/// Records heartbeats in one go, each answered at once, and then ends the attempt.
pub fn heartbeat_flush(input: &Value) -> Found {
    let now = Time::ZERO;
    let interval = throttle::interval(ms(input, "heartbeat_timeout_ms"), Span::ZERO, Span::ZERO);
    let mut throttle = Throttle::new(interval);
    let mut sent: Vec<Value> = Vec::new();
    for recorded in input["recorded_at_once"].as_array().unwrap() {
        let bytes = serde_json::to_vec(recorded).unwrap();
        // A heartbeat without details is written as nothing, or as a list of nothing.
        let is_empty = matches!(recorded, Value::Null) || recorded == &json!([]);
        if let Action::Send(details) = throttle.record((!is_empty).then_some(&bytes[..]), now) {
            sent.push(if is_empty { recorded.clone() } else { to_details(&details) });
            assert_eq!(throttle.answered(now), Action::Nothing);
        }
    }
    let ended = match input["end"].as_str().unwrap() {
        "Completed" => Some(report(completed(), None)),
        "Failed" => Some(report(failed(), None)),
        "Cancelled" => Some(report(ActivityOutcome::Cancelled(Details::Absent), Some(CancelReason::Requested))),
        "Crash" => None,
        "WillCompleteAsync" => Some(report(ActivityOutcome::WillCompleteAsync, None)),
        "WorkerShutdown" => {
            Some(report(ActivityOutcome::Cancelled(Details::Absent), Some(CancelReason::WorkerShutdown)))
        }
        other => gap(format!("the end `{other}`")),
    };
    let mut attached = None;
    match ended.map(|report| report.pending_heartbeat(Dialect::Temporal)) {
        Some(PendingHeartbeat::Attached) => attached = throttle.take_attached(),
        Some(PendingHeartbeat::FlushedFirst) => sent.extend(throttle.take_pending().iter().map(to_details)),
        Some(PendingHeartbeat::Dropped) | None => {}
    }
    found! { "rpcs_sent": sent, "last_heartbeat_details_on_failure": attached.as_ref().map(to_details) }
}

fn completed() -> ActivityOutcome {
    ActivityOutcome::Completed(Payload::new(b"1"))
}

fn failed() -> ActivityOutcome {
    ActivityOutcome::Failed(Failure::application("TestFailure", "test failure").into())
}

/// The report for a row, and what it does at a service that is in the row's situation.
pub fn worker_completion(input: &Value) -> Found {
    let told = input["cancel_issued"].as_str().map(|reason| match reason {
        "Cancelled" => CancelReason::Requested,
        "Paused" => CancelReason::Paused,
        "Reset" => CancelReason::Reset,
        "NotFound" => CancelReason::NotFound,
        "WorkerShutdown" => CancelReason::WorkerShutdown,
        "TimedOut" => CancelReason::TimedOut,
        other => gap(format!("the reason `{other}`")),
    });
    let cancelled = || ActivityOutcome::Cancelled(details(&json!("D")));
    let outcomes = match input["outcome"].as_str().unwrap() {
        "Completed" => vec![completed()],
        "Failed" => vec![failed()],
        "Cancelled" => vec![cancelled()],
        "WillCompleteAsync" => vec![ActivityOutcome::WillCompleteAsync],
        "Any" => vec![completed(), failed(), cancelled(), ActivityOutcome::WillCompleteAsync],
        other => gap(format!("the outcome `{other}`")),
    };
    let mut answers = outcomes.into_iter().map(|outcome| completion(report(outcome, told), told));
    let answer = answers.next().unwrap();
    assert!(answers.all(|other| other == answer), "outcomes that should not matter do");
    answer
}

fn completion(report: Report, told: Option<CancelReason>) -> Found {
    let pending = match report.pending_heartbeat(Dialect::Temporal) {
        PendingHeartbeat::Dropped => "dropped",
        PendingHeartbeat::Attached => "attached",
        PendingHeartbeat::FlushedFirst => "flushed by heartbeat RPC first",
    };
    let rpc = match &report {
        Report::Complete(_) => Some("RespondActivityTaskCompleted"),
        Report::Fail(_) => Some("RespondActivityTaskFailed"),
        Report::Cancel(_) => Some("RespondActivityTaskCanceled"),
        Report::Nothing => None,
    };
    found! { "rpc": rpc, "last_heartbeat_details": pending, "server_result": at_the_service(report, told) }
}

/// Brings a service to the point at which it gave the worker this reason, delivers the report, and tells its effect.
fn at_the_service(report: Report, told: Option<CancelReason>) -> String {
    let once = RetrySpec::default().maximum_attempts(1);
    let mut bench = Bench::schedule(spec(Timeouts::default().start_to_close(Span::from_secs(60)), Some(once)));
    bench.poll();
    let token = bench.tokens[0];
    match told {
        None => {}
        Some(CancelReason::Requested) => bench.request_cancel(),
        Some(CancelReason::Paused) => bench.operate(|service, activity, _| service.pause(activity)),
        Some(CancelReason::Reset) => {
            bench.operate(|service, activity, now| service.reset(activity, Reset::default(), now));
        }
        Some(CancelReason::NotFound) => bench.pass(TimeoutType::StartToClose),
        // The worker has these from itself.
        Some(_) => {}
    }
    let heard = bench.heartbeat(token, Details::Absent);
    let told_by_itself = matches!(told, Some(CancelReason::WorkerShutdown | CancelReason::TimedOut));
    assert_eq!(told.filter(|_| !told_by_itself), heard_reason(&heard), "the service gave the worker this reason");

    let answer = match report {
        Report::Complete(_) => bench.complete(token),
        Report::Fail(failure) => bench.fail(token, Some(Arc::unwrap_or_clone(failure)), None),
        Report::Cancel(details) => bench.cancel(token, details),
        Report::Nothing if told.is_some() => return "none".to_owned(),
        Report::Nothing => Ok(()),
    };
    match (answer, bench.activity().state()) {
        (Ok(()), ActivityState::Closed(ActivityClose::Completed { .. })) => "Completed".to_owned(),
        (Ok(()), ActivityState::Closed(ActivityClose::Canceled { .. })) => "Canceled".to_owned(),
        (Ok(()), ActivityState::Closed(ActivityClose::Failed { .. }) | ActivityState::Backoff) => {
            "retry or close".to_owned()
        }
        (Ok(()), ActivityState::Started(_)) => {
            bench.complete_by_id().expect("still open");
            "waits for CompleteById or a timeout".to_owned()
        }
        (Err(Refused { code: Code::InvalidArgument, .. }), ActivityState::Started(_)) => {
            "InvalidArgument; attempt stays started until a timeout".to_owned()
        }
        (answer, state) => format!("{answer:?}, {state:?}"),
    }
}

/// The reason in a heartbeat's answer, as the worker reads it.
fn heard_reason(heard: &Result<durasim::internals::HeartbeatAnswer, Refused>) -> Option<CancelReason> {
    match heard {
        Ok(answer) if answer.cancel_requested => Some(CancelReason::Requested),
        Ok(answer) if answer.activity_reset => Some(CancelReason::Reset),
        Ok(answer) if answer.activity_paused => Some(CancelReason::Paused),
        Ok(_) => None,
        Err(_) => Some(CancelReason::NotFound),
    }
}

pub fn local_activity_backoff(input: &Value) -> Found {
    let attempt = input["attempt"].as_u64().unwrap().try_into().unwrap();
    let policy = local_activity::policy_defaults(&policy(&input["policy"]));
    let backoff = local_activity::next_backoff(&policy, attempt, failure(&input["failure"]).as_ref());
    found! { "backoff_ms": backoff.map(to_ms) }
}

pub fn local_activity_policy_defaults(input: &Value) -> Found {
    found! { "policy": to_policy(&local_activity::policy_defaults(&policy(&input["policy"]))) }
}

#[test]
fn an_empty_heartbeat_is_told_again_with_the_failure() {
    let flushed = |recorded: Value| heartbeat_flush(&json!({ "recorded_at_once": recorded, "end": "Failed" }));
    assert_eq!(flushed(json!([[]]))["last_heartbeat_details_on_failure"], json!([]));
    assert_eq!(flushed(json!([]))["last_heartbeat_details_on_failure"], Value::Null);
}

#[test]
fn reasons_of_the_worker_itself_are_known() {
    let completion = |outcome: &str, reason: &str| {
        let found = worker_completion(&json!({ "outcome": outcome, "cancel_issued": reason }));
        [found["rpc"].clone(), found["server_result"].clone()]
    };
    let failed = [json!("RespondActivityTaskFailed"), json!("retry or close")];
    assert_eq!(completion("Cancelled", "WorkerShutdown"), failed);
    assert_eq!(completion("Any", "TimedOut"), [Value::Null, json!("none")]);
}
