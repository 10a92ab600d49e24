//! The description of a workflow.

use durasim::Time;
use durasim::requests;
use temporalio_client::tonic::Status;

use super::answer::{find, status_of};
use crate::failure;
use crate::payload::details_from_core;
use crate::retry::proto;
use crate::sdk::executions::{PendingActivityInfo, WorkflowExecutionConfig, WorkflowExecutionInfo};
use crate::sdk::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse, ProtoActivityType, ProtoTaskQueue,
    ProtoWorkflowExecution, ProtoWorkflowType, enums,
};

/// Describes a workflow as it is at this moment, with its open activities.
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
            execution_time: time(info.started_at),
            close_time: closed_at,
            status: status.into(),
            history_length: history.len() as i64,
            task_queue: info.task_queue.to_string(),
            first_run_id: info.run_id.to_string(),
            ..Default::default()
        };
        let config = WorkflowExecutionConfig {
            task_queue: Some(ProtoTaskQueue { name: info.task_queue.to_string(), ..Default::default() }),
            workflow_run_timeout: Some(proto(workflow.run_timeout())),
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
        DescribeWorkflowExecutionResponse {
            execution_config: Some(config),
            workflow_execution_info: Some(described),
            pending_activities: pending.collect(),
            ..Default::default()
        }
    }))
}

fn time(time: Time) -> Option<prost_wkt_types::Timestamp> {
    Some(time.to_system_time().into())
}
