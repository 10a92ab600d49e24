//! Children, and the messages of workflows to each other.

use super::core::Core;
use crate::program::{Seq, Target};
use crate::service::{EventKind, News, WorkflowKey};
use crate::trace::{Bytes, What, Who};

impl Core {
    /// Delivers the messages that workflows have sent to each other.
    pub(super) fn deliver_between_workflows(&mut self) {
        while let Some(message) = self.service.outbox.messages.pop_front() {
            self.service.deliver(message, self.agenda.now());
        }
    }

    pub(super) fn note_between_workflows(&mut self, news: News) {
        let (workflow, what) = match news {
            News::ChildInitiated { workflow, child } => {
                (workflow, What::ChildInitiated { child, id: self.id_of_child(workflow, child) })
            }
            News::ChildStarted { workflow, child } => {
                let started = self.service.workflow(workflow).child(child).is_some_and(|child| child.run().is_some());
                (workflow, if started { What::ChildStarted(child) } else { What::ChildRefused(child) })
            }
            News::ChildClosed { workflow, child } => (workflow, What::ChildClosed(child)),
            News::MessageInitiated { workflow, event_id } => {
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
