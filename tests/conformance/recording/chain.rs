//! The events by which runs follow each other and workflows speak to each other, in the words of the recordings.

use durasim::program::{
    IdReusePolicy, Initiator, LocalActivityEnd, LocalActivityMarker, Marker, ParentClosePolicy, RunInfo, Seq, Target,
};
use durasim::service::{EventKind, HistoryEvent, WorkflowOutcome};
use serde_json::{Value, json};

use super::history::{policy, retry_state, set};
use super::wire::{event_id, listed, millis, named, recorded, sole, without_nulls};

/// The attributes of the start of a run. A start that another run asked for says all timeouts, also those that are not
/// set.
pub fn started(info: &RunInfo) -> Value {
    let says_all = info.parent.is_some() || info.initiator == Some(Initiator::Workflow);
    json!({
        "workflow_execution_timeout_ms": set(info.execution_timeout),
        "workflow_run_timeout_ms": if says_all { Some(millis(info.run_timeout)) } else { set(info.run_timeout) },
        "workflow_task_timeout_ms": millis(info.task_timeout),
        "retry_policy": info.retry.as_deref().map(policy),
        "attempt": info.attempt,
        "continued_execution_run_id": info.continued_run_id.as_deref().map(named),
        "initiator": info.initiator.map(|initiator| match initiator {
            Initiator::Workflow => "CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
            Initiator::Retry => "CONTINUE_AS_NEW_INITIATOR_RETRY",
            _ => "CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE",
        }),
        "continued_failure": info.last_failure.as_deref().map(recorded),
        "parent_workflow_execution": info.parent.as_ref().map(|parent| json!({ "run_id": named(&parent.run_id) })),
        "parent_initiated_event_id": info.parent.as_ref().map(|parent| parent.initiated_event_id),
    })
}

/// The policy for the children of a parent that closes.
pub fn close_policy(policy: ParentClosePolicy) -> &'static str {
    match policy {
        ParentClosePolicy::Terminate => "PARENT_CLOSE_POLICY_TERMINATE",
        ParentClosePolicy::RequestCancel => "PARENT_CLOSE_POLICY_REQUEST_CANCEL",
        _ => "PARENT_CLOSE_POLICY_ABANDON",
    }
}

/// The type and the attributes of an event.
pub fn attributes(kind: &EventKind, history: &[HistoryEvent]) -> (&'static str, Value) {
    match kind {
        EventKind::StartChildWorkflowExecutionInitiated { spec, .. } => (
            "START_CHILD_WORKFLOW_EXECUTION_INITIATED",
            json!({
                "workflow_execution_timeout_ms": set(spec.execution_timeout),
                "workflow_run_timeout_ms": millis(spec.run_timeout),
                "retry_policy": spec.retry.as_ref().map(policy),
                "parent_close_policy": close_policy(spec.parent_close_policy),
                "workflow_id_reuse_policy": match spec.id_reuse_policy {
                    IdReusePolicy::AllowDuplicateFailedOnly => "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY",
                    IdReusePolicy::RejectDuplicate => "WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE",
                    _ => "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE",
                },
            }),
        ),
        EventKind::StartChildWorkflowExecutionFailed { initiated_event_id, .. } => (
            "START_CHILD_WORKFLOW_EXECUTION_FAILED",
            json!({
                "cause": "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS",
                "initiated_event_id": initiated_event_id,
            }),
        ),
        EventKind::ChildWorkflowExecutionStarted { initiated_event_id, run_id, .. } => (
            "CHILD_WORKFLOW_EXECUTION_STARTED",
            json!({ "initiated_event_id": initiated_event_id, "workflow_execution": { "run_id": named(run_id) } }),
        ),
        EventKind::ChildWorkflowExecutionClosed { initiated_event_id, started_event_id, run_id, outcome, .. } => {
            let (name, mut attributes) = closed(outcome);
            attributes["workflow_execution"] = json!({ "run_id": named(run_id) });
            attributes["initiated_event_id"] = json!(event_id(*initiated_event_id));
            attributes["started_event_id"] = json!(event_id(*started_event_id));
            (name, attributes)
        }
        EventKind::RequestCancelExternalWorkflowExecutionInitiated { target, .. } => (
            "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED",
            json!({
                "workflow_execution": execution(target, history),
                "child_workflow_only": matches!(target, Target::Child(_)).then_some(true),
            }),
        ),
        EventKind::ExternalWorkflowExecutionCancelRequested {
            seq,
            of_child: true,
            initiated_event_id,
            arrived: true,
        } => (
            "EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED",
            json!({
                "initiated_event_id": initiated_event_id,
                "workflow_execution": execution(&Target::Child(*seq), history),
            }),
        ),
        EventKind::WorkflowExecutionUpdateAccepted { update_id, name, input, sequencing_event_id } => (
            "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
            json!({
                "protocol_instance_id": named(update_id),
                "accepted_request_sequencing_event_id": sequencing_event_id,
                "accepted_request": {
                    "meta": { "update_id": named(update_id) },
                    "input": { "name": &**name, "args": sole(input) },
                },
            }),
        ),
        EventKind::WorkflowExecutionUpdateCompleted { update_id, accepted_event_id, outcome } => (
            "WORKFLOW_EXECUTION_UPDATE_COMPLETED",
            json!({
                "meta": { "update_id": named(update_id) },
                "accepted_event_id": accepted_event_id,
                "outcome": match outcome {
                    Ok(result) => json!({ "success": sole(result) }),
                    Err(failure) => json!({ "failure": recorded(failure) }),
                },
            }),
        ),
        EventKind::WorkflowExecutionContinuedAsNew { new_run_id, run_timeout, .. } => (
            "WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
            json!({ "new_execution_run_id": named(new_run_id), "workflow_run_timeout_ms": millis(*run_timeout) }),
        ),
        EventKind::MarkerRecorded { marker: Marker::LocalActivity(local) } => {
            ("MARKER_RECORDED", local_activity(local))
        }
        _ => ("an event that the scenarios do not use", json!({})),
    }
}

