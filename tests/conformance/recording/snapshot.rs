//! The snapshot that `DescribeWorkflowExecution` shows.

use durasim::Time;
use durasim::internals::{Activity, ActivityState, Service};
use durasim::program::Seq;
use durasim::service::{Child, EventKind, HistoryEvent, WorkflowKey, WorkflowOutcome};
use serde_json::{Value, json};

use super::chain::close_policy;
use super::wire::{listed, millis, named, recorded, without_nulls};

/// The snapshot at `now`.
pub fn describe(service: &Service, workflow: WorkflowKey, label: &str, now: Time) -> Value {
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
    let pending: Vec<Value> =
        open.filter(|activity| activity.outcome().is_none()).map(|activity| pending(activity, now)).collect();
    let children: Vec<Value> = run
        .children()
        .iter()
        .filter_map(|(seq, child)| {
            let initiated = run.history().iter().find(|event| initiates(event, *seq)).map(|event| event.id);
            pending_child(service, child, initiated)
        })
        .collect();
    let children = Some(children).filter(|children| !children.is_empty());
    without_nulls(json!({
        "label": label, "status": status, "pending_activities": pending, "pending_children": children,
    }))
}

fn initiates(event: &HistoryEvent, child: Seq) -> bool {
    matches!(event.kind, EventKind::StartChildWorkflowExecutionInitiated { seq, .. } if seq == child)
}

/// A child that has started, and whose end its parent has not heard of.
fn pending_child(service: &Service, child: &Child, initiated: Option<u64>) -> Option<Value> {
    let run = child.run().filter(|_| child.is_open())?;
    Some(json!({
        "run_id": named(&service.workflow(run).info().run_id),
        "workflow_type_name": &*child.spec().workflow_type,
        "initiated_id": initiated,
        "parent_close_policy": close_policy(child.spec().parent_close_policy),
    }))
}

fn pending(activity: &Activity, now: Time) -> Value {
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
        "current_retry_interval_ms": activity.current_retry_interval(now).map(millis),
        "paused": activity.is_paused().then_some(true),
    }))
}
