//! [`WorkflowError`]: how something that workflow code waited for, or the code itself, did not succeed.

use std::sync::Arc;

use thiserror::Error;

use crate::program::{
    ApplicationFailure, Command, ContinueAsNew, Details, Failure, FailureKind, RetryState, TimeoutType,
};

/// Says how something that workflow code waited for did not succeed, or that the code itself did not.
///
/// A workflow that returns [`Cancelled`](Self::Cancelled) after its cancellation was requested closes as cancelled, and
/// one that returns [`ContinueAsNew`](Self::ContinueAsNew) goes on as another run. Every other error closes it as failed.
#[derive(Clone, PartialEq, Debug, Error)]
#[non_exhaustive]
pub enum WorkflowError {
    /// An activity failed or timed out for good. The failure is a
    /// [`FailureKind::Activity`](crate::program::FailureKind::Activity) with the reason as its cause.
    #[error("{0}")]
    ActivityFailed(Arc<Failure>),
    /// A child failed, timed out or was terminated, or could not start because its id is taken. The failure is a
    /// [`FailureKind::ChildWorkflow`](crate::program::FailureKind::ChildWorkflow) with the reason as its cause, or an
    /// application failure of type `ChildAlreadyStarted`.
    #[error("{0}")]
    ChildFailed(Arc<Failure>),
    /// A signal or a request to cancel did not reach its workflow, which is not open.
    #[error("{0}")]
    NotDelivered(Arc<Failure>),
    /// The wait ended because its scope or the workflow was cancelled. [`WorkflowError::cancelled`] makes it.
    #[error("cancelled")]
    Cancelled(Cancellation),
    /// The workflow's own failure. [`WorkflowError::application`] makes it, and `?` of an [`ApplicationFailure`].
    #[error("{0}")]
    Application(Box<ApplicationFailure>),
    /// An activity's result is not what was asked for. Fails the workflow with error type `ResultDecodeError`.
    #[error("the result of activity `{activity_type}` does not decode as `{wanted}`: {why}")]
    Decode {
        /// The activity whose result it is.
        activity_type: Arc<str>,
        /// The type asked for.
        wanted: &'static str,
        /// The decoder's words.
        why: String,
    },
    /// An activity's input or the workflow's result cannot be encoded. Fails the workflow with error type `EncodeError`.
    #[error("{what} cannot be encoded: {why}")]
    Encode {
        /// In words: `the input of activity ..`.
        what: String,
        /// The encoder's words.
        why: String,
    },
    /// The input of a signal or a query, or the result of a child or of the last run, is not what the workflow takes. Fails the workflow with error type
    /// `InputDecodeError`.
    #[error("{of} does not decode as `{wanted}`: {why}")]
    Input {
        /// The value, in words: ``the input of signal `approve` ``.
        of: String,
        /// The type asked for.
        wanted: &'static str,
        /// The decoder's words.
        why: String,
    },
    /// The run has done its part, and another one follows under the same id.
    /// [`WorkflowContext::continue_as_new`](crate::WorkflowContext::continue_as_new) makes it.
    #[error("continues as new")]
    ContinueAsNew(Arc<ContinueAsNew>),
    /// `?` makes it of a `serde_json::Error` in the workflow's own code. It fails the workflow with error type `JsonError`.
    #[error("{0}")]
    Json(String),
}

/// The cause of a cancellation, if it is known.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Cancellation(pub(super) Option<Arc<Failure>>);

impl Cancellation {
    /// The service's word on the cancelled activity: a [`FailureKind::Activity`](crate::program::FailureKind::Activity)
    /// with the cancellation as its cause. `None` for a timer, a scope, and an activity that was never scheduled.
    pub fn failure(&self) -> Option<&Failure> {
        self.0.as_deref()
    }
}

impl WorkflowError {
    /// Says that the workflow stopped because it was cancelled.
    pub fn cancelled() -> WorkflowError {
        WorkflowError::Cancelled(Cancellation::default())
    }

    /// Says that the workflow failed, with error type `Application`. [`ApplicationFailure`] says more.
    pub fn application(message: impl Into<String>) -> WorkflowError {
        ApplicationFailure::new("Application", message).into()
    }

