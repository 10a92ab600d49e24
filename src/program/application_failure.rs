//! [`ApplicationFailure`]: a failure of user code with everything the service lets it say.

use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use super::failure::{Failure, FailureKind};
use super::instant::Span;
use super::payload::{Details, Payload};

/// A failure of an activity's or workflow's code with everything the service lets it say.
///
/// ```
/// use std::time::Duration;
/// use durasim::{ActivityError, ApplicationFailure};
///
/// fn charge(balance: u64, price: u64) -> Result<(), ActivityError> {
///     if balance < price {
///         return Err(ApplicationFailure::new("InsufficientFunds", "top up first")
///             .next_retry_delay(Duration::from_secs(60))
///             .into());
///     }
///     Ok(())
/// }
/// assert!(charge(1, 2).is_err());
/// ```
#[derive(Clone, PartialEq, Debug, Error)]
#[error("{error_type}: {message}")]
#[non_exhaustive]
pub struct ApplicationFailure {
    /// The type with which a retry policy's `non_retryable_error_types` are compared: exactly, case included.
    pub error_type: String,
    /// The failure in words.
    pub message: String,
    /// Says that a retry is no use, whatever the policy says. It is not heeded in the Cadence dialect: there the policy
    /// lists the type.
    pub non_retryable: bool,
    /// The details that the code attached for whoever handles the failure.
    pub details: Details,
    /// The time to wait before the next attempt, in place of the policy's next backoff and not capped by its maximum
    /// interval. `None` leaves the backoff to the policy. An explicit zero *stops* the retrying (recorded scenario
    /// `retry_next_delay_zero`). The delay is not heeded in the Cadence dialect.
    pub next_retry_delay: Option<Duration>,
}

impl ApplicationFailure {
    /// A failure that may be retried, without details.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> ApplicationFailure {
        ApplicationFailure {
            error_type: error_type.into(),
            message: message.into(),
            non_retryable: false,
            details: Details::Absent,
            next_retry_delay: None,
        }
    }

    /// Says that a retry is no use.
    pub fn non_retryable(mut self) -> ApplicationFailure {
        self.non_retryable = true;
        self
    }

    /// Attaches a value, encoded as JSON.
    ///
    /// # Errors
    /// The error is that of `serde_json` for a value that JSON cannot hold.
    pub fn details<T: Serialize + ?Sized>(mut self, details: &T) -> Result<ApplicationFailure, serde_json::Error> {
        self.details = Details::Payload(Payload::from_json(details)?);
        Ok(self)
    }

    /// Says when to retry; see [`ApplicationFailure::next_retry_delay`] for what zero means.
    pub fn next_retry_delay(mut self, delay: Duration) -> ApplicationFailure {
        self.next_retry_delay = Some(delay);
        self
    }
}

impl From<ApplicationFailure> for Failure {
    fn from(failure: ApplicationFailure) -> Failure {
        Failure {
            message: failure.message.into(),
            kind: FailureKind::Application {
                error_type: failure.error_type.into(),
                non_retryable: failure.non_retryable,
                details: failure.details,
                next_retry_delay: failure.next_retry_delay.map(Span::from),
            },
            cause: None,
        }
    }
}
