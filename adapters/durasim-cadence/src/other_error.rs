//! The errors of other workflows, as code of the client sees them.

use crabdance_core::{GenericError, ServerError};
use crabdance_workflow::{
    ActivityError, ActivityFailureInfo, ActivityFailureType, BoxError, DefaultWorkflowError, WorkflowError,
};
use durasim::program::{Failure, FailureKind};

/// The words of a child that was cancelled, and of no other.
const CANCELLED: &str = "Activity cancelled";

/// The cause of a message that has found no open workflow, after the kind of message.
const UNKNOWN: &str = "EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION";

/// Makes the error of a child which has failed, timed out or was terminated, in the words of the client's worker.
pub(crate) fn child_failed(failure: &Failure) -> DefaultWorkflowError {
    let cause = failure.cause.as_deref().unwrap_or(failure);
    let words = match &cause.kind {
        FailureKind::Timeout { timeout_type, .. } => format!("Activity timed out: {timeout_type}"),
        FailureKind::Terminated => failed("Child Workflow Terminated"),
        kind => {
            let details = match kind {
                FailureKind::Application { details, .. } => details.as_bytes().unwrap_or_default(),
                _ => &[],
            };
            failed(&format!("Child Workflow Failed: {}: {details:?}", cause.message))
        }
    };
    WorkflowError::child_workflow_failed(words)
}

/// An error of the worker's own, as it says it.
fn failed(words: &str) -> String {
    ActivityError::execution_failed(words).to_string()
}

/// Makes the error of a child which was cancelled.
pub(crate) fn child_cancelled() -> DefaultWorkflowError {
    WorkflowError::child_workflow_failed(CANCELLED)
}

/// Says whether the error of a child is that of one which was cancelled.
pub(crate) fn is_child_cancelled(why: &BoxError) -> bool {
    why.downcast_ref::<GenericError>().is_some_and(|why| why.message() == CANCELLED)
}

/// Makes the error of a child whose id is taken: the published worker has none, and waits for ever.
pub(crate) fn child_exists() -> DefaultWorkflowError {
    let message = "Workflow execution already started".to_owned();
    WorkflowError::child_workflow_failed_error(ServerError::WorkflowExecutionAlreadyStarted { message })
}

/// Makes the error of a signal that has not arrived, in the words of the client's worker.
pub(crate) fn not_signalled() -> DefaultWorkflowError {
    not_arrived("Signal", "SIGNAL")
}

/// The same for a request to cancel.
pub(crate) fn not_cancelled() -> DefaultWorkflowError {
    not_arrived("Request Cancel", "CANCEL")
}

fn not_arrived(what: &str, of: &str) -> DefaultWorkflowError {
    let cause = Some(format!("{of}_{UNKNOWN}"));
    let why = GenericError::new(format!("{what} External Workflow Failed: {cause:?}"));
    WorkflowError::ActivityFailed(ActivityFailureInfo {
        failure_type: ActivityFailureType::ExecutionFailed,
        message: why.to_string(),
        details: None,
        retryable: false,
    })
}
