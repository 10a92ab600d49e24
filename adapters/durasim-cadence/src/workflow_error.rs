//! The errors of the client's workflows: of activities that they wait for, and their own.

use std::sync::Arc;

use crabdance_workflow::{
    ActivityFailureInfo, ActivityFailureType, DefaultWorkflowError, TimeoutType as ClientTimeout, WorkflowError,
};
use durasim::program::panics::Unwound;
use durasim::program::{Command, Details, Failure, FailureKind, TaskFailure, TimeoutType};

use crate::other_error::is_child_cancelled;

/// The words by which the client panics in a replay that asks for something which the history does not have.
const NOT_IN_HISTORY: &str = "not found during replay. This indicates non-deterministic workflow code.";

/// Makes the error that workflow code sees of an activity which has failed for good.
pub(crate) fn activity_failed(failure: &Failure) -> DefaultWorkflowError {
    let cause = failure.cause.as_deref().unwrap_or(failure);
    let (failure_type, message, details) = match &cause.kind {
        FailureKind::Application { error_type, details, .. } => {
            let failure_type = failure_type(error_type);
            let message = match &failure_type {
                None => format!("{error_type}: {}", cause.message),
                Some(_) => cause.message.to_string(),
            };
            (failure_type.unwrap_or(ActivityFailureType::ExecutionFailed), message, details)
        }
        FailureKind::Timeout { timeout_type, last_heartbeat_details } => {
            let message = format!("Activity timed out: {timeout_type}");
            (timeout(*timeout_type), message, last_heartbeat_details)
        }
        FailureKind::Canceled { .. } => return activity_cancelled(),
        _ => (ActivityFailureType::ExecutionFailed, cause.message.to_string(), &Details::Absent),
    };
    let retryable = failure_type == ActivityFailureType::Retryable;
    let details = details.as_bytes().map(<[u8]>::to_vec);
    WorkflowError::ActivityFailed(ActivityFailureInfo { failure_type, message, details, retryable })
}

/// Makes the error that workflow code sees of an activity which was cancelled.
pub(crate) fn activity_cancelled() -> DefaultWorkflowError {
    WorkflowError::ActivityFailed(ActivityFailureInfo {
        failure_type: ActivityFailureType::Cancelled,
        message: "Activity cancelled".to_owned(),
        details: None,
        retryable: false,
    })
}

/// The type of a failure by the reason that a worker has reported; `None` for a reason that no worker of the client has.
fn failure_type(reason: &str) -> Option<ActivityFailureType> {
    Some(match reason {
        "ExecutionFailed" => ActivityFailureType::ExecutionFailed,
        "Panic" => ActivityFailureType::Panic,
        "Retryable" | "RetryableWithDelay" => ActivityFailureType::Retryable,
        "NonRetryable" => ActivityFailureType::NonRetryable,
        "ApplicationError" => ActivityFailureType::Application,
        "Timeout: ScheduleToStart" => ActivityFailureType::Timeout(ClientTimeout::ScheduleToStart),
        "Timeout: ScheduleToClose" => ActivityFailureType::Timeout(ClientTimeout::ScheduleToClose),
        "Timeout: StartToClose" => ActivityFailureType::Timeout(ClientTimeout::StartToClose),
        "Timeout: Heartbeat" => ActivityFailureType::Timeout(ClientTimeout::Heartbeat),
        _ => return None,
    })
}

fn timeout(timeout_type: TimeoutType) -> ActivityFailureType {
    ActivityFailureType::Timeout(match timeout_type {
        TimeoutType::ScheduleToStart => ClientTimeout::ScheduleToStart,
        TimeoutType::ScheduleToClose => ClientTimeout::ScheduleToClose,
        TimeoutType::Heartbeat => ClientTimeout::Heartbeat,
        _ => ClientTimeout::StartToClose,
    })
}

/// The command by which a workflow closes that has returned this error. As in Go, a cancellation that comes back up closes
/// it as cancelled, if one was asked for.
pub(crate) fn closing(error: &DefaultWorkflowError, cancel_requested: bool) -> Command {
    let error_type = match error {
        WorkflowError::ActivityFailed(info) if info.failure_type == ActivityFailureType::Cancelled => "Cancelled",
        WorkflowError::ChildWorkflowFailed(why) if is_child_cancelled(why) => "Cancelled",
        WorkflowError::Cancelled => "Cancelled",
        WorkflowError::ExecutionFailed(_) => "ExecutionFailed",
        WorkflowError::NonDeterministic(_) => "NonDeterministic",
        WorkflowError::Panic(_) => "Panic",
        WorkflowError::ActivityFailed(_) => "ActivityFailed",
        WorkflowError::ChildWorkflowFailed(_) => "ChildWorkflowFailed",
        WorkflowError::SignalFailed(_) => "SignalFailed",
        WorkflowError::CancelFailed(_) => "CancelFailed",
        WorkflowError::ContinueAsNew => "ContinueAsNew",
        WorkflowError::Generic(_) => "Generic",
    };
    match error_type {
        "Cancelled" if cancel_requested => Command::Cancelled(Details::Absent),
        _ => Command::Fail(Arc::new(Failure::application(error_type, error.to_string()))),
    }
}

/// The failure of a task whose code did not return.
pub(crate) fn unwound(unwound: Unwound) -> TaskFailure {
    match unwound {
        Unwound::Panic(panic) if panic.message.ends_with(NOT_IN_HISTORY) => {
            TaskFailure::NonDeterministic(panic.message)
        }
        Unwound::Panic(panic) => TaskFailure::Panicked { message: panic.to_string() },
        Unwound::Other(thrown) => match thrown.into_payload().downcast::<TaskFailure>() {
            Ok(failure) => *failure,
            // durasim leaves the code by it, or the code threw something of its own.
            Err(other) => std::panic::resume_unwind(other),
        },
        other => TaskFailure::Panicked { message: other.words() },
    }
}
