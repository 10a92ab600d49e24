//! [`Running`]: whose code runs now.

use super::background::BackgroundKey;
use crate::engine::tasks::TaskId;
use crate::trace::AttemptKey;

/// Says whose code runs now. The meaning of a call of that code, if it has any, follows from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Running {
    /// The harness.
    Nobody,
    /// A workflow's: it may only ask its context.
    Workflow,
    /// A task that is being polled.
    Task(TaskId, Tag),
    /// An attempt's, outside a poll: its start, what it is notified of, its destructors.
    Attempt(AttemptKey),
    /// Code that outlives its run: what the run has left is being dropped, or it was ended within a poll, whose code goes on.
    AfterTheEnd,
}

/// The meaning of a task of the executor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tag {
    /// The code of an attempt.
    Attempt(AttemptKey),
    /// Something spawned by an attempt's code, by its index.
    Background(BackgroundKey),
    /// The script that drives the run.
    Script,
}
