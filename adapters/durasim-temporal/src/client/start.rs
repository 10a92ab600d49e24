//! The start of a workflow, alone and with a signal.

use durasim::program::{Carried, IdConflictPolicy};
use durasim::requests::{self, Start};
use durasim::service::{Code as CoreCode, Refused};
use temporalio_client::tonic::{Code, Status};

use super::answer::{first_run_id_of, run_id_of, status_of};
use super::{not_simulated, status};
use crate::payload::{into_core, named_into_core};
use crate::policy::{id_conflict, id_reuse};
use crate::retry::{self, span};
use crate::sdk::enums::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy};
use crate::sdk::{
    SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse, StartWorkflowExecutionRequest,
    StartWorkflowExecutionResponse, errordetails,
};

/// Starts a workflow.
///
/// Source: temporal `service/frontend/errors.go`, `service/history/api/create_workflow_util.go`.
pub(super) fn start(request: StartWorkflowExecutionRequest) -> Result<StartWorkflowExecutionResponse, Status> {
    let begin = begin(&request)?;
    let started = requests::start(begin).map_err(|refused| refusal(&request, &refused))?;
    Ok(StartWorkflowExecutionResponse {
        run_id: run_id_of(started.workflow),
        first_execution_run_id: first_run_id_of(started.workflow),
        started: started.is_new,
        status: status_of(started.workflow).into(),
        ..Default::default()
    })
}

/// Signals the open workflow of an id, or one that it starts first.
///
/// Source: temporal `service/frontend/workflow_handler.go` (`SignalWithStartWorkflowExecution`).
pub(super) fn signal_with_start(
    request: SignalWithStartWorkflowExecutionRequest,
) -> Result<SignalWithStartWorkflowExecutionResponse, Status> {
    let (name, signal_input) = (request.signal_name.clone(), request.signal_input.clone().unwrap_or_default());
    let request = start_of(request);
    let begin = begin(&request)?;
    if name.is_empty() {
        return Err(Status::invalid_argument("SignalName is not set on request."));
    }
    if request.workflow_id_conflict_policy() == WorkflowIdConflictPolicy::Fail {
        return Err(Status::invalid_argument(
            "Invalid WorkflowIDConflictPolicy: WORKFLOW_ID_CONFLICT_POLICY_FAIL is not supported for this operation.",
        ));
    }
    let started = requests::signal_with_start(begin, &name, into_core(&signal_input.payloads));
    let started = started.map_err(|refused| refusal(&request, &refused))?;
    Ok(SignalWithStartWorkflowExecutionResponse {
        run_id: run_id_of(started.workflow),
        started: started.is_new,
        ..Default::default()
    })
}

fn start_of(request: SignalWithStartWorkflowExecutionRequest) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        workflow_id: request.workflow_id,
        workflow_type: request.workflow_type,
        task_queue: request.task_queue,
        input: request.input,
        workflow_execution_timeout: request.workflow_execution_timeout,
        workflow_run_timeout: request.workflow_run_timeout,
        workflow_task_timeout: request.workflow_task_timeout,
        request_id: request.request_id,
        workflow_id_reuse_policy: request.workflow_id_reuse_policy,
        workflow_id_conflict_policy: request.workflow_id_conflict_policy,
        retry_policy: request.retry_policy,
        cron_schedule: request.cron_schedule,
        memo: request.memo,
        search_attributes: request.search_attributes,
        header: request.header,
        workflow_start_delay: request.workflow_start_delay,
        user_metadata: request.user_metadata,
        links: request.links,
        versioning_override: request.versioning_override,
        ..Default::default()
    }
}

/// Takes the start that a request is for.
fn begin(request: &StartWorkflowExecutionRequest) -> Result<Start, Status> {
    refuse_options(request);
    if request.workflow_id.is_empty() {
        return Err(Status::invalid_argument("WorkflowId is not set on request."));
    }
    let workflow_type = request.workflow_type.as_ref().map(|kind| &*kind.name).unwrap_or_default();
    if workflow_type.is_empty() {
        return Err(Status::invalid_argument("WorkflowType is not set on request."));
    }
    if request.task_queue.as_ref().is_none_or(|queue| queue.name.is_empty()) {
        return Err(Status::invalid_argument("TaskQueue is not set on request."));
    }
    let input = into_core(&request.input.clone().unwrap_or_default().payloads);
    let begin = Start::new(workflow_type, &*request.workflow_id, input)
        .execution_timeout(span(request.workflow_execution_timeout))
        .run_timeout(span(request.workflow_run_timeout))
        .task_timeout(span(request.workflow_task_timeout))
        .start_delay(span(request.workflow_start_delay))
        .carrying(carried(request));
    let begin = match &*request.cron_schedule {
        "" => begin,
        schedule => begin.cron(schedule),
    };
    let begin = match &request.retry_policy {
        Some(policy) => begin.retry(retry::into_core(policy)),
        None => begin,
    };
    let (reuse, conflict) = (request.workflow_id_reuse_policy(), request.workflow_id_conflict_policy());
    let Some(id_reuse) = id_reuse(reuse) else {
        if conflict != WorkflowIdConflictPolicy::Unspecified {
            return Err(Status::invalid_argument(
                "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING cannot be used together with a \
                 WorkflowIDConflictPolicy",
            ));
        }
        return Ok(begin.id_conflict(IdConflictPolicy::TerminateExisting));
    };
    if conflict == WorkflowIdConflictPolicy::TerminateExisting && reuse == WorkflowIdReusePolicy::RejectDuplicate {
        return Err(Status::invalid_argument(
            "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE cannot be used together with \
             WorkflowIdConflictPolicy WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING",
        ));
    }
    Ok(begin.id_reuse(id_reuse).id_conflict(id_conflict(conflict)))
}

/// The values that the workflow carries beside its input.
fn carried(request: &StartWorkflowExecutionRequest) -> Carried {
    let headers = request.header.clone().unwrap_or_default().fields;
    let memo = request.memo.clone().unwrap_or_default().fields;
    let search_attributes = request.search_attributes.clone().unwrap_or_default().indexed_fields;
    Carried::default()
        .headers(named_into_core(headers))
        .memo(named_into_core(memo))
        .search_attributes(named_into_core(search_attributes))
}

/// Says that a start is refused. Where the id is taken, the client learns of the run that has it.
fn refusal(request: &StartWorkflowExecutionRequest, refused: &Refused) -> Status {
    if refused.code != CoreCode::AlreadyExists {
        return status::of_refused(refused);
    }
    let run_id = requests::find(&request.workflow_id).map(run_id_of).unwrap_or_default();
    let start_request_id = request.request_id.clone();
    let detail =
        errordetails::WorkflowExecutionAlreadyStartedFailure { start_request_id, run_id, ..Default::default() };
    let name = "WorkflowExecutionAlreadyStartedFailure";
    status::with_detail(Code::AlreadyExists, refused.message.to_string(), name, &detail)
}

/// Ends the run for an option that would change what happens.
fn refuse_options(request: &StartWorkflowExecutionRequest) {
    let has_metadata = request.user_metadata.is_some();
    let is_set = [
        (!request.completion_callbacks.is_empty(), "completion callbacks"),
        (!request.links.is_empty(), "links"),
        (request.versioning_override.is_some(), "a versioning override"),
        (has_metadata, "a static summary or static details"),
    ];
    if let Some((_, option)) = is_set.iter().find(|(is_set, _)| *is_set) {
        not_simulated(&format!("starts a workflow with {option}"));
    }
}
