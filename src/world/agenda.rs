//! [`Agenda`]: the clock of a run, and what it has still to do, at a certain time or at once.

use std::collections::VecDeque;
use std::time::Duration;

use super::answering::Answering;
use super::holds::HoldKey;
use super::local_task::{LocalWakeup, Waiting};
use super::network::{BetweenKey, LateSignalKey, MessageKey};
use super::query::QueryKey;
use super::update::UpdateCallKey;
use crate::engine::queue::{Queue, Rank};
use crate::engine::sleepers::SleeperId;
use crate::engine::tasks::TaskFuture;
use crate::program::{ActivityOutcome, CancelReason, Seq, Time};
use crate::service::{Ready, ServiceTimer, Token, UpdateKey, WorkflowKey, WorkflowTask};
use crate::trace::{AttemptKey, WorkerKey};
use crate::worker::instance::Instance;
use crate::worker::locals::LocalDone;
use crate::worker::process::ProcessKey;

/// The clock of a run, which jumps to the next entry when nothing is ready; the queue of what is to happen at a certain
/// time; and what is to be done before anything else.
#[derive(Default)]
pub(super) struct Agenda {
    now: Time,
    queue: Queue<Wakeup>,
    todo: VecDeque<Todo>,
}

impl Agenda {
    /// An empty one at time zero, in the memory of this one.
    pub(super) fn emptied(self) -> Agenda {
        let Agenda { mut queue, mut todo, .. } = self;
        queue.clear();
        todo.clear();
        Agenda { now: Time::ZERO, queue, todo }
    }

    /// The present moment.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// So much later.
    pub(super) fn after(&self, length: Duration) -> Time {
        self.now + length
    }

    /// Adds an entry behind those of the same time.
    pub(super) fn wake_at(&mut self, at: Time, wakeup: Wakeup) {
        self.queue.push(at, wakeup);
    }

    /// Adds an entry for this very moment, behind those that are there.
    pub(super) fn wake_now(&mut self, wakeup: Wakeup) {
        self.queue.push(self.now, wakeup);
    }

    /// Adds an entry where the service wants it: behind those of the same time, or in the order reserved for it.
    pub(super) fn wake_in_order(&mut self, at: Time, order: Option<Rank>, wakeup: Wakeup) {
        let order = order.unwrap_or_else(|| self.queue.reserve());
        self.queue.push_at(at, order, wakeup);
    }

    /// The order of an entry that will be added later but counts from now.
    pub(super) fn reserve(&mut self) -> Rank {
        self.queue.reserve()
    }

    /// Takes the first entry. The clock stays.
    pub(super) fn next(&mut self) -> Option<(Time, Wakeup)> {
        self.queue.pop()
    }

    /// Takes the first entry with its rank. The clock stays.
    pub(super) fn next_ranked(&mut self) -> Option<(Time, Rank, Wakeup)> {
        self.queue.pop_ranked()
    }

    /// Gives back an entry that was taken with its rank.
    pub(super) fn put_back(&mut self, at: Time, rank: Rank, wakeup: Wakeup) {
        self.queue.push_at(at, rank, wakeup);
    }

    /// Takes the first entry if it is of the same time as the last one taken, and `fits`.
    pub(super) fn next_of_the_moment(&mut self, fits: impl FnOnce(&Wakeup) -> bool) -> Option<Wakeup> {
        self.queue.pop_present(fits)
    }

    /// Moves the clock, which never goes back.
    pub(super) fn move_to(&mut self, at: Time) {
        self.now = self.now.max(at);
    }

    /// Adds something to do before anything else, behind what is there.
    pub(super) fn then(&mut self, todo: Todo) {
        self.todo.push_back(todo);
    }

    /// Says whether something is to be done before anything else.
    pub(super) fn has_todo(&self) -> bool {
        !self.todo.is_empty()
    }

    /// Takes what is to be done next.
    pub(super) fn take_todo(&mut self) -> Option<Todo> {
        self.todo.pop_front()
    }

