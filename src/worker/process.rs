//! [`Process`]: the life of one worker process.

use crate::instant::Time;

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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worker {
    pub(crate) process: Process,
    /// Counts the processes; what was meant for an earlier one is stale.
    pub(crate) incarnation: u32,
}

impl Worker {
    pub(crate) fn new() -> Worker {
        Worker { process: Process::Up, incarnation: 1 }
    }

    /// Whether it would take a task now.
    pub(crate) fn takes_tasks(self) -> bool {
        matches!(self.process, Process::Up | Process::Frozen { .. })
    }

    /// Whether a process is there, running or not.
    pub(crate) fn is_alive(self) -> bool {
        self.process != Process::Down
    }
}
