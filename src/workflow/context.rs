//! [`WorkflowContext`]: a workflow's way to everything outside it.

use std::any::type_name;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::activity_future::{ActivityFuture, ActivityRequest};
use super::error::WorkflowError;
use super::options::ActivityOptions;
use super::scope::ScopeId;
use super::scope_cancelled::ScopeCancelled;
use super::slot::SlotKind;
use super::state::{Requested, WorkflowState};
use super::timer::Timer;
use crate::program::{Command, Decode, Failure, Payload, RunInfo, Span, Time, places};

/// A workflow's way to everything outside it: activities, timers, signals and queries, the clock, random numbers,
/// cancellation.
///
/// Workflow code is deterministic: it waits for nothing but what its context gives, and reads no clock and no state
/// but the context's. Combine its futures with `join!`, `select_biased!` and `FuturesUnordered`; the forms of `select!`
/// without `biased` draw from outside the run and differ from run to run.
///
/// A context belongs to a cancellation scope; cloning it gives the same scope. Everything started through it is
/// cancelled when the scope is: timers end with [`WorkflowError::Cancelled`] at once, activities as their
/// [`CancellationType`](crate::program::CancellationType) says.
///
/// ```
/// use std::time::Duration;
/// use durasim::{ActivityOptions, WorkflowContext, WorkflowError};
/// use futures::select_biased;
///
/// async fn order(ctx: &WorkflowContext, item: String) -> Result<String, WorkflowError> {
///     let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(60), ..Default::default() };
///     let mut payment = ctx.execute_activity("pay", &item, options.clone());
///     let mut patience = ctx.sleep(Duration::from_secs(600));
///     select_biased! {
///         receipt = payment => receipt,
///         _ = patience => {
///             let () = ctx.detached().execute_activity("give_up", &item, options).await?;
///             Err(WorkflowError::application("not paid in time"))
///         }
///     }
/// }
/// ```
#[derive(Clone)]
pub struct WorkflowContext {
    pub(super) instance: Rc<WorkflowState>,
    pub(super) scope: ScopeId,
}

impl WorkflowContext {
    pub(super) fn root(instance: Rc<WorkflowState>) -> WorkflowContext {
        WorkflowContext { instance, scope: ScopeId::ROOT }
    }

    /// Schedules an activity, at the call, and gives the future of its result. Input and result travel as JSON.
    ///
    /// The future ends with [`WorkflowError::ActivityFailed`] when the activity has failed or timed out for good, with
    /// [`WorkflowError::Cancelled`] when it was cancelled, and with [`WorkflowError::Encode`] or
    /// [`WorkflowError::Decode`] when input or result do not fit.
    ///
    /// A result that is not used has to be given a type all the same: `let () = ctx.execute_activity(..).await?;`.
    #[track_caller]
    pub fn execute_activity<O: Decode>(
        &self,
        name: &str,
        input: &(impl Serialize + ?Sized),
        options: ActivityOptions,
    ) -> ActivityFuture<O> {
        let at = places::called("ctx.execute_activity");
        match Payload::from_json(input) {
            Ok(input) => ActivityFuture::new(at, self.schedule(name, input, &options), O::decode),
            Err(why) => {
                self.instance.called();
                let what = format!("the input of activity `{name}`");
                let failed = ActivityRequest::failed(WorkflowError::Encode { what, why: why.to_string() });
                ActivityFuture::new(at, failed, O::decode)
            }
        }
    }

    /// Schedules an activity whose input and result travel as they are. Otherwise as
    /// [`execute_activity`](Self::execute_activity).
    #[track_caller]
    pub fn execute_activity_bytes(
        &self,
        name: &str,
        input: impl AsRef<[u8]>,
        options: ActivityOptions,
    ) -> ActivityFuture<Vec<u8>> {
        let at = places::called("ctx.execute_activity_bytes");
        let asked = self.schedule(name, Payload::new(input), &options);
        ActivityFuture::new(at, asked, |result| Ok(result.to_vec()))
    }

    fn schedule(&self, name: &str, input: Payload, options: &ActivityOptions) -> ActivityRequest {
        let spec = match options.spec(name, input, &*self.instance.link) {
            Ok(spec) => spec,
            Err(misuse) => {
                self.instance.fail(misuse);
                return ActivityRequest::Never;
            }
        };
        let command = |seq| Command::ScheduleActivity { seq, spec: Arc::clone(&spec) };
        match self.instance.start(SlotKind::Activity, self.scope, command) {
            Requested::Slot(slot) => ActivityRequest::Waiting { instance: Rc::clone(&self.instance), slot, spec },
            Requested::Cancelled => ActivityRequest::failed(WorkflowError::cancelled()),
            Requested::Never => ActivityRequest::Never,
        }
    }

