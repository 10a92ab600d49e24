//! What activity code sees: its context, its errors, and the function types that can be registered.

mod context;
mod error;
mod program;
mod signal;

pub use context::ActivityContext;
pub use error::ActivityError;
pub use program::ActivityFn;
pub(crate) use program::NativeActivity;
pub use signal::{ActivityCancelled, WorkerStopping};

#[cfg(test)]
mod tests;
