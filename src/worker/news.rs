//! The news that the events of a history are to the code of its workflow.

use std::sync::Arc;

use super::asked::scheduled;
use crate::program::{
    ActivityResolution, ChildResolution, ChildStart, Details, Failure, FailureKind, Job, RetryState, TimeoutType,
};
use crate::service::{EventKind, HistoryEvent, WorkflowOutcome};

/// The news that an event is to the workflow's code, if it is any.
pub(super) fn news(kind: &EventKind, history: &[HistoryEvent]) -> Option<Job> {
    let done = |scheduled_event_id: u64, started_event_id: u64, end: End<'_>| {
        let scheduled = scheduled(history, scheduled_event_id);
        let wrap = |message: &str, retry_state, cause| {
            Arc::new(Failure {
                message: message.into(),
                kind: FailureKind::Activity {
                    activity_type: scheduled.activity_type.clone(),
                    activity_id: scheduled.id.to_string().into(),
                    scheduled_event_id,
                    started_event_id,
                    retry_state,
                },
                cause: Some(cause),
            })
        };
        let result = match end {
            End::Failed(failure, state) => {
                ActivityResolution::Failed(wrap("Activity task failed", state, failure.clone()))
            }
            End::TimedOut(failure, state) => {
                ActivityResolution::Failed(wrap("Activity task timed out", state, failure.clone()))
            }
            End::Canceled(details) => {
                let kind = FailureKind::Canceled { details: details.clone() };
                // sdk-core gives the cause no words of its own (recorded scenario `rw_026`).
                let cause = Failure { message: "".into(), kind, cause: None };
                ActivityResolution::Cancelled(wrap("Activity cancelled", RetryState::CancelRequested, Arc::new(cause)))
            }
        };
        Some(Job::ActivityDone { seq: scheduled.seq, result })
    };
    match kind {
        EventKind::WorkflowExecutionStarted { .. } => Some(Job::Start),
        EventKind::ActivityTaskCompleted { scheduled_event_id, result, .. } => Some(Job::ActivityDone {
            seq: scheduled(history, *scheduled_event_id).seq,
            result: ActivityResolution::Completed(result.clone()),
        }),
        EventKind::ActivityTaskFailed { scheduled_event_id, started_event_id, failure, retry_state } => {
            done(*scheduled_event_id, *started_event_id, End::Failed(failure, *retry_state))
        }
        EventKind::ActivityTaskTimedOut { scheduled_event_id, started_event_id, failure, retry_state } => {
            done(*scheduled_event_id, *started_event_id, End::TimedOut(failure, *retry_state))
        }
        EventKind::ActivityTaskCanceled { scheduled_event_id, started_event_id, details } => {
            done(*scheduled_event_id, *started_event_id, End::Canceled(details))
        }
        EventKind::StartChildWorkflowExecutionFailed { seq, .. } => {
            Some(Job::ChildStarted { seq: *seq, result: ChildStart::AlreadyExists })
        }
        EventKind::ChildWorkflowExecutionStarted { seq, run_id, .. } => {
            Some(Job::ChildStarted { seq: *seq, result: ChildStart::Started { run_id: run_id.clone() } })
        }
        EventKind::ChildWorkflowExecutionClosed { seq, initiated_event_id, started_event_id, outcome, .. } => {
            let result = child_result(history, *initiated_event_id, *started_event_id, outcome);
            Some(Job::ChildDone { seq: *seq, result })
        }
        EventKind::ExternalWorkflowExecutionSignaled { seq, arrived, .. } => Some(Job::SignalDone {
            seq: *seq,
            failure: not_found(*arrived, "Unable to signal external workflow because it was not found"),
        }),
        EventKind::ExternalWorkflowExecutionCancelRequested { seq, of_child: true, .. } => {
            Some(Job::ChildCancelRequested { seq: *seq })
        }
        EventKind::ExternalWorkflowExecutionCancelRequested { seq, arrived, .. } => Some(Job::CancelDone {
            seq: *seq,
            failure: not_found(*arrived, "Unable to cancel external workflow because not found"),
        }),
        EventKind::TimerFired { seq } => Some(Job::FireTimer(*seq)),
        EventKind::WorkflowExecutionSignaled { name, input } => {
            Some(Job::Signal { name: name.clone(), input: input.clone() })
        }
        EventKind::WorkflowExecutionCancelRequested { reason } => Some(Job::Cancel { reason: reason.clone() }),
        _ => None,
    }
}

