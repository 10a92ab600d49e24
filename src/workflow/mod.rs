//! The view of workflow code: its context, options, futures and errors, and how a workflow function is hosted.

mod activity_future;
mod child;
mod context;
mod continue_as_new;
mod error;
mod generator;
mod handlers;
mod inbox;
mod local_activities;
mod local_activity;
mod markers;
mod options;
mod program;
mod query;
mod random;
mod run;
mod scope;
mod scope_cancelled;
mod side_effect;
mod signal;
mod slot;
mod state;
mod timer;
mod update;
mod updates;
mod wake;

pub use activity_future::ActivityFuture;
pub use child::{ChildFuture, ChildOptions, ChildWorkflow, MessageFuture};
pub use context::WorkflowContext;
pub use error::{Cancellation, WorkflowError};
pub use local_activity::LocalActivityOptions;
pub use options::{ActivityOptions, RetryPolicy};
pub use program::{NativeWorkflow, WorkflowFn};
pub use scope_cancelled::ScopeCancelled;
pub use signal::{Recv, SignalReceiver};
pub use timer::Timer;
