//! Code written for [tokio] runs inside a [durasim] simulation as it is: its timers, tasks, channels, locks and blocking calls,
//! in virtual time, under every fault, and the same again each time.
//!
//! One line in the test is all:
//!
//! ```
//! use std::time::Duration;
//! use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError, check};
//! use durasim_tokio::SimulationExt;
//!
//! async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
//!     let first = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
//!     for row in first..rows {
//!         tokio::time::sleep(Duration::from_millis(700)).await;
//!         ctx.heartbeat(&(row + 1))?;
//!     }
//!     Ok(rows)
//! }
//!
//! async fn copying(ctx: &WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
//!     let options = ActivityOptions {
//!         start_to_close_timeout: Duration::from_secs(60),
//!         heartbeat_timeout: Duration::from_secs(5),
//!         ..Default::default()
//!     };
//!     ctx.execute_activity("copy", &rows, options).await
//! }
//!
//! Simulation::temporal()
//!     .tokio()
//!     .activity("copy", copy)
//!     .workflow("copying", copying)
//!     .explore("copying", &5)
//!     .every_fault()
//!     .check(check::same_result())
//!     .check(check::progress("copy", |row: &u32| *row))
//!     .assert();
//! ```
//!
//! # Which code
//!
//! Activities, with all that they spawn. Each worker's process has a runtime of its own: a crash of the worker takes the tasks
//! that were spawned on it, a frozen worker's tasks stand still, and a stopped worker's tasks are dropped. Workflow code has no
//! runtime, here as in production; it waits with its context. The script of a test waits with its client.
//!
//! # Time
//!
//! Each process has a clock of its own, and a runtime does not say when its next timer is due but by going there. So where
//! several processes wait at once, one may have gone too far when another one reaches it: then the run is made again from
//! its start, with a new state, until each process has stopped where it should. Only the last of these tries counts. The
//! script of [`drive`](durasim::Simulation::drive), which is there once, goes in steps of a millisecond instead, and takes
//! longer. A timer belongs to the process that made it: one that another process polls may be early there.
//!
//! tokio's clock is the run's, and it jumps when all code waits. tokio rounds timers up to whole milliseconds, here as in
//! production. Code that reads the clocks of std sees real time.
//!
//! # Blocking calls
//!
//! `spawn_blocking` and `tokio::fs` run on a real thread. No job begins before the run has nothing else to do at that
//! moment; then virtual time stands still until all jobs are done, and their results arrive in the order of the calls. A
//! job that was not begun when its worker crashed never runs. Real files are not put back between runs: a temporary
//! directory belongs into the [state](durasim::Simulation::state) of the run. A job that waits for another one, or for
//! virtual time, ends the run after [`TokioOptions::patience`] with an error that names `spawn_blocking`.
//!
//! # What cannot be simulated
//!
//! tokio's sockets, also in spawned tasks, and wakes of an activity's code from threads that are not its own end the run
//! with an error that says so; an attempt that waits for a timer of another runtime is told as one that nothing will wake.
//! A wake of a spawned task from another thread is not seen. Put them behind a trait, with a fake in the state of the run.
//!
//! `select!` without `biased;` draws its branch from a generator that nobody can seed, unless tests are built with
//! `RUSTFLAGS="--cfg tokio_unstable"`, where it follows from the run's seed.
//!
//! A simulation with `.tokio()` cannot run inside a runtime: neither in a `#[tokio::test]` nor in an activity of another
//! one that has `.tokio()`. Inside an activity of a simulation without it, it can; and so can a simulation without it
//! inside an activity with it.

mod host;
mod pool;
mod process;
mod runtime;
mod together;

use std::time::Duration;

use durasim::Simulation;

use host::Tokio;

/// Adds [`tokio`](SimulationExt::tokio) to [`Simulation`].
pub trait SimulationExt: Sized {
    /// Gives each worker's process a tokio runtime whose clock is the run's. Twice is an error of the run.
    fn tokio(self) -> Simulation {
        self.tokio_with(TokioOptions::default())
    }

    /// As [`tokio`](SimulationExt::tokio), with options.
    fn tokio_with(self, options: TokioOptions) -> Simulation;
}

impl SimulationExt for Simulation {
    fn tokio_with(self, options: TokioOptions) -> Simulation {
        self.host(move |ground| Ok(Box::new(Tokio::new(ground, options.clone())?)))
    }
}

/// The options of a host.
#[derive(Clone, Debug)]
pub struct TokioOptions {
    /// The longest real time that the jobs of `spawn_blocking` and `tokio::fs` may take together while the run waits for them,
    /// before the run ends with an error. 30 s unless it is set; zero gives them no time at all.
    pub patience: Duration,
    /// For options to come: say `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

impl Default for TokioOptions {
    fn default() -> TokioOptions {
        TokioOptions { patience: Duration::from_secs(30), more: () }
    }
}
