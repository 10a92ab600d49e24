//! The keys by which the trace knows attempts, workers, and the entries of its tables.

use crate::program::key;

key! {
    /// The key of an attempt, in the order in which workers took them.
    pub struct AttemptKey;
}

key! {
    /// The key of a worker, in the order in which the simulation got them. It is shown by its number from 1, as in
    /// timelines.
    pub struct WorkerKey; shown from 1
}

impl WorkerKey {
    /// The worker's number in texts, from 1.
    pub fn number(self) -> usize {
        self.index() + 1
    }
}

key! {
    /// The key of a failure in the trace.
    pub struct FailureKey;
}

key! {
    /// The key of a fault that struck.
    pub struct FaultKey;
}

key! {
    /// The key of a signal that arrived.
    pub struct SignalKey;
}

key! {
    /// The key of a marker that was written.
    pub struct MarkerKey;
}

key! {
    /// The key of an answer to a query.
    pub struct AnswerKey;
}
