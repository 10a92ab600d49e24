//! The ways of an event into a history: it gets there at once, or when the open workflow task has ended.

use super::history::{Buffered, EventKind};
use super::{ActivityKey, Service, WorkflowKey};
use crate::program::Time;

impl Service {
    /// Writes an event, or keeps it back while a workflow task is open.
    ///
    /// Source: temporal `service/history/historybuilder/event_store.go`.
    pub(super) fn record(&mut self, workflow: WorkflowKey, at: Time, kind: EventKind, activity: Option<ActivityKey>) {
        let run = &mut self.workflows[workflow];
        let event = Buffered { at, kind, activity };
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
        // Events that close an activity come last. Apart from this, the order of arrival stays.
        for event in buffered.extract_if(.., |event| !event.kind.closes_activity()) {
            self.write(workflow, event);
        }
        for event in buffered.drain(..) {
            self.write(workflow, event);
        }
        self.workflows[workflow].buffered = buffered;
        true
    }

    fn write(&mut self, workflow: WorkflowKey, event: Buffered) {
        let Buffered { at, mut kind, activity } = event;
        let run = &mut self.workflows[workflow];
        match activity.map(|key| &mut self.activities[key]) {
            Some(activity) if matches!(kind, EventKind::ActivityTaskStarted { .. }) => {
                activity.started_event_id = run.append(at, kind);
            }
            Some(activity) => {
                kind.refer_to_start(activity.started_event_id);
                run.append(at, kind);
            }
            None => {
                run.append(at, kind);
            }
        }
    }
}