    /// Starts a durable timer, at the call. Zero fires at once, but still by way of the service
    /// (recorded scenario `raw_timer_zero`).
    #[track_caller]
    pub fn sleep(&self, duration: Duration) -> Timer {
        let at = places::called("ctx.sleep");
        let command = |seq| Command::StartTimer { seq, duration: Span::from(duration) };
        Timer::new(at, &self.instance, self.instance.start(SlotKind::Timer, self.scope, command))
    }

    /// The workflow's clock: when its present task was started. It stands still while code runs, and shows the same in
    /// a replay.
    #[track_caller]
    pub fn now(&self) -> Time {
        places::called("ctx.now");
        self.instance.called();
        self.instance.now()
    }

    /// Which run of which workflow this is.
    #[track_caller]
    pub fn info(&self) -> &RunInfo {
        places::called("ctx.info");
        &self.instance.run
    }

    /// The result of the last run that completed, for a run of a [schedule](crate::StartOptions::cron). `None` if none has
    /// completed yet. A run that failed in between changes nothing: [`last_failure`](Self::last_failure) tells of it.
    ///
    /// # Errors
    /// The error is [`WorkflowError::Input`] if the result is not of this type.
    #[track_caller]
    pub fn last_result<T: Decode>(&self) -> Result<Option<T>, WorkflowError> {
        places::called("ctx.last_result");
        let last = self.instance.run.last_result.as_ref().map(|result| T::decode(result.as_bytes()));
        last.transpose().map_err(|why| WorkflowError::Input {
            of: "the result of the last run".to_owned(),
            wanted: type_name::<T>(),
            why: why.to_string(),
        })
    }

    /// The failure of the run before this one, for a run that is a retry or follows a failed one by its
    /// [schedule](crate::StartOptions::cron). `None` if the run before has not failed.
    #[track_caller]
    pub fn last_failure(&self) -> Option<&Failure> {
        places::called("ctx.last_failure");
        self.instance.run.last_failure.as_deref()
    }

    /// Says whether the code is being run again to rebuild its state. It is for logging: nothing that the
    /// workflow does may depend on it.
    #[track_caller]
    pub fn is_replaying(&self) -> bool {
        places::called("ctx.is_replaying");
        self.instance.called();
        self.instance.is_replaying()
    }

    /// Events in the history up to the present task.
    #[track_caller]
    pub fn history_length(&self) -> u64 {
        places::called("ctx.history_length");
        self.instance.called();
        self.instance.history_length()
    }

    /// The size of the history before the present task, in bytes; see [`HistoryLimits`](crate::HistoryLimits).
    #[track_caller]
    pub fn history_size(&self) -> u64 {
        places::called("ctx.history_size");
        self.instance.called();
        self.instance.history_size()
    }

    /// Says whether the service suggests to [continue as new](Self::continue_as_new): the history is long, by
    /// [`HistoryLimits`](crate::HistoryLimits). A run whose history grows far beyond that is terminated.
    #[track_caller]
    pub fn is_continue_as_new_suggested(&self) -> bool {
        places::called("ctx.is_continue_as_new_suggested");
        self.instance.called();
        self.instance.suggest_continue_as_new()
    }

    /// Says whether this scope is cancelled: the workflow's, by a cancel request, or any scope by [`cancel`](Self::cancel).
    #[track_caller]
    pub fn is_cancelled(&self) -> bool {
        places::called("ctx.is_cancelled");
        self.instance.is_cancelled(self.scope)
    }

    /// Waits until this scope is cancelled. Ends at once if it was already.
    #[track_caller]
    pub fn cancelled(&self) -> ScopeCancelled {
        let at = places::called("ctx.cancelled");
        ScopeCancelled { at, instance: Rc::clone(&self.instance), scope: self.scope, waiter: None, ended: false }
    }

    /// A new scope below this one: it is cancelled with this one, and can be cancelled alone.
    #[track_caller]
    pub fn child_scope(&self) -> WorkflowContext {
        places::called("ctx.child_scope");
        WorkflowContext { instance: Rc::clone(&self.instance), scope: self.instance.child_scope(self.scope) }
    }

    /// A new scope that is cancelled only by its own [`cancel`](Self::cancel): for work that has to be done after a
    /// cancellation, such as a compensation.
    #[track_caller]
    pub fn detached(&self) -> WorkflowContext {
        places::called("ctx.detached");
        WorkflowContext { instance: Rc::clone(&self.instance), scope: self.instance.detached_scope() }
    }

    /// Cancels this scope and those below it, once; later calls do nothing. Activities and timers that were asked for
    /// within the same task are taken back, so that the service never sees them. Anything started in the scope from
    /// now on ends as cancelled at once.
    #[track_caller]
    pub fn cancel(&self) {
        places::called("ctx.cancel");
        self.instance.called();
        self.instance.cancel(self.scope);
    }
}

impl fmt::Debug for WorkflowContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowContext")
            .field("workflow_type", &self.instance.run.workflow_type)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
