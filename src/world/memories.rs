//! [`Memories`]: the values in the memory of workers' processes.

use std::any::Any;
use std::rc::Rc;

use crate::worker::process::ProcessKey;

/// A value of a process, whose type is erased.
pub(crate) type Value = Rc<dyn Any>;

/// The values in the memory of workers' processes, each with its process and its key. Mostly there are none.
#[derive(Default)]
pub(super) struct Memories {
    values: Vec<Remembered>,
    /// The values that are being made.
    making: Vec<(ProcessKey, usize)>,
    /// The process that stops: destructors of what it had run as its code.
    stopping: Option<ProcessKey>,
    /// The keys of the values of that process that are dropped.
    dropped: Vec<usize>,
    /// The run is over, and code that has crashed in it is dropped.
    drops_crashed: bool,
}

/// A value of a process.
struct Remembered {
    process: ProcessKey,
    key: usize,
    value: Value,
    /// Its process has crashed: only code that crashed with it may still ask for the value.
    is_dead: bool,
}

/// A value that is left when a run is over.
pub(super) struct Left {
    pub(super) value: Value,
    /// A killed process runs no destructors, so that nobody may judge by them.
    pub(super) is_dead: bool,
}

impl Memories {
    /// Gives the value that this process has under this key.
    pub(super) fn get(&self, process: ProcessKey, key: usize) -> Option<Value> {
        let known = self.values.iter().find(|known| (known.process, known.key) == (process, key))?;
        Some(known.value.clone())
    }

    /// The run is over. Gives the value that a process had last under this key: one that has crashed, while the code that has
    /// crashed is dropped, and then one that lives.
    pub(super) fn latest(&self, key: usize) -> Option<Value> {
        let is_it = |known: &&Remembered| known.key == key && known.is_dead == self.drops_crashed;
        self.values.iter().rev().find(is_it).map(|known| known.value.clone())
    }

    /// The run is over. Says whether it is code that has crashed which is dropped from now on.
    pub(super) fn drop_crashed(&mut self, is_crashed: bool) {
        self.drops_crashed = is_crashed;
    }

    /// The destructors of what this process had run from now on, or `None` of no process. Gives the one before.
    pub(super) fn begin_stop(&mut self, process: Option<ProcessKey>) -> Option<ProcessKey> {
        self.dropped.clear();
        std::mem::replace(&mut self.stopping, process)
    }

    /// The process whose destructors run.
    pub(super) fn stopping(&self) -> Option<ProcessKey> {
        self.stopping
    }

    /// Says whether this process stops and has no value under this key any more.
    pub(super) fn is_dropped(&self, process: ProcessKey, key: usize) -> bool {
        self.stopping == Some(process) && self.dropped.contains(&key)
    }

    /// The value of this process under this key is being made from now on. Gives `false` if it was so before.
    pub(super) fn begin_making(&mut self, process: ProcessKey, key: usize) -> bool {
        let is_new = !self.making.contains(&(process, key));
        if is_new {
            self.making.push((process, key));
        }
        is_new
    }

    /// The value of this process under this key was made, or cannot be made.
    pub(super) fn end_making(&mut self, process: ProcessKey, key: usize) {
        self.making.retain(|other| *other != (process, key));
    }

    /// Keeps a value of this process.
    pub(super) fn put(&mut self, process: ProcessKey, key: usize, value: Value) {
        self.values.push(Remembered { process, key, value, is_dead: false });
    }

    /// The process has crashed. What it had in its memory is dropped when the run is over.
    pub(super) fn crash(&mut self, process: ProcessKey) {
        self.values.iter_mut().filter(|known| known.process == process).for_each(|known| known.is_dead = true);
    }

    /// The process stops: takes the first of the values that it has, to be dropped.
    pub(super) fn take_first_of(&mut self, process: ProcessKey) -> Option<Value> {
        let first = self.values.iter().position(|known| known.process == process)?;
        let Remembered { key, value, .. } = self.values.remove(first);
        self.dropped.push(key);
        Some(value)
    }

    /// Takes all values, to be dropped.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Left> {
        std::mem::take(&mut self.values).into_iter().map(|Remembered { value, is_dead, .. }| Left { value, is_dead })
    }
}
