//! Signals and cancel requests from one workflow to another, and the delivery of all messages between workflows.

use std::sync::Arc;

use super::history::EventKind;
use super::outbox::WorkflowMessage;
use super::{News, Service, WorkflowKey};
use crate::program::{Payload, Seq, Target, Time};

impl Service {
    /// Delivers a message between workflows.
    pub fn deliver(&mut self, message: WorkflowMessage, now: Time) {
        match message {
            WorkflowMessage::StartChild { parent, child } => self.start_child(parent, child, now),
            WorkflowMessage::Signal { from, initiated_event_id } => self.signal_other(from, initiated_event_id, now),
            WorkflowMessage::Cancel { from, initiated_event_id } => self.cancel_other(from, initiated_event_id, now),
            WorkflowMessage::ParentClosed { parent, child } => self.parent_closed(parent, child, now),
            WorkflowMessage::ChildClosed { run } => self.child_closed(run, now),
        }
    }

    /// Writes that a signal goes to another workflow, and sends it.
    pub(super) fn initiate_signal(
        &mut self,
        from: WorkflowKey,
        seq: Seq,
        target: &Target,
        name: &Arc<str>,
        input: &Payload,
        now: Time,
    ) {
        let event = EventKind::SignalExternalWorkflowExecutionInitiated {
            seq,
            target: target.clone(),
            name: Arc::clone(name),
            input: input.clone(),
        };
        let initiated_event_id = self.workflows[from].append(now, event);
        self.outbox.news.push_back(News::MessageInitiated { workflow: from, event_id: initiated_event_id });
        self.outbox.messages.push_back(WorkflowMessage::Signal { from, initiated_event_id });
    }

    /// Writes that another workflow is asked to cancel itself, and sends the request.
    pub(super) fn initiate_cancel(&mut self, from: WorkflowKey, seq: Seq, target: Target, reason: Arc<str>, now: Time) {
        let event = EventKind::RequestCancelExternalWorkflowExecutionInitiated { seq, target, reason };
        let initiated_event_id = self.workflows[from].append(now, event);
        self.outbox.news.push_back(News::MessageInitiated { workflow: from, event_id: initiated_event_id });
        self.outbox.messages.push_back(WorkflowMessage::Cancel { from, initiated_event_id });
    }

    /// The run that a message from this workflow is for. A workflow is no target of its own messages.
    ///
    /// Source: temporal `service/history/transfer_queue_active_task_executor.go` (`processSignalExecution`).
    fn target(&self, from: WorkflowKey, target: &Target) -> Option<WorkflowKey> {
        let run = match target {
            Target::Child(seq) => self.newest_in_chain(self.workflow(from).child(*seq)?.run()?),
            Target::Workflow { workflow_id, run_id: Some(run_id) } => self.run_of(workflow_id, run_id)?,
            Target::Workflow { workflow_id, run_id: None } => self.newest_run(workflow_id)?,
        };
        (run != from).then_some(run)
    }

    /// Delivers a signal. A workflow that has closed meanwhile sends none (recorded scenario
    /// `wf_child_cancel_try_cancel`, for a cancel).
    fn signal_other(&mut self, from: WorkflowKey, initiated_event_id: u64, now: Time) {
        if !self.workflow(from).is_open() {
            return;
        }
        let event = &self.history(from)[initiated_event_id as usize - 1].kind;
        let EventKind::SignalExternalWorkflowExecutionInitiated { seq, target, name, input } = event.clone() else {
            return;
        };
        let arrived = self.target(from, &target).is_some_and(|target| self.signal(target, name, input, now).is_ok());
        let event = EventKind::ExternalWorkflowExecutionSignaled { seq, initiated_event_id, arrived };
        self.tell(from, event, None, News::MessageAnswered { workflow: from, initiated_event_id, arrived }, now);
    }

    /// Delivers a request to cancel. A workflow that has closed meanwhile sends none (recorded scenario
    /// `wf_child_cancel_try_cancel`).
    fn cancel_other(&mut self, from: WorkflowKey, initiated_event_id: u64, now: Time) {
        if !self.workflow(from).is_open() {
            return;
        }
        let event = &self.history(from)[initiated_event_id as usize - 1].kind;
        let EventKind::RequestCancelExternalWorkflowExecutionInitiated { seq, target, reason } = event.clone() else {
            return;
        };
        let arrived = self.target(from, &target).is_some_and(|target| self.request_cancel(target, reason, now).is_ok());
        let of_child = matches!(target, Target::Child(_));
        let event = EventKind::ExternalWorkflowExecutionCancelRequested { seq, of_child, initiated_event_id, arrived };
        self.tell(from, event, None, News::MessageAnswered { workflow: from, initiated_event_id, arrived }, now);
    }
}
