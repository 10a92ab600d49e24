//! The ways of an event into a history: it gets there at once, or when the open workflow task has ended.

use super::history::{Buffered, EventKind, Subject};
use super::{Service, WorkflowKey};
use crate::program::Time;

impl Service {
    /// Writes an event, or keeps it back while a workflow task is open.
    ///
    /// Source: temporal `service/history/historybuilder/event_store.go`.
    pub(super) fn record(&mut self, workflow: WorkflowKey, at: Time, kind: EventKind, subject: Option<Subject>) {
        self.make_task_normal(workflow);
        let run = &mut self.workflows[workflow];
        let event = Buffered { at, kind, subject };
        if run.task.is_started() {
            run.buffered.push(event);
        } else {
            self.write(workflow, event);
        }
    }

    /// Writes the events that were kept back. Says whether there were any.
    pub(super) fn flush(&mut self, workflow: WorkflowKey) -> bool {
        let mut buffered = std::mem::take(&mut self.workflows[workflow].buffered);
        if buffered.is_empty() {
            return false;
        }
        // Events that close an activity or a child come last. Apart from this, the order of arrival stays.
        for event in buffered.extract_if(.., |event| !event.kind.comes_last()) {
            self.write(workflow, event);
        }
        for event in buffered.drain(..) {
            self.write(workflow, event);
        }
        self.workflows[workflow].buffered = buffered;
        true
    }

    fn write(&mut self, workflow: WorkflowKey, event: Buffered) {
        let Buffered { at, mut kind, subject } = event;
        let run = &mut self.workflows[workflow];
        let is_start =
            matches!(kind, EventKind::ActivityTaskStarted { .. } | EventKind::ChildWorkflowExecutionStarted { .. });
        let id = run.next_event_id();
        let started_event_id = match subject {
            Some(Subject::Activity(key)) => Some(&mut self.activities[key].started_event_id),
            Some(Subject::Child(seq)) => run.child_mut(seq).map(|child| &mut child.started_event_id),
            None => None,
        };
        match started_event_id {
            Some(started_event_id) if is_start => *started_event_id = id,
            Some(started_event_id) => kind.refer_to_start(*started_event_id),
            None => {}
        }
        run.append(at, kind);
    }
}