    /// Takes all that was to be done.
    pub(super) fn take_todos(&mut self) -> impl Iterator<Item = Todo> {
        self.todo.drain(..)
    }
}

/// An entry of the run's queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wakeup {
    /// A task's own wait is over.
    Sleeper(SleeperId),
    /// For the service.
    Service(ServiceTimer),
    /// A task reaches the worker that polls for it.
    HandOver { ready: Ready, worker: WorkerKey, incarnation: u32 },
    /// The throttle interval of an attempt is over.
    Flush(AttemptKey),
    /// The worker's own clock looks whether an attempt has timed out.
    LocalTimeout(AttemptKey),
    /// A backoff or a timeout of a local activity is due.
    Local { workflow: WorkflowKey, number: u32, what: LocalWakeup },
    /// A workflow task that waits for local activities is renewed.
    Renew { workflow: WorkflowKey, stamp: u32 },
    /// A message arrives at the service.
    Deliver(MessageKey),
    /// A worker's late answer to a workflow task leaves.
    AnswerTask { workflow: WorkflowKey, stamp: u32 },
    /// A signal on a slow way arrives at the service.
    Signal(LateSignalKey),
    /// An update arrives late.
    Update(UpdateCallKey),
    /// Those who wait for an update hear of it.
    UpdateHeard(UpdateKey),
    /// A late message between workflows goes on.
    Between(BetweenKey),
    /// A query reaches a worker.
    Query(QueryKey),
    /// A workflow's own timer fires late.
    LateTimer { workflow: WorkflowKey, timer: Seq },
    /// A thing goes on that was held until something else had come.
    LetGo(HoldKey),
    /// A stalled attempt goes on.
    Release(AttemptKey),
    /// A frozen worker goes on.
    Thaw { worker: WorkerKey, incarnation: u32 },
    /// A stopping worker's grace period is over.
    GraceOver { worker: WorkerKey, incarnation: u32 },
    /// A stopping worker drops what still runs.
    Abort { worker: WorkerKey, incarnation: u32 },
    /// A stopping worker stops if nothing of it runs.
    StopIfIdle { worker: WorkerKey, incarnation: u32 },
    /// A new process of a dead worker comes up.
    Restart { worker: WorkerKey, incarnation: u32 },
}

/// Something to do that involves user code, before anything else happens.
pub(crate) enum Todo {
    /// A worker begins an attempt; one that `dies` takes the worker with it.
    Start {
        worker: WorkerKey,
        token: Token,
        dies: bool,
    },
    /// A worker handles a workflow task; its answer may be lost or late.
    WorkflowTask {
        worker: WorkerKey,
        workflow: WorkflowKey,
        task: WorkflowTask,
        answer: Answering,
    },
    /// A local activity has ended, and its workflow's code is told.
    LocalDone {
        workflow: WorkflowKey,
        done: Box<LocalDone>,
    },
    /// A worker answers a workflow task.
    Answer {
        worker: WorkerKey,
        waiting: Box<Waiting>,
    },
    /// A worker answers a query.
    Query {
        query: QueryKey,
        worker: WorkerKey,
    },
    Fail {
        attempt: AttemptKey,
    },
    Abort {
        attempt: AttemptKey,
    },
    Cancel {
        attempt: AttemptKey,
        reason: CancelReason,
    },
    WorkerStopping {
        attempt: AttemptKey,
    },
    /// The process of a worker is gone, and fakes are told.
    WorkerGone {
        worker: WorkerKey,
    },
    /// A background task was aborted: its destructors run as this attempt's code.
    Drop {
        future: TaskFuture<ActivityOutcome>,
        attempt: AttemptKey,
    },
    Evict(Instance),
    /// A process has stopped, and the host drops the tasks that it had.
    Stopped(ProcessKey),
    /// A process has stopped: the destructors of the values that it had run.
    Forget(ProcessKey),
}
