//! [`StartOptions`]: how a workflow is to be started.

use std::sync::Arc;
use std::time::Duration;

use crate::program::{IdConflictPolicy, IdReusePolicy, RetrySpec, Span};
use crate::service::StartWorkflow;

/// How a workflow is to be started. A zero duration means "no limit" or "at once".
///
/// ```
/// use std::time::Duration;
/// use durasim::{RetryPolicy, StartOptions};
///
/// let options = StartOptions {
///     run_timeout: Duration::from_secs(3_600),
///     retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }.into()),
///     ..Default::default()
/// };
/// assert!(options.start_delay.is_zero());
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StartOptions {
    /// Where workers poll for it. `None` is the queue of the first worker.
    pub task_queue: Option<String>,
    /// The longest time that the workflow may be open, all its runs together.
    pub execution_timeout: Duration,
    /// The longest time that each run may be open.
    pub run_timeout: Duration,
    /// The longest time that a worker may take for one workflow task. Zero is the simulation's
    /// [`workflow_task_timeout`](crate::Settings::workflow_task_timeout).
    pub task_timeout: Duration,
    /// When and how often to run it again after it has failed or timed out. `None` is no retry. A
    /// [`RetryPolicy`](crate::RetryPolicy) turns into it.
    pub retry_policy: Option<RetrySpec>,
    /// The time after which its first workflow task comes. A signal does not wait for it, and wakes nobody.
    pub start_delay: Duration,
    /// The schedule by which it is run again and again, in UTC: five fields (`30 9 * * MON-FRI`: minute, hour, day of the
    /// month, month, day of the week), `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, or `@every 90m`. `None` is once.
    ///
    /// The first run waits for the first moment of the schedule after the start, and a run that has completed, failed or timed
    /// out is followed by one at the next moment after that; moments that pass while a run is open are left out. A retry
    /// policy comes first. Each run has the same input, and knows the
    /// [result of the last that completed](crate::WorkflowContext::last_result) and the
    /// [failure of the one before](crate::WorkflowContext::last_failure). The workflow closes for good when it is cancelled or
    /// terminated: until then its [`result`](crate::WorkflowHandle::result) does not come.
    ///
    /// It cannot be used together with a start delay. Virtual time begins on Wednesday, the 1st of January 2020.
    pub cron: Option<String>,
    /// The consequence of a closed workflow of the same id. The default lets the id be used again.
    pub id_reuse_policy: IdReusePolicy,
    /// The consequence of an open workflow of the same id. The default refuses the start.
    pub id_conflict_policy: IdConflictPolicy,
    /// Lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

impl StartOptions {
    /// The start of a workflow with these options. The queue is that of the options, if they have one.
    pub(super) fn apply(&self, start: StartWorkflow) -> StartWorkflow {
        StartWorkflow {
            task_queue: self.task_queue.as_deref().map_or(start.task_queue, Arc::from),
            execution_timeout: Span::from(self.execution_timeout),
            run_timeout: Span::from(self.run_timeout),
            task_timeout: Span::from(self.task_timeout),
            retry: self.retry_policy.clone(),
            start_delay: Span::from(self.start_delay),
            cron: self.cron.as_deref().map(Arc::from),
            id_reuse: self.id_reuse_policy,
            id_conflict: self.id_conflict_policy,
            ..start
        }
    }
}
