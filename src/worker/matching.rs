//! [`Workers`]: the workers of a run, the tasks that wait for them, and the choice of a worker for a task.

use std::ops::{Index, IndexMut};
use std::sync::Arc;

use super::process::Worker;
use crate::program::Table;
use crate::service::Ready;
use crate::trace::WorkerKey;

/// The workers of a run and the tasks that none of them has taken.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    list: Table<WorkerKey, Worker>,
    /// The tasks that no worker is there to take, in the order in which they came.
    backlog: Vec<Ready>,
    /// The tasks that have reached a worker that stands still, with the worker: it takes them when it goes on.
    held_back: Vec<(Ready, WorkerKey)>,
    /// The number of tasks that were handed over.
    served: u64,
}

impl Workers {
    /// Makes an empty set of workers in the memory of this one.
    pub(crate) fn emptied(self) -> Workers {
        Workers { list: self.list.emptied(), ..Workers::default() }
    }

    /// Adds a worker, whose process is up.
    pub(crate) fn add(&mut self, worker: Worker) {
        self.list.push(worker);
    }

    /// Counts the workers.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The keys of all workers.
    pub(crate) fn keys(&self) -> impl Iterator<Item = WorkerKey> + use<> {
        self.list.keys()
    }

    /// The queues that are polled, one for each worker.
    pub(crate) fn task_queues(&self) -> impl Iterator<Item = &Arc<str>> {
        self.list.values().map(Worker::task_queue)
    }

    /// The only worker, if there is one and it takes the task: every queue leads to it.
    pub(crate) fn only(&self, ready: Ready) -> Option<WorkerKey> {
        self.list.iter().find(|(_, only)| fits(only, ready)).map(|(worker, _)| worker)
    }

    /// The workers on this queue that take the task now, in their order.
    pub(crate) fn able(&self, ready: Ready, task_queue: &str) -> impl Iterator<Item = WorkerKey> {
        let able =
            self.list.iter().filter(move |(_, worker)| fits(worker, ready) && **worker.task_queue() == *task_queue);
        able.map(|(worker, _)| worker)
    }

    /// The worker on this queue that has waited longest, among those that take the task now.
    pub(crate) fn longest_waiting(&self, ready: Ready, task_queue: &str) -> Option<WorkerKey> {
        self.able(ready, task_queue).min_by_key(|worker| self.list[*worker].served())
    }

    /// Lets this worker take the task. Gives its present incarnation.
    pub(crate) fn serve(&mut self, worker: WorkerKey, ready: Ready) -> u32 {
        self.served += 1;
        self.list[worker].take(self.served, matches!(ready, Ready::Activity { .. }))
    }

    /// Keeps a task that no worker is there to take.
    pub(crate) fn wait(&mut self, ready: Ready) {
        self.backlog.push(ready);
    }

    /// Says whether tasks wait that no worker was there to take.
    pub(crate) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Takes the tasks that no worker was there to take.
    pub(crate) fn take_backlog(&mut self) -> Vec<Ready> {
        std::mem::take(&mut self.backlog)
    }

    /// Keeps a task that has reached a worker that stands still. If the process dies before it goes on, another worker
    /// takes the task.
    pub(crate) fn hold_back(&mut self, ready: Ready, worker: WorkerKey) {
        self.held_back.push((ready, worker));
    }

    /// Takes the tasks that this worker has not taken since it stands still.
    pub(crate) fn take_held_back(&mut self, worker: WorkerKey) -> Vec<Ready> {
        self.held_back.extract_if(.., |(_, other)| *other == worker).map(|(ready, _)| ready).collect()
    }
}

impl Index<WorkerKey> for Workers {
    type Output = Worker;

    fn index(&self, worker: WorkerKey) -> &Worker {
        &self.list[worker]
    }
}

impl IndexMut<WorkerKey> for Workers {
    fn index_mut(&mut self, worker: WorkerKey) -> &mut Worker {
        &mut self.list[worker]
    }
}

/// Says whether this worker takes such a task now.
fn fits(worker: &Worker, ready: Ready) -> bool {
    worker.takes_tasks() && (matches!(ready, Ready::Workflow { .. }) || worker.has_slot())
}
