//! The snapshot that `DescribeWorkflowExecution` shows.

use durasim::internals::{Activity, ActivityState, Service};
use durasim::service::{WorkflowKey, WorkflowOutcome};
use serde_json::{Value, json};

use super::wire::{listed, millis, recorded, without_nulls};

pub fn describe(service: &Service, workflow: WorkflowKey, label: &str) -> Value {
    let run = service.workflow(workflow);
    let status = match run.outcome() {
        None => "RUNNING",
        Some(WorkflowOutcome::Completed(_)) => "COMPLETED",
        Some(WorkflowOutcome::Failed { .. }) => "FAILED",
        Some(WorkflowOutcome::Canceled(_)) => "CANCELED",
        Some(WorkflowOutcome::TimedOut { .. }) => "TIMED_OUT",
        Some(WorkflowOutcome::Terminated { .. }) => "TERMINATED",
        Some(other) => unreachable!("not in the recordings: {other:?}"),
    };
    let open = run.activities().iter().map(|(_, key)| service.activity(*key));
    let pending: Vec<Value> = open.filter(|activity| activity.outcome().is_none()).map(pending).collect();
    json!({ "label": label, "status": status, "pending_activities": pending })
}

fn pending(activity: &Activity) -> Value {
    let state = match activity.state() {
        ActivityState::Started(_) if activity.cancel_requested() => "CANCEL_REQUESTED",
        ActivityState::Started(_) if activity.is_paused() => "PAUSE_REQUESTED",
        ActivityState::Started(_) => "STARTED",
        _ if activity.is_paused() => "PAUSED",
        _ => "SCHEDULED",
    };
    without_nulls(json!({
        "activity_id": activity.id().to_string(),
        "activity_type": &**activity.activity_type(),
        "state": format!("PENDING_ACTIVITY_STATE_{state}"),
        "attempt": activity.attempt(),
        "maximum_attempts": Some(activity.retry().maximum_attempts).filter(|attempts| *attempts != 0),
        "heartbeat_details": listed(activity.details()),
        "last_failure": activity.last_failure().map(|failure| recorded(failure)),
        "current_retry_interval_ms": activity.current_retry_interval().map(millis),
        "paused": activity.is_paused().then_some(true),
    }))
}
