//! The workflow task: scheduled, started, completed, failed, timed out.

use std::sync::Arc;

use super::history::TaskFailedCause;
use super::{Refused, Service, TaskToken, WorkflowKey};
use crate::instant::Time;
use crate::program::Command;

/// What a worker is given with a workflow task. Its history is [`Service::history`] at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkflowTask {
    /// To answer with.
    pub token: TaskToken,
    /// Which attempt at this task, from 1.
    pub attempt: u32,
    /// The `WORKFLOW_TASK_STARTED` event up to which an earlier task was completed; 0 for none.
    pub previous_started_event_id: u64,
    /// This task's own. From attempt 2 on the event is written only when the task is completed.
    pub started_event_id: u64,
}

impl Service {
    /// Hands a workflow task to a worker. `None` if it is stale.
    pub fn take_workflow_task(&mut self, workflow: WorkflowKey, stamp: u32, now: Time) -> Option<WorkflowTask> {
        let _ = (workflow, stamp, now);
        unimplemented!()
    }

    /// Takes the answer to a workflow task.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn complete_workflow_task(&mut self, token: TaskToken, commands: &[Command], now: Time) -> Result<(), Refused> {
        let _ = (token, commands, now);
        unimplemented!()
    }

    /// Takes a worker's word that it could not handle a workflow task.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn fail_workflow_task(
        &mut self,
        token: TaskToken,
        cause: TaskFailedCause,
        message: Arc<str>,
        now: Time,
    ) -> Result<(), Refused> {
        let _ = (token, cause, message, now);
        unimplemented!()
    }

    /// Asks a workflow to cancel itself.
    ///
    /// # Errors
    /// None so far.
    pub fn request_cancel(&mut self, workflow: WorkflowKey, reason: Arc<str>, now: Time) -> Result<(), Refused> {
        let _ = (workflow, reason, now);
        unimplemented!()
    }
}
