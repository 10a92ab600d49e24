//! Local activities at the seam: how a workflow asks for one, how it ends, and what its marker says.

use std::sync::Arc;

use super::failure::Failure;
use super::instant::{Span, Time};
use super::payload::Payload;
use super::spec::{ActivitySpec, Seq};

/// The content of a [`Command::ScheduleLocalActivity`](super::Command::ScheduleLocalActivity): an activity that the worker of the
/// workflow task runs itself, within the task.
///
/// The activity's own [`ActivitySpec`] says what is run: its type, input, timeouts, retry policy and cancellation type. A heartbeat
/// timeout, a queue and headers mean nothing here.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct LocalActivitySpec {
    /// The activity.
    pub activity: Arc<ActivitySpec>,
    /// The longest backoff for which the worker waits by itself, within the workflow task. A longer one is a marker and a timer of
    /// the workflow. Zero means 1 min.
    pub local_retry_threshold: Span,
    /// The number of its first attempt: 1, unless a timer has led here.
    pub attempt: u32,
    /// The time at which it was first asked for; `None` unless a timer has led here.
    pub first_scheduled_at: Option<Time>,
}

impl LocalActivitySpec {
    /// The threshold of those that have not set another.
    ///
    /// Source: crate temporalio-sdk-core 0.10.1 `src/protosext/mod.rs`.
    pub const DEFAULT_LOCAL_RETRY_THRESHOLD: Span = Span::from_secs(60);

    /// Makes a local activity of this activity, which begins with attempt 1.
    ///
    /// ```
    /// use durasim::Span;
    /// use durasim::program::{ActivitySpec, LocalActivitySpec, Payload, Timeouts};
    ///
    /// let timeouts = Timeouts::default().start_to_close(Span::from_secs(5));
    /// let spec = LocalActivitySpec::new(ActivitySpec::new("price", Payload::new("3")).timeouts(timeouts));
    /// assert_eq!(spec.threshold(), Span::from_secs(60));
    /// ```
    pub fn new(activity: ActivitySpec) -> LocalActivitySpec {
        LocalActivitySpec {
            activity: Arc::new(activity),
            local_retry_threshold: Span::ZERO,
            attempt: 1,
            first_scheduled_at: None,
        }
    }

    /// Sets the longest backoff for which the worker waits by itself; zero means 1 min.
    pub fn local_retry_threshold(mut self, threshold: Span) -> LocalActivitySpec {
        self.local_retry_threshold = threshold;
        self
    }

    /// Makes the same activity for the attempt after a backoff that a timer has waited for.
    pub fn resumed(&self, attempt: u32, first_scheduled_at: Time) -> LocalActivitySpec {
        LocalActivitySpec { attempt, first_scheduled_at: Some(first_scheduled_at), ..self.clone() }
    }

    /// Gives the threshold in force.
    pub fn threshold(&self) -> Span {
        if self.local_retry_threshold > Span::ZERO {
            self.local_retry_threshold
        } else {
            LocalActivitySpec::DEFAULT_LOCAL_RETRY_THRESHOLD
        }
    }
}

/// The way in which a local activity ended, as its workflow sees it.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum LocalActivityResolution {
    /// The activity ended with a result.
    Completed(Payload),
    /// The activity failed for good. The failure is the code's own; that of a timeout is the cause of a failure of kind
    /// [`FailureKind::Activity`](super::FailureKind::Activity).
    Failed(Arc<Failure>),
    /// The activity was cancelled: a failure of kind [`FailureKind::Activity`](super::FailureKind::Activity) whose cause is the
    /// cancellation.
    Cancelled(Arc<Failure>),
    /// The backoff before the next attempt is longer than the threshold. The workflow is to start a timer of this length and then to
    /// ask for the activity again, [resumed](LocalActivitySpec::resumed) under a new number.
    Backoff {
        /// The number of the next attempt.
        attempt: u32,
        /// The length of the timer.
        delay: Span,
        /// The time at which the activity was first asked for.
        first_scheduled_at: Time,
    },
}

/// The content of the marker that a local activity leaves in the history.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/local_activity_state_machine.rs`; recorded scenarios
/// `local_backoff_timer`, `local_cancel_try`.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct LocalActivityMarker {
    /// The number of the command that asked for it.
    pub seq: Seq,
    /// Its id.
    pub activity_id: Arc<str>,
    /// The registered name.
    pub activity_type: Arc<str>,
    /// The number of the last attempt; 0 if it was cancelled and not waited for.
    pub attempt: u32,
    /// The workflow's clock at its end; `None` if it was cancelled and not waited for, which leaves the clock as it is.
    pub completed_at: Option<Time>,
    /// The time at which it was first asked for.
    pub first_scheduled_at: Time,
    /// The way in which it ended.
    pub end: LocalActivityEnd,
}

/// The way in which a local activity ended, as its marker says it.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum LocalActivityEnd {
    /// With a result.
    Completed(Payload),
    /// With the failure of its last attempt.
    Failed(Arc<Failure>),
    /// By a timeout.
    TimedOut(Arc<Failure>),
    /// As cancelled.
    Cancelled(Arc<Failure>),
    /// Not for good: the next attempt follows a timer of this length.
    Backoff(Arc<Failure>, Span),
}
