//! [`Logs`]: the lines that the code of a run has logged, to be shown in its story. They are no part of the trace.

use crate::program::Time;
use crate::trace::{Who, WorkerKey};

/// The lines that the code of a run has logged, in order.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Logs(pub(super) Vec<LogLine>);

/// A line that code has logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LogLine {
    pub(crate) place: Place,
    /// A replay of a workflow has logged it.
    pub(crate) in_replay: bool,
    /// The level, the spans, the target, the message and the fields; without control characters.
    pub(crate) text: String,
}

/// The place in a run at which its code logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) at: Time,
    /// The number of events that the trace has by then.
    pub(crate) events: usize,
    /// The owner of the code: an attempt, a workflow, or the run for its script.
    pub(crate) who: Who,
    /// The worker that runs it.
    pub(crate) worker: Option<WorkerKey>,
}

impl Logs {
    /// Makes a line that says why there is no other.
    pub(crate) fn missing() -> Logs {
        let place = Place { at: Time::ZERO, events: 0, who: Who::Run, worker: None };
        let text = "nothing: the run went another way when it was made once more for its logs".to_owned();
        Logs(vec![LogLine { place, in_replay: false, text }])
    }

    /// Gives the lines, in order.
    pub(crate) fn lines(&self) -> &[LogLine] {
        &self.0
    }
}
