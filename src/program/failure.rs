//! [`Failure`]: a thing that went wrong, as the service's API says it.

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
    /// The failure in words.
    pub message: Arc<str>,
    /// The kind of failure, with the values that belong to it.
    pub kind: FailureKind,
    /// The failure that led to it: the one inside an activity failure, or the previous attempt's behind a timeout.
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
        /// Says that a retry is no use, by the word of the code.
        non_retryable: bool,
        /// The details that the code attached.
        details: Details,
        /// The time to wait before a retry, by the word of the code. It replaces the policy's backoff once.
        /// An explicit zero stops retrying (recorded scenario `retry_next_delay_zero`).
        next_retry_delay: Option<Span>,
    },
    /// A timeout fired.
    Timeout {
        /// The timeout that fired.
        timeout_type: TimeoutType,
        /// The checkpoint that the service had by then. Every kind of timeout carries it.
        last_heartbeat_details: Details,
    },
    /// The thing was cancelled, and the code agreed.
    Canceled {
        /// The details that the code attached.
        details: Details,
    },
    /// The server made the failure, for example of a result that is too large.
    Server {
        /// Says whether a retry is no use.
        non_retryable: bool,
    },
    /// The thing was terminated from outside.
    Terminated,
    /// An activity failed, was cancelled or timed out, as workflow code sees it. The reason is the `cause`.
    Activity {
        /// The type of the activity.
        activity_type: Arc<str>,
        /// The id of the activity.
        activity_id: Arc<str>,
        /// The id of its `ACTIVITY_TASK_SCHEDULED` event.
        scheduled_event_id: u64,
        /// The id of its `ACTIVITY_TASK_STARTED` event; 0 if the activity never started.
        started_event_id: u64,
        /// The reason why it was not retried.
        retry_state: RetryState,
    },
    /// A child workflow failed. The reason is the `cause`.
    ChildWorkflow {
        /// The type of the workflow.
        workflow_type: Arc<str>,
        /// The id of the workflow.
        workflow_id: Arc<str>,
        /// The id of its first run; empty if it never started.
        run_id: Arc<str>,
        /// The id of the event that initiated it; 0 if there is none.
        initiated_event_id: u64,
        /// The id of the event that says that it started; 0 if it never did.
        started_event_id: u64,
        /// The reason why it was not retried.
        retry_state: RetryState,
    },
}

impl Failure {
    /// Makes a failure of this kind, without a cause.
    pub fn new(message: impl Into<Arc<str>>, kind: FailureKind) -> Failure {
        Failure { message: message.into(), kind, cause: None }
    }

    /// Sets the failure that led to this one.
    pub fn caused_by(mut self, cause: impl Into<Arc<Failure>>) -> Failure {
        self.cause = Some(cause.into());
        self
    }

    /// Makes a failure of user code that may be retried.
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

    /// Says its text in pieces: the message, then each cause after `: `. It is short enough for a run that passes.
    pub(crate) fn say(&self, mut say: impl FnMut(&str)) {
        let mut next = Some(self);
        while let Some(failure) = next {
            match &failure.kind {
                FailureKind::Application { error_type, .. } if !error_type.is_empty() => {
                    for piece in &[&**error_type, ": ", &failure.message] {
                        say(piece);
                    }
                }
                FailureKind::ChildWorkflow { workflow_type, retry_state, .. } => {
                    for piece in &[&*failure.message, " (", workflow_type, ", ", retry_state.as_str(), ")"] {
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

/// The kind of a deadline that passed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum TimeoutType {
    /// An attempt took too long from its start.
    StartToClose,
    /// No worker took the task in time.
    ScheduleToStart,
    /// The activity as a whole, retries included, took too long.
    ScheduleToClose,
    /// An attempt ran too long without a heartbeat.
    Heartbeat,
    /// The kind is not said, which happens only in requests made by hand.
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

/// Writes the timeout as the server's messages spell it: `StartToClose`.
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

/// The reason why an activity or workflow is, or is not, retried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum RetryState {
    /// Nothing is said. No failure of the service has this; one that code of an SDK makes may.
    Unspecified,
    /// The activity or workflow is retried.
    InProgress,
    /// The failure is not worth a retry, because it says so or is listed as such.
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
            RetryState::Unspecified => "UNSPECIFIED",
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

/// Writes the reason as the API spells it, without its prefix: `MAXIMUM_ATTEMPTS_REACHED`.
impl fmt::Display for RetryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
