//! [`Attempts`]: the attempts that workers have taken in a run.

use std::iter;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use super::attempt::Attempt;
use super::process::ProcessKey;
use crate::engine::tasks::TaskId;
use crate::program::{ActivityTask, AttemptListener, Span, Table, Time};
use crate::service::Token;
use crate::trace::{AttemptKey, WorkerKey};

/// The attempts that workers have taken, including those that have ended.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    list: Table<AttemptKey, Attempt>,
    running: u32,
}

impl Attempts {
    /// Starts an attempt that a worker's process takes. `before` is the attempt of the same workflow that began before it,
    /// `interval` the time between two heartbeats that are sent.
    pub(crate) fn start(
        &mut self,
        token: Token,
        process: ProcessKey,
        before: Option<AttemptKey>,
        task: &ActivityTask,
        interval: Span,
        now: Time,
    ) -> AttemptKey {
        self.running += 1;
        self.list.push(Attempt::new(token, process, before, task, interval, now))
    }

    /// Notes that the code of a running attempt has ended.
    pub(crate) fn end(&mut self, attempt: AttemptKey) {
        self.running -= 1;
        self.list[attempt].end();
    }

    /// Notes that a running attempt crashes. Gives its code.
    pub(crate) fn die(&mut self, attempt: AttemptKey) -> Option<TaskId> {
        self.running -= 1;
        self.list[attempt].die()
    }

    /// Says whether an attempt runs.
    pub(crate) fn any_runs(&self) -> bool {
        self.running > 0
    }

    /// The keys of all attempts, in the order in which they started.
    pub(crate) fn keys(&self) -> impl Iterator<Item = AttemptKey> + use<> {
        self.list.keys()
    }

    /// The attempts that run.
    pub(crate) fn running(&self) -> impl Iterator<Item = (AttemptKey, &Attempt)> {
        self.list.iter().filter(|(_, attempt)| attempt.is_running())
    }

    /// Gives this attempt and those of the same workflow that began before it, the latest first.
    pub(crate) fn back_from(&self, attempt: Option<AttemptKey>) -> impl Iterator<Item = AttemptKey> {
        iter::successors(attempt, |attempt| self.list[*attempt].before())
    }

    /// The attempts that run on this worker.
    pub(crate) fn hosted_by(&self, worker: WorkerKey) -> Vec<AttemptKey> {
        self.running().filter(|(_, attempt)| attempt.worker() == worker).map(|(key, _)| key).collect()
    }

    /// Drops the reports of a worker that has died: they never leave.
    pub(crate) fn drop_reports_of(&mut self, worker: WorkerKey) {
        for attempt in self.list.values_mut().filter(|attempt| attempt.worker() == worker) {
            attempt.take_report();
        }
    }

    /// Takes the listeners of the attempts that have not ended, to be dropped.
    pub(crate) fn take_listeners(&mut self) -> impl Iterator<Item = Arc<dyn AttemptListener>> {
        self.list.values_mut().filter_map(Attempt::take_listener)
    }

    /// Makes an empty set of attempts in the memory of this one.
    pub(crate) fn emptied(self) -> Attempts {
        Attempts { list: self.list.emptied(), ..Attempts::default() }
    }
}

impl Index<AttemptKey> for Attempts {
    type Output = Attempt;

    fn index(&self, attempt: AttemptKey) -> &Attempt {
        &self.list[attempt]
    }
}

impl IndexMut<AttemptKey> for Attempts {
    fn index_mut(&mut self, attempt: AttemptKey) -> &mut Attempt {
        &mut self.list[attempt]
    }
}
