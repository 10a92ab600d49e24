//! Virtual time for activities and for the fakes they use: [`sleep`], [`timeout`], [`interval`], [`now`].
//!
//! The clock of a run stands still while code runs and jumps when all code waits, so an hour of sleep costs nothing.
//! Workflow code has a clock of its own: [`WorkflowContext::sleep`](crate::WorkflowContext::sleep), which its history
//! records.
//!
//! ```
//! use std::time::Duration;
//! use durasim::{ActivityContext, ActivityError, Simulation, WorkflowContext, WorkflowError, time};
//!
//! let run = Simulation::temporal()
//!     .activity("poll", async |_ctx: &ActivityContext, (): ()| -> Result<u64, ActivityError> {
//!         let start = time::now();
//!         time::sleep(Duration::from_secs(3600)).await;
//!         Ok((time::now() - start).as_secs())
//!     })
//!     .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u64, WorkflowError> {
//!         let options = durasim::ActivityOptions {
//!             start_to_close_timeout: Duration::from_secs(7200),
//!             ..Default::default()
//!         };
//!         ctx.execute_activity("poll", &(), options).await
//!     })
//!     .run("main", &())
//!     .unwrap();
//! assert_eq!(run.result::<u64>().unwrap(), 3600);
//! ```

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::FusedFuture;
use thiserror::Error;

use super::{ambient, ask_run};
use crate::activity::ActivityError;
use crate::engine::sleepers::SleeperId;
use crate::program::{Time, places};
use crate::world::core::Core;
use crate::world::sleeps::forget_sleep;

/// Gives the present moment of the run.
///
/// # Panics
/// It panics outside a simulation. In workflow code it ends the run with an error that names
/// [`WorkflowContext::now`](crate::WorkflowContext::now).
#[track_caller]
pub fn now() -> Time {
    places::called("durasim::time::now");
    present("time::now")
}

/// Gives the present moment of the run in progress on this thread, or `None` where there is no run: outside of a
/// simulation, on another thread, and in checks.
///
/// It may be called by anybody at any time, in workflow code, destructors and panic hooks too: it never panics, never ends
/// a run, is not counted as a call, and is never shown as the last call of the code. In workflow code it is the time at
/// which the code runs, in a replay too, so that it must not decide anything: that is for
/// [`WorkflowContext::now`](crate::WorkflowContext::now). It is meant for formatters of logs.
///
/// ```
/// use std::time::SystemTime;
/// use durasim::time;
///
/// /// Stands before a line of the log: virtual time in a simulation, the real clock elsewhere.
/// fn stamp() -> String {
///     match time::try_now() {
///         Some(now) => format!("virtual {now}"),
///         None => format!("{:?}", SystemTime::now()),
///     }
/// }
/// assert!(!stamp().starts_with("virtual"));
/// ```
pub fn try_now() -> Option<Time> {
    ambient::now()
}

/// Waits for this length of time. Zero returns at once.
///
/// # Panics
/// It panics outside a simulation, or on another thread than the simulation's. In workflow code it ends the run with an
/// error that names [`WorkflowContext::sleep`](crate::WorkflowContext::sleep).
#[track_caller]
pub fn sleep(length: Duration) -> Sleep {
    let at = places::called("durasim::time::sleep");
    Sleep { at, deadline: present("time::sleep") + length, waiting: None, ended: false }
}

/// Waits until this moment. A moment that has passed returns at once.
///
/// # Panics
/// It panics where [`sleep`] does.
#[track_caller]
pub fn sleep_until(deadline: Time) -> Sleep {
    let at = places::called("durasim::time::sleep_until");
    present("time::sleep_until");
    Sleep { at, deadline, waiting: None, ended: false }
}

/// Gives `future` this length of time to finish.
///
/// # Errors
/// The error is [`Elapsed`] if it did not finish; the future is dropped then.
///
/// # Panics
/// It panics where [`sleep`] does.
#[track_caller]
pub fn timeout<F: Future>(length: Duration, future: F) -> Timeout<F> {
    let at = places::called("durasim::time::timeout");
    let sleep = Sleep { at, deadline: present("time::timeout") + length, waiting: None, ended: false };
    Timeout { future: Some(Box::pin(future)), sleep }
}

