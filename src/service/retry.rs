//! Is there another attempt, and when?

use crate::instant::{Span, Time};
use crate::program::{Failure, RetrySpec, RetryState};

/// `initial * coefficient^(attempt - 1)` in nanoseconds, truncated; never above `maximum` unless that is zero.
pub fn exponential(initial: Span, coefficient: f64, attempt: i32, maximum: Span) -> Span {
    let _ = (initial, coefficient, attempt, maximum);
    unimplemented!()
}

/// How long to wait before the next attempt.
///
/// # Errors
/// Why there is none.
pub fn next_backoff(
    policy: &RetrySpec,
    attempt: i32,
    next_retry_delay: Option<Span>,
    now: Time,
    expires: Option<Time>,
) -> Result<Span, RetryState> {
    let _ = (policy, attempt, next_retry_delay, now, expires);
    unimplemented!()
}

/// Whether a failure is worth another attempt at all; `None` is a report without a failure in it.
pub fn is_retryable(failure: Option<&Failure>, non_retryable_error_types: &[std::sync::Arc<str>]) -> bool {
    let _ = (failure, non_retryable_error_types);
    unimplemented!()
}

/// What the verdict depends on.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Whether the workflow run is open.
    pub workflow_running: bool,
    /// The policy, after defaulting; `None` only for rule rows.
    pub policy: Option<&'a RetrySpec>,
    /// Whether the workflow asked to cancel the activity.
    pub cancel_requested: bool,
    /// Whether an operator paused it.
    pub paused: bool,
    /// The attempt that ended, from 1.
    pub attempt: u32,
    /// How it ended; `None` is a report without a failure in it.
    pub failure: Option<&'a Failure>,
    /// The present moment.
    pub now: Time,
    /// The last moment at which another attempt may be due; `None` means no limit.
    pub expires: Option<Time>,
}

/// What comes after an attempt that did not complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Another attempt after this backoff.
    Retry(Span),
    /// Another attempt when the operator lets it go on.
    Hold,
    /// The activity closes, for this reason.
    Close(RetryState),
}

/// Decides what comes after an attempt that did not complete.
pub fn retry_verdict(ended: &Ended<'_>) -> Verdict {
    let _ = ended;
    unimplemented!()
}
