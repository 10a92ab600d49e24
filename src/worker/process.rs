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
    /// Was asked to stop: takes no new tasks, cancels what runs when the grace period is over.
    Stopping,
    /// Gone. A new process comes after the restart delay.
    Down,
}

/// One worker: a succession of processes of the same name.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    process: Process,
    /// Counts the processes; what was meant for an earlier one is stale.
    incarnation: u32,
    /// The queue it polls.
    task_queue: Arc<str>,
    /// Attempts it runs at once; 0 means no limit.
    slots: u32,
    /// Attempts it runs, and tasks on their way to it.
    busy: u32,
    /// When it last took a task, as a running number: who has waited longest is served first.
    served: u64,
}

impl Worker {
    pub(crate) fn new(task_queue: Arc<str>, slots: u32) -> Worker {
        Worker { process: Process::Up, incarnation: 1, task_queue, slots, busy: 0, served: 0 }
    }

    /// The state of its present process.
    pub(crate) fn process(&self) -> Process {
        self.process
    }

    /// Which of its processes is the present one, from 1.
    pub(crate) fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The queue it polls.
    pub(crate) fn task_queue(&self) -> &Arc<str> {
        &self.task_queue
    }

    /// When it last took a task, as a running number.
    pub(super) fn served(&self) -> u64 {
        self.served
    }

    /// Until when it stands still, if it does.
    pub(crate) fn frozen_until(&self) -> Option<Time> {
        match self.process {
            Process::Frozen { until } => Some(until),
            _ => None,
        }
    }

    /// Takes a task, its N-th of all workers'; an attempt takes a slot. Gives its incarnation.
    pub(super) fn take(&mut self, served: u64, is_attempt: bool) -> u32 {
        self.served = served;
        self.busy += u32::from(is_attempt);
        self.incarnation
    }

    /// An attempt has left its slot, or never came. Whether that matters to tasks that wait for one.
    pub(crate) fn free_slot(&mut self) -> bool {
        // One that has died since has none of its former attempts.
        self.busy = self.busy.saturating_sub(1);
        self.slots != 0
    }

    /// Its process stands still until then. `false` unless it was up.
    pub(crate) fn freeze(&mut self, until: Time) -> bool {
        self.turn_from_up(Process::Frozen { until })
    }

    /// Its process goes on.
    pub(crate) fn thaw(&mut self) {
        self.process = Process::Up;
    }

    /// Its process is asked to stop. `false` unless it was up.
    pub(crate) fn stop(&mut self) -> bool {
        self.turn_from_up(Process::Stopping)
    }

    fn turn_from_up(&mut self, process: Process) -> bool {
        let was_up = self.process == Process::Up;
        if was_up {
            self.process = process;
        }
        was_up
    }

    /// Its process is gone, with all its attempts. Gives the number of the next.
    pub(crate) fn go_down(&mut self) -> u32 {
        self.process = Process::Down;
        self.busy = 0;
        self.incarnation += 1;
        self.incarnation
    }

    /// The next process comes up, as was planned.
    pub(crate) fn come_up(&mut self) {
        self.process = Process::Up;
    }

    /// A process comes up before the one that was planned, which does not come any more.
    pub(crate) fn come_up_early(&mut self) {
        self.incarnation += 1;
        self.process = Process::Up;
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
