//! The keys by which the trace knows attempts and workers, and what stands in its tables.

use crate::program::key;

key! {
    /// Which attempt, in the order in which workers took them.
    pub struct AttemptKey;
}

key! {
    /// Which worker, in the order in which the simulation got them. Shown by its number from 1, as in timelines.
    pub struct WorkerKey; shown from 1
}

impl WorkerKey {
    /// Its number in texts, from 1.
    pub fn number(self) -> usize {
        self.index() + 1
    }
}

key! {
    /// Which of the failures in the trace.
    pub struct FailureKey;
}

key! {
    /// Which of the faults that struck.
    pub struct FaultKey;
}

key! {
    /// Which of the signals that arrived.
    pub struct SignalKey;
}

key! {
    /// Which of the markers that were written.
    pub struct MarkerKey;
}

key! {
    /// Which of the answers to queries.
    pub struct AnswerKey;
}
