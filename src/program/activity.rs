//! The activity side of the seam.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use super::extensions::Extensions;
use super::failure::Failure;
use super::info::ActivityInfo;
use super::instant::Time;
use super::panics::leave_user_code;
use super::payload::{Details, Payload};

/// Code that runs attempts of one activity type.
pub trait ActivityProgram: Send + Sync {
    /// The name by which workflows schedule it.
    fn activity_type(&self) -> &str;

    /// Starts one attempt. It is called on the worker that took the task; the future is polled there.
    fn start(&self, task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt;
}

/// The content of an activity task, as it is given to a worker.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ActivityTask {
    /// The attempt and its activity, with all that the workflow asked for.
    pub info: ActivityInfo,
    /// The details that heartbeats of earlier attempts left *visible* at the service.
    pub heartbeat_details: Details,
}

impl ActivityTask {
    /// The encoded input.
    pub fn input(&self) -> &Payload {
        &self.info.spec.input
    }
}

/// The attempt's way back to its worker.
///
/// An attempt that has been given up or whose worker died keeps its link; calls are then ignored.
pub trait ActivityLink: Send + Sync {
    /// Records a heartbeat. `None` is a heartbeat *without* details, which erases the checkpoint once it is sent.
    ///
    /// Recording is not sending: the worker throttles. When the answer is [`Beat::CrashNow`] the caller must unwind at
    /// once with [`Beat::obey`]; the attempt is dead already.
    fn heartbeat(&self, details: Option<&[u8]>) -> Beat;

    /// Says that the code looked at its heartbeat details.
    fn details_read(&self);

    /// Says that the details do not decode as what the code wants, with the reason, or that the code has read them in
    /// another way after that. An adapter that does not see it says nothing.
    fn details_decoded(&self, result: Result<(), &str>) {
        let _ = result;
    }

    /// The present moment of the run; the epoch outside it.
    fn now(&self) -> Time;

    /// Counts a call of the code that asks its worker nothing, such as a look at whether it is to stop. Code that loops
    /// over such calls and never waits is left by unwinding, and its run ends with an error.
    fn called(&self) {}

    /// Gives the settings that adapters keep in the simulation.
    fn extensions(&self) -> Extensions {
        Extensions::default()
    }

    /// Gives the value that the process of this attempt has under this key, and makes it if there is none: [`PerProcess`]
    /// is how to ask for it. A link without a simulation behind it makes a value each time.
    ///
    /// [`PerProcess`]: super::PerProcess
    fn process_value(&self, key: usize, make: &mut dyn FnMut() -> Rc<dyn Any>) -> Rc<dyn Any> {
        let _ = key;
        make()
    }

    /// Ends the run with an error, because the code does something that cannot be simulated, and unwinds out of that code. The
    /// attempt does not fail, since that would be retried.
    ///
    /// # Panics
    /// It panics with the message where there is no simulation behind the link.
    fn misuse(&self, message: String) {
        panic!("{message}");
    }
}

/// The answer to a recorded heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "an attempt that crashes inside a heartbeat has to unwind: call `obey`"]
#[non_exhaustive]
pub enum Beat {
    /// The heartbeat is recorded.
    Taken,
    /// The worker crashes in this very call: unwind.
    CrashNow,
}

impl Beat {
    /// Returns, or unwinds if the worker crashes in this call.
    pub fn obey(self) {
        if self == Beat::CrashNow && !std::thread::panicking() {
            leave_user_code();
        }
    }
}

/// The way in which an attempt's code ended.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum ActivityOutcome {
    /// The code ended with a result.
    Completed(Payload),
    /// The code ended with a failure, which is shared with all who get it.
    Failed(Arc<Failure>),
    /// The code says that it stopped because it was cancelled.
    Cancelled(Details),
    /// Somebody else will complete the activity by id.
    WillCompleteAsync,
}

/// The reason why an attempt is to stop.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum CancelReason {
    /// The workflow asked for the cancel.
    Requested,
    /// The service does not know this attempt any more: it timed out, or its workflow has closed.
    NotFound,
    /// The worker's own clock says the attempt has timed out.
    TimedOut,
    /// The worker shuts down and its grace period is over.
    WorkerShutdown,
    /// An operator paused the activity.
    Paused,
    /// An operator reset the activity.
    Reset,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CancelReason::Requested => "cancel requested",
            CancelReason::NotFound => "not found",
            CancelReason::TimedOut => "timed out",
            CancelReason::WorkerShutdown => "worker shutdown",
            CancelReason::Paused => "paused",
            CancelReason::Reset => "reset",
        })
    }
}

/// A started attempt: its future, and the ways to reach it.
pub struct Attempt {
    pub(crate) run: Pin<Box<dyn Future<Output = ActivityOutcome>>>,
    pub(crate) listener: Arc<dyn AttemptListener>,
}

/// Notifies an attempt's code. Each method is called at most once, between polls.
pub trait AttemptListener {
    /// Says that the attempt is to stop, and why.
    fn cancel(&self, reason: CancelReason);

    /// Says that its worker begins to stop, which is earlier than any cancel.
    fn worker_stopping(&self) {}
}

/// A callback for the cancel.
struct OnCancel<F>(F);

impl<F: Fn(CancelReason)> AttemptListener for OnCancel<F> {
    fn cancel(&self, reason: CancelReason) {
        (self.0)(reason);
    }
}

/// A callback for the worker's stop, beside the listener that is there.
struct OnWorkerStopping<F> {
    other: Arc<dyn AttemptListener>,
    stopping: F,
}

impl<F: Fn()> AttemptListener for OnWorkerStopping<F> {
    fn cancel(&self, reason: CancelReason) {
        self.other.cancel(reason);
    }

    fn worker_stopping(&self) {
        (self.stopping)();
    }
}

impl Attempt {
    /// Makes an attempt. `run` is polled until it ends or the worker dies. `cancel` is called at most once, between
    /// polls.
    pub fn new(
        run: impl Future<Output = ActivityOutcome> + 'static,
        cancel: impl Fn(CancelReason) + 'static,
    ) -> Attempt {
        Attempt::listening(run, Arc::new(OnCancel(cancel)))
    }

    /// Makes an attempt as [`new`](Attempt::new) does, whose code is notified through a listener that exists already.
    pub fn listening(
        run: impl Future<Output = ActivityOutcome> + 'static,
        listener: Arc<dyn AttemptListener>,
    ) -> Attempt {
        Attempt::boxed(Box::pin(run), listener)
    }

    /// Makes an attempt as [`listening`](Attempt::listening) does, of a future that is boxed already.
    pub(crate) fn boxed(
        run: Pin<Box<dyn Future<Output = ActivityOutcome>>>,
        listener: Arc<dyn AttemptListener>,
    ) -> Attempt {
        Attempt { run, listener }
    }

    /// Adds a function that is called when the attempt's worker begins to stop, which is earlier than any cancel.
    pub fn on_worker_stopping(self, stopping: impl Fn() + 'static) -> Attempt {
        Attempt { run: self.run, listener: Arc::new(OnWorkerStopping { other: self.listener, stopping }) }
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").finish_non_exhaustive()
    }
}
