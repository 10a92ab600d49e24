//! [`Plan`]: which faults strike where; what is printed, shrunk, kept and replayed.

use std::sync::Arc;

use super::kind::Fault;
use super::point::Point;

/// Which of several ready tasks runs first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Order {
    /// The one that has been ready longest.
    #[default]
    Fifo,
    /// Any, drawn from the run's seed.
    Random,
}

/// One fault at one point.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// Where.
    pub point: Point,
    /// What.
    pub fault: Fault,
}

/// Everything that is not fixed by the simulation and its input: faults, seed, order.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Plan {
    /// Feeds the order of ready tasks and the user code's random numbers.
    pub seed: u64,
    /// Which of several ready tasks runs first.
    pub order: Order,
    /// The exploration the plan belongs to.
    pub exploration: Option<Arc<str>>,
    /// The faults.
    pub entries: Vec<Entry>,
}

/// A plan's text is not a plan.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct PlanError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub problem: String,
}
