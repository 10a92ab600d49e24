//! [`Raised`]: the end of activity code that does not return, and the effect that it has in the Python SDK.

use std::sync::Arc;

use durasim::program::{ActivityOutcome, CancelReason, Details, Failure};
use serde_json::{Value, json};

use crate::recording::wire::raised_failure;

pub enum Raised {
    /// The worker has cancelled the code.
    Cancelled(CancelReason),
    /// A failure, and what the driver calls it.
    Failure(Failure, String),
    /// Somebody else will complete the activity by its id.
    CompletesAsync,
}

impl Raised {
    pub fn application(body: &Value) -> Raised {
        Raised::Failure(raised_failure(body), format!("raised({})", body["type"].as_str().unwrap_or_default()))
    }

    pub fn plain(message: &Value) -> Raised {
        let failure = Failure::application("ValueError", message.as_str().unwrap_or_default());
        Raised::Failure(failure, "raised(ValueError)".to_owned())
    }

    /// `asyncio.CancelledError`, though nobody has cancelled the code.
    pub fn cancelled_unasked() -> Raised {
        let failure = Failure::application("CancelledError", "self-made");
        Raised::Failure(failure, "raised(asyncio.CancelledError) uncancelled".to_owned())
    }

    /// A failure raised while a cancellation is handled: Python keeps that as the cause, and the driver says so in the
    /// message.
    pub fn after_cancel(self) -> Raised {
        match self {
            Raised::Failure(mut failure, _) => {
                failure.message = format!("{} after cancel", failure.message).into();
                failure.cause = Some(Arc::new(Failure::application("CancelledError", "Activity cancelled")));
                Raised::Failure(failure, "raised after cancel".to_owned())
            }
            other => other,
        }
    }

    pub fn label(&self) -> String {
        match self {
            Raised::Cancelled(_) => "raised(CancelledError)".to_owned(),
            Raised::Failure(_, label) => label.clone(),
            Raised::CompletesAsync => "async".to_owned(),
        }
    }

    /// Python tells core of a failure where an operator has paused or reset the activity (`worker/_activity.py`).
    pub fn outcome(self) -> ActivityOutcome {
        match self {
            Raised::Cancelled(CancelReason::Paused) => {
                ActivityOutcome::Failed(Failure::application("ActivityPause", "Activity paused").into())
            }
            Raised::Cancelled(CancelReason::Reset) => {
                ActivityOutcome::Failed(Failure::application("ActivityReset", "Activity reset").into())
            }
            Raised::Cancelled(_) => ActivityOutcome::Cancelled(Details::Absent),
            Raised::Failure(failure, _) => ActivityOutcome::Failed(failure.into()),
            Raised::CompletesAsync => ActivityOutcome::WillCompleteAsync,
        }
    }
}

/// The reason of a cancellation, in Python's words.
pub fn cancellation_details(reason: CancelReason) -> Value {
    match reason {
        CancelReason::Requested => json!({ "cancel_requested": true }),
        CancelReason::NotFound => json!({ "not_found": true }),
        CancelReason::TimedOut => json!({ "not_found": true, "timed_out": true }),
        CancelReason::WorkerShutdown => json!({ "worker_shutdown": true }),
        CancelReason::Paused => json!({ "paused": true }),
        CancelReason::Reset => json!({ "reset": true }),
        other => unreachable!("not in the recordings: {other:?}"),
    }
}