/// The failure of a message to another workflow that has not arrived.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/signal_external_state_machine.rs` and
/// `cancel_external_state_machine.rs`.
fn not_found(arrived: bool, message: &str) -> Option<Arc<Failure>> {
    (!arrived).then(|| Arc::new(Failure::application("ExternalWorkflowExecutionNotFound", message)))
}

/// The way in which a child has ended, as the SDKs tell its parent (recorded scenarios `wf_child_fails`,
/// `wf_child_run_timeout`, `wf_child_terminated`).
fn child_result(
    history: &[HistoryEvent],
    initiated_event_id: u64,
    started_event_id: u64,
    outcome: &WorkflowOutcome,
) -> ChildResolution {
    let (EventKind::StartChildWorkflowExecutionInitiated { spec, .. }, run_id) =
        (&history[initiated_event_id as usize - 1].kind, started_run(history, started_event_id))
    else {
        unreachable!("event {initiated_event_id} should have initiated a child")
    };
    let failed = |message: &str, retry_state, cause: Arc<Failure>| {
        Arc::new(Failure {
            message: message.into(),
            kind: FailureKind::ChildWorkflow {
                workflow_type: spec.workflow_type.clone(),
                workflow_id: spec.workflow_id.clone(),
                run_id,
                initiated_event_id,
                started_event_id,
                retry_state,
            },
            cause: Some(cause),
        })
    };
    let of_kind = |message: &str, kind| Arc::new(Failure::new(message, kind));
    match outcome {
        WorkflowOutcome::Completed(result) => ChildResolution::Completed(result.clone()),
        WorkflowOutcome::Failed { failure, retry_state } => {
            ChildResolution::Failed(failed("Child Workflow execution failed", *retry_state, failure.clone()))
        }
        WorkflowOutcome::TimedOut { retry_state } => {
            let kind = FailureKind::Timeout {
                timeout_type: TimeoutType::StartToClose,
                last_heartbeat_details: Details::Absent,
            };
            ChildResolution::Failed(failed(
                "Child Workflow execution timed out",
                *retry_state,
                of_kind("Timed out", kind),
            ))
        }
        WorkflowOutcome::Terminated { .. } => ChildResolution::Failed(failed(
            "Child Workflow execution terminated",
            RetryState::NonRetryableFailure,
            of_kind("Terminated", FailureKind::Terminated),
        )),
        WorkflowOutcome::Canceled(details) => ChildResolution::Cancelled(failed(
            "Child Workflow execution canceled",
            RetryState::CancelRequested,
            of_kind("Child Workflow canceled", FailureKind::Canceled { details: details.clone() }),
        )),
        WorkflowOutcome::ContinuedAsNew => unreachable!("a parent hears of the last run of a chain"),
    }
}

/// The first run of a child, by the event that says that it started.
fn started_run(history: &[HistoryEvent], started_event_id: u64) -> Arc<str> {
    match (started_event_id as usize).checked_sub(1).map(|index| &history[index].kind) {
        Some(EventKind::ChildWorkflowExecutionStarted { run_id, .. }) => run_id.clone(),
        _ => Arc::from(""),
    }
}

enum End<'a> {
    Failed(&'a Arc<Failure>, RetryState),
    TimedOut(&'a Arc<Failure>, RetryState),
    Canceled(&'a Details),
}
