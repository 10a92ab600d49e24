//! Deterministic simulation tests for durable execution.

mod activity;
mod application_failure;
pub mod check;
mod decode;
mod effect;
mod engine;
mod explore;
pub mod fault;
mod instant;
mod ledger;
pub mod program;
pub mod report;
mod run;
pub mod service;
mod simulation;
mod state;
pub mod task;
pub mod time;
pub mod trace;
mod waiters;
pub mod worker;
mod workflow;

pub use activity::{ActivityCancelled, ActivityContext, ActivityError, ActivityFn, ActivityInfo, WorkerStopping};
pub use application_failure::ApplicationFailure;
pub use decode::Decode;
pub use effect::{EffectError, effect};
pub use instant::{Span, Time};
pub use ledger::{Ledger, LedgerEntry};
pub use run::{
    ActivityRecord, AttemptEnd, AttemptRecord, HeartbeatRecord, Outcome, ResultError, Run, RunError,
};
pub use explore::{Exploration, Failed, Part, Report, Tally, VARIABLES, Variable};
pub use simulation::Simulation;
pub use state::state;
pub use workflow::{
    ActivityFuture, ActivityOptions, Cancellation, RetryPolicy, ScopeCancelled, Timer, WorkflowContext, WorkflowError,
    WorkflowFn,
};
