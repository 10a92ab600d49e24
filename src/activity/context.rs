//! [`ActivityContext`]: an attempt's view of the service and its worker, and the futures that it gives.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::FusedFuture;
use serde::Serialize;

use super::latch::Latches;
use crate::program::{
    ActivityInfo, ActivityLink, ActivityTask, AttemptListener, CancelReason, Decode, PAYLOAD_LIMIT, Payload, Time,
    WaiterIndex, places,
};

/// An attempt's view of the service and its worker: progress, cancellation, deadline.
///
/// The names are those of the Cadence Rust client. Cloning is cheap and gives the same context, for helpers and spawned
/// tasks. All times are virtual.
///
/// ```
/// use std::time::Duration;
/// use durasim::{ActivityContext, ActivityError};
///
/// async fn copy_rows(ctx: &ActivityContext, total: u32) -> Result<u32, ActivityError> {
///     let start: u32 = ctx.heartbeat_details()?.unwrap_or(0);
///     for row in start..total {
///         if ctx.is_cancelled() {
///             return Err(ActivityError::Cancelled);
///         }
///         if ctx.get_remaining_time().is_some_and(|left| left < Duration::from_secs(5)) {
///             return Ok(row);
///         }
///         // .. copy the row ..
///         ctx.heartbeat(&(row + 1))?;
///     }
///     Ok(total)
/// }
/// ```
#[derive(Clone)]
pub struct ActivityContext(Arc<Inner>);

struct Inner {
    task: ActivityTask,
    details_read: AtomicBool,
    /// The details did not decode as what the code wanted, and it has not read them in another way.
    undecoded: AtomicBool,
    latches: Latches,
    link: Arc<dyn ActivityLink>,
}

impl ActivityContext {
    pub(crate) fn new(task: ActivityTask, link: Arc<dyn ActivityLink>) -> ActivityContext {
        ActivityContext(Arc::new(Inner {
            task,
            details_read: AtomicBool::new(false),
            undecoded: AtomicBool::new(false),
            latches: Latches::default(),
            link,
        }))
    }

    /// Receives what the worker notifies this attempt of.
    pub(crate) fn listener(&self) -> Arc<dyn AttemptListener> {
        self.0.clone()
    }

    /// The encoded input.
    pub(super) fn input(&self) -> &[u8] {
        self.0.task.input().as_bytes()
    }

    /// Names the activity and this attempt, and gives the timeouts in force.
    #[track_caller]
    pub fn get_info(&self) -> &ActivityInfo {
        places::called("ctx.get_info");
        &self.0.task.info
    }

    /// Records a heartbeat: a sign of life, and the details that the next attempt starts from.
    ///
    /// Recording is not sending. The worker sends the first heartbeat at once and then at most one per 0.8 of the
    /// heartbeat timeout, always the newest; a crash loses what was recorded and not sent. A heartbeat with `None`
    /// *erases* the details at the service once it is sent (temporal `service/history/workflow/mutable_state_impl.go`,
    /// recorded scenario `hb_details_absent_clears`).
    ///
    /// Cancellation is learned from the answers to sent heartbeats: an attempt that records none is never notified.
    #[track_caller]
    pub fn record_heartbeat(&self, details: Option<&[u8]>) {
        places::called("ctx.record_heartbeat");
        self.record(details);
    }

    fn record(&self, details: Option<&[u8]>) {
        // A heartbeat that is too large fails the activity; no more of it is looked at than shows that.
        let details = details.map(|details| &details[..details.len().min(PAYLOAD_LIMIT + 1)]);
        self.0.link.heartbeat(details).obey();
    }

    /// Records a heartbeat with a value, encoded as JSON.
    ///
    /// # Errors
    /// The error of `serde_json` for a value that JSON cannot hold. Nothing is recorded then.
    #[track_caller]
    pub fn heartbeat<T: Serialize + ?Sized>(&self, details: &T) -> Result<(), serde_json::Error> {
        places::called("ctx.heartbeat");
        self.record(Some(Payload::from_json_limited(details)?.as_bytes()));
        Ok(())
    }

    /// Says whether an earlier attempt left details at the service.
    #[track_caller]
    pub fn has_heartbeat_details(&self) -> bool {
        places::called("ctx.has_heartbeat_details");
        self.0.link.called();
        self.0.task.heartbeat_details.is_some()
    }

    /// The details that earlier attempts left at the service: of the last heartbeat that was *sent*, whatever ended
    /// those attempts. `None` on a first attempt, and after a heartbeat without details. This attempt's own records do
    /// not show here.
    #[track_caller]
    pub fn get_heartbeat_details(&self) -> Option<&[u8]> {
        places::called("ctx.get_heartbeat_details");
        self.decoded(Ok(()));
        self.details()
    }

    fn details(&self) -> Option<&[u8]> {
        self.0.link.called();
        if !self.0.details_read.load(Ordering::Relaxed) {
            self.0.details_read.store(true, Ordering::Relaxed);
            self.0.link.details_read();
        }
        self.0.task.heartbeat_details.as_bytes()
    }

