//! [`Numbers`]: the numbers of commands, which a history that was recorded elsewhere does not say.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::replay::{commands_of, is_compared};
use crate::program::{ActivityId, Command, Seq, Target};
use crate::service::{EventKind, HistoryEvent};

/// The numbers that the code has given to its children and messages, by the events that its commands have brought about.
///
/// A server's history names an activity by its id, a child by that of the workflow, and a message by the event before it. The code
/// knows all of them by numbers of its own, and so does a history here: a replay takes over those of the code where its
/// command is the history's.
#[derive(Default)]
pub(crate) struct Numbers {
    of_event: BTreeMap<u64, Seq>,
    /// The children's ids.
    children: BTreeMap<Seq, Arc<str>>,
    /// The events by which children are asked to cancel themselves.
    cancelled_children: BTreeSet<u64>,
    /// The number of events that have the numbers of the code.
    numbered: usize,
}

impl Numbers {
    /// Numbers the events up to the next answer to a task, as the commands before them have them.
    pub(crate) fn number_news(&mut self, history: &mut [HistoryEvent]) {
        let is_answer = |event: &HistoryEvent| matches!(event.kind, EventKind::WorkflowTaskCompleted { .. });
        let from = self.numbered;
        let end = history[from..].iter().position(is_answer).map_or(history.len(), |index| from + index + 1);
        for event in &mut history[from..end] {
            match &mut event.kind {
                EventKind::StartChildWorkflowExecutionFailed { seq, initiated_event_id }
                | EventKind::ChildWorkflowExecutionStarted { seq, initiated_event_id, .. }
                | EventKind::ChildWorkflowExecutionClosed { seq, initiated_event_id, .. }
                | EventKind::ExternalWorkflowExecutionSignaled { seq, initiated_event_id, .. }
                | EventKind::ExternalWorkflowExecutionCancelRequested { seq, initiated_event_id, .. } => {
                    if let Some(number) = self.of_event.get(initiated_event_id) {
                        *seq = *number;
                    }
                }
                _ => {}
            }
            if let EventKind::ExternalWorkflowExecutionCancelRequested { of_child, initiated_event_id, .. } =
                &mut event.kind
            {
                *of_child = self.cancelled_children.contains(initiated_event_id);
            }
        }
        self.numbered = end;
    }

    /// Takes over the numbers of the commands with which a task was answered, as far as they are the history's.
    pub(crate) fn learn(&mut self, history: &mut [HistoryEvent], answer: Range<usize>, commands: &[Command]) {
        let events: Vec<usize> = commands_of(history, answer).collect();
        let compared = commands.iter().filter(|command| is_compared(command));
        for (index, command) in events.into_iter().zip(compared) {
            self.learn_one(&mut history[index], command);
        }
    }

    fn learn_one(&mut self, event: &mut HistoryEvent, command: &Command) {
        match (&mut event.kind, command) {
            (EventKind::ActivityTaskScheduled { seq, id, .. }, Command::ScheduleActivity { seq: number, spec }) => {
                let chosen = spec.activity_id.clone().map_or(ActivityId::Seq(*number), ActivityId::Named);
                if chosen.to_string() == id.to_string() {
                    (*seq, *id) = (*number, chosen);
                }
            }
            (
                EventKind::StartChildWorkflowExecutionInitiated { seq, spec },
                Command::StartChild { seq: number, spec: asked },
            ) if spec.workflow_id == asked.workflow_id => {
                *seq = *number;
                self.of_event.insert(event.id, *number);
                self.children.insert(*number, spec.workflow_id.clone());
            }
            (
                EventKind::SignalExternalWorkflowExecutionInitiated { seq, target, .. },
                Command::SignalWorkflow { seq: number, target: asked, .. },
            ) if self.is_same(target, asked) => {
                (*seq, *target) = (*number, asked.clone());
                self.of_event.insert(event.id, *number);
            }
            (
                EventKind::RequestCancelExternalWorkflowExecutionInitiated { seq, target, .. },
                Command::CancelWorkflow { seq: number, target: asked, .. },
            ) if self.is_same(target, asked) => {
                (*seq, *target) = (*number, asked.clone());
                self.of_event.insert(event.id, *number);
            }
            (
                EventKind::RequestCancelExternalWorkflowExecutionInitiated { seq, target, .. },
                Command::CancelChild { seq: number, .. },
            ) if self.is_same(target, &Target::Child(*number)) => {
                (*seq, *target) = (*number, Target::Child(*number));
                self.of_event.insert(event.id, *number);
                self.cancelled_children.insert(event.id);
            }
            _ => {}
        }
    }

    /// Says whether the code means the workflow that the history names.
    fn is_same(&self, recorded: &Target, asked: &Target) -> bool {
        match (recorded, asked) {
            (Target::Workflow { workflow_id, .. }, Target::Child(child)) => {
                self.children.get(child) == Some(workflow_id)
            }
            (recorded, asked) => recorded == asked,
        }
    }
}
