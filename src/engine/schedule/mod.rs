//! [`Schedule`]: the order in which ready tasks run.
//!
//! A run asks its schedule for everything about this order that neither the code nor the clock decides. There is a file for
//! each schedule: [`Fifo`], and [`Random`] and [`Pct`], which draw from the run's seed.

mod fifo;
mod pct;
mod random;

use std::collections::VecDeque;
use std::fmt;

pub(crate) use fifo::Fifo;
pub(crate) use pct::Pct;
pub(crate) use random::Random;

use crate::engine::ready::TaskId;

/// The order in which ready tasks run.
pub(crate) trait Schedule: fmt::Debug {
    /// The task that runs next. `ready` has several, in the order in which they became ready; the answer is an index into
    /// them.
    fn next_task(&mut self, ready: &VecDeque<TaskId>) -> usize;

    /// The worker that gets a task. `able` workers, at least one, could take it; the answer is an index into them. `None`
    /// leaves it to the one that has waited longest.
    fn next_worker(&mut self, able: usize) -> Option<usize>;

    /// Says whether the task that became ready first always runs first. A task that becomes ready while no other is may
    /// then run without being asked for here.
    fn is_fifo(&self) -> bool {
        false
    }
}
