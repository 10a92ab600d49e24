//! Failures: those of the SDK's protocol, and durasim's. Stack traces and sources are left away.

use durasim::program::{Details, Failure, FailureKind, RetryState, TimeoutType};

use crate::payload::{details_from_core, details_into_core};
use crate::retry::{proto, span};
use crate::sdk::failures::failure::FailureInfo;
use crate::sdk::{ProtoActivityType, ProtoWorkflowExecution, ProtoWorkflowType, enums, failures};

/// Takes a failure of the SDK's.
pub(crate) fn into_core(failure: &failures::Failure) -> Failure {
    let kind = failure.failure_info.as_ref().map_or_else(|| unknown_kind(""), kind_into_core);
    let taken = Failure::new(message(failure), kind);
    match failure.cause.as_deref() {
        Some(cause) => taken.caused_by(into_core(cause)),
        None => taken,
    }
}

/// Gives the message. A converter may have moved it into an attribute, which a codec would encrypt.
fn message(failure: &failures::Failure) -> String {
    let moved = failure.encoded_attributes.as_ref();
    let moved = moved.and_then(|attributes| serde_json::from_slice::<serde_json::Value>(&attributes.data).ok());
    let moved = moved.as_ref().and_then(|attributes| attributes["message"].as_str());
    moved.unwrap_or(&failure.message).to_owned()
}

/// The kind of a failure for which durasim has none, or that says none: an application failure, as the SDK has it too. Its
/// type is the name of the kind.
fn unknown_kind(name: &str) -> FailureKind {
    FailureKind::Application {
        error_type: name.into(),
        non_retryable: false,
        details: Details::Absent,
        next_retry_delay: None,
    }
}

fn kind_into_core(info: &FailureInfo) -> FailureKind {
    match info {
        FailureInfo::ApplicationFailureInfo(application) => FailureKind::Application {
            error_type: application.r#type.as_str().into(),
            non_retryable: application.non_retryable,
            details: details_into_core(application.details.as_ref()),
            next_retry_delay: application.next_retry_delay.map(|delay| span(Some(delay))),
        },
        FailureInfo::TimeoutFailureInfo(timeout) => FailureKind::Timeout {
            timeout_type: timeout_type_into_core(timeout.timeout_type()),
            last_heartbeat_details: details_into_core(timeout.last_heartbeat_details.as_ref()),
        },
        FailureInfo::CanceledFailureInfo(cancelled) => {
            FailureKind::Canceled { details: details_into_core(cancelled.details.as_ref()) }
        }
        FailureInfo::ServerFailureInfo(server) => FailureKind::Server { non_retryable: server.non_retryable },
        FailureInfo::TerminatedFailureInfo(_) => FailureKind::Terminated,
        FailureInfo::ActivityFailureInfo(activity) => FailureKind::Activity {
            activity_type: activity.activity_type.as_ref().map(|kind| kind.name.as_str()).unwrap_or_default().into(),
            activity_id: activity.activity_id.as_str().into(),
            scheduled_event_id: activity.scheduled_event_id as u64,
            started_event_id: activity.started_event_id as u64,
            retry_state: retry_state_into_core(activity.retry_state()),
        },
        FailureInfo::ChildWorkflowExecutionFailureInfo(child) => FailureKind::ChildWorkflow {
            workflow_type: child.workflow_type.as_ref().map(|kind| kind.name.as_str()).unwrap_or_default().into(),
            workflow_id: execution_of(child).workflow_id.as_str().into(),
            run_id: execution_of(child).run_id.as_str().into(),
            initiated_event_id: child.initiated_event_id as u64,
            started_event_id: child.started_event_id as u64,
            retry_state: retry_state_into_core(child.retry_state()),
        },
        FailureInfo::ResetWorkflowFailureInfo(_) => unknown_kind("ResetWorkflow"),
        FailureInfo::NexusOperationExecutionFailureInfo(_) => unknown_kind("NexusOperation"),
        FailureInfo::NexusHandlerFailureInfo(_) => unknown_kind("NexusHandler"),
    }
}

fn execution_of(child: &failures::ChildWorkflowExecutionFailureInfo) -> ProtoWorkflowExecution {
    child.workflow_execution.clone().unwrap_or_default()
}

/// Gives a failure to the SDK.
pub(crate) fn from_core(failure: &Failure) -> failures::Failure {
    failures::Failure {
        message: failure.message.to_string(),
        failure_info: Some(kind_from_core(&failure.kind)),
        cause: failure.cause.as_deref().map(|cause: &Failure| Box::new(from_core(cause))),
        ..Default::default()
    }
}

