//! [`Answering`]: the fate of a worker's answer to a workflow task.

use std::time::Duration;

/// The fate of a worker's answer to a workflow task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answering {
    /// It leaves at once.
    AtOnce,
    /// It never arrives.
    Lost,
    /// It arrives, and the worker does not hear that it has.
    Unheard,
    /// It leaves so much later.
    Late(Duration),
    /// Its worker holds it until a signal to the workflow has arrived.
    AfterSignal,
}
