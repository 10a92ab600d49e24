//! Updates of clients to workflows: from being sent to what their callers hear of them.

use std::sync::Arc;
use std::task::{Poll, Waker};

use super::core::Core;
use super::update::{UpdateCall, UpdateCallKey, WaitStage};
use crate::program::Payload;
use crate::service::{News, Refused, UpdateStage, WorkflowKey};
use crate::trace::{What, Who};

impl Core {
    /// Sends an update to a run. Without an id it gets one of its own.
    pub(super) fn send_update(
        &mut self,
        workflow: WorkflowKey,
        id: Option<Arc<str>>,
        name: Arc<str>,
        input: Payload,
    ) -> (UpdateCallKey, Arc<str>) {
        let id = id.unwrap_or_else(|| format!("durasim-update-{}", self.update_calls.len() + 1).into());
        let update = self.serve(|service, now| service.update(workflow, id.clone(), name, input, now));
        (self.update_calls.push(UpdateCall { update: update.map(|(update, _)| update) }), id)
    }

    /// Asks for an update that was sent before.
    pub(super) fn ask_for_update(&mut self, workflow: WorkflowKey, id: &str) -> UpdateCallKey {
        let update = self.service.find_update(workflow, id).ok_or_else(|| Refused::no_update(id));
        self.update_calls.push(UpdateCall { update })
    }

    /// The stage that the update has reached, once it is the one that the caller waits for, or the end.
    pub(super) fn poll_update(
        &mut self,
        call: UpdateCallKey,
        until: WaitStage,
        waker: &Waker,
    ) -> Poll<Result<UpdateStage, Refused>> {
        let key = match &self.update_calls[call].update {
            Ok(key) => *key,
            Err(refused) => return Poll::Ready(Err(refused.clone())),
        };
        let stage = self.service.update_of(key).stage();
        match stage {
            UpdateStage::Accepted { .. } if until == WaitStage::Accepted => Poll::Ready(Ok(stage.clone())),
            UpdateStage::Admitted | UpdateStage::Sent | UpdateStage::Accepted { .. } => {
                self.waiting_for_updates.entry(key).or_default().push(waker.clone());
                Poll::Pending
            }
            UpdateStage::Completed(_) | UpdateStage::Rejected(_) => Poll::Ready(Ok(stage.clone())),
            UpdateStage::Aborted => Poll::Ready(Err(Refused::UPDATE_ABORTED)),
        }
    }

    /// Hears what has become of an update, and wakes who waits for that.
    pub(super) fn note_update(&mut self, news: News) {
        let (News::UpdateAdmitted { update: key }
        | News::UpdateAccepted { update: key }
        | News::UpdateCompleted { update: key }
        | News::UpdateRejected { update: key }
        | News::UpdateAborted { update: key }) = news
        else {
            unreachable!("{news:?} is not about an update")
        };
        let update = self.service.update_of(key);
        let workflow = update.workflow();
        let what = match (news, update.stage()) {
            (News::UpdateAdmitted { .. }, _) => {
                // One that has gone on to the next run is known.
                if key == self.trace.updates().next_key() {
                    self.trace.name_update(update.id().clone(), update.name().clone(), update.input().as_bytes());
                }
                What::UpdateAdmitted(key)
            }
            (News::UpdateAccepted { .. }, _) => What::UpdateAccepted(key),
            (News::UpdateAborted { .. }, _) => What::UpdateAborted(key),
            (_, UpdateStage::Rejected(failure)) => {
                What::UpdateRejected { update: key, failure: self.trace.store_failure(failure) }
            }
            (_, UpdateStage::Completed(Ok(result))) => {
                What::UpdateCompleted { update: key, result: self.trace.store(result.as_bytes()) }
            }
            (_, UpdateStage::Completed(Err(failure))) => {
                What::UpdateFailed { update: key, failure: self.trace.store_failure(failure) }
            }
            (_, stage) => unreachable!("an update does not end at {stage:?}"),
        };
        self.note(Who::Workflow(workflow), what);
        for waker in self.waiting_for_updates.remove(&key).unwrap_or_default() {
            waker.wake();
        }
    }
}