/// Gives the failure of a child that was cancelled, in the words of the SDK's worker. It tells its code neither the details
/// nor the state of retries that the service has.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/child_workflow_state_machine.rs`,
/// `resolve_cancelled_msg`.
pub(crate) fn of_cancelled_child(failure: &Failure, message: impl Into<String>) -> failures::Failure {
    let mut info = kind_from_core(&failure.kind);
    if let FailureInfo::ChildWorkflowExecutionFailureInfo(child) = &mut info {
        child.retry_state = enums::RetryState::NonRetryableFailure.into();
    }
    let cancelled = Some(FailureInfo::CanceledFailureInfo(Default::default()));
    failures::Failure {
        message: message.into(),
        failure_info: Some(info),
        cause: Some(Box::new(failures::Failure { failure_info: cancelled, ..Default::default() })),
        ..Default::default()
    }
}

fn kind_from_core(kind: &FailureKind) -> FailureInfo {
    match kind {
        FailureKind::Application { error_type, non_retryable, details, next_retry_delay } => {
            FailureInfo::ApplicationFailureInfo(failures::ApplicationFailureInfo {
                r#type: error_type.to_string(),
                non_retryable: *non_retryable,
                details: details_from_core(details),
                next_retry_delay: next_retry_delay.map(proto),
                ..Default::default()
            })
        }
        FailureKind::Timeout { timeout_type, last_heartbeat_details } => {
            FailureInfo::TimeoutFailureInfo(failures::TimeoutFailureInfo {
                timeout_type: timeout_type_from_core(*timeout_type) as i32,
                last_heartbeat_details: details_from_core(last_heartbeat_details),
            })
        }
        FailureKind::Canceled { details } => FailureInfo::CanceledFailureInfo(failures::CanceledFailureInfo {
            details: details_from_core(details),
            ..Default::default()
        }),
        FailureKind::Server { non_retryable } => {
            FailureInfo::ServerFailureInfo(failures::ServerFailureInfo { non_retryable: *non_retryable })
        }
        FailureKind::Terminated => FailureInfo::TerminatedFailureInfo(Default::default()),
        FailureKind::Activity { activity_type, activity_id, scheduled_event_id, started_event_id, retry_state } => {
            FailureInfo::ActivityFailureInfo(failures::ActivityFailureInfo {
                activity_type: Some(ProtoActivityType { name: activity_type.to_string() }),
                activity_id: activity_id.to_string(),
                scheduled_event_id: *scheduled_event_id as i64,
                started_event_id: *started_event_id as i64,
                retry_state: retry_state_from_core(*retry_state) as i32,
                ..Default::default()
            })
        }
        FailureKind::ChildWorkflow {
            workflow_type,
            workflow_id,
            run_id,
            initiated_event_id,
            started_event_id,
            retry_state,
        } => FailureInfo::ChildWorkflowExecutionFailureInfo(failures::ChildWorkflowExecutionFailureInfo {
            workflow_execution: Some(ProtoWorkflowExecution {
                workflow_id: workflow_id.to_string(),
                run_id: run_id.to_string(),
            }),
            initiated_event_id: *initiated_event_id as i64,
            started_event_id: *started_event_id as i64,
            workflow_type: Some(ProtoWorkflowType { name: workflow_type.to_string() }),
            retry_state: retry_state_from_core(*retry_state) as i32,
            ..Default::default()
        }),
        other => {
            let name = format!("{other:?}");
            let name = name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
            FailureInfo::ApplicationFailureInfo(failures::ApplicationFailureInfo {
                r#type: name.to_owned(),
                ..Default::default()
            })
        }
    }
}

fn timeout_type_into_core(timeout: enums::TimeoutType) -> TimeoutType {
    match timeout {
        enums::TimeoutType::StartToClose => TimeoutType::StartToClose,
        enums::TimeoutType::ScheduleToStart => TimeoutType::ScheduleToStart,
        enums::TimeoutType::ScheduleToClose => TimeoutType::ScheduleToClose,
        enums::TimeoutType::Heartbeat => TimeoutType::Heartbeat,
        _ => TimeoutType::Unspecified,
    }
}

fn timeout_type_from_core(timeout: TimeoutType) -> enums::TimeoutType {
    match timeout {
        TimeoutType::StartToClose => enums::TimeoutType::StartToClose,
        TimeoutType::ScheduleToStart => enums::TimeoutType::ScheduleToStart,
        TimeoutType::ScheduleToClose => enums::TimeoutType::ScheduleToClose,
        TimeoutType::Heartbeat => enums::TimeoutType::Heartbeat,
        _ => enums::TimeoutType::Unspecified,
    }
}

