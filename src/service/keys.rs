//! The keys by which the service knows workflow runs and activities. An id, beside them, is the user's own text.

use crate::program::key;

key! {
    /// The key of a workflow run. It is never reused within a simulation run.
    pub struct WorkflowKey;
}

impl WorkflowKey {
    /// The workflow that was started first, which is the only one of a run without a script.
    pub const FIRST: WorkflowKey = WorkflowKey::at(0);
}

key! {
    /// The key of an activity of any workflow. It is never reused within a simulation run.
    pub struct ActivityKey;
}

/// A position among equal times in the run's timer queue. The caller reserves it.
pub type Rank = u64;

/// A worker shows this token to speak for an attempt. The token is bound to the attempt: after a retry the old one is
/// refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// The activity.
    pub activity: ActivityKey,
    /// The number of the attempt.
    pub attempt: u32,
}

/// A worker shows this token to answer a workflow task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskToken {
    /// The workflow run.
    pub workflow: WorkflowKey,
    /// The number of the task attempt. It counts the tasks and task attempts of the run; a stale one is refused.
    pub stamp: u32,
}
