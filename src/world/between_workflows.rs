//! Children, and the messages of workflows to each other.

use super::agenda::Wakeup;
use super::core::Core;
use super::holds::HeldBack;
use super::network::{Between, BetweenKey};
use crate::fault::{Fault, Observable, Site};
use crate::program::{Seq, Target};
use crate::service::{EventKind, News, WorkflowKey, WorkflowMessage};
use crate::trace::{Bytes, What, Who};

impl Core {
    /// Delivers the messages that workflows have sent to each other.
    pub(super) fn deliver_between_workflows(&mut self) {
        while let Some(message) = self.service.outbox.messages.pop_front() {
            self.send_between(message);
        }
    }

    /// A message leaves the workflow that has sent it. A server never loses one, but its queue may be slow: the message is
    /// late then, or held. One for a child whose start is late leaves behind that start.
    fn send_between(&mut self, message: WorkflowMessage) {
        if let Some(child) = self.service.unstarted_target(message) {
            return self.network.wait_for_child(child, message);
        }
        let Some((workflow, site)) = self.site_between(message) else { return self.arrive_between(message) };
        let fault = self.strike_workflow(workflow, site);
        if self.keep_back(workflow, fault, Between { message, receiver: None }) {
            return;
        }
        self.arrive_between(message);
        if fault == Some(Fault::Cancel) {
            self.cancel_workflow(workflow);
        }
    }

    /// The site at which a message may be struck, with its workflow: that which has sent it, or is to hear of it. Those that a
    /// closed workflow has sent have none.
    fn site_between(&self, message: WorkflowMessage) -> Option<(WorkflowKey, Site)> {
        let (workflow, site) = match message {
            WorkflowMessage::StartChild { parent, child } => (parent, Site::Child(child)),
            WorkflowMessage::ChildClosed { run } => {
                let (parent, child) = self.service.parent_of(run)?;
                (parent, Site::ChildEnd(child))
            }
            WorkflowMessage::Signal { from, initiated_event_id }
            | WorkflowMessage::Cancel { from, initiated_event_id } => {
                (from, Site::Message(self.workflows[from].message_number(initiated_event_id)))
            }
            WorkflowMessage::ParentClosed { .. } => return None,
        };
        self.service.workflow(workflow).is_open().then_some((workflow, site))
    }

    /// A message arrives at the workflow that it is for. A signal may be struck there, as one that comes from outside.
    fn arrive_between(&mut self, message: WorkflowMessage) {
        let receiver = self.service.receiver(message).map(|(receiver, ..)| receiver);
        let Some(receiver) = receiver.filter(|_| self.service.is_wanted(message)) else {
            return self.deliver_message(message);
        };
        // It may have started just now, and the news of that wait behind this message.
        self.note_news();
        let number = self.workflows[receiver].count_signal();
        let fault = self.strike_workflow(receiver, Site::Signal(number));
        if self.keep_back(receiver, fault, Between { message, receiver: Some((receiver, number)) }) {
            return;
        }
        self.deliver_message(message);
        match fault {
            Some(Fault::Cancel) => self.cancel_workflow(receiver),
            Some(Fault::Duplicated) => self.deliver_again(message),
            _ => {}
        }
    }

    /// Keeps a message back, if the fault says so, and says whether it does.
    fn keep_back(&mut self, workflow: WorkflowKey, fault: Option<Fault>, between: Between) -> bool {
        let Some(fault @ (Fault::Delayed(_) | Fault::Behind(_) | Fault::NextTask(_))) = fault else { return false };
        let key = self.network.send_between(between);
        match fault.length() {
            Some(length) => self.agenda.wake_at(self.agenda.after(length), Wakeup::Between(key)),
            None => self.hold_back(workflow, Who::Workflow(workflow), fault, HeldBack::Between(key)),
        }
        true
    }

