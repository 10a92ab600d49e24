//! [`Workflow`]: one workflow run, its history, timers and workflow task.

use std::sync::Arc;

use super::history::HistoryEvent;
use super::{Service, WorkflowKey};
use crate::instant::{Span, Time};
use crate::program::{Details, Failure, Payload, RetryState, RunInfo};

/// What starts a workflow run.
#[derive(Clone, PartialEq, Debug)]
pub struct StartWorkflow {
    /// Chosen by who starts it.
    pub workflow_id: Arc<str>,
    /// Of this run.
    pub run_id: Arc<str>,
    /// The registered name.
    pub workflow_type: Arc<str>,
    /// Where its workers poll.
    pub task_queue: Arc<str>,
    /// The encoded input.
    pub input: Payload,
    /// The longest time the run may be open; zero means no limit.
    pub run_timeout: Span,
    /// The longest time a worker may take for one workflow task; zero means 10 s. Clipped to the run timeout.
    pub task_timeout: Span,
    /// Feeds the workflow's own random numbers.
    pub random_seed: u64,
}

/// How a workflow run closed.
#[derive(Clone, PartialEq, Debug)]
pub enum WorkflowOutcome {
    /// With a result.
    Completed(Payload),
    /// With a failure.
    Failed {
        /// What the code said.
        failure: Arc<Failure>,
        /// Why there is no other run.
        retry_state: RetryState,
    },
    /// As cancelled.
    Canceled(Details),
    /// By its run timeout.
    TimedOut {
        /// Why there is no other run.
        retry_state: RetryState,
    },
}

/// The lists of a workflow, kept for their memory when a run is cleared.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) history: Vec<HistoryEvent>,
}

/// One workflow run.
#[derive(Debug)]
pub struct Workflow {
    info: RunInfo,
    pub(super) outcome: Option<WorkflowOutcome>,
    pub(super) lists: Lists,
}

impl Workflow {
    /// Its names and its start.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// Whether it has not closed.
    pub fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// How it closed.
    pub fn outcome(&self) -> Option<&WorkflowOutcome> {
        self.outcome.as_ref()
    }

    /// Its history so far.
    pub fn history(&self) -> &[HistoryEvent] {
        &self.lists.history
    }

    pub(super) fn into_lists(self) -> Lists {
        self.lists
    }
}

impl Service {
    /// Starts a run, with its first workflow task ready.
    pub fn start_workflow(&mut self, start: StartWorkflow, now: Time) -> WorkflowKey {
        let _ = (start, now);
        unimplemented!()
    }
}
