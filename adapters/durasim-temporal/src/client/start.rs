//! The start of a workflow.

use durasim::requests::{self, Start};
use durasim::service::WorkflowKey;
use temporalio_client::tonic::{Code, Status};

use super::answer::{refuse_header, run_id_of, status_of};
use super::{not_simulated, status};
use crate::payload::into_core;
use crate::retry::span;
use crate::sdk::enums::{WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy};
use crate::sdk::{StartWorkflowExecutionRequest, StartWorkflowExecutionResponse, errordetails};

/// Starts a workflow.
///
/// Source: temporal `service/frontend/errors.go`, `service/history/api/create_workflow_util.go`.
pub(super) fn start(request: StartWorkflowExecutionRequest) -> Result<StartWorkflowExecutionResponse, Status> {
    refuse_options(&request);
    refuse_header(request.header.clone(), "the start of a workflow");
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
    // Without retries and new runs, the timeout of all runs is as good as that of one.
    let timeouts = [span(request.workflow_execution_timeout), span(request.workflow_run_timeout)];
    let run_timeout = timeouts.into_iter().filter(|timeout| !timeout.is_zero()).min().unwrap_or_default();
    let input = into_core(&request.input.clone().unwrap_or_default().payloads);
    let start = Start::new(workflow_type, &*request.workflow_id, input).run_timeout(run_timeout);
    // A second run under an id is not simulated for this client, so that a run that has closed is in the way too.
    let before = requests::find(&request.workflow_id);
    match before.map_or_else(|| requests::start(start), Err) {
        Ok(started) => Ok(response(started, true)),
        Err(taken) => existing(&request, taken),
    }
}

fn response(workflow: WorkflowKey, started: bool) -> StartWorkflowExecutionResponse {
    let run_id = run_id_of(workflow);
    StartWorkflowExecutionResponse {
        first_execution_run_id: run_id.clone(),
        run_id,
        started,
        status: status_of(workflow).into(),
        ..Default::default()
    }
}

/// Answers where a workflow has had the id before.
fn existing(
    request: &StartWorkflowExecutionRequest,
    workflow: WorkflowKey,
) -> Result<StartWorkflowExecutionResponse, Status> {
    let refused = |words: &str| {
        let run_id = run_id_of(workflow);
        let message = format!("{words} WorkflowId: {}, RunId: {run_id}.", request.workflow_id);
        let start_request_id = request.request_id.clone();
        let detail =
            errordetails::WorkflowExecutionAlreadyStartedFailure { start_request_id, run_id, ..Default::default() };
        let name = "WorkflowExecutionAlreadyStartedFailure";
        Err(status::with_detail(Code::AlreadyExists, message, name, &detail))
    };
    if status_of(workflow) == WorkflowExecutionStatus::Running {
        return match request.workflow_id_conflict_policy() {
            WorkflowIdConflictPolicy::UseExisting => Ok(response(workflow, false)),
            WorkflowIdConflictPolicy::TerminateExisting => {
                not_simulated("starts a workflow that terminates the one with its id (`TerminateExisting`)")
            }
            WorkflowIdConflictPolicy::Unspecified | WorkflowIdConflictPolicy::Fail => {
                refused("Workflow execution is already running.")
            }
        };
    }
    let has_completed = status_of(workflow) == WorkflowExecutionStatus::Completed;
    match request.workflow_id_reuse_policy() {
        WorkflowIdReusePolicy::RejectDuplicate => refused("Workflow execution already finished."),
        WorkflowIdReusePolicy::AllowDuplicateFailedOnly if has_completed => {
            refused("Workflow execution already finished successfully.")
        }
        _ => not_simulated(&format!(
            "starts a second run under the workflow id `{}`, whose first run has closed",
            request.workflow_id
        )),
    }
}

/// Ends the run for an option that would change what happens.
fn refuse_options(request: &StartWorkflowExecutionRequest) {
    let has_metadata = request.user_metadata.is_some();
    let is_set = [
        (!request.cron_schedule.is_empty(), "a cron schedule"),
        (request.retry_policy.is_some(), "a retry policy of the workflow"),
        (request.memo.as_ref().is_some_and(|memo| !memo.fields.is_empty()), "a memo"),
        (
            request.search_attributes.as_ref().is_some_and(|attributes| !attributes.indexed_fields.is_empty()),
            "search attributes",
        ),
        (!span(request.workflow_task_timeout).is_zero(), "a timeout of workflow tasks"),
        (!span(request.workflow_start_delay).is_zero(), "a start delay"),
        (!request.completion_callbacks.is_empty(), "completion callbacks"),
        (!request.links.is_empty(), "links"),
        (request.versioning_override.is_some(), "a versioning override"),
        (has_metadata, "a static summary or static details"),
    ];
    if let Some((_, option)) = is_set.iter().find(|(is_set, _)| *is_set) {
        not_simulated(&format!("starts a workflow with {option}"));
    }
}
