//! What a run has still to do: at a certain time, at once, and at the very end.

use super::messages::MessageKey;
use super::queries::QueryKey;
use super::signals::LateSignalKey;
use crate::engine::sleepers::SleeperId;
use crate::engine::tasks::TaskFuture;
use crate::program::{ActivityOutcome, CancelReason, Seq};
use crate::service::{Ready, ServiceTimer, Token, WorkflowKey, WorkflowTask};
use crate::trace::{AttemptKey, WorkerKey};
use crate::worker::instance::Instance;
use crate::worker::message::Carriage;

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
    /// A message arrives at the service.
    Deliver(MessageKey),
    /// A worker's late answer to a workflow task leaves.
    AnswerTask { workflow: WorkflowKey, stamp: u32 },
    /// A signal on a slow way arrives at the service.
    Signal(LateSignalKey),
    /// A query reaches a worker.
    Query(QueryKey),
    /// A workflow's own timer fires late.
    LateTimer { workflow: WorkflowKey, timer: Seq },
    /// A stalled attempt goes on.
    Release(AttemptKey),
    /// A frozen worker goes on.
    Thaw { worker: WorkerKey, incarnation: u32 },
    /// A stopping worker's grace period is over.
    GraceOver { worker: WorkerKey, incarnation: u32 },
    /// A stopping worker drops what still runs.
    Abort { worker: WorkerKey, incarnation: u32 },
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
        answer: Carriage,
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
    /// A background task was aborted: its destructors run as this attempt's code.
    Drop {
        future: TaskFuture<ActivityOutcome>,
        attempt: AttemptKey,
    },
    Evict(Instance),
}

/// What outlives its worker only to be dropped at the very end: a killed process runs no destructors.
pub(crate) enum Buried {
    Future(#[expect(dead_code, reason = "kept to be dropped late")] TaskFuture<ActivityOutcome>),
    Instance(#[expect(dead_code, reason = "kept to be dropped late")] Instance),
}
