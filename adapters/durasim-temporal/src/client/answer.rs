//! The answers to requests for a workflow that there is: signal, query, cancel and terminate.
//!
//! The words of refusals are those of Temporal Server, `service/frontend/errors.go` and `service/history/consts/const.go`.

use std::time::Duration;

use durasim::requests;
use durasim::service::{WorkflowKey, WorkflowOutcome};
use futures_util::future::{Either, select};
use prost::Message;
use temporalio_client::callback_based::GrpcRequest;
use temporalio_client::tonic::{Code, Status};

use super::{not_simulated, status};
use crate::failure;
use crate::payload::{from_core, into_core};
use crate::sdk::{
    GetSystemInfoResponse, ProtoHeader, ProtoPayloads, ProtoWorkflowExecution, QueryRejected, QueryWorkflowRequest,
    QueryWorkflowResponse, RequestCancelWorkflowExecutionRequest, RequestCancelWorkflowExecutionResponse,
    SignalWorkflowExecutionRequest, SignalWorkflowExecutionResponse, SystemCapabilities,
    TerminateWorkflowExecutionRequest, TerminateWorkflowExecutionResponse, enums, errordetails,
};

/// Says what the service can. No run is asked.
pub(super) fn system_info() -> Vec<u8> {
    let capabilities = SystemCapabilities {
        internal_error_differentiation: true,
        activity_failure_include_heartbeat: true,
        encoded_failure_attributes: true,
        upsert_memo: true,
        ..Default::default()
    };
    let info = GetSystemInfoResponse { server_version: "1.32.0".to_owned(), capabilities: Some(capabilities) };
    info.encode_to_vec()
}

/// Finds the run that a request is for: the one it names, or the newest.
pub(super) fn find(execution: Option<&ProtoWorkflowExecution>) -> Result<WorkflowKey, Status> {
    let Some(ProtoWorkflowExecution { workflow_id, run_id }) = execution else {
        return Err(Status::invalid_argument("Execution is not set on request."));
    };
    if workflow_id.is_empty() {
        return Err(Status::invalid_argument("WorkflowId is not set on request."));
    }
    let newest = requests::find(workflow_id);
    let newest = newest.ok_or_else(|| status::not_found(format!("workflow not found for ID: {workflow_id}")))?;
    if run_id.is_empty() {
        return Ok(newest);
    }
    requests::find_run(workflow_id, run_id).ok_or_else(|| {
        status::not_found(format!("workflow execution not found for workflow ID {workflow_id:?} and run ID {run_id:?}"))
    })
}

/// Looks whether the chain of a run began with the run that the caller means.
fn look_at_first_run(workflow: WorkflowKey, run_id: &str) -> Result<(), Status> {
    if run_id.is_empty() || run_id == first_run_id_of(workflow) {
        return Ok(());
    }
    Err(status::not_found("workflow execution not found"))
}

/// Gives the id of a run.
pub(super) fn run_id_of(workflow: WorkflowKey) -> String {
    requests::inspect(|service| service.workflow(workflow).info().run_id.to_string())
}

/// Gives the id of the first run of a chain.
pub(super) fn first_run_id_of(workflow: WorkflowKey) -> String {
    requests::inspect(|service| service.workflow(workflow).info().first_run_id.to_string())
}

/// Ends the run for headers, of which code of workflows would see nothing.
pub(super) fn refuse_header(header: Option<ProtoHeader>, of: &str) {
    if header.is_some_and(|header| !header.fields.is_empty()) {
        not_simulated(&format!("gives a header to {of}"));
    }
}

pub(super) async fn signal(request: SignalWorkflowExecutionRequest) -> Result<SignalWorkflowExecutionResponse, Status> {
    refuse_header(request.header, "a signal");
    let workflow = find(request.workflow_execution.as_ref())?;
    if request.signal_name.is_empty() {
        return Err(Status::invalid_argument("SignalName is not set on request."));
    }
    let input = into_core(&request.input.unwrap_or_default().payloads);
    let is_for_run = request.workflow_execution.is_some_and(|execution| !execution.run_id.is_empty());
    let send = if is_for_run { requests::signal_run } else { requests::signal };
    let sent = send(workflow, &request.signal_name, input).await;
    sent.map_err(|refused| status::of_refused(&refused))?;
    Ok(SignalWorkflowExecutionResponse::default())
}

