//! [`Pool`]: the gate before the thread that runs blocking jobs.
//!
//! tokio's pool begins with a job at once, and how far it is would show in the run. So its thread waits at a gate until the run
//! has nothing else to do, and the run then waits for the thread. Each batch of jobs has a thread of its own, since an idle one
//! leaves at once (`thread_keep_alive` of zero): its start says that there are jobs, its stop that they are done.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use durasim::program::Doorway;
use durasim::{Time, ambient};
use tokio::time::Instant;

/// The hooks of a runtime share this with its process.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// There is a thread with jobs. Set on the run's thread, which gives it the first.
    has_jobs: AtomicBool,
    /// The jobs did not come to an end in time.
    is_stuck: AtomicBool,
    worker: AtomicU32,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    gate: Gate,
    doorway: Option<Doorway>,
    patience: Duration,
    /// The process began at this time of the run, and of its runtime's clock.
    began: (Time, Option<Instant>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Gate {
    /// The thread waits.
    #[default]
    Closed,
    /// It runs its jobs.
    Open,
    /// It has run them and is gone.
    Done,
    /// Its process has crashed: the jobs never run.
    Abandoned,
}

/// Unwinds the thread of a process that has crashed.
struct Crashed;

impl Pool {
    /// The runtime belongs to a process of this worker now.
    pub(crate) fn begin(&self, worker: u32, doorway: Doorway, began: (Time, Instant), patience: Duration) {
        self.worker.store(worker, Ordering::Relaxed);
        self.is_stuck.store(false, Ordering::Relaxed);
        let mut state = self.state();
        *state = State { doorway: Some(doorway), began: (began.0, Some(began.1)), patience, ..State::default() };
    }

    /// The process is over, and the runtime may have another.
    pub(crate) fn end(&self) {
        self.state().doorway = None;
    }

    /// The run's thread makes a thread of the pool.
    pub(crate) fn thread_is_made(&self) {
        self.has_jobs.store(true, Ordering::Relaxed);
    }

    /// The thread has started: it waits for its gate.
    pub(crate) fn thread_starts(&self) {
        if let Some(doorway) = self.state().doorway.clone() {
            doorway.open(self.worker.load(Ordering::Relaxed));
        }
        let waited = self.moved.wait_while(self.state(), |state| state.gate == Gate::Closed);
        let gate = waited.unwrap_or_else(PoisonError::into_inner).gate;
        if gate == Gate::Abandoned {
            // Not a panic, of which the terminal would hear.
            std::panic::resume_unwind(Box::new(Crashed));
        }
    }

    /// The thread has done its jobs.
    pub(crate) fn thread_stops(&self) {
        let mut state = self.state();
        if state.gate == Gate::Open {
            state.gate = Gate::Done;
        }
        drop(state);
        self.moved.notify_all();
    }

    /// Lets the thread do all that it was given, and waits for it in real time. To be called inside the runtime.
    pub(crate) fn settle(&self) {
        if !self.has_jobs.swap(false, Ordering::Relaxed) {
            return;
        }
        if self.is_stuck() {
            return;
        }
        let mut state = self.state();
        if let Some(doorway) = &state.doorway {
            let (began, start) = state.began;
            doorway.set_now(start.map_or(began, |start| began + (Instant::now() - start)));
        }
        state.gate = Gate::Open;
        self.moved.notify_all();
        let patience = state.patience;
        // The patience is real.
        let (mut state, timeout) = ambient::outside(|| {
            let waited = self.moved.wait_timeout_while(state, patience, |state| state.gate == Gate::Open);
            waited.unwrap_or_else(PoisonError::into_inner)
        });
        self.is_stuck.store(timeout.timed_out(), Ordering::Relaxed);
        if !timeout.timed_out() {
            state.gate = Gate::Closed;
        }
    }

    /// The process has crashed: jobs that wait at the gate never run.
    pub(crate) fn abandon(&self) {
        if self.has_jobs.swap(false, Ordering::Relaxed) {
            self.state().gate = Gate::Abandoned;
            self.moved.notify_all();
        }
    }

    /// Says whether a thread was abandoned, or is stuck: the runtime cannot be used again, nor waited for.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_stuck() || self.state().gate == Gate::Abandoned
    }

    /// Says whether the jobs did not come to an end in time.
    pub(crate) fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    /// The error of jobs that did not come to an end.
    pub(crate) fn error(&self) -> Option<String> {
        self.is_stuck().then(|| {
            format!(
                "a job of `spawn_blocking` or `tokio::fs` did not end within {:?} of real time. Jobs run one after the other \
                 while virtual time stands still: one that waits for another job, or for a sleep or a message of the run, \
                 waits for ever",
                self.state().patience
            )
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
