//! [`Update`]: a request that a workflow's code may reject, and whose caller gets a result.
//!
//! ```text
//!   Admitted ───▶ Sent ───▶ Accepted ───▶ Completed
//!       ▲          │ │          │             ▲
//!       └──────────┘ └▶ Rejected└─────────────┘ the run closes first
//!   task failed
//! ```
//! An update is in no history before it is accepted, and one that is rejected never is. The workflow task that brings it is a
//! *speculative* one if there is no other: its events are written once it is answered by something else than rejections.
//!
//! Source: temporal `service/history/workflow/update/` and `service/history/api/updateworkflow/api.go`, recorded scenario
//! `x_update_fails`.

use std::sync::Arc;

use super::keys::WorkflowKey;
use crate::program::{Failure, Payload, key};

key! {
    /// Which of the updates that clients have sent.
    pub struct UpdateKey;
}

/// An update of a workflow.
#[derive(Clone, PartialEq, Debug)]
pub struct Update {
    pub(super) workflow: WorkflowKey,
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) input: Payload,
    pub(super) stage: UpdateStage,
}

/// The stage that an update has reached.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum UpdateStage {
    /// The service has it, and no worker.
    Admitted,
    /// A workflow task has brought it to a worker.
    Sent,
    /// The workflow's code has accepted it.
    Accepted {
        /// The id of the event that says so.
        event_id: u64,
    },
    /// The workflow's code has ended it, or the run has closed before the code had.
    Completed(Result<Payload, Arc<Failure>>),
    /// The workflow's code has refused it. The history says nothing of it.
    Rejected(Arc<Failure>),
    /// The run has closed before its code had accepted it.
    Aborted,
}

impl Update {
    /// The run that it is for.
    pub fn workflow(&self) -> WorkflowKey {
        self.workflow
    }

    /// The id, by which it is sent once.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The name of its handler.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The encoded input.
    pub fn input(&self) -> &Payload {
        &self.input
    }

    /// The stage that it has reached.
    pub fn stage(&self) -> &UpdateStage {
        &self.stage
    }

    pub(super) fn is_in_flight(&self) -> bool {
        matches!(self.stage, UpdateStage::Admitted | UpdateStage::Sent | UpdateStage::Accepted { .. })
    }
}
