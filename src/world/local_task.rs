//! [`LocalTask`]: a workflow task whose worker runs local activities for it.

use std::sync::Arc;

use super::answering::Answering;
use crate::program::{LocalActivitySpec, RetrySpec, Seq, Time};
use crate::service::{ActivityKey, Token, WorkflowTask};
use crate::trace::WorkerKey;
use crate::worker::instance::Instance;
use crate::worker::turn::Turn;

/// The local activities that a worker runs for a workflow, and the task that waits for them.
pub(super) struct LocalTask {
    worker: WorkerKey,
    /// `None` while the worker is about to go on with a renewed task.
    waiting: Option<Waiting>,
    runs: Vec<LocalRun>,
}

/// A workflow task that is not answered yet, with the code that handles it.
pub(super) struct Waiting {
    pub(super) task: WorkflowTask,
    pub(super) instance: Instance,
    /// The commands of the code so far.
    pub(super) turn: Turn,
    pub(super) answered: Answering,
}

/// A local activity that a worker runs.
pub(super) struct LocalRun {
    /// Its number among those of its workflow.
    pub(super) number: u32,
    pub(super) seq: Seq,
    pub(super) activity: ActivityKey,
    pub(super) spec: Arc<LocalActivitySpec>,
    /// The policy in force.
    pub(super) retry: RetrySpec,
    pub(super) first_scheduled_at: Time,
    /// The number of the attempt that runs, or comes next, as its code sees it.
    pub(super) attempt: u32,
    /// The attempt that runs; `None` while it waits for the next one.
    pub(super) token: Option<Token>,
}

/// A backoff or a timeout of a local activity, for the run's queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LocalWakeup {
    /// Its backoff is over.
    Retry,
    /// This attempt has run for too long.
    StartToClose(Token),
    /// It has taken too long with all its attempts.
    ScheduleToClose,
}

impl LocalTask {
    /// Makes one of a worker that is about to run something.
    pub(super) fn new(worker: WorkerKey) -> LocalTask {
        LocalTask { worker, waiting: None, runs: Vec::new() }
    }

    /// The worker that runs them.
    pub(super) fn worker(&self) -> WorkerKey {
        self.worker
    }

    /// Keeps the task, which waits for them.
    pub(super) fn wait(&mut self, waiting: Waiting) {
        self.waiting = Some(waiting);
    }

    /// Takes the task, to go on with it.
    pub(super) fn take_waiting(&mut self) -> Option<Waiting> {
        self.waiting.take()
    }

    /// Says whether the task with this stamp waits.
    pub(super) fn is_waiting(&self, stamp: u32) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.task.token.stamp == stamp)
    }

    /// Says whether the worker is about to go on with a renewed task.
    pub(super) fn is_renewed(&self) -> bool {
        self.waiting.is_none()
    }

    /// Adds a local activity to those that it runs.
    pub(super) fn add(&mut self, run: LocalRun) {
        self.runs.push(run);
    }

    /// The local activity of this number.
    pub(super) fn run_mut(&mut self, number: u32) -> Option<&mut LocalRun> {
        self.runs.iter_mut().find(|run| run.number == number)
    }

    /// Finds a local activity.
    pub(super) fn find(&self, is_it: impl Fn(&LocalRun) -> bool) -> Option<&LocalRun> {
        self.runs.iter().find(|run| is_it(run))
    }

    /// Takes out a local activity, which is over.
    pub(super) fn remove(&mut self, number: u32) -> Option<LocalRun> {
        let index = self.runs.iter().position(|run| run.number == number)?;
        Some(self.runs.remove(index))
    }

    /// Takes out all local activities.
    pub(super) fn take_runs(&mut self) -> Vec<LocalRun> {
        std::mem::take(&mut self.runs)
    }
}
