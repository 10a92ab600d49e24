//! Deterministic simulation tests for durable execution: crash activities and workflows at every point, and see that they
//! resume.
//!
//! An activity that moves files, rows or money survives a crash only if its heartbeats, its retries and its resumption fit
//! together. An ordinary test runs it once, in real time, and never finds out. durasim runs the same code on one thread
//! under a virtual clock against a simulated Temporal service, breaks it on purpose at each point where something can
//! go wrong, and judges every run.
//!
//! ```
//! use std::time::Duration;
//! use durasim::{
//!     ActivityContext, ActivityError, ActivityOptions, EffectError, Ledger, RetryPolicy,
//!     Simulation, WorkflowContext, WorkflowError, check,
//! };
//!
//! // The code under test: copies files one by one and remembers how far it is.
//! async fn copy_files(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
//!     let bucket = durasim::state::<Bucket>();
//!     let first = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
//!     for file in first..files {
//!         durasim::time::sleep(Duration::from_secs(5)).await;
//!         bucket.put(file)?;
//!         ctx.heartbeat(&(file + 1))?;
//!     }
//!     Ok(files)
//! }
//!
//! async fn backup(ctx: &WorkflowContext, files: u32) -> Result<u32, WorkflowError> {
//!     let options = ActivityOptions {
//!         schedule_to_close_timeout: Duration::from_secs(600),
//!         heartbeat_timeout: Duration::from_secs(30),
//!         retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
//!         ..Default::default()
//!     };
//!     ctx.execute_activity("copy_files", &files, options).await
//! }
//!
//! // The outside world: a fake that is fresh for each run and survives crashes.
//! #[derive(Default)]
//! struct Bucket { files: Ledger<u32> }
//!
//! impl Bucket {
//!     fn put(&self, file: u32) -> Result<(), EffectError> {
//!         durasim::effect("put", || self.files.record(file))
//!     }
//! }
//!
//! // #[test]
//! fn resumes_from_every_crash() {
//!     Simulation::temporal()
//!         .activity("copy_files", copy_files)
//!         .workflow("backup", backup)
//!         .state(Bucket::default)
//!         .explore("backup", &10)
//!         .every_fault()
//!         .seeds(0..100)
//!         .check(check::same_result())
//!         .check(check::progress("copy_files", |files_done: &u32| *files_done))
//!         .check(check::effects(|bucket: &Bucket| &bucket.files))
//!         .assert();
//! }
//! # resumes_from_every_crash();
//! ```
//!
//! # Words
//!
//! - A *simulation* is the configured world, a value. A *run* is one execution of it. The same simulation, input, plan and
//!   seed always give the same run.
//! - The *service* is the simulated server: history, task queues, retries, timeouts, cancellation. A *worker* is a
//!   simulated process that hosts attempts and cached workflows, and dies as one. An *attempt* is one try of an activity.
//! - A *heartbeat* is *recorded* when the code calls it, *sent* when the worker lets it go (it holds some back, as the
//!   workers of the SDKs do), and *visible* when the service has it. The next attempt sees the last visible one.
//! - A *point* is a position in a run where something can go wrong, a *fault* is what goes wrong there, and a *plan* is a
//!   list of both. Failures are printed, shrunk, kept and replayed as plans. A *seed* is a way to find one.
//! - An *effect* is something done to the outside world; a *check* is a property of a finished run; a *trace* is what
//!   happened, in order, in virtual time.
//!
//! # Map
//!
//! | to | see |
//! | --- | --- |
//! | configure and run | [`Simulation`], [`Settings`], [`WorkerOptions`], [`Dialect`] |
//! | write activities | [`ActivityContext`], [`ActivityError`], [`time`], [`task`] |
//! | write workflows | [`WorkflowContext`], [`ActivityOptions`], [`RetryPolicy`], [`WorkflowError`] |
//! | write fakes of the world outside | [`state()`], [`handle()`], [`effect()`], [`Ledger`], [`random()`] |
//! | keep what dies with a worker | [`worker_state()`], [`worker_handle()`] |
//! | play the client | [`Simulation::drive`], [`Simulation::explore_script`], [`Client`], [`WorkflowHandle`] |
//! | try every fault | [`Exploration`], [`explore::Report`] |
//! | judge runs | [`check`] |
//! | read or write plans | [`fault`] |
//! | look at one run | [`Run`], [`Run::timeline`], [`trace`], [`report`] |
//! | draw plans with proptest | [`strategy`], with the feature `proptest` |
//! | host code of another SDK | [`program`] |
//! | read histories and outcomes | [`service`] |
//!
#![cfg_attr(feature = "proptest", doc = "[`strategy`]: crate::strategy")]
#![cfg_attr(not(feature = "proptest"), doc = "[`strategy`]: https://docs.rs/durasim/latest/durasim/strategy/")]
//!
//! # Limits
//!
//! Code under test must wait only for what the simulation gives it: [`time`], its context, channels and combinators that
//! live inside the run; activities also for tokio's timers and tasks, with durasim-tokio. Sockets of tokio's, and a wake
//! from another thread, end a run with an error that says so; code that blocks its thread is named on stderr after 30 s.
//! `futures::select!` and `tokio::select!` without `biased` draw from outside the run: use `select_biased!` or `biased;`.
//! Panics must unwind.
//!
//! # Zeros, options and order
//!
//! In the options of activities and workers a zero means *not set*: no timeout, no limit, or the server's default, as in the
//! service's own API. A name that may be left out is an `Option`. [`Settings`] are the numbers of the world itself: their
//! zero is a zero. A closure that may fail returns a `Result`, and one that cannot fail writes `Ok(..)`; checks may also
//! assert. The calls that put a [`Simulation`] together mean the same in every order, or the first run says that they do
//! not.
//!
//! # What it leaves in the process
//!
//! The first run installs a panic hook for the rest of the process. It keeps panics of simulated code from the terminal, and
//! hands every other one to the hook that was there before:
//!
//! ```standalone_crate
//! use std::panic;
//! use std::sync::atomic::{AtomicU32, Ordering};
//! use durasim::{Simulation, WorkflowContext, WorkflowError};
//!
//! async fn fails(_: &WorkflowContext, _: ()) -> Result<(), WorkflowError> { panic!("in a simulation") }
//!
//! static SEEN: AtomicU32 = AtomicU32::new(0);
//! panic::set_hook(Box::new(|_| _ = SEEN.fetch_add(1, Ordering::Relaxed)));
//! assert!(Simulation::temporal().workflow("fails", fails).run("fails", &()).is_err());
//! assert_eq!(SEEN.load(Ordering::Relaxed), 0);
//! let _ = panic::catch_unwind(|| panic!("outside"));
//! assert_eq!(SEEN.load(Ordering::Relaxed), 1);
//! ```
//!
//! It also registers handlers for `SIGINT` and `SIGTERM` and starts a thread, for the rest of the process. While explorations
//! go on, the first Ctrl-C ends them with what they have found, and the second ends the process. While single runs go on, the
//! process ends after them. At all other times Ctrl-C ends the process, as it does without handlers. The thread is the one
//! reader of the real clock: it names code that has not come back for 30 s, and never influences a run. A thread that has
//! made runs keeps the memory of the last one for the next.
//!
//! With the feature `tracing`, the first run also gives `tracing` a subscriber for the rest of the process. It is the
//! default of a thread only while that makes runs or checks them, and is enabled only for the story of a failure. Since it
//! might be, `tracing` asks your own subscriber each time whether it is enabled, where it could have kept the answer.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![deny(clippy::absolute_paths)]