    /// Says whether this is a cancellation: of a scope, a timer or an activity.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, WorkflowError::Cancelled(_))
    }

    /// The failure as the service says it, if it comes from there.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            WorkflowError::ActivityFailed(failure)
            | WorkflowError::ChildFailed(failure)
            | WorkflowError::NotDelivered(failure) => Some(failure),
            WorkflowError::Cancelled(cancellation) => cancellation.failure(),
            _ => None,
        }
    }

    /// Why the activity or the child was not tried again; `None` if this is about neither.
    pub fn retry_state(&self) -> Option<RetryState> {
        match self.failure()?.kind {
            FailureKind::Activity { retry_state, .. } | FailureKind::ChildWorkflow { retry_state, .. } => {
                Some(retry_state)
            }
            _ => None,
        }
    }

    /// The registered name of the activity that failed or was cancelled.
    pub fn activity_type(&self) -> Option<&str> {
        match &self.failure()?.kind {
            FailureKind::Activity { activity_type, .. } => Some(activity_type),
            _ => None,
        }
    }

    /// The type of the application failure: the activity's, or the workflow's own. `None` for timeouts and
    /// cancellations.
    pub fn error_type(&self) -> Option<&str> {
        match (self, self.cause().map(|cause| &cause.kind)) {
            (WorkflowError::Application(failure), _) => Some(&failure.error_type),
            (_, Some(FailureKind::Application { error_type, .. })) => Some(error_type),
            _ => None,
        }
    }

    /// Which timeout ended the activity; `None` if none did.
    pub fn timeout_type(&self) -> Option<TimeoutType> {
        match self.cause()?.kind {
            FailureKind::Timeout { timeout_type, .. } => Some(timeout_type),
            _ => None,
        }
    }

    /// The bytes that came with it: of an application failure, of a cancelled activity, or the last heartbeat's details
    /// of an activity that timed out.
    pub fn details(&self) -> Option<&[u8]> {
        let details = match (self, self.cause().map(|cause| &cause.kind)) {
            (WorkflowError::Application(failure), _) => &failure.details,
            (_, Some(FailureKind::Application { details, .. } | FailureKind::Canceled { details })) => details,
            (_, Some(FailureKind::Timeout { last_heartbeat_details, .. })) => last_heartbeat_details,
            _ => return None,
        };
        details.as_bytes()
    }

    /// Gives the cause inside the activity failure; the failure itself where it is a local activity's own.
    fn cause(&self) -> Option<&Failure> {
        let failure = self.failure()?;
        match failure.kind {
            FailureKind::Application { .. } => Some(failure),
            _ => failure.cause.as_deref(),
        }
    }

    /// The command that closes a workflow which returned this error. `cancel_requested` says whether somebody asked for
    /// the workflow to be cancelled: without that, a cancellation that reaches the end is a failure.
    pub(super) fn into_command(self, cancel_requested: bool) -> Command {
        match self {
            WorkflowError::Cancelled(_) if cancel_requested => Command::Cancelled(Details::Absent),
            WorkflowError::ContinueAsNew(next) => Command::ContinueAsNew(next),
            error => Command::Fail(error.into_failure()),
        }
    }

    pub(super) fn into_failure(self) -> Arc<Failure> {
        let plain = |error_type: &str, error: &WorkflowError| Failure::application(error_type, error.to_string());
        Arc::new(match self {
            WorkflowError::Cancelled(Cancellation(Some(failure)))
            | WorkflowError::ActivityFailed(failure)
            | WorkflowError::ChildFailed(failure)
            | WorkflowError::NotDelivered(failure) => return failure,
            WorkflowError::Cancelled(Cancellation(None)) => Failure {
                message: "cancelled".into(),
                kind: FailureKind::Canceled { details: Details::Absent },
                cause: None,
            },
            WorkflowError::Application(failure) => (*failure).into(),
            WorkflowError::Decode { .. } => plain("ResultDecodeError", &self),
            WorkflowError::Encode { .. } => plain("EncodeError", &self),
            WorkflowError::Input { .. } => plain("InputDecodeError", &self),
            WorkflowError::Json(_) => plain("JsonError", &self),
            // It closes the run, wherever it is returned to the end.
            WorkflowError::ContinueAsNew(_) => plain("ContinueAsNew", &self),
        })
    }
}

impl From<serde_json::Error> for WorkflowError {
    fn from(error: serde_json::Error) -> WorkflowError {
        WorkflowError::Json(error.to_string())
    }
}

impl From<ApplicationFailure> for WorkflowError {
    fn from(failure: ApplicationFailure) -> WorkflowError {
        WorkflowError::Application(Box::new(failure))
    }
}
