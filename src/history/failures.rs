//! Failures with their causes.

use std::sync::Arc;

use super::HistoryProblem;
use super::fields::Fields;
use crate::program::{Details, Failure, FailureKind, RetryState, TimeoutType};

impl Fields<'_> {
    /// The failure in a field, without anything in it where there is none.
    pub(super) fn failure(self, name: &str) -> Result<Arc<Failure>, HistoryProblem> {
        Ok(Arc::new(self.message_or_empty(name)?.as_failure()?))
    }

    /// The failure in a field, if there is one.
    pub(super) fn failure_if_any(self, name: &str) -> Result<Option<Arc<Failure>>, HistoryProblem> {
        Ok(self.message(name)?.map(Fields::as_failure).transpose()?.map(Arc::new))
    }

    fn as_failure(self) -> Result<Failure, HistoryProblem> {
        let failure = Failure::new(self.text("message")?, self.failure_kind()?);
        Ok(match self.message("cause")? {
            None => failure,
            Some(cause) => failure.caused_by(cause.as_failure()?),
        })
    }

    fn failure_kind(self) -> Result<FailureKind, HistoryProblem> {
        if let Some(info) = self.message("applicationFailureInfo")? {
            // A delay of zero is one: the service then does not compute its own.
            let delay = info.get("nextRetryDelay").map(|_| info.span("nextRetryDelay")).transpose()?;
            return Ok(FailureKind::Application {
                error_type: info.text("type")?.into(),
                non_retryable: info.flag("nonRetryable")?,
                details: info.details("details")?,
                next_retry_delay: delay,
            });
        }
        if let Some(info) = self.message("timeoutFailureInfo")? {
            return Ok(FailureKind::Timeout {
                timeout_type: info.timeout_type("timeoutType")?,
                last_heartbeat_details: info.details("lastHeartbeatDetails")?,
            });
        }
        if let Some(info) = self.message("canceledFailureInfo")? {
            return Ok(FailureKind::Canceled { details: info.details("details")? });
        }
        if let Some(info) = self.message("serverFailureInfo")? {
            return Ok(FailureKind::Server { non_retryable: info.flag("nonRetryable")? });
        }
        if self.message("terminatedFailureInfo")?.is_some() {
            return Ok(FailureKind::Terminated);
        }
        if let Some(info) = self.message("activityFailureInfo")? {
            return Ok(FailureKind::Activity {
                activity_type: info.message_or_empty("activityType")?.text("name")?.into(),
                activity_id: info.text("activityId")?.into(),
                scheduled_event_id: info.number("scheduledEventId")?,
                started_event_id: info.number("startedEventId")?,
                retry_state: info.retry_state()?,
            });
        }
        if let Some(info) = self.message("childWorkflowExecutionFailureInfo")? {
            let execution = info.message_or_empty("workflowExecution")?;
            return Ok(FailureKind::ChildWorkflow {
                workflow_type: info.message_or_empty("workflowType")?.text("name")?.into(),
                workflow_id: execution.text("workflowId")?.into(),
                run_id: execution.text("runId")?.into(),
                initiated_event_id: info.number("initiatedEventId")?,
                started_event_id: info.number("startedEventId")?,
                retry_state: info.retry_state()?,
            });
        }
        // The failures of features that are not simulated, and one without any information.
        Ok(FailureKind::Application {
            error_type: "".into(),
            non_retryable: false,
            details: Details::Absent,
            next_retry_delay: None,
        })
    }

    /// The reason why there was no other attempt.
    pub(super) fn retry_state(self) -> Result<RetryState, HistoryProblem> {
        Ok(match &*self.choice("retryState", "RETRY_STATE_")? {
            "INPROGRESS" => RetryState::InProgress,
            "NONRETRYABLEFAILURE" => RetryState::NonRetryableFailure,
            "TIMEOUT" => RetryState::Timeout,
            "MAXIMUMATTEMPTSREACHED" => RetryState::MaximumAttemptsReached,
            "RETRYPOLICYNOTSET" => RetryState::RetryPolicyNotSet,
            "INTERNALSERVERERROR" => RetryState::InternalServerError,
            "CANCELREQUESTED" => RetryState::CancelRequested,
            _ => RetryState::Unspecified,
        })
    }

    fn timeout_type(self, name: &str) -> Result<TimeoutType, HistoryProblem> {
        Ok(match &*self.choice(name, "TIMEOUT_TYPE_")? {
            "STARTTOCLOSE" => TimeoutType::StartToClose,
            "SCHEDULETOSTART" => TimeoutType::ScheduleToStart,
            "SCHEDULETOCLOSE" => TimeoutType::ScheduleToClose,
            "HEARTBEAT" => TimeoutType::Heartbeat,
            _ => TimeoutType::Unspecified,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Span;
    use serde_json::json;

    /// The service took zero as the delay until the next attempt, and a replay hands it to the code as it was.
    #[test]
    fn a_delay_of_zero_is_not_none() {
        let delay = |info: serde_json::Value| {
            let failure = json!({ "message": "m", "applicationFailureInfo": info });
            match Fields::new(5, "ACTIVITY_TASK_FAILED", failure.as_object()).as_failure().unwrap().kind {
                FailureKind::Application { next_retry_delay, .. } => next_retry_delay,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(delay(json!({ "nextRetryDelay": "0s" })), Some(Span::ZERO));
        assert_eq!(delay(json!({ "nextRetryDelay": "1.500s" })), Some(Span::from_millis(1500)));
        assert_eq!(delay(json!({})), None);
    }
}
