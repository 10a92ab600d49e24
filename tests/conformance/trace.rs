//! Rows that play a short story on the service: kind `trace`.

use std::sync::Arc;

use durasim::internals::{ActivityClose, ActivityState};
use durasim::program::{Failure, FailureKind};
use durasim::service::EventKind;
use serde_json::{Value, json};

use crate::bench::{Bench, spec};
use crate::row::Found;
use crate::story::{Answer, Step, retry, timeouts};
use crate::vocabulary::{found, to_details, to_ms};

pub fn trace(input: &Value) -> Found {
    let steps: Vec<Step<'_>> =
        input["trace"].as_array().unwrap().iter().map(|step| Step::parse(step.as_str().unwrap())).collect();
    let config = &input["config"];
    let mut bench = Bench::schedule(spec(timeouts(config, &steps), retry(config)));
    let mut answer = Ok(None);
    for (index, step) in steps.iter().enumerate() {
        let refused = answer.as_ref().err();
        assert!(refused.is_none(), "step {index}: the call before {step:?} was refused: {refused:?}");
        answer = step.take(config, &mut bench);
    }
    observe(&bench, &answer)
}

/// All that a row may ask for, at the end of the story.
fn observe(bench: &Bench, answer: &Answer) -> Found {
    let activity = bench.activity();
    let mut found = found! {
        "attempt": activity.attempt(),
        "run_state": run_state(bench),
        "current_retry_interval_ms": activity.current_retry_interval(bench.now).map(to_ms),
        "next_attempt_schedule_time_set": activity.next_attempt_at().is_some(),
        "last_heartbeat_details": to_details(activity.details()),
        "last_failure": activity.last_failure().map(|failure| described(failure)),
        "paused": activity.is_paused(),
        "heartbeat_details_delivered": bench.task.as_ref().map(|task| to_details(&task.heartbeat_details)),
    };
    match answer {
        Ok(None) => {}
        Ok(Some(heartbeat)) => found.extend(found! {
            "cancel_requested": heartbeat.cancel_requested,
            "activity_paused": heartbeat.activity_paused,
            "activity_reset": heartbeat.activity_reset,
        }),
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
            ActivityClose::TimedOut { failure, .. } | ActivityClose::Failed { failure, .. } => {
                let timeout = match &failure.kind {
                    FailureKind::Timeout { timeout_type, .. } => Some(timeout_type.to_string()),
                    _ => None,
                };
                found.extend(found! {
                    "cause": cause(failure), "failure": described(failure), "timeout_type": timeout,
                });
            }
            ActivityClose::Completed { .. } => {}
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
    failure.cause.as_ref().map_or(Value::Null, |cause| described(cause))
}

fn described(failure: &Failure) -> Value {
    match &failure.kind {
        FailureKind::Application { error_type, .. } => json!({ "type": &**error_type, "message": &*failure.message }),
        FailureKind::Timeout { timeout_type, .. } => {
            json!({ "timeout_type": timeout_type.to_string(), "message": &*failure.message })
        }
        other => json!({ "kind": format!("{other:?}"), "message": &*failure.message }),
    }
}