/// Ticks every `period`, first at once, as tokio's interval does.
///
/// # Panics
/// It panics where [`sleep`] does, and if `period` is zero.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "the period of an interval must not be zero");
    places::called("durasim::time::interval");
    Interval { period, next: present("time::interval") }
}

#[track_caller]
fn present(function: &str) -> Time {
    ask(function, |core| core.now())
}

/// Asks the run in progress, for code that is allowed to.
#[track_caller]
fn ask<R>(function: &str, question: impl FnOnce(&mut Core) -> R) -> R {
    let what = || {
        format!(
            "called `durasim::{function}`, which a replay cannot repeat: use `ctx.sleep` and `ctx.now` of its \
             `WorkflowContext`"
        )
    };
    ask_run(function, what, question)
}

/// The future of [`sleep`] and [`sleep_until`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    at: &'static Location<'static>,
    deadline: Time,
    waiting: Option<SleeperId>,
    ended: bool,
}

impl Sleep {
    /// The time at which it ends.
    pub fn deadline(&self) -> Time {
        self.deadline
    }
}

impl Future for Sleep {
    type Output = ();

    #[track_caller]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Sleep { at, deadline, waiting, ended } = self.get_mut();
        let polled = ask("time::sleep", |core| core.poll_sleep(*deadline, waiting, context));
        *ended = polled.is_ready();
        if *ended {
            places::ended(at);
        }
        polled
    }
}

impl FusedFuture for Sleep {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(id) = self.waiting {
            forget_sleep(id, self.deadline);
        }
    }
}

/// The future of [`timeout`].
#[must_use = "futures do nothing unless awaited"]
pub struct Timeout<F: Future> {
    /// The future that is given time; `None` once the whole has ended.
    future: Option<Pin<Box<F>>>,
    sleep: Sleep,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.future else { return Poll::Pending };
        let result = match future.as_mut().poll(context) {
            Poll::Ready(output) => Ok(output),
            Poll::Pending => {
                ready!(Pin::new(&mut self.sleep).poll(context));
                Err(Elapsed)
            }
        };
        self.future = None;
        places::ended(self.sleep.at);
        Poll::Ready(result)
    }
}

impl<F: Future> FusedFuture for Timeout<F> {
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}

impl<F: Future> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("sleep", &self.sleep).finish_non_exhaustive()
    }
}

/// The error of a [`timeout`] that is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the time given is over")]
pub struct Elapsed;

/// The work took too long, and a retry may be quicker. So `?` in an activity makes the error
/// [`ActivityError::Retryable`].
impl From<Elapsed> for ActivityError {
    fn from(error: Elapsed) -> ActivityError {
        ActivityError::Retryable(error.to_string())
    }
}

/// The interval that [`interval`] makes.
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    next: Time,
}

impl Interval {
    /// Waits for the next tick and gives the time at which it was due. Ticks that were missed come at once, one by one.
    ///
    /// # Panics
    /// It panics where [`sleep`] does.
    #[track_caller]
    pub fn tick(&mut self) -> Tick<'_> {
        let at = places::called("interval.tick");
        present("time::Interval::tick");
        let sleep = Sleep { at, deadline: self.next, waiting: None, ended: false };
        Tick { interval: self, sleep }
    }
}

/// The future of [`Interval::tick`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
    sleep: Sleep,
}

impl Future for Tick<'_> {
    type Output = Time;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Time> {
        if self.sleep.is_terminated() {
            return Poll::Pending;
        }
        ready!(Pin::new(&mut self.sleep).poll(context));
        places::ended(self.sleep.at);
        let due = self.interval.next;
        self.interval.next = due + self.interval.period;
        Poll::Ready(due)
    }
}

impl FusedFuture for Tick<'_> {
    fn is_terminated(&self) -> bool {
        self.sleep.is_terminated()
    }
}
