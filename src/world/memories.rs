//! [`Memories`]: the values in the memory of workers' processes.

use std::any::Any;
use std::rc::Rc;

use crate::trace::WorkerKey;

/// A value of a process, whose type is erased.
pub(crate) type Value = Rc<dyn Any>;

/// The values in the memory of workers' processes, each with its process and its key. Mostly there are none.
#[derive(Default)]
pub(super) struct Memories(Vec<(WorkerKey, usize, Value)>);

impl Memories {
    /// Gives the value that the present process of this worker has under this key.
    pub(super) fn get(&self, worker: WorkerKey, key: usize) -> Option<Value> {
        let (_, _, value) = self.0.iter().find(|(owner, other, _)| (*owner, *other) == (worker, key))?;
        Some(value.clone())
    }

    /// Keeps a value of the present process of this worker.
    pub(super) fn put(&mut self, worker: WorkerKey, key: usize, value: Value) {
        self.0.push((worker, key, value));
    }

    /// The process of this worker is gone: takes the values that it had.
    pub(super) fn take_of(&mut self, worker: WorkerKey) -> Vec<Value> {
        let taken = self.0.extract_if(.., |(owner, ..)| *owner == worker);
        taken.map(|(_, _, value)| value).collect()
    }

    /// Takes all values, to be dropped.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Value> {
        std::mem::take(&mut self.0).into_iter().map(|(_, _, value)| value)
    }
}
