//! What the loop knows of workflows and activities beside the service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::program::Command;
use crate::service::{ActivityKey, TaskToken};
use crate::trace::{AttemptKey, WorkerKey};
use crate::worker::attempt::Busy;
use crate::worker::instance::Instance;

/// A worker's answer to a workflow task, and the code that gave it.
pub(super) struct Held {
    pub(super) token: TaskToken,
    pub(super) worker: WorkerKey,
    pub(super) instance: Instance,
    pub(super) commands: Vec<Command>,
}

/// What becomes of a worker's answer to a workflow task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answering {
    /// It leaves at once.
    AtOnce,
    /// It never arrives.
    Lost,
    /// It leaves so much later.
    Late(Duration),
    /// Its worker holds it until a signal to the workflow has arrived.
    AfterSignal,
}

/// A workflow run as the loop knows it.
#[derive(Default)]
pub(super) struct HostedWorkflow {
    pub(super) instance: Option<Instance>,
    /// The worker that has the instance, or had it last.
    pub(super) home: Option<WorkerKey>,
    /// The answer to a workflow task that its worker is slow to send.
    pub(super) held: Option<Held>,
    /// That answer waits for the next signal.
    pub(super) awaits_signal: bool,
    /// Signals sent to it so far.
    pub(super) signals: u32,
    /// Workflow tasks answered so far.
    pub(super) tasks_done: u32,
    /// Attempts at the present task.
    pub(super) task_attempts: u32,
    pub(super) busy: Busy,
    /// Who waits for it to close.
    pub(super) waiting: Vec<Waker>,
    /// The latest activity of each type that it has scheduled.
    pub(super) executions: BTreeMap<Arc<str>, ActivityKey>,
    /// All attempts at its activities.
    pub(super) attempts: Vec<AttemptKey>,
}

/// The ids and types under which the workflows of a run were started.
#[derive(Debug, Default)]
pub(super) struct StartedWorkflows {
    ids: BTreeSet<Arc<str>>,
    /// How many there are of a type.
    of_type: BTreeMap<Arc<str>, u32>,
}

impl StartedWorkflows {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Notes one more, and says which of its type it is, from 1.
    pub(super) fn add(&mut self, id: &Arc<str>, workflow_type: &Arc<str>) -> u32 {
        self.ids.insert(id.clone());
        let of_type = self.of_type.entry(workflow_type.clone()).or_default();
        *of_type += 1;
        *of_type
    }
}

impl HostedWorkflow {
    /// Takes what workers have of it: an instance, and another one that waits with a late answer.
    pub(super) fn take_instance(&mut self) -> Option<Instance> {
        self.instance.take().or_else(|| self.held.take().map(|held| held.instance))
    }

    /// Takes what this worker has of it, as `take_instance` does.
    pub(super) fn take_hosted_by(&mut self, worker: WorkerKey) -> Option<Instance> {
        if self.home == Some(worker) && self.instance.is_some() {
            return self.instance.take();
        }
        self.held.take_if(|held| held.worker == worker).map(|held| held.instance)
    }
}

/// An activity as the loop knows it.
#[derive(Clone, Copy, Default)]
pub(super) struct HostedActivity {
    /// The latest attempt that a worker took, if any.
    pub(super) latest: Option<AttemptKey>,
    /// The attempt whose dispatch was the last to be a point: offered again, since no worker was there, it is none.
    pub(super) dispatched: u32,
    /// The worker is to be gone when the next attempt is due.
    pub(super) gone_when_due: bool,
    /// The worker that takes the next attempt is to die at once.
    pub(super) dies_at_start: bool,
    /// The timer of its deadline is to fire behind everything else of that moment.
    pub(super) defers_deadline: bool,
}
