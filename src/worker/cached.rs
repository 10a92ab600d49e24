//! [`CachedWorkflow`]: a workflow's code in a worker's cache, by itself.

use std::fmt;

use super::instance::{Instance, TaskProblem};
use super::replay;
use super::turn::Turn;
use crate::program::{Command, TaskFailure, Time, WorkflowRun};
use crate::service::{HistoryEvent, Update};

/// A workflow's code with what an SDK keeps beside it: how far it has come in its history, and which of its activities
/// it still waits for. It is for those who drive a [`Service`](crate::service::state::Service) themselves; a simulation
/// has its own.
pub struct CachedWorkflow {
    instance: Instance,
}

impl CachedWorkflow {
    /// Makes an instance that has taken in nothing yet.
    pub fn new(run: Box<dyn WorkflowRun>) -> CachedWorkflow {
        CachedWorkflow { instance: Instance::new(run) }
    }

    /// Hands the code the news in its history, and the updates that the task has brought, and gives the commands for the service.
    ///
    /// `history` is the whole history, up to a workflow task that was started at `now`. Cancellation types are applied
    /// here: they decide what the service is asked, and what the code gets at once (crate temporalio-sdk-core 0.10.1
    /// `src/worker/workflow/machines/activity_state_machine.rs`). A fresh instance first lives through all that the
    /// history holds.
    ///
    /// # Errors
    /// The error is [`TaskFailure`]: the task has to be failed, and the instance is of no use any more.
    pub fn take_task<'a>(
        &mut self,
        history: &[HistoryEvent],
        updates: impl Iterator<Item = &'a Update>,
        now: Time,
    ) -> Result<Vec<Command>, TaskFailure> {
        self.take_turns(history, updates, now).map_err(|problem| match problem {
            TaskProblem::Code(failure) => failure,
            TaskProblem::NonDeterministic { message, .. } => TaskFailure::NonDeterministic(message),
            TaskProblem::NotRegistered { .. } | TaskProblem::Unwound => {
                TaskFailure::Panicked { message: problem.to_string() }
            }
        })
    }

    fn take_turns<'a>(
        &mut self,
        history: &[HistoryEvent],
        updates: impl Iterator<Item = &'a Update>,
        now: Time,
    ) -> Result<Vec<Command>, TaskProblem> {
        let mut turn = Turn::default();
        while self.instance.past_turn(history, &mut turn) {
            self.instance.take_turn(&mut turn)?;
            replay::compare(history, turn.answer.clone(), &turn.commands)?;
        }
        self.instance.present_turn(history, None, updates, now, &mut turn);
        self.instance.take_turn(&mut turn)?;
        Ok(turn.commands)
    }
}

impl fmt::Debug for CachedWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedWorkflow").finish_non_exhaustive()
    }
}