    /// The details that earlier attempts left at the service, decoded from JSON; see
    /// [`get_heartbeat_details`](Self::get_heartbeat_details).
    ///
    /// # Errors
    /// The error of `serde_json` where there are details that are not JSON of this type.
    #[track_caller]
    pub fn heartbeat_details<T: Decode>(&self) -> Result<Option<T>, serde_json::Error> {
        places::called("ctx.heartbeat_details");
        let Some(details) = self.details() else { return Ok(None) };
        let decoded = T::decode(details);
        self.decoded(decoded.as_ref().map(|_| ()));
        decoded.map(Some)
    }

    /// Tells the worker of details that do not decode, and of code that reads them in another way afterwards. Bytes are taken
    /// as read.
    fn decoded(&self, result: Result<(), &serde_json::Error>) {
        let fails = result.is_err();
        if self.0.undecoded.swap(fails, Ordering::Relaxed) != fails {
            match result {
                Ok(()) => self.0.link.details_decoded(Ok(())),
                Err(why) => self.0.link.details_decoded(Err(&why.to_string())),
            }
        }
    }

    /// Says whether the attempt is to stop.
    #[track_caller]
    pub fn is_cancelled(&self) -> bool {
        places::called("ctx.is_cancelled");
        self.reason().is_some()
    }

    /// Why the attempt is to stop; `None` while it is not.
    #[track_caller]
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        places::called("ctx.cancel_reason");
        self.reason()
    }

    fn reason(&self) -> Option<CancelReason> {
        self.0.link.called();
        self.0.latches.cancel_reason()
    }

    /// Waits until the attempt is to stop, and says why. Ends at once if it is already.
    #[track_caller]
    pub fn cancelled(&self) -> ActivityCancelled {
        ActivityCancelled { at: places::called("ctx.cancelled"), context: self.clone(), waiter: None, ended: false }
    }

    /// Says whether the worker has begun to stop. A worker that stops gracefully leaves its attempts some time before it
    /// cancels them.
    #[track_caller]
    pub fn is_worker_stopping(&self) -> bool {
        places::called("ctx.is_worker_stopping");
        self.0.link.called();
        self.0.latches.is_worker_stopping()
    }

    /// Waits until the worker begins to stop.
    #[track_caller]
    pub fn worker_stopping(&self) -> WorkerStopping {
        WorkerStopping { at: places::called("ctx.worker_stopping"), context: self.clone(), waiter: None, ended: false }
    }

    /// The moment by which this attempt must have ended: the earlier of its start plus the start-to-close timeout and
    /// the first schedule plus the schedule-to-close timeout. `None` if neither is set.
    #[track_caller]
    pub fn get_deadline(&self) -> Option<Time> {
        places::called("ctx.get_deadline");
        self.0.task.info.deadline()
    }

    /// How long it is until the deadline: zero once it has passed, `None` if there is none.
    #[track_caller]
    pub fn get_remaining_time(&self) -> Option<Duration> {
        places::called("ctx.get_remaining_time");
        self.0.task.info.deadline().map(|deadline| deadline.since(self.0.link.now()))
    }

    /// The present moment.
    #[track_caller]
    pub fn now(&self) -> Time {
        places::called("ctx.now");
        self.0.link.now()
    }
}

impl AttemptListener for Inner {
    fn cancel(&self, reason: CancelReason) {
        self.latches.cancel(reason);
    }

    fn worker_stopping(&self) {
        self.latches.stop_worker();
    }
}

impl fmt::Debug for ActivityContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivityContext")
            .field("activity_type", &self.task.info.activity_type())
            .field("attempt", &self.task.info.attempt)
            .finish_non_exhaustive()
    }
}

/// Ends when the attempt is to stop, with the reason. From
/// [`ActivityContext::cancelled`](crate::ActivityContext::cancelled).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ActivityCancelled {
    at: &'static Location<'static>,
    context: ActivityContext,
    waiter: WaiterIndex,
    ended: bool,
}

impl Future for ActivityCancelled {
    type Output = CancelReason;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CancelReason> {
        let this = &mut *self;
        this.context.0.link.called();
        let polled = this.context.0.latches.poll_cancel(&mut this.waiter, cx);
        this.ended = polled.is_ready();
        if this.ended {
            places::ended(this.at);
        }
        polled
    }
}

impl FusedFuture for ActivityCancelled {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl Drop for ActivityCancelled {
    fn drop(&mut self) {
        self.context.0.latches.leave_cancel(self.waiter);
    }
}

/// Ends when the attempt's worker begins to stop. From
/// [`ActivityContext::worker_stopping`](crate::ActivityContext::worker_stopping).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WorkerStopping {
    at: &'static Location<'static>,
    context: ActivityContext,
    waiter: WaiterIndex,
    ended: bool,
}

impl Future for WorkerStopping {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.context.0.link.called();
        let polled = this.context.0.latches.poll_stopping(&mut this.waiter, cx);
        this.ended = polled.is_ready();
        if this.ended {
            places::ended(this.at);
        }
        polled
    }
}

impl FusedFuture for WorkerStopping {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl Drop for WorkerStopping {
    fn drop(&mut self) {
        self.context.0.latches.leave_stopping(self.waiter);
    }
}
