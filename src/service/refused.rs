//! [`Refused`]: a call that the service does not accept.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::program::ActivityId;

/// A call that was not accepted.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{code}: {message}")]
pub struct Refused {
    /// The kind of refusal, as gRPC says it.
    pub code: Code,
    /// The message, in the server's words.
    pub message: Cow<'static, str>,
}

/// The gRPC status codes that are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Code {
    /// There is no such thing any more.
    NotFound,
    /// The request makes no sense as it is.
    InvalidArgument,
    /// There is such a thing already.
    AlreadyExists,
    /// The thing is not in a state for this.
    FailedPrecondition,
    /// There are too many of them.
    ResourceExhausted,
    /// The server has no such call.
    Unimplemented,
}

/// Writes the code as gRPC spells it: `NOT_FOUND`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::NotFound => "NOT_FOUND",
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Code::Unimplemented => "UNIMPLEMENTED",
        })
    }
}

impl Refused {
    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Refused {
        Refused { code: Code::InvalidArgument, message: message.into() }
    }

    pub(super) fn precondition(message: impl Into<Cow<'static, str>>) -> Refused {
        Refused { code: Code::FailedPrecondition, message: message.into() }
    }

    pub(super) fn already_exists(message: String) -> Refused {
        Refused { code: Code::AlreadyExists, message: message.into() }
    }

    /// Refuses a look at an update that the run does not know. Source: temporal `service/history/api/pollupdate/api.go`.
    pub(crate) fn no_update(id: &str) -> Refused {
        Refused { code: Code::NotFound, message: format!("update {id:?} not found").into() }
    }

    /// Refuses a call by the id of an activity that is not open (recorded scenario `rt_048`).
    pub(super) fn no_pending_activity(id: &ActivityId) -> Refused {
        let message = format!(
            "cannot find pending activity with ActivityID {id}, check workflow execution history for more details"
        );
        Refused { code: Code::NotFound, message: message.into() }
    }

    /// Source: temporal `service/history/consts/const.go`, recorded scenarios `stale_*`.
    pub const ACTIVITY_GONE: Refused = Refused {
        code: Code::NotFound,
        message: Cow::Borrowed("invalid activityID or activity already timed out or invoking workflow is completed"),
    };

    /// Refuses an operator's call for an activity that is not open (recorded scenario `rs_018`).
    pub const NO_PENDING_ACTIVITY: Refused = Refused {
        code: Code::NotFound,
        message: Cow::Borrowed(
            "Can't find pending activity with such ID. Invalid activityID or activity already completed",
        ),
    };

    /// Recorded scenario `stale_hb_after_wf_closed`.
    pub const WORKFLOW_CLOSED: Refused =
        Refused { code: Code::NotFound, message: Cow::Borrowed("workflow execution already completed") };

    /// Recorded scenario `raw_wft_late_complete`.
    pub const TASK_GONE: Refused = Refused { code: Code::NotFound, message: Cow::Borrowed("Workflow task not found.") };

    /// Recorded scenario `cancel_unrequested_respond_canceled`.
    pub const CANCEL_NOT_REQUESTED: Refused = Refused {
        code: Code::InvalidArgument,
        message: Cow::Borrowed("unable to mark activity as canceled without activity being request canceled first"),
    };

    /// Says that an update was given up because the run closed before its code had accepted it.
    ///
    /// Source: temporal `service/history/workflow/update/errors_failures.go`, as for the refusals of updates below.
    pub const UPDATE_ABORTED: Refused =
        Refused { code: Code::NotFound, message: Cow::Borrowed("update aborted by closing workflow") };

    /// Refuses an update of a workflow whose task keeps failing. Source: temporal `service/history/api/updateworkflow/api.go`.
    pub const TASK_KEEPS_FAILING: Refused = Refused {
        code: Code::FailedPrecondition,
        message: Cow::Borrowed("Unable to perform workflow execution update due to Workflow Task in failed state."),
    };

    /// Refuses an update while ten others are open. Source: temporal `service/history/workflow/update/registry.go`.
    pub const TOO_MANY_UPDATES_AT_ONCE: Refused = Refused {
        code: Code::ResourceExhausted,
        message: Cow::Borrowed("limit on number of concurrent in-flight updates has been reached (10)"),
    };

    /// Refuses an update of a run that has had 2,000. Source: as for the limit of those that are open.
    pub const TOO_MANY_UPDATES: Refused = Refused {
        code: Code::FailedPrecondition,
        message: Cow::Borrowed("limit on number of total updates has been reached (2000)"),
    };

    /// Refuses an update in Cadence's dialect, whose server has no such call.
    pub const NO_UPDATES: Refused =
        Refused { code: Code::Unimplemented, message: Cow::Borrowed("Cadence has no updates of workflows") };

    /// Recorded scenarios `retry_failure_kind_*`.
    pub const NOT_AN_APPLICATION_FAILURE: Refused =
        Refused { code: Code::InvalidArgument, message: Cow::Borrowed("Failure must have ApplicationFailureInfo.") };
}
