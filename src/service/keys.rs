//! The keys by which the service knows workflow runs and activities. An id, beside them, is the user's own text.

use crate::program::key;

key! {
    /// Which workflow run. Never reused within a simulation run.
    pub struct WorkflowKey;
}

impl WorkflowKey {
    /// The workflow that was started first: the only one of a run without a script.
    pub const FIRST: WorkflowKey = WorkflowKey::at(0);
}

key! {
    /// Which activity of any workflow. Never reused within a simulation run.
    pub struct ActivityKey;
}

/// Position among equal times in the run's timer queue. The caller reserves it.
pub type Rank = u64;

/// A worker shows this to speak for an attempt. It is bound to the attempt: after a retry the old one is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// Which activity.
    pub activity: ActivityKey,
    /// Which attempt.
    pub attempt: u32,
}

/// A worker shows this to answer a workflow task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskToken {
    /// Which run.
    pub workflow: WorkflowKey,
    /// Counts the tasks and task attempts of the run; a stale one is refused.
    pub stamp: u32,
}
