//! The work of an SDK's worker between user code and the service.
//!
//! The rules are here, each as a function or a small state machine without clock, queue or future: [`throttle`] holds
//! heartbeats back, [`report`] decides what the service is told of an attempt's end, `local_activity` retries
//! activities that run inside a workflow task. `CachedWorkflow` stands between a workflow's code and its history. These
//! rules follow Temporal's sdk-core; where Cadence's client differs there is a second function.

mod asked;
pub(crate) mod attempt;
#[cfg(feature = "internals")]
mod cached;
mod cancellations;
pub(crate) mod departure;
pub(crate) mod drift;
pub(crate) mod host;
pub(crate) mod instance;
pub mod local_activity;
mod local_turns;
pub(crate) mod locals;
pub(crate) mod matching;
pub(crate) mod message;
mod news;
pub(crate) mod process;
pub(crate) mod recorded;
pub(crate) mod replay;
pub mod report;
pub mod throttle;
pub(crate) mod turn;

#[cfg(feature = "internals")]
pub use cached::CachedWorkflow;
