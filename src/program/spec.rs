//! [`ActivitySpec`]: an activity as a workflow asks for it, before the service fills in defaults.

use std::sync::Arc;

use super::instant::Span;
use super::payload::Payload;

/// What a `ScheduleActivity` command carries.
#[derive(Clone, PartialEq, Debug)]
pub struct ActivitySpec {
    /// An id chosen by the caller; `None` lets the worker use the command's sequence number.
    pub activity_id: Option<Arc<str>>,
    /// The registered name.
    pub activity_type: Arc<str>,
    /// Where workers poll for it; `None` means the workflow's own queue.
    pub task_queue: Option<Arc<str>>,
    /// Its encoded input.
    pub input: Payload,
    /// As given, before defaulting; zero means "not set".
    pub timeouts: Timeouts,
    /// `None` means the server's default policy, which retries without limit; in the Cadence dialect, no retry.
    pub retry: Option<RetrySpec>,
    /// What happens to the caller's future when the activity is cancelled.
    pub cancellation: CancellationType,
}

/// An activity's four timeouts; zero means "not set".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Timeouts {
    /// From the first schedule to the end, retries included. In the Cadence dialect, from the moment an attempt is due to
    /// its end, for each attempt anew.
    pub schedule_to_close: Span,
    /// From the moment an attempt is due until a worker takes it.
    pub schedule_to_start: Span,
    /// From each attempt's start to its end.
    pub start_to_close: Span,
    /// The longest silence of a running attempt.
    pub heartbeat: Span,
}

/// A retry policy as it travels; each zero field means "the server's default".
///
/// [`RetryPolicy`](crate::RetryPolicy) says what the fields mean in each dialect.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RetrySpec {
    /// Before the second attempt. Default 1 s.
    pub initial_interval: Span,
    /// Each backoff is this many times the one before. Default 2.0.
    pub backoff_coefficient: f64,
    /// No backoff is longer. Default 100 times the initial interval.
    pub maximum_interval: Span,
    /// Attempts in all; 0 means no limit.
    pub maximum_attempts: i32,
    /// From the first schedule to the last moment at which an attempt may be due. Cadence only; 0 means no limit.
    pub expiration_interval: Span,
    /// Error types (exact match, top failure only) that are not retried.
    pub non_retryable_error_types: Vec<Arc<str>>,
}

/// When a workflow cancels an activity: what its future does, and whether the service is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum CancellationType {
    /// Ask the service to cancel and resolve as cancelled at once; whatever the activity does then is not seen.
    #[default]
    TryCancel,
    /// Ask the service to cancel and resolve with the activity's real outcome.
    WaitCancellationCompleted,
    /// Resolve as cancelled at once and do not tell the service: the activity goes on.
    Abandon,
}
