//! [`ScriptError`]: a thing that goes wrong in a script, with the effect that it has in the Python SDK.

use durasim::program::{Details, Failure, FailureKind};
use serde_json::{Value, json};

use crate::recording::wire::{listed, timeout_name};

#[derive(Clone, Debug)]
pub enum ScriptError {
    /// An error with a failure behind it.
    Failure(Failure),
    /// `asyncio.CancelledError`: the workflow is cancelled while it waits for a timer.
    Cancelled,
    /// An exception that is none of Temporal's, with its message: the task fails.
    Panic(String),
}

impl ScriptError {
    /// Says whether Python sees a cancellation in it: the workflow then closes as cancelled, if it was asked to.
    pub fn is_cancellation(&self) -> bool {
        match self {
            ScriptError::Cancelled => true,
            ScriptError::Failure(failure) => {
                matches!(failure.kind, FailureKind::Canceled { .. })
                    || matches!(failure.kind, FailureKind::Activity { .. } | FailureKind::ChildWorkflow { .. })
                        && failure
                            .cause
                            .as_ref()
                            .is_some_and(|cause| matches!(cause.kind, FailureKind::Canceled { .. }))
            }
            ScriptError::Panic(_) => false,
        }
    }

    pub fn into_failure(self) -> Failure {
        match self {
            ScriptError::Failure(failure) => failure,
            ScriptError::Cancelled | ScriptError::Panic(_) => {
                Failure::new("", FailureKind::Canceled { details: Details::Absent })
            }
        }
    }

    /// Shows it as the script's own trace does.
    pub fn shown(&self) -> Value {
        match self {
            ScriptError::Failure(failure) => shown(failure),
            ScriptError::Cancelled => json!({ "kind": "asyncio.CancelledError", "message": "" }),
            ScriptError::Panic(message) => json!({ "kind": "panic", "message": message }),
        }
    }
}

fn shown(failure: &Failure) -> Value {
    // Python's errors have lists, empty where there was none.
    let list = |details: &Details| match listed(details) {
        Value::Null => json!([]),
        list => list,
    };
    let mut fields = match &failure.kind {
        FailureKind::Application { error_type, non_retryable, details, .. } => json!({
            "kind": "application", "type": &**error_type, "non_retryable": non_retryable, "details": list(details),
        }),
        FailureKind::Timeout { timeout_type, last_heartbeat_details } => json!({
            "kind": "timeout",
            "timeout_type": timeout_name(*timeout_type),
            "last_heartbeat_details": list(last_heartbeat_details),
        }),
        FailureKind::Canceled { details } => {
            // Python has one text for all of them, but for a local activity that is not waited for.
            let message = if *failure.message == *"Activity cancelled" { "Activity cancelled" } else { "Cancelled" };
            return json!({ "kind": "canceled", "message": message, "details": list(details) });
        }
        FailureKind::Server { non_retryable } => json!({ "kind": "server", "non_retryable": non_retryable }),
        FailureKind::Activity { activity_id, retry_state, .. } => json!({
            "kind": "activity", "activity_id": &**activity_id, "retry_state": retry_state.to_string(),
        }),
        FailureKind::ChildWorkflow { retry_state, .. } => {
            json!({ "kind": "child_workflow_execution", "retry_state": retry_state.to_string() })
        }
        other => json!({ "kind": format!("{other:?}") }),
    };
    fields["message"] = json!(&*failure.message);
    if let Some(cause) = &failure.cause {
        fields["cause"] = shown(cause);
    }
    fields
}
