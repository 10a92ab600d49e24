//! [`ActivityError`]: how an attempt says that it did not succeed.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::program::{ActivityOutcome, ApplicationFailure, Details, Failure, TimeoutType};

/// How an attempt says that it did not succeed.
///
/// The variants are those of the Cadence Rust client, and one more that says everything a failure can say. Each reaches
/// the service as an application failure whose type is the variant's name, in the table below: that is what
/// `non_retryable_error_types` of a retry policy is compared with. Only [`Cancelled`](Self::Cancelled) is none.
///
/// | variant | error type | retried |
/// | --- | --- | --- |
/// | `ExecutionFailed` | `ExecutionFailed` | as the policy says |
/// | `Panic` | `Panic` | as the policy says |
/// | `Retryable` | `Retryable` | as the policy says |
/// | `NonRetryable` | `NonRetryable` | never |
/// | `RetryableWithDelay` | `RetryableWithDelay` | after the delay, if the policy has attempts left |
/// | `Application` | `Application` | as the policy says |
/// | `Timeout` | `Timeout` | as the policy says |
/// | `ApplicationFailure` | its own | as it says itself |
/// | `Cancelled` | none | see there |
///
/// In the Cadence dialect the error type is the failure's *reason*, and all that its service looks at: `NonRetryable` and
/// whatever else says that a retry is no use is retried unless the policy lists the reason, and a delay is not heeded. So
/// it is with the Cadence Rust client, whose report has no field for either.
#[derive(Clone, PartialEq, Debug, Error)]
#[non_exhaustive]
pub enum ActivityError {
    /// The work failed. `?` makes it of a `serde_json::Error`.
    #[error("activity execution failed: {0}")]
    ExecutionFailed(String),
    /// A panic that the code caught itself. One that it does not catch is reported by the worker.
    #[error("activity panicked: {0}")]
    Panic(String),
    /// The work failed, and a retry may help. `?` makes it of an [`EffectError`](crate::EffectError), of an
    /// [`Elapsed`](crate::time::Elapsed) and of a [`std::io::Error`].
    #[error("retryable activity error: {0}")]
    Retryable(String),
    /// The work failed, and a retry is no use.
    #[error("non-retryable activity error: {0}")]
    NonRetryable(String),
    /// The work failed, and a retry may help after so many milliseconds, in place of the policy's next backoff.
    /// Zero *stops* the retrying (recorded scenario `retry_next_delay_zero`).
    #[error("retryable activity error: {0}, retry in {1} ms")]
    RetryableWithDelay(String, u64),
    /// The application says no.
    #[error("application error: {0}")]
    Application(String),
    /// The attempt stopped because it was to. If the workflow had asked for that, the activity ends as cancelled.
    /// If nobody had asked, the server refuses the answer, and the attempt counts as running until a timeout ends it
    /// (temporal `service/history/api/respondactivitytaskcanceled/api.go`).
    #[error("activity cancelled")]
    Cancelled,
    /// The code itself ran out of time. Not one of the service's own timeouts, which it reports without asking.
    #[error("activity timed out: {0}")]
    Timeout(TimeoutType),
    /// A failure that says its own type, details, and when or whether to retry.
    #[error("{0}")]
    ApplicationFailure(Box<ApplicationFailure>),
}

impl ActivityError {
    /// A failure that a retry may help.
    pub fn retryable(message: impl Into<String>) -> ActivityError {
        ActivityError::Retryable(message.into())
    }

    /// A failure that no retry helps.
    pub fn non_retryable(message: impl Into<String>) -> ActivityError {
        ActivityError::NonRetryable(message.into())
    }

    /// The application says no.
    pub fn application(message: impl Into<String>) -> ActivityError {
        ActivityError::Application(message.into())
    }
}

impl From<serde_json::Error> for ActivityError {
    fn from(error: serde_json::Error) -> ActivityError {
        ActivityError::ExecutionFailed(error.to_string())
    }
}

/// The outside world failed, and a retry may find it well. Where no retry helps, as with a file that is not there, the
/// code says so with [`ActivityError::non_retryable`].
impl From<io::Error> for ActivityError {
    fn from(error: io::Error) -> ActivityError {
        ActivityError::Retryable(error.to_string())
    }
}

impl From<ApplicationFailure> for ActivityError {
    fn from(failure: ApplicationFailure) -> ActivityError {
        ActivityError::ApplicationFailure(Box::new(failure))
    }
}

/// The failure that the worker reports for the error, by the table of [`ActivityError`].
impl From<ActivityError> for ActivityOutcome {
    fn from(error: ActivityError) -> ActivityOutcome {
        let plain = |error_type: &str, message: String| Failure::application(error_type, message);
        let failure: Failure = match error {
            ActivityError::Cancelled => return ActivityOutcome::Cancelled(Details::Absent),
            ActivityError::ExecutionFailed(message) => plain("ExecutionFailed", message),
            ActivityError::Panic(message) => plain("Panic", message),
            ActivityError::Retryable(message) => plain("Retryable", message),
            ActivityError::Application(message) => plain("Application", message),
            ActivityError::Timeout(timeout) => plain("Timeout", format!("activity timed out: {timeout}")),
            ActivityError::NonRetryable(message) => {
                ApplicationFailure::new("NonRetryable", message).non_retryable().into()
            }
            ActivityError::RetryableWithDelay(message, millis) => {
                ApplicationFailure::new("RetryableWithDelay", message)
                    .next_retry_delay(Duration::from_millis(millis))
                    .into()
            }
            ActivityError::ApplicationFailure(failure) => (*failure).into(),
        };
        ActivityOutcome::Failed(failure.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{FailureKind, Span};

    /// Type, non-retryable, delay in milliseconds.
    fn reported(error: ActivityError) -> (String, bool, Option<i64>) {
        match ActivityOutcome::from(error) {
            ActivityOutcome::Failed(failure) => match &failure.kind {
                FailureKind::Application { error_type, non_retryable, next_retry_delay, .. } => {
                    (error_type.to_string(), *non_retryable, next_retry_delay.map(|d: Span| d.as_nanos() / 1_000_000))
                }
                other => panic!("not an application failure: {other:?}"),
            },
            other => panic!("not a failure: {other:?}"),
        }
    }

    #[test]
    fn each_variant_is_reported_as_the_table_says() {
        let m = || "m".to_owned();
        assert_eq!(reported(ActivityError::ExecutionFailed(m())), ("ExecutionFailed".into(), false, None));
        assert_eq!(reported(ActivityError::Panic(m())), ("Panic".into(), false, None));
        assert_eq!(reported(ActivityError::retryable("m")), ("Retryable".into(), false, None));
        assert_eq!(reported(ActivityError::non_retryable("m")), ("NonRetryable".into(), true, None));
        assert_eq!(reported(ActivityError::application("m")), ("Application".into(), false, None));
        assert_eq!(reported(ActivityError::RetryableWithDelay(m(), 7)), ("RetryableWithDelay".into(), false, Some(7)));
        assert_eq!(reported(ActivityError::RetryableWithDelay(m(), 0)), ("RetryableWithDelay".into(), false, Some(0)));
        assert_eq!(reported(ActivityError::Timeout(TimeoutType::Heartbeat)), ("Timeout".into(), false, None));
        let own = ApplicationFailure::new("Own", "m").non_retryable().next_retry_delay(Duration::from_secs(1));
        assert_eq!(reported(own.into()), ("Own".into(), true, Some(1000)));
        assert_eq!(ActivityOutcome::from(ActivityError::Cancelled), ActivityOutcome::Cancelled(Details::Absent));
    }
}
