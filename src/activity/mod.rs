//! The view of activity code: its context, its errors, and the function types that can be registered.

mod context;
mod error;
mod latch;
mod program;

pub use context::{ActivityCancelled, ActivityContext, WorkerStopping};
pub use error::ActivityError;
pub use program::ActivityFn;
pub(crate) use program::NativeActivity;

#[cfg(test)]
mod tests;
