//! [`Child`]: a workflow that another one has started, as its parent knows it.

use std::sync::Arc;

use super::keys::WorkflowKey;
use crate::program::ChildSpec;

/// A child, as its parent knows it.
#[derive(Clone, Debug)]
pub struct Child {
    pub(super) spec: Arc<ChildSpec>,
    pub(super) initiated_event_id: u64,
    pub(super) started_event_id: u64,
    /// Its first run, once it has started.
    pub(super) run: Option<WorkflowKey>,
    pub(super) is_closed: bool,
}

impl Child {
    /// The child, as the workflow asked for it.
    pub fn spec(&self) -> &Arc<ChildSpec> {
        &self.spec
    }

    /// The first run of the child; `None` if it has not started.
    pub fn run(&self) -> Option<WorkflowKey> {
        self.run
    }

    /// The event of the parent's history by which it was asked for.
    pub fn initiated_event_id(&self) -> u64 {
        self.initiated_event_id
    }

    /// Says whether it has not ended, as far as its parent has heard.
    pub fn is_open(&self) -> bool {
        !self.is_closed
    }
}
