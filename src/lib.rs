//! Deterministic simulation tests for durable execution.

mod activity;
mod application_failure;
mod decode;
mod engine;
pub mod fault;
mod instant;
pub mod program;
pub mod report;
mod run;
pub mod service;
pub mod trace;
mod waiters;
pub mod worker;
mod workflow;

pub use activity::{ActivityCancelled, ActivityContext, ActivityError, ActivityFn, ActivityInfo, WorkerStopping};
pub use application_failure::ApplicationFailure;
pub use decode::Decode;
pub use instant::{Span, Time};
pub use workflow::{
    ActivityFuture, ActivityOptions, Cancellation, RetryPolicy, ScopeCancelled, Timer, WorkflowContext, WorkflowError,
    WorkflowFn,
};
