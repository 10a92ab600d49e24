//! The simulated service: what a Temporal server does with activities and workflows.
//!
//! A passive state machine. Every method is called by the run loop with the present moment, changes the state, and says
//! what happened; timers it wants and tasks it has for workers are left in the [`Outbox`]. Nothing here knows of
//! futures, threads or clocks.

use crate::program::TimeoutType;

/// Which workflow run. Never reused within a simulation run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WorkflowKey(pub u32);

/// Which activity of any workflow. Never reused within a simulation run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ActivityKey(pub u32);

/// What a worker shows to speak for an attempt. Bound to the attempt: after a retry the old one is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    pub activity: ActivityKey,
    pub attempt: u32,
}

/// What a worker shows to answer a workflow task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskToken {
    pub workflow: WorkflowKey,
    /// Counts the tasks and task attempts of the run; a stale one is refused.
    pub stamp: u32,
}

/// Something the service wants to be told at a certain time. Stale ones are recognised when they fire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// One of an activity's four timeouts, for the attempt it was set for (0 for schedule-to-close).
    Timeout { activity: ActivityKey, attempt: u32, timeout: TimeoutType },
    /// The backoff before `attempt` is over.
    RetryDue { activity: ActivityKey, attempt: u32 },
    /// A workflow's own timer.
    Workflow { workflow: WorkflowKey, timer: u32 },
    /// A workflow task has been open for too long.
    TaskTimeout { token: TaskToken },
}

/// A task that a worker may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ready {
    Activity { activity: ActivityKey, attempt: u32 },
    Workflow { workflow: WorkflowKey, stamp: u32 },
}
