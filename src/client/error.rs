//! [`ClientError`]: the reason why a call of a script did not do what it should.

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::program::Failure;
use crate::service::{Refused, WorkflowOutcome};

/// A call of a script that did not do what it should.
#[derive(Clone, PartialEq, Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No workflow of this type is registered.
    #[error("no workflow `{name}` is registered (registered: {known})")]
    UnknownWorkflow {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// No activity of this type is registered.
    #[error("no activity `{name}` is registered (registered: {known})")]
    UnknownActivity {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// No worker polls this queue.
    #[error("no worker polls the task queue `{queue}` (polled: {known})")]
    UnknownTaskQueue {
        /// The queue.
        queue: String,
        /// The queues that are polled.
        known: String,
    },
    /// No workflow was started under this id.
    #[error("no workflow was started under the id `{0}`")]
    UnknownId(String),
    /// The id is taken by a workflow that is open.
    #[error("the workflow id `{0}` is taken: a workflow of this id is open")]
    AlreadyStarted(String),
    /// No activity was started without a workflow under this id.
    #[error("no activity was started without a workflow under the id `{0}`")]
    UnknownActivityId(String),
    /// The id is taken by an activity without a workflow that is open, or by a closed one whose id must not be used again.
    #[error("the activity id `{0}` is taken: an activity without a workflow has it")]
    ActivityAlreadyStarted(String),
    /// Something could not be encoded.
    #[error("{what} cannot be encoded as JSON: {why}")]
    Encode {
        /// The thing that could not be encoded.
        what: String,
        /// The message of serde_json.
        why: String,
    },
    /// Something is of another type.
    #[error("{what} does not decode as `{wanted}`: {why}")]
    Decode {
        /// The thing that is of another type.
        what: String,
        /// The type asked for.
        wanted: &'static str,
        /// The message of serde_json.
        why: String,
    },
    /// The service refused the call.
    #[error("{0}")]
    Refused(String),
    /// The workflow's code does not answer this query, or its answer is a failure.
    #[error("the query failed: {0}")]
    Query(Failure),
    /// The workflow's code has no handler for this update, or its validator refuses it.
    #[error("the update was rejected: {0}")]
    UpdateRejected(Failure),
    /// The workflow's code has accepted the update and failed it, or its run has closed before the update had ended.
    #[error("the update failed: {0}")]
    UpdateFailed(Failure),
    /// The workflow closed without a result.
    #[error("the workflow {}", .0.words())]
    NotCompleted(WorkflowOutcome),
    /// The activity without a workflow closed without a result.
    #[error("the activity {}", .0.words())]
    ActivityNotCompleted(WorkflowOutcome),
}

/// Takes the refusal as its text.
impl From<Refused> for ClientError {
    fn from(refused: Refused) -> ClientError {
        ClientError::Refused(refused.to_string())
    }
}

impl Serialize for ClientError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Takes the error as its text.
impl From<ClientError> for String {
    fn from(error: ClientError) -> String {
        error.to_string()
    }
}
