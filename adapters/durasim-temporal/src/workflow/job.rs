//! News for a workflow, as the SDK's code takes it.

use std::sync::Arc;

use durasim::program::{
    ActivityResolution as Resolution, ChildResolution, Failure, FailureKind, Job, LocalActivityResolution, Marker,
    TaskFailure,
};

use super::others::{Others, cancelled_child};
use crate::failure;
use crate::payload::{from_core, one_from_core};
use crate::retry::proto;
use crate::sdk::{
    ActivityFailure, ActivityResolution, ActivityStatus, CancelWorkflow, Cancellation, ChildFailure, ChildStatus,
    ChildSuccess, ChildWorkflowResult, DoBackoff, FireTimer, InitializeWorkflow, JobVariant, NotifyHasPatch,
    QueryWorkflow, ResolveActivity, ResolveChildWorkflowExecution, ResolveRequestCancelExternalWorkflow,
    ResolveSignalExternalWorkflow, SignalWorkflow, Success, enums,
};

/// Translates a job. `None` is one that the SDK's code has no use for: a marker of what a workflow has set itself.
///
/// # Errors
/// The error is [`TaskFailure::Unsupported`] for a job that the SDK's code has no name for.
pub(super) fn translate(
    job: &Job,
    initialize: &InitializeWorkflow,
    others: &Others,
) -> Result<Option<JobVariant>, TaskFailure> {
    Ok(Some(match job {
        Job::Start => JobVariant::InitializeWorkflow(initialize.clone()),
        Job::FireTimer(seq) => JobVariant::FireTimer(FireTimer { seq: *seq }),
        Job::Marker(Marker::Patch { id, .. }) => {
            JobVariant::NotifyHasPatch(NotifyHasPatch { patch_id: id.to_string() })
        }
        Job::Marker(Marker::Upserted { .. }) => return Ok(None),
        Job::Signal { name, input } => JobVariant::SignalWorkflow(SignalWorkflow {
            signal_name: name.to_string(),
            input: from_core(input),
            ..Default::default()
        }),
        Job::Cancel { reason } => JobVariant::CancelWorkflow(CancelWorkflow { reason: reason.to_string() }),
        Job::Query { id, name, input } => JobVariant::QueryWorkflow(QueryWorkflow {
            query_id: id.to_string(),
            query_type: name.to_string(),
            arguments: from_core(input),
            ..Default::default()
        }),
        Job::ActivityDone { seq, result } => JobVariant::ResolveActivity(ResolveActivity {
            seq: *seq,
            result: Some(ActivityResolution { status: Some(status(result)?) }),
            is_local: false,
        }),
        Job::LocalActivityDone { seq, result } => JobVariant::ResolveActivity(ResolveActivity {
            seq: *seq,
            result: Some(ActivityResolution { status: Some(local_status(result)?) }),
            is_local: true,
        }),
        Job::ChildStarted { seq, result } => others.child_started(*seq, result)?,
        Job::ChildDone { seq, result } => JobVariant::ResolveChildWorkflowExecution(ResolveChildWorkflowExecution {
            seq: *seq,
            result: Some(child_result(result)?),
        }),
        Job::SignalDone { seq, failure } => {
            use enums::SignalExternalWorkflowExecutionFailedCause::{ExternalWorkflowExecutionNotFound, Unspecified};
            let cause = if is_not_found(failure) { ExternalWorkflowExecutionNotFound } else { Unspecified };
            JobVariant::ResolveSignalExternalWorkflow(ResolveSignalExternalWorkflow {
                seq: *seq,
                failure: failure.as_deref().map(failure::from_core),
                cause: cause.into(),
            })
        }
        Job::CancelDone { seq, failure } => {
            use enums::CancelExternalWorkflowExecutionFailedCause::{ExternalWorkflowExecutionNotFound, Unspecified};
            let cause = if is_not_found(failure) { ExternalWorkflowExecutionNotFound } else { Unspecified };
            JobVariant::ResolveRequestCancelExternalWorkflow(ResolveRequestCancelExternalWorkflow {
                seq: *seq,
                failure: failure.as_deref().map(failure::from_core),
                cause: cause.into(),
            })
        }
        other => return Err(TaskFailure::Unsupported(format!("the news {other:?} to a workflow of the SDK"))),
    }))
}

/// Says whether the service has not found the workflow that a message is for. The failure of a signal that was taken back
/// is another.
fn is_not_found(failure: &Option<Arc<Failure>>) -> bool {
    failure.as_deref().is_some_and(|failure| matches!(failure.kind, FailureKind::Application { .. }))
}

fn child_result(result: &ChildResolution) -> Result<ChildWorkflowResult, TaskFailure> {
    let status = match result {
        ChildResolution::Completed(output) => ChildStatus::Completed(ChildSuccess { result: one_from_core(output) }),
        ChildResolution::Failed(failure) => {
            ChildStatus::Failed(ChildFailure { failure: Some(failure::from_core(failure)) })
        }
        ChildResolution::Cancelled(failure) => return Ok(cancelled_child(failure)),
        other => return Err(TaskFailure::Unsupported(format!("the end {other:?} of a child"))),
    };
    Ok(ChildWorkflowResult { status: Some(status) })
}

fn local_status(result: &LocalActivityResolution) -> Result<ActivityStatus, TaskFailure> {
    let resolution = match result {
        LocalActivityResolution::Completed(output) => Resolution::Completed(output.clone()),
        LocalActivityResolution::Failed(failure) => Resolution::Failed(failure.clone()),
        LocalActivityResolution::Cancelled(failure) => Resolution::Cancelled(failure.clone()),
        LocalActivityResolution::Backoff { attempt, delay, first_scheduled_at } => {
            return Ok(ActivityStatus::Backoff(DoBackoff {
                attempt: *attempt,
                backoff_duration: Some(proto(*delay)),
                original_schedule_time: Some(first_scheduled_at.to_system_time().into()),
            }));
        }
        other => return Err(TaskFailure::Unsupported(format!("the end {other:?} of a local activity"))),
    };
    status(&resolution)
}

fn status(result: &Resolution) -> Result<ActivityStatus, TaskFailure> {
    Ok(match result {
        Resolution::Completed(output) => ActivityStatus::Completed(Success { result: one_from_core(output) }),
        Resolution::Failed(failure) => {
            let failure = Some(failure::from_core(failure));
            ActivityStatus::Failed(ActivityFailure { failure, ..Default::default() })
        }
        Resolution::Cancelled(failure) => {
            ActivityStatus::Cancelled(Cancellation { failure: Some(failure::from_core(failure)) })
        }
        other => return Err(TaskFailure::Unsupported(format!("the end {other:?} of an activity"))),
    })
}
