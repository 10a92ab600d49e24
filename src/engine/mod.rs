//! A single-threaded executor with a virtual clock. Knows nothing of activities and workflows.
//!
//! - [`queue`]: what happens next, in time order.
//! - [`tasks`]: the futures and their wakers.
//! - [`ready`]: which tasks have been woken.
//! - [`outside`]: how a host and its threads reach the run.
//! - [`sleepers`]: the tasks that wait for a moment.
//! - [`slab`]: what both of these are kept in.
//! - [`schedule`]: which of several ready tasks runs first.
//! - [`choice`]: the random numbers of a seed, the one source of everything random.

pub(crate) mod choice;
pub(crate) mod outside;
pub(crate) mod queue;
pub(crate) mod ready;
pub(crate) mod schedule;
mod slab;
pub(crate) mod sleepers;
pub(crate) mod tasks;
