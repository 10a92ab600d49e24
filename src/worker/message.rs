//! [`Message`]: a message of a worker to the service about an attempt, and the network's effect on it.

use std::sync::Arc;
use std::time::Duration;

use crate::program::{Details, Failure, Payload};
use crate::trace::{AttemptKey, Bytes};

/// A message about an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The attempt, by its key in the trace.
    pub(crate) attempt: AttemptKey,
    pub(crate) call: Call,
}

/// The content of a message.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// `RecordActivityTaskHeartbeat`; the trace has the details under `bytes`.
    Heartbeat { details: Details, bytes: Option<Bytes> },
    /// `RespondActivityTaskCompleted`.
    Complete { result: Payload },
    /// `RespondActivityTaskFailed`, with the heartbeat that was pending.
    Fail { failure: Arc<Failure>, details: Option<Details>, bytes: Option<Bytes> },
    /// `RespondActivityTaskCanceled`.
    Cancel { details: Details },
}

/// The network's effect on a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Delivery {
    /// It arrives at once, and so does its answer.
    #[default]
    Whole,
    /// The message never arrives.
    RequestLost,
    /// The message arrives; the answer does not.
    AnswerLost,
    /// The message arrives so much later.
    Late(Duration),
    /// The message arrives once something else has come to its workflow.
    Held,
}