/// The server's code answers a query with the failure of the workflow's code as one of the request.
pub(super) async fn query(
    request: QueryWorkflowRequest,
    timeout: Option<Duration>,
) -> Result<QueryWorkflowResponse, Status> {
    let rejects = request.query_reject_condition();
    let workflow = find(request.execution.as_ref())?;
    let query = request.query.ok_or_else(|| Status::invalid_argument("WorkflowQuery is not set on request."))?;
    if query.query_type.is_empty() {
        return Err(Status::invalid_argument("QueryType is not set on request."));
    }
    refuse_header(query.header, "a query");
    let status = status_of(workflow);
    let is_rejected = match rejects {
        enums::QueryRejectCondition::NotOpen => status != enums::WorkflowExecutionStatus::Running,
        enums::QueryRejectCondition::NotCompletedCleanly => {
            use enums::WorkflowExecutionStatus::{Completed, ContinuedAsNew, Running};
            ![Running, Completed, ContinuedAsNew].contains(&status)
        }
        _ => false,
    };
    if is_rejected {
        let query_rejected = Some(QueryRejected { status: status.into() });
        return Ok(QueryWorkflowResponse { query_rejected, ..Default::default() });
    }
    let input = into_core(&query.query_args.unwrap_or_default().payloads);
    match within(timeout, requests::query(workflow, &query.query_type, input)).await? {
        Ok(answer) => {
            let query_result = Some(ProtoPayloads { payloads: from_core(&answer) });
            Ok(QueryWorkflowResponse { query_result, ..Default::default() })
        }
        Err(failure) => {
            let detail = errordetails::QueryFailedFailure { failure: Some(failure::from_core(&failure)) };
            let message = failure.message.to_string();
            Err(status::with_detail(Code::InvalidArgument, message, "QueryFailedFailure", &detail))
        }
    }
}

pub(super) fn cancel(
    request: RequestCancelWorkflowExecutionRequest,
) -> Result<RequestCancelWorkflowExecutionResponse, Status> {
    let workflow = find(request.workflow_execution.as_ref())?;
    look_at_first_run(workflow, &request.first_execution_run_id)?;
    requests::cancel(workflow, &request.reason).map_err(|refused| status::of_refused(&refused))?;
    Ok(RequestCancelWorkflowExecutionResponse::default())
}

pub(super) fn terminate(
    request: TerminateWorkflowExecutionRequest,
) -> Result<TerminateWorkflowExecutionResponse, Status> {
    let workflow = find(request.workflow_execution.as_ref())?;
    look_at_first_run(workflow, &request.first_execution_run_id)?;
    if request.details.is_some_and(|details| !details.payloads.is_empty()) {
        not_simulated("gives details to the termination of a workflow");
    }
    requests::terminate(workflow, &request.reason).map_err(|refused| status::of_refused(&refused))?;
    Ok(TerminateWorkflowExecutionResponse::default())
}

/// Says in the protocol's words how a workflow stands.
pub(super) fn status_of(workflow: WorkflowKey) -> enums::WorkflowExecutionStatus {
    requests::inspect(|service| match service.workflow(workflow).outcome() {
        None => enums::WorkflowExecutionStatus::Running,
        Some(WorkflowOutcome::Completed(_)) => enums::WorkflowExecutionStatus::Completed,
        Some(WorkflowOutcome::Failed { .. }) => enums::WorkflowExecutionStatus::Failed,
        Some(WorkflowOutcome::Canceled(_)) => enums::WorkflowExecutionStatus::Canceled,
        Some(WorkflowOutcome::TimedOut { .. }) => enums::WorkflowExecutionStatus::TimedOut,
        Some(WorkflowOutcome::Terminated { .. }) => enums::WorkflowExecutionStatus::Terminated,
        Some(WorkflowOutcome::ContinuedAsNew) => enums::WorkflowExecutionStatus::ContinuedAsNew,
        Some(_) => enums::WorkflowExecutionStatus::Unspecified,
    })
}

/// Waits for an answer, for no longer than the caller does.
pub(super) async fn within<T>(timeout: Option<Duration>, answer: impl Future<Output = T> + Unpin) -> Result<T, Status> {
    let Some(timeout) = timeout else { return Ok(answer.await) };
    let sleep = durasim::time::sleep(timeout);
    match select(answer, sleep).await {
        Either::Left((answer, _)) => Ok(answer),
        Either::Right(_) => Err(Status::deadline_exceeded("Timeout expired")),
    }
}

/// Gives the time that the caller waits for an answer, as gRPC writes it: `30000000u`.
pub(super) fn timeout(request: &GrpcRequest) -> Option<Duration> {
    let text = request.headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count.saturating_mul(3_600)),
        "M" => Duration::from_secs(count.saturating_mul(60)),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}
