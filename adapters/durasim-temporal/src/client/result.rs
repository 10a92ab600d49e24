//! The result of a workflow: the event that closes it.

use std::time::Duration;

use durasim::requests;
use durasim::service::{WorkflowKey, WorkflowOutcome};
use temporalio_client::tonic::Status;

use super::answer::{find, run_id_of, within};
use super::not_simulated;
use crate::failure;
use crate::payload::{details_from_core, from_core};
use crate::sdk::history::{self, HistoryEvent, history_event::Attributes};
use crate::sdk::{GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryResponse, ProtoPayloads, enums};

/// The server answers with nothing after so long, and the client asks again.
///
/// Source: temporal `common/dynamicconfig/constants.go`, `history.longPollExpirationInterval`.
const LONG_POLL: Duration = Duration::from_secs(20);

/// Waits in virtual time until a run has closed, and gives its last event, which names the run that follows it. The polls of a server are one wait here, unless
/// the caller does not wait as long as one of them.
pub(super) async fn result(
    request: GetWorkflowExecutionHistoryRequest,
    timeout: Option<Duration>,
) -> Result<GetWorkflowExecutionHistoryResponse, Status> {
    let waits = request.wait_new_event;
    if request.history_event_filter_type() != enums::HistoryEventFilterType::CloseEvent || !waits {
        not_simulated("reads the history of a workflow (`handle.fetch_history`)");
    }
    let workflow = find(request.execution.as_ref())?;
    let timeout = timeout.filter(|timeout| *timeout < LONG_POLL);
    let outcome = within(timeout, requests::closed(workflow)).await?;
    let history = history::History { events: vec![event(workflow, outcome)] };
    Ok(GetWorkflowExecutionHistoryResponse { history: Some(history), ..Default::default() })
}

fn event(workflow: WorkflowKey, outcome: WorkflowOutcome) -> HistoryEvent {
    let last = requests::inspect(|service| service.history(workflow).last().map(|event| (event.id, event.at)));
    let (event_id, at) = last.unzip();
    let (event_type, attributes) = attributes(outcome, next_run(workflow));
    HistoryEvent {
        event_id: event_id.map_or(0, |id| id as i64),
        event_time: at.map(|at| at.to_system_time().into()),
        event_type: event_type.into(),
        attributes: Some(attributes),
        ..Default::default()
    }
}

/// Gives the id of the run that follows a closed one; none is empty.
fn next_run(workflow: WorkflowKey) -> String {
    let next = requests::inspect(|service| service.workflow(workflow).successor());
    next.map(run_id_of).unwrap_or_default()
}

fn attributes(outcome: WorkflowOutcome, new_execution_run_id: String) -> (enums::EventType, Attributes) {
    use enums::EventType;
    match outcome {
        WorkflowOutcome::Completed(result) => {
            let result = Some(ProtoPayloads { payloads: from_core(&result) });
            let attributes = history::WorkflowExecutionCompletedEventAttributes {
                result,
                new_execution_run_id,
                ..Default::default()
            };
            let attributes = Attributes::WorkflowExecutionCompletedEventAttributes(attributes);
            (EventType::WorkflowExecutionCompleted, attributes)
        }
        WorkflowOutcome::Failed { failure, retry_state } => {
            let attributes = history::WorkflowExecutionFailedEventAttributes {
                failure: Some(failure::from_core(&failure)),
                retry_state: failure::retry_state_from_core(retry_state).into(),
                new_execution_run_id,
                ..Default::default()
            };
            (EventType::WorkflowExecutionFailed, Attributes::WorkflowExecutionFailedEventAttributes(attributes))
        }
        WorkflowOutcome::Canceled(details) => {
            let details = details_from_core(&details);
            let attributes = history::WorkflowExecutionCanceledEventAttributes { details, ..Default::default() };
            (EventType::WorkflowExecutionCanceled, Attributes::WorkflowExecutionCanceledEventAttributes(attributes))
        }
        WorkflowOutcome::TimedOut { retry_state } => {
            let attributes = history::WorkflowExecutionTimedOutEventAttributes {
                retry_state: failure::retry_state_from_core(retry_state).into(),
                new_execution_run_id,
            };
            (EventType::WorkflowExecutionTimedOut, Attributes::WorkflowExecutionTimedOutEventAttributes(attributes))
        }
        WorkflowOutcome::Terminated { reason } => {
            let reason = reason.to_string();
            let attributes = history::WorkflowExecutionTerminatedEventAttributes { reason, ..Default::default() };
            let attributes = Attributes::WorkflowExecutionTerminatedEventAttributes(attributes);
            (EventType::WorkflowExecutionTerminated, attributes)
        }
        WorkflowOutcome::ContinuedAsNew => {
            let attributes =
                history::WorkflowExecutionContinuedAsNewEventAttributes { new_execution_run_id, ..Default::default() };
            let attributes = Attributes::WorkflowExecutionContinuedAsNewEventAttributes(attributes);
            (EventType::WorkflowExecutionContinuedAsNew, attributes)
        }
        other => not_simulated(&format!("asks for the result of a workflow that has ended as {other:?}")),
    }
}