    /// A message that was kept back goes on.
    pub(super) fn between_goes_on(&mut self, key: BetweenKey) {
        let Some(Between { message, receiver }) = self.network.between_arrives(key) else { return };
        match receiver {
            Some(sent_to) => {
                // Nobody hears of one whose receiver has closed for good.
                if let Some(run) = self.service.receiver(message).map(|(run, ..)| run) {
                    self.signal_gets_to(run, sent_to);
                }
                self.deliver_message(message);
            }
            None => self.arrive_between(message),
        }
        if let WorkflowMessage::StartChild { parent, child } = message {
            let waiting = self.network.take_waiting_for_child((parent, child));
            self.serve(|service, _| service.outbox.messages.extend(waiting));
        }
    }

    fn deliver_message(&mut self, message: WorkflowMessage) {
        self.serve(|service, now| service.deliver(message, now));
    }

    /// A signal arrives twice.
    fn deliver_again(&mut self, message: WorkflowMessage) {
        let Some((receiver, name, input)) = self.service.receiver(message) else { return };
        let (name, input) = (name.clone(), input.clone());
        // A workflow that has closed meanwhile hears of neither.
        let _ = self.serve(|service, now| service.signal(receiver, name, input, now));
    }

    /// Says whether a message that was kept back still means something.
    pub(super) fn is_wanted(&self, key: BetweenKey) -> bool {
        self.network.between(key).is_some_and(|message| self.service.is_wanted(message))
    }

    /// Says whether a message that was kept back still means something.
    pub(super) fn has_wanted_messages(&self) -> bool {
        self.network.all_between().any(|message| self.service.is_wanted(message))
    }

    pub(super) fn note_between_workflows(&mut self, news: News) {
        let (workflow, what) = match news {
            News::ChildInitiated { workflow, child } => {
                (workflow, What::ChildInitiated { child, id: self.id_of_child(workflow, child) })
            }
            News::ChildStarted { workflow, child } => {
                let started = self.service.workflow(workflow).child(child).is_some_and(|child| child.run().is_some());
                if !started {
                    return self.note_observed(workflow, Observable::Child(child), What::ChildRefused(child));
                }
                (workflow, What::ChildStarted(child))
            }
            News::ChildClosed { workflow, child } => {
                return self.note_observed(workflow, Observable::Child(child), What::ChildClosed(child));
            }
            News::MessageInitiated { workflow, event_id } => {
                self.workflows[workflow].message_sent(event_id);
                let (to, is_cancel) = self.message(workflow, event_id);
                (workflow, if is_cancel { What::CancelSent(to) } else { What::SignalSent(to) })
            }
            News::MessageAnswered { workflow, initiated_event_id, arrived } => {
                let (to, is_cancel) = self.message(workflow, initiated_event_id);
                (workflow, What::MessageAnswered { to, is_cancel, arrived })
            }
            _ => return,
        };
        self.note(Who::Workflow(workflow), what);
    }

    /// The workflow id that a message is for, and whether it is a request to cancel.
    fn message(&mut self, from: WorkflowKey, event_id: u64) -> (Bytes, bool) {
        let (target, is_cancel) = match &self.service.history(from)[event_id as usize - 1].kind {
            EventKind::SignalExternalWorkflowExecutionInitiated { target, .. } => (target.clone(), false),
            EventKind::RequestCancelExternalWorkflowExecutionInitiated { target, .. } => (target.clone(), true),
            other => unreachable!("event {event_id} should have initiated a message but is {other:?}"),
        };
        let to = match target {
            Target::Child(child) => self.id_of_child(from, child),
            Target::Workflow { workflow_id, .. } => self.trace.store(workflow_id.as_bytes()),
        };
        (to, is_cancel)
    }

    fn id_of_child(&mut self, parent: WorkflowKey, child: Seq) -> Bytes {
        let Core { trace, service, .. } = self;
        let id = service.workflow(parent).child(child).map(|child| child.spec().workflow_id.as_bytes());
        trace.store(id.unwrap_or_default())
    }
}
