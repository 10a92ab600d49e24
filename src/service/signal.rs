//! Signals to a workflow, and its termination from outside.

use std::sync::Arc;

use super::history::EventKind;
use super::workflow::Signal;
use super::{News, Refused, Service, WorkflowKey, WorkflowOutcome};
use crate::program::{Payload, Time};

impl Service {
    /// Sends a signal to a workflow. While a workflow task is open, the event is kept back until the task ends. A task
    /// that would close the workflow then fails with `UNHANDLED_COMMAND` instead, and is done again with the signal
    /// (recorded scenario `wf_signal_unhandled_at_completion`).
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if the workflow has closed (recorded scenario `cancel_after_close`).
    pub fn signal(&mut self, workflow: WorkflowKey, name: Arc<str>, input: Payload, now: Time) -> Result<(), Refused> {
        let run = &mut self.workflows[workflow];
        if !run.is_open() {
            return Err(Refused::WORKFLOW_CLOSED);
        }
        let signal = run.signals.len();
        run.signals.push(Signal { name: name.clone(), input: input.clone() });
        self.outbox.news.push_back(News::SignalReceived { workflow, signal });
        self.record(workflow, now, EventKind::WorkflowExecutionSignaled { name, input }, None);
        self.want_task(workflow, now);
        Ok(())
    }

    /// Closes a workflow from outside. Its code is not notified: an open workflow task fails, and open activities get
    /// no event (recorded scenario `wf_terminate_activity_pending`).
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if the workflow has closed (recorded scenario `cancel_after_close`).
    pub fn terminate(&mut self, workflow: WorkflowKey, reason: Arc<str>, now: Time) -> Result<(), Refused> {
        if self.workflow(workflow).is_standalone_activity() {
            return self.terminate_standalone(workflow, reason);
        }
        if !self.workflow(workflow).is_open() {
            return Err(Refused::WORKFLOW_CLOSED);
        }
        self.force_task_closed(workflow, now);
        self.flush(workflow);
        self.close_workflow(workflow, WorkflowOutcome::Terminated { reason }, None, now);
        Ok(())
    }
}
