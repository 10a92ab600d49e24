//! Local activities as workflow code asks for them: their options and the calls of the context.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::activity_future::{ActivityFuture, ActivityRequest};
use super::context::WorkflowContext;
use super::error::WorkflowError;
use super::options::{ActivityOptions, RetryPolicy};
use super::state::Requested;
use crate::program::{CancellationType, Decode, LocalActivitySpec, Payload, Span, TaskFailure, WorkflowLink, places};

/// How a local activity is to be run. A zero duration means "not set". One of the two timeouts has to be set.
///
/// ```
/// use std::time::Duration;
/// use durasim::LocalActivityOptions;
///
/// let options = LocalActivityOptions { start_to_close_timeout: Duration::from_secs(2), ..Default::default() };
/// assert!(options.local_retry_threshold.is_zero());
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LocalActivityOptions {
    /// From the call to the end, retries and timers included. Not set: no limit.
    pub schedule_to_close_timeout: Duration,
    /// From each attempt's start to its end. Not set: schedule-to-close.
    pub start_to_close_timeout: Duration,
    /// When and how often to try again. `None` is the default policy, which retries without limit. A field that makes no sense is
    /// replaced by its default, and the types of failures are compared without regard to case.
    ///
    /// Cadence: `None` is no retry.
    pub retry_policy: Option<RetryPolicy>,
    /// The longest backoff for which the worker waits within the workflow task. Before a longer one the failure is recorded, and a
    /// timer of the workflow waits. Not set: 1 min.
    pub local_retry_threshold: Duration,
    /// Decides what a cancelled scope does about the activity.
    pub cancellation_type: CancellationType,
    /// The activity's id. `None` numbers local activities in the order they are asked for.
    pub activity_id: Option<String>,
    /// Lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

impl LocalActivityOptions {
    /// # Errors
    /// [`TaskFailure::Misuse`] for a coefficient that is not a number, as for [`ActivityOptions`].
    pub(super) fn spec(
        &self,
        activity_type: &str,
        input: Payload,
        link: &dyn WorkflowLink,
    ) -> Result<Arc<LocalActivitySpec>, TaskFailure> {
        let options = ActivityOptions {
            activity_id: self.activity_id.clone(),
            schedule_to_close_timeout: self.schedule_to_close_timeout,
            start_to_close_timeout: self.start_to_close_timeout,
            retry_policy: self.retry_policy.clone(),
            cancellation_type: self.cancellation_type,
            ..ActivityOptions::default()
        };
        let activity = options.spec(activity_type, input, link)?;
        let threshold = Span::from(self.local_retry_threshold);
        Ok(Arc::new(LocalActivitySpec::new(Arc::unwrap_or_clone(activity)).local_retry_threshold(threshold)))
    }
}

impl WorkflowContext {
    /// Runs an activity on the worker that has the present workflow task, within that task, and gives the future of its result. Input
    /// and result travel as JSON.
    ///
    /// The service sees nothing of a local activity but a marker with its end, which leaves with the answer to the task. If the worker
    /// dies before, or the answer is lost or refused, **the activity is run again**, also one that had ended, and its attempts count
    /// from 1 again. In a replay the code gets the marker's result, and the activity does not run. Heartbeats have no effect. A task
    /// that takes long because of local activities is renewed when 0.8 of its timeout has passed.
    ///
    /// The future ends with [`WorkflowError::ActivityFailed`] when the activity has failed or timed out for good, with
    /// [`WorkflowError::Cancelled`] when it was cancelled, and with [`WorkflowError::Encode`] or [`WorkflowError::Decode`] when input
    /// or result do not fit. The failure is the activity's own, with no failure of kind `Activity` around it; only a timeout has one.
    ///
    /// The workflow task fails if no timeout is set.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{ActivityContext, ActivityError, LocalActivityOptions, Simulation, WorkflowContext};
    ///
    /// async fn price(_: &ActivityContext, item: String) -> Result<u32, ActivityError> {
    ///     Ok(item.len() as u32)
    /// }
    /// let order = async |ctx: &WorkflowContext, item: String| {
    ///     let options = LocalActivityOptions { start_to_close_timeout: Duration::from_secs(2), ..Default::default() };
    ///     ctx.execute_local_activity::<u32>("price", &item, options).await
    /// };
    /// let run = Simulation::temporal().activity("price", price).workflow("order", order).run("order", &"tea")?;
    /// assert_eq!(run.result::<u32>()?, 3);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn execute_local_activity<O: Decode>(
        &self,
        name: &str,
        input: &(impl Serialize + ?Sized),
        options: LocalActivityOptions,
    ) -> ActivityFuture<O> {
        let at = places::called("ctx.execute_local_activity");
        match Payload::from_json(input) {
            Ok(input) => ActivityFuture::new(at, self.ask_for_local(name, input, &options), O::decode),
            Err(why) => {
                self.instance.called();
                let what = format!("the input of local activity `{name}`");
                let failed = ActivityRequest::failed(WorkflowError::Encode { what, why: why.to_string() });
                ActivityFuture::new(at, failed, O::decode)
            }
        }
    }

    /// Runs a local activity whose input and result travel as they are. Otherwise as
    /// [`execute_local_activity`](Self::execute_local_activity).
    #[track_caller]
    pub fn execute_local_activity_bytes(
        &self,
        name: &str,
        input: impl AsRef<[u8]>,
        options: LocalActivityOptions,
    ) -> ActivityFuture<Vec<u8>> {
        let at = places::called("ctx.execute_local_activity_bytes");
        let asked = self.ask_for_local(name, Payload::new(input), &options);
        ActivityFuture::new(at, asked, |result| Ok(result.to_vec()))
    }

    fn ask_for_local(&self, name: &str, input: Payload, options: &LocalActivityOptions) -> ActivityRequest {
        let spec = match options.spec(name, input, &*self.instance.link) {
            Ok(spec) => spec,
            Err(misuse) => {
                self.instance.fail(misuse);
                return ActivityRequest::Never;
            }
        };
        match self.instance.start_local_activity(self.scope, &spec) {
            Requested::Slot(slot) => {
                ActivityRequest::Waiting { instance: self.instance.clone(), slot, spec: Arc::clone(&spec.activity) }
            }
            Requested::Cancelled => ActivityRequest::failed(WorkflowError::cancelled()),
            Requested::Never => ActivityRequest::Never,
        }
    }
}
