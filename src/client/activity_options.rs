//! [`StartActivityOptions`]: how an activity without a workflow is to be started.

use std::sync::Arc;
use std::time::Duration;

use crate::program::{ActivitySpec, IdConflictPolicy, IdReusePolicy, Payload, RetrySpec, Span, Timeouts};
use crate::service::StartActivity;

/// How an activity without a workflow is to be started. A zero duration means "not set"; the service then fills in what it
/// can, and refuses an activity with neither a schedule-to-close nor a start-to-close timeout.
///
/// The [`ActivityOptions`](crate::ActivityOptions) of workflow code turn into it; id and cancellation type mean nothing then.
///
/// ```
/// use std::time::Duration;
/// use durasim::StartActivityOptions;
///
/// let options = StartActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() };
/// assert!(options.retry_policy.is_none());
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StartActivityOptions {
    /// Where workers poll for it. `None` is the queue of the first worker.
    pub task_queue: Option<String>,
    /// From the start to the end, retries included. Not set: no limit.
    pub schedule_to_close_timeout: Duration,
    /// From the moment an attempt is due until a worker takes it. Never retried. Not set: schedule-to-close.
    pub schedule_to_start_timeout: Duration,
    /// From each attempt's start to its end. Not set: schedule-to-close.
    pub start_to_close_timeout: Duration,
    /// The longest silence of a running attempt; after it the attempt counts as lost and is retried. Not set: a lost
    /// attempt is noticed only by start-to-close.
    pub heartbeat_timeout: Duration,
    /// When and how often to try again. `None` is the server's default policy, which retries without limit. A
    /// [`RetryPolicy`](crate::RetryPolicy) turns into it.
    pub retry_policy: Option<RetrySpec>,
    /// The consequence of a closed activity of the same id. The default lets the id be used again.
    pub id_reuse_policy: IdReusePolicy,
    /// The consequence of an open activity of the same id. The default refuses the start. The server knows no
    /// [`TerminateExisting`](IdConflictPolicy::TerminateExisting) here.
    pub id_conflict_policy: IdConflictPolicy,
    /// Lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

impl StartActivityOptions {
    /// The start of an activity of this registered name with these options.
    pub(crate) fn start(
        &self,
        activity_id: impl Into<Arc<str>>,
        activity_type: Arc<str>,
        task_queue: Arc<str>,
        input: Payload,
    ) -> StartActivity {
        let timeouts = Timeouts::default()
            .schedule_to_close(Span::from(self.schedule_to_close_timeout))
            .schedule_to_start(Span::from(self.schedule_to_start_timeout))
            .start_to_close(Span::from(self.start_to_close_timeout))
            .heartbeat(Span::from(self.heartbeat_timeout));
        let mut spec = ActivitySpec::new(activity_type, input).timeouts(timeouts);
        spec.task_queue = self.task_queue.as_deref().map(Arc::from);
        spec.retry = self.retry_policy.clone();
        StartActivity {
            activity_id: activity_id.into(),
            spec: Arc::new(spec),
            task_queue,
            id_reuse: self.id_reuse_policy,
            id_conflict: self.id_conflict_policy,
        }
    }
}