mod activity;
pub mod check;
mod client;
mod engine;
pub mod explore;
pub mod fault;
mod history;
mod inside;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
pub mod program;
pub mod report;
pub mod service;
mod simulation;
#[cfg(feature = "proptest")]
pub mod strategy;
pub mod trace;
mod worker;
mod workflow;
mod world;

pub use activity::{ActivityCancelled, ActivityContext, ActivityError, ActivityFn, WorkerStopping};
pub use client::{
    ActivityHandle, Call, Client, ClientError, ScriptOutput, StartActivityOptions, StartOptions, UpdateHandle,
    UpdateOptions, WorkflowHandle, requests,
};
pub use explore::Exploration;
pub use history::HistoryProblem;
pub use inside::{
    EffectError, Handle, Ledger, LedgerEntry, WorkerHandle, ambient, effect, handle, random, state, task, time,
    violation, worker_handle, worker_state,
};
pub use program::{ActivityInfo, ApplicationFailure, Decode, Span, Time};
pub use service::{Dialect, HistoryLimits};
pub use simulation::{ReplayError, ReplayFileError, ReplayedHistory, ReplaysError, Simulation, WorkerOptions};
pub use trace::attempts::{AttemptEnd, ReportEnd};
pub use trace::record::{ActivityRecord, AttemptRecord, EffectRecord, FaultRecord, HeartbeatRecord};
pub use workflow::{
    ActivityFuture, ActivityOptions, Cancellation, ChildFuture, ChildOptions, ChildWorkflow, LocalActivityOptions,
    MessageFuture, Recv, RetryPolicy, ScopeCancelled, SignalReceiver, Timer, WorkflowContext, WorkflowError,
    WorkflowFn,
};
pub use world::{HeartbeatThrottle, Outcome, ResultError, Run, RunError, Settings, WorkflowTaskErrorKind};

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
