//! [`Process`]: the life of one worker process.

use std::sync::Arc;

use crate::program::Time;

/// What a worker process is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Process {
    /// Takes tasks and runs them.
    Up,
    /// Stands still until then: nothing it hosts runs, nothing is sent, no task is taken.
    Frozen { until: Time },
    /// Was told to stop: takes no new tasks, cancels what runs when the grace period is over.
    Stopping,
    /// Gone. A new process comes after the restart delay.
    Down,
}

/// One worker: a succession of processes of the same name.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) process: Process,
    /// Counts the processes; what was meant for an earlier one is stale.
    pub(crate) incarnation: u32,
    /// The queue it polls.
    pub(crate) task_queue: Arc<str>,
    /// Attempts it runs at once; 0 means no limit.
    pub(crate) slots: u32,
    /// Attempts it runs, and tasks on their way to it.
    pub(crate) busy: u32,
    /// When it last took a task, as a running number: who has waited longest is served first.
    pub(crate) served: u64,
}

impl Worker {
    pub(crate) fn new(task_queue: Arc<str>, slots: u32) -> Worker {
        Worker { process: Process::Up, incarnation: 1, task_queue, slots, busy: 0, served: 0 }
    }

    /// Whether it would take a task now.
    pub(crate) fn takes_tasks(&self) -> bool {
        matches!(self.process, Process::Up | Process::Frozen { .. })
    }

    /// Whether it has room for another attempt.
    pub(crate) fn has_slot(&self) -> bool {
        self.slots == 0 || self.busy < self.slots
    }

    /// Whether a process is there, running or not.
    pub(crate) fn is_alive(&self) -> bool {
        self.process != Process::Down
    }
}
