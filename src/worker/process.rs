//! [`Process`]: the life of one worker process.

use std::sync::Arc;

use crate::program::{Span, Time};
use crate::trace::WorkerKey;

/// The code that a process runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Version {
    /// The code of the simulation.
    #[default]
    Old,
    /// The one that a deploy puts in its place.
    New,
}

/// The state of a worker process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Process {
    /// It takes tasks and runs them.
    Up,
    /// It stands still until this time: nothing it hosts runs, nothing is sent, no task is taken.
    Frozen { until: Time },
    /// It was asked to stop: it takes no new tasks, and cancels what runs when the grace period is over.
    Stopping,
    /// It is gone. A new process comes after the restart delay.
    Down,
}

/// A process of a worker: the key of the worker, and the number of the process among its processes, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ProcessKey {
    pub(crate) worker: WorkerKey,
    pub(crate) incarnation: u32,
}

/// One worker: a succession of processes of the same name.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    process: Process,
    /// The code that the present process runs, and the next one.
    version: Version,
    next_version: Version,
    /// A process of it has run the new version.
    was_deployed: bool,
    /// The number of the present process; things that were meant for an earlier one are stale.
    incarnation: u32,
    /// The queue that it polls.
    task_queue: Arc<str>,
    /// The number of attempts that it runs at once; 0 means no limit.
    slots: u32,
    /// The number of attempts that it runs, and of tasks on their way to it.
    busy: u32,
    /// The running number of the task that it took last: the worker that has waited longest is served first.
    served: u64,
    /// The last ends of its processes, the newest first.
    ends: [Option<End>; ENDS],
}

/// The end of a process.
#[derive(Clone, Copy, Debug)]
struct End {
    incarnation: u32,
    at: Time,
    /// It was asked to stop.
    is_clean: bool,
}

/// The number of ends that are kept. A process that ended earlier is taken for one that the service knows to be gone.
const ENDS: usize = 4;

/// The time for which the service takes a worker for alive that does not poll any more (temporal `service/matching`,
/// `stickyPollerUnavailableWindow`).
const BELIEVED_ALIVE: Span = Span::from_secs(10);

/// The fate of the process that has a workflow in its cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StickyWorker {
    /// It polls.
    Polls,
    /// It is gone, and the service does not know it so far.
    BelievedAlive,
    /// It is gone, and the service knows it.
    Gone,
}

impl Worker {
    pub(crate) fn new(task_queue: Arc<str>, slots: u32) -> Worker {
        let (version, next_version) = Default::default();
        Worker {
            process: Process::Up,
            version,
            next_version,
            was_deployed: false,
            incarnation: 1,
            task_queue,
            slots,
            busy: 0,
            served: 0,
            ends: [None; ENDS],
        }
    }

    /// The state of its present process.
    pub(crate) fn process(&self) -> Process {
        self.process
    }

    /// The number of its present process, from 1.
    pub(crate) fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The code that its present process runs, or ran.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The code that its next process runs.
    pub(crate) fn next_version(&self) -> Version {
        self.next_version
    }

    /// Says whether any process of it has run the new version.
    pub(crate) fn was_deployed(&self) -> bool {
        self.was_deployed
    }

    /// Puts this version in place: its next process runs it.
    pub(crate) fn install(&mut self, version: Version) {
        self.next_version = version;
    }

    /// The queue that it polls.
    pub(crate) fn task_queue(&self) -> &Arc<str> {
        &self.task_queue
    }

    /// The running number of the task that it took last.
    pub(super) fn served(&self) -> u64 {
        self.served
    }

    /// The time until which it stands still, if it does.
    pub(crate) fn frozen_until(&self) -> Option<Time> {
        match self.process {
            Process::Frozen { until } => Some(until),
            _ => None,
        }
    }

    /// Takes a task, the N-th that all workers took; an attempt takes a slot. Gives the worker's incarnation.
    pub(super) fn take(&mut self, served: u64, is_attempt: bool) -> u32 {
        self.served = served;
        self.busy += u32::from(is_attempt);
        self.incarnation
    }

    /// Frees the slot of an attempt that has left it, or never came. Says whether that matters to tasks that wait for a
    /// slot.
    pub(crate) fn free_slot(&mut self) -> bool {
        // A worker that has died since has none of its former attempts.
        self.busy = self.busy.saturating_sub(1);
        self.slots != 0
    }

    /// Makes its process stand still until this time. Gives `false` unless the process was up.
    pub(crate) fn freeze(&mut self, until: Time) -> bool {
        self.turn_from_up(Process::Frozen { until })
    }

    /// Lets its process go on.
    pub(crate) fn thaw(&mut self) {
        self.process = Process::Up;
    }

    /// Asks its process to stop. Gives `false` unless the process was up.
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

    /// Says whether the process of this number polls the queues of the workflows that it has cached. One that is asked to stop
    /// says so to the service.
    pub(crate) fn sticky(&self, incarnation: u32, now: Time) -> StickyWorker {
        if self.incarnation == incarnation && self.is_alive() {
            return if self.takes_tasks() { StickyWorker::Polls } else { StickyWorker::Gone };
        }
        match self.ends.iter().flatten().find(|end| end.incarnation == incarnation) {
            Some(end) if !end.is_clean && now < end.at.plus(BELIEVED_ALIVE) => StickyWorker::BelievedAlive,
            _ => StickyWorker::Gone,
        }
    }

    /// Ends its process, with all its attempts. Gives the number of the next process.
    pub(crate) fn go_down(&mut self, now: Time) -> u32 {
        self.ends.rotate_right(1);
        self.ends[0] =
            Some(End { incarnation: self.incarnation, at: now, is_clean: self.process == Process::Stopping });
        self.process = Process::Down;
        self.busy = 0;
        self.incarnation += 1;
        self.incarnation
    }

    /// Brings the next process up, as was planned.
    pub(crate) fn come_up(&mut self) {
        self.version = self.next_version;
        self.was_deployed |= self.version == Version::New;
        self.process = Process::Up;
    }

    /// Brings a process up before the planned one, which does not come any more.
    pub(crate) fn come_up_early(&mut self) {
        self.incarnation += 1;
        self.come_up();
    }

    /// Says whether it would take a task now.
    pub(crate) fn takes_tasks(&self) -> bool {
        matches!(self.process, Process::Up | Process::Frozen { .. })
    }

    /// Says whether it has room for another attempt.
    pub(crate) fn has_slot(&self) -> bool {
        self.slots == 0 || self.busy < self.slots
    }

    /// Says whether a process is there, running or not.
    pub(crate) fn is_alive(&self) -> bool {
        self.process != Process::Down
    }
}
