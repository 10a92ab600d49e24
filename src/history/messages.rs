//! The events of children and of messages to other workflows.

use std::sync::Arc;

use super::HistoryProblem;
use super::event::{Reader, next};
use super::fields::Event;
use crate::program::{ChildSpec, Seq, Target};
use crate::service::{EventKind, WorkflowOutcome};

impl Reader<'_> {
    pub(super) fn of_message(&mut self, event: Event<'_>) -> Result<EventKind, HistoryProblem> {
        let fields = event.fields;
        let initiated = |reader: &Reader<'_>, known| reader.reference(event, "initiatedEventId", known);
        let arrived = event.known.starts_with("EXTERNAL_");
        Ok(match event.known {
            "START_CHILD_WORKFLOW_EXECUTION_INITIATED" => {
                let (id, name) = (fields.required("workflowId")?, fields.name_in("workflowType")?);
                let spec = Arc::new(ChildSpec::new(id, name, fields.payload("input")?));
                EventKind::StartChildWorkflowExecutionInitiated { seq: next(&mut self.counts.children), spec }
            }
            "START_CHILD_WORKFLOW_EXECUTION_FAILED" => {
                let initiated_event_id = initiated(self, CHILD)?;
                let seq = self.number_of(initiated_event_id);
                EventKind::StartChildWorkflowExecutionFailed { seq, initiated_event_id }
            }
            "CHILD_WORKFLOW_EXECUTION_STARTED" => {
                let initiated_event_id = initiated(self, CHILD)?;
                EventKind::ChildWorkflowExecutionStarted {
                    seq: self.number_of(initiated_event_id),
                    initiated_event_id,
                    run_id: fields.message_or_empty("workflowExecution")?.text("runId")?.into(),
                }
            }
            "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED" => EventKind::SignalExternalWorkflowExecutionInitiated {
                seq: next(&mut self.counts.signals),
                target: self.target(event)?,
                name: fields.text("signalName")?.into(),
                input: fields.payload("input")?,
            },
            "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED" | "EXTERNAL_WORKFLOW_EXECUTION_SIGNALED" => {
                let initiated_event_id = initiated(self, "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED")?;
                let seq = self.number_of(initiated_event_id);
                EventKind::ExternalWorkflowExecutionSignaled { seq, initiated_event_id, arrived }
            }
            "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED" => {
                EventKind::RequestCancelExternalWorkflowExecutionInitiated {
                    seq: next(&mut self.counts.cancels),
                    target: self.target(event)?,
                    reason: fields.text("reason")?.into(),
                }
            }
            "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED" | "EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED" => {
                let initiated_event_id = initiated(self, "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED")?;
                let seq = self.number_of(initiated_event_id);
                EventKind::ExternalWorkflowExecutionCancelRequested {
                    seq,
                    of_child: false,
                    initiated_event_id,
                    arrived,
                }
            }
            _ => {
                let initiated_event_id = initiated(self, CHILD)?;
                EventKind::ChildWorkflowExecutionClosed {
                    seq: self.number_of(initiated_event_id),
                    initiated_event_id,
                    started_event_id: self.reference(event, "startedEventId", "CHILD_WORKFLOW_EXECUTION_STARTED")?,
                    run_id: fields.message_or_empty("workflowExecution")?.text("runId")?.into(),
                    outcome: outcome(event)?,
                }
            }
        })
    }

    /// The workflow that a message is for. A replay learns from the code whether it is a child.
    fn target(&self, event: Event<'_>) -> Result<Target, HistoryProblem> {
        let execution = event.fields.message_or_empty("workflowExecution")?;
        let run_id = match execution.text("runId")? {
            "" => None,
            own if *own == *self.own_run.0 => Some(self.own_run.1.clone()),
            other => Some(other.into()),
        };
        Ok(Target::Workflow { workflow_id: execution.required("workflowId")?.into(), run_id })
    }

    /// The number of the command that an event was written for, which has a number for sure.
    fn number_of(&self, id: u64) -> Seq {
        match self.at(id) {
            EventKind::StartChildWorkflowExecutionInitiated { seq, .. }
            | EventKind::SignalExternalWorkflowExecutionInitiated { seq, .. }
            | EventKind::RequestCancelExternalWorkflowExecutionInitiated { seq, .. } => *seq,
            other => unreachable!("event {id} was said to be a command's and is {other:?}"),
        }
    }
}

const CHILD: &str = "START_CHILD_WORKFLOW_EXECUTION_INITIATED";

fn outcome(event: Event<'_>) -> Result<WorkflowOutcome, HistoryProblem> {
    let fields = event.fields;
    Ok(match event.known {
        "CHILD_WORKFLOW_EXECUTION_COMPLETED" => WorkflowOutcome::Completed(fields.value("result")?),
        "CHILD_WORKFLOW_EXECUTION_FAILED" => {
            WorkflowOutcome::Failed { failure: fields.failure("failure")?, retry_state: fields.retry_state()? }
        }
        "CHILD_WORKFLOW_EXECUTION_CANCELED" => WorkflowOutcome::Canceled(fields.details("details")?),
        "CHILD_WORKFLOW_EXECUTION_TIMED_OUT" => WorkflowOutcome::TimedOut { retry_state: fields.retry_state()? },
        _ => WorkflowOutcome::Terminated { reason: "".into() },
    })
}
