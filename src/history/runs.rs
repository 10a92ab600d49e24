//! The start and the end of a run, and what it gets from outside.

use std::sync::Arc;

use super::HistoryProblem;
use super::fields::Event;
use super::seed::random_seed;
use crate::program::{Carried, Initiator, Parent, RunInfo};
use crate::service::EventKind;
use crate::service::origin::of_identity;

/// Reads an event of the run itself.
pub(super) fn kind(event: Event<'_>) -> Result<EventKind, HistoryProblem> {
    let fields = event.fields;
    let run = |name| -> Result<_, HistoryProblem> {
        let run_id = fields.text(name)?;
        Ok((!run_id.is_empty()).then(|| run_id.into()))
    };
    Ok(match event.known {
        "WORKFLOW_EXECUTION_STARTED" => EventKind::WorkflowExecutionStarted {
            info: Arc::new(info(event)?),
            input: fields.value("input")?,
            first_task_backoff: fields.span("firstWorkflowTaskBackoff")?,
        },
        "WORKFLOW_EXECUTION_SIGNALED" => EventKind::WorkflowExecutionSignaled {
            name: fields.required("signalName")?.into(),
            input: fields.value("input")?,
        },
        "WORKFLOW_EXECUTION_CANCEL_REQUESTED" => {
            EventKind::WorkflowExecutionCancelRequested { reason: fields.text("cause")?.into() }
        }
        "WORKFLOW_EXECUTION_COMPLETED" => EventKind::WorkflowExecutionCompleted { result: fields.payload("result")? },
        "WORKFLOW_EXECUTION_FAILED" => EventKind::WorkflowExecutionFailed {
            failure: fields.failure("failure")?,
            retry_state: fields.retry_state()?,
            new_run_id: run("newExecutionRunId")?,
        },
        "WORKFLOW_EXECUTION_CANCELED" => EventKind::WorkflowExecutionCanceled { details: fields.details("details")? },
        "WORKFLOW_EXECUTION_TIMED_OUT" => EventKind::WorkflowExecutionTimedOut {
            retry_state: fields.retry_state()?,
            new_run_id: run("newExecutionRunId")?,
        },
        "WORKFLOW_EXECUTION_CONTINUED_AS_NEW" => EventKind::WorkflowExecutionContinuedAsNew {
            new_run_id: fields.text("newExecutionRunId")?.into(),
            workflow_type: fields.name_in("workflowType")?.into(),
            task_queue: fields.message_or_empty("taskQueue")?.text("name")?.into(),
            input: fields.payload("input")?,
            run_timeout: fields.span("workflowRunTimeout")?,
            task_timeout: fields.span("workflowTaskTimeout")?,
        },
        _ => EventKind::WorkflowExecutionTerminated { reason: fields.text("reason")?.into() },
    })
}

/// Reads the facts about the run. Older services do not say its id: then it has the name of its type.
fn info(event: Event<'_>) -> Result<RunInfo, HistoryProblem> {
    let fields = event.fields;
    let workflow_type = fields.name_in("workflowType")?;
    let workflow_id = match fields.text("workflowId")? {
        "" => workflow_type,
        id => id,
    };
    // A simulation's own history says more: see there.
    let (run_id, seed) = of_identity(fields.text("identity")?).map_or_else(
        || {
            let run_id = fields.text("originalExecutionRunId")?;
            Ok((run_id.into(), random_seed(run_id)))
        },
        Ok,
    )?;
    let task_queue = fields.message_or_empty("taskQueue")?.text("name")?;
    let mut info = RunInfo::new(workflow_id, run_id, workflow_type, task_queue)
        .attempt(fields.small_number("attempt")?.max(1))
        .run_timeout(fields.span("workflowRunTimeout")?)
        .random_seed(seed)
        .started_at(event.at);
    let text = |name| -> Result<Option<_>, HistoryProblem> {
        let text = fields.text(name)?;
        Ok((!text.is_empty()).then(|| text.into()))
    };
    info.execution_timeout = fields.span("workflowExecutionTimeout")?;
    info.task_timeout = fields.span("workflowTaskTimeout")?;
    info.continued_run_id = text("continuedExecutionRunId")?;
    info.cron = text("cronSchedule")?;
    if let Some(first) = text("firstExecutionRunId")? {
        info.first_run_id = first;
    }
    info.initiator = match &*fields.choice("initiator", "CONTINUE_AS_NEW_INITIATOR_")? {
        "WORKFLOW" => Some(Initiator::Workflow),
        "RETRY" => Some(Initiator::Retry),
        "CRONSCHEDULE" => Some(Initiator::Cron),
        _ => None,
    };
    info.last_failure = fields.failure_if_any("continuedFailure")?;
    info.last_result = fields.get("lastCompletionResult").map(|_| fields.value("lastCompletionResult")).transpose()?;
    info.carried = Carried::default()
        .headers(fields.named("header", "fields")?)
        .memo(fields.named("memo", "fields")?)
        .search_attributes(fields.named("searchAttributes", "indexedFields")?);
    if let Some(parent) = fields.message("parentWorkflowExecution")? {
        let initiated = fields.number("parentInitiatedEventId")?;
        info.parent = Some(Parent::new(parent.text("workflowId")?, parent.text("runId")?, initiated));
    }
    Ok(info)
}
