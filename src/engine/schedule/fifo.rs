//! [`Fifo`]: first in, first out.

use std::collections::VecDeque;

use super::Schedule;
use crate::engine::ready::TaskId;

/// The task that has been ready longest runs next, and the worker that has waited longest gets the task.
///
/// This is the order of the run without faults, so that a failure under it is one of the code and not of the order.
#[derive(Debug)]
pub(crate) struct Fifo;

impl Schedule for Fifo {
    fn next_task(&mut self, _ready: &VecDeque<TaskId>) -> usize {
        0
    }

    fn next_worker(&mut self, _able: usize) -> Option<usize> {
        None
    }

    fn is_fifo(&self) -> bool {
        true
    }
}
