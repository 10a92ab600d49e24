//! The description of a workflow.

use durasim::Time;
use durasim::program::ParentClosePolicy;
use durasim::requests;
use temporalio_client::tonic::Status;

use super::answer::{find, status_of};
use crate::activity::context::NAMESPACE;
use crate::failure;
use crate::payload::details_from_core;
use crate::retry::proto;
use crate::sdk::executions::{
    PendingActivityInfo, PendingChildExecutionInfo, WorkflowExecutionConfig, WorkflowExecutionInfo,
};
use crate::sdk::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse, ProtoActivityType, ProtoTaskQueue,
    ProtoWorkflowExecution, ProtoWorkflowType, enums,
};

/// Describes a run as it is at this moment, with its open activities and children.
pub(super) fn describe(
    request: &DescribeWorkflowExecutionRequest,
) -> Result<DescribeWorkflowExecutionResponse, Status> {
    let key = find(request.execution.as_ref())?;
    let status = status_of(key);
    Ok(requests::inspect(|service| {
        let workflow = service.workflow(key);
        let (info, history) = (workflow.info(), workflow.history());
        let closed_at = workflow.outcome().and_then(|_| history.last()).and_then(|event| time(event.at));
        let described = WorkflowExecutionInfo {
            execution: Some(ProtoWorkflowExecution {
                workflow_id: info.workflow_id.to_string(),
                run_id: info.run_id.to_string(),
            }),
            r#type: Some(ProtoWorkflowType { name: info.workflow_type.to_string() }),
            start_time: time(info.started_at),
            execution_time: time(workflow.first_task_at()),
            close_time: closed_at,
            status: status.into(),
            history_length: history.len() as i64,
            task_queue: info.task_queue.to_string(),
            first_run_id: info.first_run_id.to_string(),
            parent_namespace_id: info.parent.as_ref().map(|_| NAMESPACE.to_owned()).unwrap_or_default(),
            parent_execution: info.parent.as_ref().map(|parent| ProtoWorkflowExecution {
                workflow_id: parent.workflow_id.to_string(),
                run_id: parent.run_id.to_string(),
            }),
            ..Default::default()
        };
        let config = WorkflowExecutionConfig {
            task_queue: Some(ProtoTaskQueue { name: info.task_queue.to_string(), ..Default::default() }),
            workflow_execution_timeout: Some(proto(info.execution_timeout)),
            workflow_run_timeout: Some(proto(info.run_timeout)),
            default_workflow_task_timeout: Some(proto(info.task_timeout)),
            ..Default::default()
        };
        let activities = workflow.activities().iter().map(|(_, activity)| service.activity(*activity));
        let pending = activities.filter(|activity| activity.is_open() && workflow.is_open()).map(|activity| {
            let state = match activity.started_at() {
                _ if activity.cancel_requested() => enums::PendingActivityState::CancelRequested,
                Some(_) => enums::PendingActivityState::Started,
                None if activity.is_paused() => enums::PendingActivityState::Paused,
                None => enums::PendingActivityState::Scheduled,
            };
            PendingActivityInfo {
                activity_id: activity.id().to_string(),
                activity_type: Some(ProtoActivityType { name: activity.activity_type().to_string() }),
                state: state.into(),
                heartbeat_details: details_from_core(activity.details()),
                last_started_time: activity.started_at().and_then(time),
                attempt: i32::try_from(activity.attempt()).unwrap_or(i32::MAX),
                maximum_attempts: activity.retry().maximum_attempts,
                scheduled_time: time(activity.attempt_scheduled_at()),
                last_failure: activity.last_failure().map(|failure| failure::from_core(failure)),
                paused: activity.is_paused(),
                ..Default::default()
            }
        });
        let children = workflow.children().iter().map(|(_, child)| child);
        let children = children.filter(|child| child.is_open() && workflow.is_open()).map(|child| {
            let run = child.run().map(|run| service.workflow(run).info().run_id.to_string());
            PendingChildExecutionInfo {
                workflow_id: child.spec().workflow_id.to_string(),
                run_id: run.unwrap_or_default(),
                workflow_type_name: child.spec().workflow_type.to_string(),
                initiated_id: child.initiated_event_id() as i64,
                parent_close_policy: close_policy(child.spec().parent_close_policy).into(),
            }
        });
        DescribeWorkflowExecutionResponse {
            execution_config: Some(config),
            workflow_execution_info: Some(described),
            pending_activities: pending.collect(),
            pending_children: children.collect(),
            ..Default::default()
        }
    }))
}

fn close_policy(policy: ParentClosePolicy) -> enums::ParentClosePolicy {
    match policy {
        ParentClosePolicy::Terminate => enums::ParentClosePolicy::Terminate,
        ParentClosePolicy::RequestCancel => enums::ParentClosePolicy::RequestCancel,
        ParentClosePolicy::Abandon => enums::ParentClosePolicy::Abandon,
        _ => enums::ParentClosePolicy::Unspecified,
    }
}

fn time(time: Time) -> Option<prost_wkt_types::Timestamp> {
    Some(time.to_system_time().into())
}
