//! The events of updates.

use super::HistoryProblem;
use super::event::Reader;
use super::fields::Event;
use crate::service::EventKind;

impl Reader<'_> {
    pub(super) fn of_update(&self, event: Event<'_>) -> Result<EventKind, HistoryProblem> {
        let fields = event.fields;
        if event.known == "WORKFLOW_EXECUTION_UPDATE_ACCEPTED" {
            let request = fields.message_or_empty("acceptedRequest")?;
            let input = request.message_or_empty("input")?;
            return Ok(EventKind::WorkflowExecutionUpdateAccepted {
                update_id: request.message_or_empty("meta")?.required("updateId")?.into(),
                name: input.required("name")?.into(),
                input: input.value("args")?,
                sequencing_event_id: fields.number("acceptedRequestSequencingEventId")?,
            });
        }
        let outcome = fields.message_or_empty("outcome")?;
        Ok(EventKind::WorkflowExecutionUpdateCompleted {
            update_id: fields.message_or_empty("meta")?.required("updateId")?.into(),
            accepted_event_id: self.reference(event, "acceptedEventId", "WORKFLOW_EXECUTION_UPDATE_ACCEPTED")?,
            outcome: match outcome.failure_if_any("failure")? {
                Some(failure) => Err(failure),
                None => Ok(outcome.payload("success")?),
            },
        })
    }
}
