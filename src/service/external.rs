//! Signals and cancel requests from one workflow to another, and the delivery of all messages between workflows.

use std::sync::Arc;

use super::child::Child;
use super::history::EventKind;
use super::outbox::WorkflowMessage;
use super::{News, Service, WorkflowKey};
use crate::program::{ParentClosePolicy, Payload, Seq, Target, Time};

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

    /// Says whether the delivery of a message would change anything: the workflow that has sent it, or is to hear of it, is
    /// open, or it starts a child that its parent leaves alone.
    pub fn is_wanted(&self, message: WorkflowMessage) -> bool {
        match message {
            WorkflowMessage::StartChild { parent, child } => {
                let is_left_alone = |child: &Child| child.spec().parent_close_policy == ParentClosePolicy::Abandon;
                self.workflow(parent).is_open() || self.workflow(parent).child(child).is_some_and(is_left_alone)
            }
            WorkflowMessage::Signal { from, .. } | WorkflowMessage::Cancel { from, .. } => {
                self.workflow(from).is_open()
            }
            WorkflowMessage::ChildClosed { run } => {
                self.parent_of(run).is_some_and(|(parent, _)| self.workflow(parent).is_open())
            }
            WorkflowMessage::ParentClosed { .. } => true,
        }
    }

    /// The workflow that has started a run as its child, and the number of the child.
    pub fn parent_of(&self, run: WorkflowKey) -> Option<(WorkflowKey, Seq)> {
        self.workflow(run).parent
    }

    /// The child that a signal or a request to cancel is for, if that has not started and still may.
    pub fn unstarted_target(&self, message: WorkflowMessage) -> Option<(WorkflowKey, Seq)> {
        let (WorkflowMessage::Signal { from, initiated_event_id }
        | WorkflowMessage::Cancel { from, initiated_event_id }) = message
        else {
            return None;
        };
        let Some(Target::Child(seq)) = self.target_of(from, initiated_event_id) else { return None };
        self.workflow(from)
            .child(*seq)
            .is_some_and(|child| child.run().is_none() && child.is_open())
            .then_some((from, *seq))
    }

    /// The run that a signal from one workflow to another would reach now, if there is such an open one, with the name and
    /// the input of the signal.
    pub fn receiver(&self, message: WorkflowMessage) -> Option<(WorkflowKey, &Arc<str>, &Payload)> {
        let WorkflowMessage::Signal { from, initiated_event_id } = message else { return None };
        let EventKind::SignalExternalWorkflowExecutionInitiated { target, name, input, .. } =
            &self.history(from).get(initiated_event_id as usize - 1)?.kind
        else {
            return None;
        };
        let run = self.target(from, target).filter(|run| self.workflow(*run).is_open())?;
        Some((run, name, input))
    }

    fn target_of(&self, from: WorkflowKey, initiated_event_id: u64) -> Option<&Target> {
        match &self.history(from).get(initiated_event_id as usize - 1)?.kind {
            EventKind::SignalExternalWorkflowExecutionInitiated { target, .. }
            | EventKind::RequestCancelExternalWorkflowExecutionInitiated { target, .. } => Some(target),
            _ => None,
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
