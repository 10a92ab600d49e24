//! [`spawn`]: background tasks of an activity.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::FusedFuture;

use super::{called, enter_run};
use crate::engine::tasks::TaskId;
use crate::program::{ActivityOutcome, places};
use crate::world::background::BackgroundKey;
use crate::world::core::current;

/// Runs a future beside the attempt that spawns it.
///
/// The task lives until it ends, is aborted, or its *worker* dies or stops: like a task spawned on a worker's runtime,
/// it outlives its attempt. Tasks that are left at the end of a run are counted in the trace. A panic in a task ends
/// the run with an error.
///
/// # Panics
/// It panics outside a simulation. In workflow code, which must not have tasks beside it, it ends the run with an
/// error.
#[track_caller]
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    let at = places::called("durasim::task::spawn");
    let world =
        enter_run("task::spawn", || "called `durasim::task::spawn`: use `join!` on futures of its context".to_owned());
    let shared = Arc::new(Mutex::new(Shared { output: None, ended: false, taken: false, waiting: None }));
    let result = shared.clone();
    let task = async move {
        let output = future.await;
        let waiting = {
            let mut shared = lock(&result);
            shared.output = Some(output);
            shared.ended = true;
            shared.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
        // Tasks of a run share one output type; nobody looks at a background task's output.
        ActivityOutcome::WillCompleteAsync
    };
    // Dead code spawns nothing.
    JoinHandle { at, task: world.spawn(Box::pin(task)), shared }
}

struct Shared<T> {
    output: Option<T>,
    ended: bool,
    /// Says whether the output was given out.
    taken: bool,
    waiting: Option<Waker>,
}

/// Locks the shared part. The lock is there so that a handle is `Send`, which traits of the code under test may ask of
/// its futures. A run is on one thread.
fn lock<T>(shared: &Mutex<Shared<T>>) -> MutexGuard<'_, Shared<T>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A way to wait for a task, or to end it. Dropping it leaves the task running.
pub struct JoinHandle<T> {
    at: &'static Location<'static>,
    shared: Arc<Mutex<Shared<T>>>,
    task: Option<(BackgroundKey, TaskId)>,
}

impl<T> JoinHandle<T> {
    /// Ends the task: its future is dropped before anything else happens. A task that aborts itself is dropped when it
    /// next waits. The call does nothing if the task has ended.
    #[track_caller]
    pub fn abort(&self) {
        places::called("task.abort");
        called();
        if let (Some((key, task)), Some(world)) = (self.task, current()) {
            world.abort(key, task);
        }
    }

    /// Says whether the task has come to its end.
    #[track_caller]
    pub fn is_finished(&self) -> bool {
        places::called("task.is_finished");
        called();
        lock(&self.shared).ended
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    /// It is ready with the task's output, and never ready if the task was aborted.
    #[track_caller]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        called();
        let mut shared = lock(&self.shared);
        match shared.output.take() {
            Some(output) => {
                shared.taken = true;
                places::ended(self.at);
                Poll::Ready(output)
            }
            None => {
                shared.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> FusedFuture for JoinHandle<T> {
    fn is_terminated(&self) -> bool {
        lock(&self.shared).taken
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("is_finished", &self.is_finished()).finish_non_exhaustive()
    }
}
