//! [`Message`]: what a worker sends to the service about an attempt, and what the network does to it.

use std::sync::Arc;
use std::time::Duration;

use crate::program::{Details, Failure, Payload};
use crate::trace::{AttemptKey, Bytes};

/// A message about an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Which attempt, by its number in the trace.
    pub(crate) attempt: AttemptKey,
    pub(crate) call: Call,
}

/// What it says.
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

/// What the network does to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Delivery {
    /// It arrives at once, and so does its answer.
    #[default]
    Whole,
    /// It never arrives.
    RequestLost,
    /// It arrives; the answer does not.
    AnswerLost,
    /// It arrives so much later.
    Late(Duration),
}