/// The attributes of the marker of a local activity.
fn local_activity(local: &LocalActivityMarker) -> Value {
    let (result, failure, delay) = match &local.end {
        LocalActivityEnd::Completed(result) => (Some(sole(result)), None, None),
        LocalActivityEnd::Backoff(failure, delay) => (None, Some(recorded(failure)), Some(delay)),
        // Python's word for a cancellation that the activity's code reports.
        LocalActivityEnd::Cancelled(failure) if local.attempt > 0 => {
            let mut failure = recorded(failure);
            failure["message"] = json!("Cancelled");
            (None, Some(failure), None)
        }
        LocalActivityEnd::Failed(failure)
        | LocalActivityEnd::TimedOut(failure)
        | LocalActivityEnd::Cancelled(failure) => (None, Some(recorded(failure)), None),
        other => unreachable!("not in the recordings: {other:?}"),
    };
    let backoff = delay.map(|delay| {
        let nanos = delay.as_nanos();
        json!({ "seconds": nanos / 1_000_000_000, "nanos": nanos % 1_000_000_000 })
    });
    let data = json!({
        "seq": local.seq,
        "attempt": local.attempt,
        "activity_id": &*local.activity_id,
        "activity_type": &*local.activity_type,
        "backoff": backoff,
    });
    let details = without_nulls(json!({ "data": [data], "result": result }));
    json!({ "marker_name": "core_local_activity", "details": details, "failure": failure })
}

/// The type and the attributes of the event that tells a parent how its child has closed.
fn closed(outcome: &WorkflowOutcome) -> (&'static str, Value) {
    match outcome {
        WorkflowOutcome::Completed(result) => ("CHILD_WORKFLOW_EXECUTION_COMPLETED", json!({ "result": sole(result) })),
        WorkflowOutcome::Failed { failure, retry_state: state } => (
            "CHILD_WORKFLOW_EXECUTION_FAILED",
            json!({ "failure": recorded(failure), "retry_state": retry_state(*state) }),
        ),
        WorkflowOutcome::Canceled(details) => {
            ("CHILD_WORKFLOW_EXECUTION_CANCELED", json!({ "details": listed(details) }))
        }
        WorkflowOutcome::TimedOut { retry_state: state } => {
            ("CHILD_WORKFLOW_EXECUTION_TIMED_OUT", json!({ "retry_state": retry_state(*state) }))
        }
        _ => ("CHILD_WORKFLOW_EXECUTION_TERMINATED", json!({})),
    }
}

/// The run that a message is for.
fn execution(target: &Target, history: &[HistoryEvent]) -> Value {
    let started = |child: Seq| {
        history.iter().find_map(|event| match &event.kind {
            EventKind::ChildWorkflowExecutionStarted { seq, run_id, .. } if *seq == child => Some(named(run_id)),
            _ => None,
        })
    };
    let run_id = match target {
        Target::Child(seq) => started(*seq),
        Target::Workflow { run_id, .. } => run_id.as_deref().map(named),
        _ => None,
    };
    json!({ "run_id": run_id })
}
