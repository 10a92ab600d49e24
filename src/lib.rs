//! Deterministic simulation tests for durable execution.

mod activity;
mod application_failure;
mod decode;
pub mod fault;
mod instant;
pub mod program;
pub mod report;
pub mod service;
pub mod trace;
mod waiters;
mod workflow;

pub use activity::{ActivityCancelled, ActivityContext, ActivityError, ActivityFn, ActivityInfo, WorkerStopping};
pub use application_failure::ApplicationFailure;
pub use decode::Decode;
pub use instant::{Span, Time};
pub use workflow::{
    ActivityFuture, ActivityOptions, Cancellation, RetryPolicy, ScopeCancelled, Timer, WorkflowContext, WorkflowError,
    WorkflowFn,
};