fn retry_state_into_core(state: enums::RetryState) -> RetryState {
    match state {
        enums::RetryState::NonRetryableFailure => RetryState::NonRetryableFailure,
        enums::RetryState::Timeout => RetryState::Timeout,
        enums::RetryState::MaximumAttemptsReached => RetryState::MaximumAttemptsReached,
        enums::RetryState::RetryPolicyNotSet => RetryState::RetryPolicyNotSet,
        enums::RetryState::InternalServerError => RetryState::InternalServerError,
        enums::RetryState::CancelRequested => RetryState::CancelRequested,
        enums::RetryState::InProgress => RetryState::InProgress,
        enums::RetryState::Unspecified => RetryState::Unspecified,
    }
}

pub(crate) fn retry_state_from_core(state: RetryState) -> enums::RetryState {
    match state {
        RetryState::NonRetryableFailure => enums::RetryState::NonRetryableFailure,
        RetryState::Timeout => enums::RetryState::Timeout,
        RetryState::MaximumAttemptsReached => enums::RetryState::MaximumAttemptsReached,
        RetryState::RetryPolicyNotSet => enums::RetryState::RetryPolicyNotSet,
        RetryState::InternalServerError => enums::RetryState::InternalServerError,
        RetryState::CancelRequested => enums::RetryState::CancelRequested,
        RetryState::InProgress => enums::RetryState::InProgress,
        _ => enums::RetryState::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use durasim::Span;
    use durasim::program::Payload;

    use super::*;

    #[test]
    fn each_kind_comes_back_as_it_was() {
        let details = || Details::Payload(Payload::new("[7]"));
        let kinds = [
            FailureKind::Application {
                error_type: "Declined".into(),
                non_retryable: true,
                details: details(),
                next_retry_delay: Some(Span::from_millis(2_500)),
            },
            unknown_kind(""),
            FailureKind::Timeout { timeout_type: TimeoutType::Heartbeat, last_heartbeat_details: details() },
            FailureKind::Timeout {
                timeout_type: TimeoutType::ScheduleToStart,
                last_heartbeat_details: Details::Absent,
            },
            FailureKind::Canceled { details: details() },
            FailureKind::Server { non_retryable: true },
            FailureKind::Terminated,
            FailureKind::Activity {
                activity_type: "Shop::charge".into(),
                activity_id: "5".into(),
                scheduled_event_id: 5,
                started_event_id: 6,
                retry_state: RetryState::MaximumAttemptsReached,
            },
            FailureKind::ChildWorkflow {
                workflow_type: "ship".into(),
                workflow_id: "order-1_1".into(),
                run_id: "order-1_1".into(),
                initiated_event_id: 5,
                started_event_id: 6,
                retry_state: RetryState::CancelRequested,
            },
        ];
        for kind in kinds {
            let failure = Failure::new("it failed", kind.clone()).caused_by(Failure::new("since", kind));
            assert_eq!(into_core(&from_core(&failure)), failure);
        }
    }

    #[test]
    fn a_kind_that_durasim_has_not_is_named() {
        for (info, name) in [
            (FailureInfo::ResetWorkflowFailureInfo(Default::default()), "ResetWorkflow"),
            (FailureInfo::NexusOperationExecutionFailureInfo(Default::default()), "NexusOperation"),
            (FailureInfo::NexusHandlerFailureInfo(Default::default()), "NexusHandler"),
        ] {
            assert_eq!(kind_into_core(&info), unknown_kind(name));
        }
    }

    #[test]
    fn each_retry_state_and_timeout_comes_back_as_it_was() {
        for state in [
            RetryState::Unspecified,
            RetryState::InProgress,
            RetryState::NonRetryableFailure,
            RetryState::Timeout,
            RetryState::MaximumAttemptsReached,
            RetryState::RetryPolicyNotSet,
            RetryState::InternalServerError,
            RetryState::CancelRequested,
        ] {
            assert_eq!(retry_state_into_core(retry_state_from_core(state)), state);
        }
        for timeout in [
            TimeoutType::StartToClose,
            TimeoutType::ScheduleToStart,
            TimeoutType::ScheduleToClose,
            TimeoutType::Heartbeat,
            TimeoutType::Unspecified,
        ] {
            assert_eq!(timeout_type_into_core(timeout_type_from_core(timeout)), timeout);
        }
    }
}
