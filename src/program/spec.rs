//! [`ActivitySpec`]: an activity as a workflow asks for it, before the service fills in defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::instant::Span;
use super::payload::Payload;

/// A number that a workflow gives to each thing it starts, from 1, separately for activities and timers.
pub type Seq = u32;

/// An activity's id: the number of its command, unless the caller chose a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum ActivityId {
    /// The sequence number of the `ScheduleActivity` command.
    Seq(Seq),
    /// A name chosen by the caller.
    Named(Arc<str>),
}

impl fmt::Display for ActivityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActivityId::Seq(seq) => write!(f, "{seq}"),
            ActivityId::Named(name) => f.write_str(name),
        }
    }
}

/// The content of a `ScheduleActivity` command.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ActivitySpec {
    /// An id chosen by the caller; `None` lets the worker use the command's sequence number.
    pub activity_id: Option<Arc<str>>,
    /// The registered name.
    pub activity_type: Arc<str>,
    /// The queue that workers poll for it; `None` means the workflow's own queue.
    pub task_queue: Option<Arc<str>>,
    /// The encoded input.
    pub input: Payload,
    /// The timeouts as given, before defaulting; zero means "not set".
    pub timeouts: Timeouts,
    /// The retry policy as given. `None` means the server's default policy, which retries without limit; in the Cadence
    /// dialect it means no retry.
    pub retry: Option<RetrySpec>,
    /// The fate of the caller's future when the activity is cancelled.
    pub cancellation: CancellationType,
    /// The headers, by name: values beside the input that interceptors of an SDK give to each other.
    pub headers: BTreeMap<Arc<str>, Payload>,
}

impl ActivitySpec {
    /// An activity of this type without options: no timeouts, which the service refuses, the server's default retry
    /// policy, the workflow's own queue, and the number of its command as its id.
    ///
    /// ```
    /// use durasim::Span;
    /// use durasim::program::{ActivitySpec, Payload, RetrySpec, Timeouts};
    ///
    /// let spec = ActivitySpec::new("copy", Payload::new("3"))
    ///     .timeouts(Timeouts::default().start_to_close(Span::from_secs(60)).heartbeat(Span::from_secs(5)))
    ///     .retry(RetrySpec::default().maximum_attempts(3));
    /// assert!(spec.timeouts.schedule_to_close.is_zero());
    /// ```
    pub fn new(activity_type: impl Into<Arc<str>>, input: Payload) -> ActivitySpec {
        ActivitySpec {
            activity_id: None,
            activity_type: activity_type.into(),
            task_queue: None,
            input,
            timeouts: Timeouts::default(),
            retry: None,
            cancellation: CancellationType::default(),
            headers: BTreeMap::new(),
        }
    }

    /// Chooses its id.
    pub fn activity_id(mut self, id: impl Into<Arc<str>>) -> ActivitySpec {
        self.activity_id = Some(id.into());
        self
    }

    /// Chooses its queue.
    pub fn task_queue(mut self, queue: impl Into<Arc<str>>) -> ActivitySpec {
        self.task_queue = Some(queue.into());
        self
    }

    /// Sets its timeouts.
    pub fn timeouts(mut self, timeouts: Timeouts) -> ActivitySpec {
        self.timeouts = timeouts;
        self
    }

    /// Sets its retry policy.
    pub fn retry(mut self, policy: RetrySpec) -> ActivitySpec {
        self.retry = Some(policy);
        self
    }

    /// Sets what happens to the caller's future when the activity is cancelled.
    pub fn cancellation(mut self, cancellation: CancellationType) -> ActivitySpec {
        self.cancellation = cancellation;
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<Arc<str>>, value: Payload) -> ActivitySpec {
        self.headers.insert(name.into(), value);
        self
    }
}

/// An activity's four timeouts; zero means "not set".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub struct Timeouts {
    /// The time from the first schedule to the end, retries included. In the Cadence dialect it is the time from the
    /// moment an attempt is due to its end, for each attempt anew.
    pub schedule_to_close: Span,
    /// The time from the moment an attempt is due until a worker takes it.
    pub schedule_to_start: Span,
    /// The time from each attempt's start to its end.
    pub start_to_close: Span,
    /// The longest silence of a running attempt.
    pub heartbeat: Span,
}

impl Timeouts {
    /// Sets the time from the first schedule to the end.
    pub fn schedule_to_close(mut self, length: Span) -> Timeouts {
        self.schedule_to_close = length;
        self
    }

    /// Sets the time from the moment an attempt is due until a worker takes it.
    pub fn schedule_to_start(mut self, length: Span) -> Timeouts {
        self.schedule_to_start = length;
        self
    }

    /// Sets the time from each attempt's start to its end.
    pub fn start_to_close(mut self, length: Span) -> Timeouts {
        self.start_to_close = length;
        self
    }

    /// Sets the longest silence of a running attempt.
    pub fn heartbeat(mut self, length: Span) -> Timeouts {
        self.heartbeat = length;
        self
    }
}

/// A retry policy as it travels; each zero field means "the server's default".
///
/// [`RetryPolicy`](crate::RetryPolicy) says what the fields mean in each dialect.
#[derive(Clone, PartialEq, Debug, Default)]
#[non_exhaustive]
pub struct RetrySpec {
    /// The backoff before the second attempt. Default 1 s.
    pub initial_interval: Span,
    /// Each backoff is this many times the one before. Default 2.0.
    pub backoff_coefficient: f64,
    /// No backoff is longer. Default 100 times the initial interval.
    pub maximum_interval: Span,
    /// The number of attempts in all; 0 means no limit.
    pub maximum_attempts: i32,
    /// The time from the first schedule to the last moment at which an attempt may be due. It is for Cadence only; 0
    /// means no limit.
    pub expiration_interval: Span,
    /// The error types that are not retried. They are compared exactly, with the top failure only.
    pub non_retryable_error_types: Vec<Arc<str>>,
}

impl RetrySpec {
    /// Sets the time before the second attempt.
    pub fn initial_interval(mut self, length: Span) -> RetrySpec {
        self.initial_interval = length;
        self
    }

    /// Sets the factor by which each backoff is longer than the one before.
    pub fn backoff_coefficient(mut self, coefficient: f64) -> RetrySpec {
        self.backoff_coefficient = coefficient;
        self
    }

    /// Sets the longest backoff.
    pub fn maximum_interval(mut self, length: Span) -> RetrySpec {
        self.maximum_interval = length;
        self
    }

    /// Sets the number of attempts in all.
    pub fn maximum_attempts(mut self, attempts: i32) -> RetrySpec {
        self.maximum_attempts = attempts;
        self
    }

    /// Sets the time in which attempts may be due, for the Cadence dialect.
    pub fn expiration_interval(mut self, length: Span) -> RetrySpec {
        self.expiration_interval = length;
        self
    }

    /// Sets the error types that are not retried.
    pub fn non_retryable_error_types<T: Into<Arc<str>>>(mut self, types: impl IntoIterator<Item = T>) -> RetrySpec {
        self.non_retryable_error_types = types.into_iter().map(Into::into).collect();
        self
    }
}

/// The consequence of a workflow's cancel for an activity: what its future does, and whether the service is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum CancellationType {
    /// Ask the service to cancel and resolve as cancelled at once; whatever the activity does then is not seen.
    #[default]
    TryCancel,
    /// Ask the service to cancel and resolve with the activity's real outcome.
    WaitCancellationCompleted,
    /// Resolve as cancelled at once and do not ask the service: the activity goes on.
    Abandon,
}
