//! [`Failure`]: what went wrong, as the service's API says it.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::instant::Span;
use super::payload::Details;

/// A failure as the service carries it, with the shape of Temporal's `temporal.api.failure.v1.Failure`.
#[derive(Clone, PartialEq, Debug, Error)]
#[error("{}", self.text())]
#[non_exhaustive]
pub struct Failure {
    /// In words.
    pub message: Arc<str>,
    /// What kind of failure, with what belongs to it.
    pub kind: FailureKind,
    /// What led to it: the failure inside an activity failure, or the previous attempt's failure behind a timeout.
    pub cause: Option<Arc<Failure>>,
}

/// The kinds of failure.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum FailureKind {
    /// User code failed.
    Application {
        /// The error's type name, which retry policies match exactly.
        error_type: Arc<str>,
        /// The code says a retry is no use.
        non_retryable: bool,
        /// What the code attached.
        details: Details,
        /// The code says when to retry: replaces the policy's backoff once.
        /// An explicit zero stops retrying (recorded scenario `retry_next_delay_zero`).
        next_retry_delay: Option<Span>,
    },
    /// A timeout fired.
    Timeout {
        /// Which one.
        timeout_type: TimeoutType,
        /// The checkpoint the service had by then. Every kind of timeout carries it.
        last_heartbeat_details: Details,
    },
    /// Cancelled, and the code agreed.
    Canceled {
        /// What the code attached.
        details: Details,
    },
    /// The server made it, for example of a result that is too large.
    Server {
        /// Whether a retry is no use.
        non_retryable: bool,
    },
    /// Terminated from outside.
    Terminated,
    /// An activity failed, was cancelled or timed out: what workflow code sees. The reason is the `cause`.
    Activity {
        /// Which activity.
        activity_type: Arc<str>,
        /// Its id.
        activity_id: Arc<str>,
        /// Id of its `ACTIVITY_TASK_SCHEDULED` event.
        scheduled_event_id: u64,
        /// Id of its `ACTIVITY_TASK_STARTED` event; 0 if it never started.
        started_event_id: u64,
        /// Why it was not retried.
        retry_state: RetryState,
    },
    /// A child workflow failed. The reason is the `cause`.
    ChildWorkflow {
        /// Which workflow type.
        workflow_type: Arc<str>,
        /// Why it was not retried.
        retry_state: RetryState,
    },
}

impl Failure {
    /// A failure of this kind, without a cause.
    pub fn new(message: impl Into<Arc<str>>, kind: FailureKind) -> Failure {
        Failure { message: message.into(), kind, cause: None }
    }

    /// Sets what led to it.
    pub fn caused_by(mut self, cause: impl Into<Arc<Failure>>) -> Failure {
        self.cause = Some(cause.into());
        self
    }

    /// A failure of user code that may be retried.
    pub fn application(error_type: impl Into<Arc<str>>, message: impl Into<Arc<str>>) -> Failure {
        Failure::new(
            message,
            FailureKind::Application {
                error_type: error_type.into(),
                non_retryable: false,
                details: Details::Absent,
                next_retry_delay: None,
            },
        )
    }

    /// The failure at the end of the chain of causes.
    pub fn root(&self) -> &Failure {
        let mut failure = self;
        while let Some(cause) = &failure.cause {
            failure = cause;
        }
        failure
    }
}

impl Failure {
    /// The message, then each cause after `: `.
    fn text(&self) -> String {
        let mut text = String::new();
        self.say(|piece| text.push_str(piece));
        text
    }

    /// Says its text in pieces: the message, then each cause after `: `. Short enough for a run that passes.
    pub(crate) fn say(&self, mut say: impl FnMut(&str)) {
        let mut next = Some(self);
        while let Some(failure) = next {
            match &failure.kind {
                FailureKind::Application { error_type, .. } if !error_type.is_empty() => {
                    for piece in &[&**error_type, ": ", &failure.message] {
                        say(piece);
                    }
                }
                FailureKind::Activity { activity_type, retry_state, .. } => {
                    for piece in &[&*failure.message, " (", activity_type, ", ", retry_state.as_str(), ")"] {
                        say(piece);
                    }
                }
                _ => say(&failure.message),
            }
            next = failure.cause.as_deref();
            if next.is_some() {
                say(": ");
            }
        }
    }
}

/// Which deadline passed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum TimeoutType {
    /// An attempt took too long from its start.
    StartToClose,
    /// No worker took the task in time.
    ScheduleToStart,
    /// The activity as a whole, retries included, took too long.
    ScheduleToClose,
    /// Too long without a heartbeat.
    Heartbeat,
    /// Not said: only in requests made by hand.
    Unspecified,
}

impl TimeoutType {
    /// The timeout in the words of users' options: `start-to-close`.
    pub(crate) fn words(self) -> &'static str {
        match self {
            TimeoutType::StartToClose => "start-to-close",
            TimeoutType::ScheduleToStart => "schedule-to-start",
            TimeoutType::ScheduleToClose => "schedule-to-close",
            TimeoutType::Heartbeat => "heartbeat",
            TimeoutType::Unspecified => "unspecified",
        }
    }
}

/// As the server's messages spell it: `StartToClose`.
impl fmt::Display for TimeoutType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeoutType::StartToClose => "StartToClose",
            TimeoutType::ScheduleToStart => "ScheduleToStart",
            TimeoutType::ScheduleToClose => "ScheduleToClose",
            TimeoutType::Heartbeat => "Heartbeat",
            TimeoutType::Unspecified => "Unspecified",
        })
    }
}

/// Why an activity or workflow is, or is not, retried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum RetryState {
    /// It is retried.
    InProgress,
    /// The failure says or is listed as not worth a retry.
    NonRetryableFailure,
    /// The next attempt would start after the schedule-to-close deadline, or that deadline passed.
    Timeout,
    /// The policy's attempts are used up.
    MaximumAttemptsReached,
    /// There is no policy.
    RetryPolicyNotSet,
    /// The workflow is not running any more.
    InternalServerError,
    /// A cancel was requested, which ends all retrying.
    CancelRequested,
}

impl RetryState {
    fn as_str(self) -> &'static str {
        match self {
            RetryState::InProgress => "IN_PROGRESS",
            RetryState::NonRetryableFailure => "NON_RETRYABLE_FAILURE",
            RetryState::Timeout => "TIMEOUT",
            RetryState::MaximumAttemptsReached => "MAXIMUM_ATTEMPTS_REACHED",
            RetryState::RetryPolicyNotSet => "RETRY_POLICY_NOT_SET",
            RetryState::InternalServerError => "INTERNAL_SERVER_ERROR",
            RetryState::CancelRequested => "CANCEL_REQUESTED",
        }
    }
}

/// As the API spells it, without its prefix: `MAXIMUM_ATTEMPTS_REACHED`.
impl fmt::Display for RetryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
