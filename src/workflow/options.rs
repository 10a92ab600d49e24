//! [`ActivityOptions`] and [`RetryPolicy`]: how an activity is to be run.

use std::sync::Arc;
use std::time::Duration;

use crate::program::{ActivitySpec, CancellationType, Payload, RetrySpec, Span, TaskFailure, Timeouts, WorkflowLink};

/// How an activity is to be run. A zero duration means "not set"; the service then fills in what it can, and refuses an
/// activity with neither a schedule-to-close nor a start-to-close timeout.
///
/// In the Cadence dialect every duration is rounded up to whole seconds, and an activity without a schedule-to-close
/// timeout needs both schedule-to-start and start-to-close; [`Dialect`](crate::Dialect) has all differences.
///
/// All fields are public, so that those left out can come from the default:
///
/// ```
/// use std::time::Duration;
/// use durasim::ActivityOptions;
///
/// let options = ActivityOptions {
///     schedule_to_close_timeout: Duration::from_secs(300),
///     heartbeat_timeout: Duration::from_secs(30),
///     ..Default::default()
/// };
/// assert!(options.start_to_close_timeout.is_zero());
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ActivityOptions {
    /// From the schedule to the end, retries included. Not set: the workflow's run timeout, or no limit.
    ///
    /// Cadence: from the moment an attempt is due to its end, for each attempt anew, and with a retry policy at least its
    /// expiration interval. Not set: schedule-to-start plus start-to-close.
    pub schedule_to_close_timeout: Duration,
    /// From the moment an attempt is due until a worker takes it. Never retried. Not set: schedule-to-close.
    ///
    /// Cadence: retried, and with a retry policy at least its expiration interval or half an hour, whichever is less.
    pub schedule_to_start_timeout: Duration,
    /// From each attempt's start to its end. Not set: schedule-to-close.
    pub start_to_close_timeout: Duration,
    /// The longest silence of a running attempt; after it the attempt counts as lost and is retried. Not set: a lost
    /// attempt is noticed only by start-to-close.
    pub heartbeat_timeout: Duration,
    /// When and how often to try again. `None` is the server's default policy, which retries without limit.
    ///
    /// Cadence: `None` is no retry.
    pub retry_policy: Option<RetryPolicy>,
    /// Decides what a cancelled scope does about the activity.
    pub cancellation_type: CancellationType,
    /// Where workers poll for it. `None` is the workflow's own queue.
    pub task_queue: Option<String>,
    /// The activity's id, unique within the run. `None` numbers activities in the order they are asked for.
    pub activity_id: Option<String>,
    /// Lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

/// When and how often a failed or timed-out attempt is tried again. A zero field means "the server's default", so
/// `RetryPolicy::default()` is the server's default policy: 1 s, doubled each time up to 100 s, without limit.
///
/// In the Cadence dialect `RetryPolicy::default()` is no retry: a policy needs `maximum_attempts`, an
/// `expiration_interval`, or both. Timeouts of all four kinds are retried.
///
/// Source of the defaults: temporal `common/retrypolicy/retry_policy.go`; for Cadence, cadence-client
/// `convertRetryPolicy` and cadence `service/history/execution/retry.go`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RetryPolicy {
    /// Before the second attempt, counted from the end of the first. Default 1 s.
    pub initial_interval: Duration,
    /// Each backoff is this many times the one before. Default 2.0; the service refuses one below 1.0.
    ///
    /// Cadence: the backoff is then rounded down to whole seconds.
    pub backoff_coefficient: f64,
    /// No backoff is longer. Default 100 times the initial interval; Cadence: no limit.
    pub maximum_interval: Duration,
    /// Attempts in all, the first included; 0 means no limit. Cadence: 0 means no limit but the expiration interval.
    pub maximum_attempts: i32,
    /// From the first schedule to the last moment at which an attempt may be due; zero means no limit.
    ///
    /// Cadence only. Temporal limits the whole by the schedule-to-close timeout; the service refuses a policy that has
    /// this set, because it would retry for longer than the policy says.
    pub expiration_interval: Duration,
    /// Types of application failures that are not tried again: exact, case included. The names
    /// `TemporalTimeout:StartToClose` and `TemporalTimeout:Heartbeat` stand for these timeouts.
    ///
    /// Cadence: reasons, which are the same names for failures; timeouts are `cadenceInternal:Timeout START_TO_CLOSE`,
    /// `SCHEDULE_TO_START`, `SCHEDULE_TO_CLOSE` and `HEARTBEAT`.
    pub non_retryable_error_types: Vec<String>,
    /// Lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

impl ActivityOptions {
    /// # Errors
    /// [`TaskFailure::Misuse`] for a coefficient that is not a number: compared with itself in a replay, it would differ.
    pub(super) fn spec(
        &self,
        activity_type: &str,
        input: Payload,
        link: &dyn WorkflowLink,
    ) -> Result<Arc<ActivitySpec>, TaskFailure> {
        let retry = self.retry_policy.as_ref().map(|policy| policy.spec("activity", activity_type)).transpose()?;
        Ok(Arc::new(ActivitySpec {
            activity_id: self.activity_id.as_deref().map(Arc::from),
            activity_type: link.activity_type(activity_type).unwrap_or_else(|| Arc::from(activity_type)),
            task_queue: self.task_queue.as_deref().map(Arc::from),
            input,
            timeouts: Timeouts {
                schedule_to_close: Span::from(self.schedule_to_close_timeout),
                schedule_to_start: Span::from(self.schedule_to_start_timeout),
                start_to_close: Span::from(self.start_to_close_timeout),
                heartbeat: Span::from(self.heartbeat_timeout),
            },
            retry,
            cancellation: self.cancellation_type,
            headers: Default::default(),
        }))
    }
}

/// Takes the policy as it is; the service refuses one that makes no sense.
impl From<RetryPolicy> for RetrySpec {
    fn from(policy: RetryPolicy) -> RetrySpec {
        RetrySpec {
            initial_interval: Span::from(policy.initial_interval),
            backoff_coefficient: policy.backoff_coefficient,
            maximum_interval: Span::from(policy.maximum_interval),
            maximum_attempts: policy.maximum_attempts,
            expiration_interval: Span::from(policy.expiration_interval),
            non_retryable_error_types: policy
                .non_retryable_error_types
                .iter()
                .map(|name| Arc::from(name.as_str()))
                .collect(),
        }
    }
}

impl RetryPolicy {
    pub(super) fn spec(&self, what: &str, name: &str) -> Result<RetrySpec, TaskFailure> {
        if self.backoff_coefficient.is_nan() {
            return Err(TaskFailure::Misuse(format!(
                "the retry policy of {what} `{name}` has a `backoff_coefficient` that is not a number: give \
                 1.0 or more, or 0.0 for the server's default"
            )));
        }
        Ok(self.clone().into())
    }
}
