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
