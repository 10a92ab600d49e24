//! Updates of clients to workflows: from being sent to what their callers hear of them.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::agenda::Wakeup;
use super::core::Core;
use super::update::{CallState, LateUpdate, UpdateCall, UpdateCallKey, WaitStage};
use crate::fault::{Fault, Site};
use crate::program::Payload;
use crate::service::{News, Refused, UpdateKey, UpdateStage, WorkflowKey};
use crate::trace::{What, Who};

/// The time after which a client sends a request again that was not answered.
const PATIENCE: Duration = Duration::from_secs(1);

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
        let update = LateUpdate { workflow, id: id.clone(), name, input, number: 0 };
        let call = self.update_calls.push(UpdateCall::new(CallState::OnItsWay(update.clone())));
        // One that is known already is no point: the service only tells of it again.
        if !self.service.workflow(workflow).is_open() || self.service.find_update(workflow, &id).is_some() {
            self.deliver_update(call);
            return (call, id);
        }
        let number = self.workflows[workflow].count_update();
        self.update_calls[call].state = CallState::OnItsWay(LateUpdate { number, ..update });
        let fault = self.strike_workflow(workflow, Site::Update(number));
        match fault {
            Some(Fault::Delayed(length)) => self.agenda.wake_at(self.agenda.after(length), Wakeup::Update(call)),
            Some(Fault::RequestLost) => self.agenda.wake_at(self.agenda.after(PATIENCE), Wakeup::Update(call)),
            _ => self.deliver_update(call),
        }
        match (fault, &self.update_calls[call].state) {
            (Some(Fault::AnswerLost), _) => self.update_calls[call].answer_is_lost = true,
            (Some(Fault::Crash), CallState::Answered(Ok(key))) => self.updates.entry(*key).or_default().crashes = true,
            (Some(Fault::Cancel), _) => self.cancel_workflow(workflow),
            _ => {}
        }
        (call, id)
    }

    /// An update reaches the service, which looks for the run that is open by then.
    pub(super) fn deliver_update(&mut self, call: UpdateCallKey) {
        let CallState::OnItsWay(update) = &self.update_calls[call].state else { return };
        let LateUpdate { workflow, id, name, input, number } = update.clone();
        let run = self.service.newest_in_chain(workflow);
        if run == workflow && number > 0 {
            self.workflows[run].update_arrives(number);
        }
        let answer = self.serve(|service, now| service.update(run, id, name, input, now));
        let call = &mut self.update_calls[call];
        call.state = CallState::Answered(answer.map(|(update, _)| update));
        if let Some(sender) = call.sender.take() {
            sender.wake();
        }
    }

    /// Asks for an update that was sent before.
    pub(super) fn ask_for_update(&mut self, workflow: WorkflowKey, id: &str) -> UpdateCallKey {
        let update = self.service.find_update(workflow, id).ok_or_else(|| Refused::no_update(id));
        self.update_calls.push(UpdateCall::new(CallState::Answered(update)))
    }

    /// The stage that the update has reached, once it is the one that the caller waits for, or the end.
    pub(super) fn poll_update(
        &mut self,
        call: UpdateCallKey,
        until: WaitStage,
        waker: &Waker,
    ) -> Poll<Result<UpdateStage, Refused>> {
        let asked = &mut self.update_calls[call];
        let key = match &asked.state {
            CallState::OnItsWay(_) => {
                asked.sender = Some(waker.clone());
                return Poll::Pending;
            }
            CallState::Answered(Ok(key)) => *key,
            CallState::Answered(Err(refused)) => return Poll::Ready(Err(refused.clone())),
        };
        let stage = self.service.update_of(key).stage();
        let is_reached = match stage {
            UpdateStage::Admitted | UpdateStage::Sent => false,
            UpdateStage::Accepted { .. } => until == WaitStage::Accepted,
            UpdateStage::Completed(_) | UpdateStage::Rejected(_) | UpdateStage::Aborted => true,
        };
        let now = self.agenda.now();
        let followed = self.updates.entry(key).or_default();
        if is_reached && std::mem::take(&mut asked.answer_is_lost) {
            asked.hears_at = self.agenda.after(PATIENCE);
            self.agenda.wake_at(asked.hears_at, Wakeup::UpdateHeard(key));
        }
        if !is_reached || now < asked.hears_at.max(followed.end_is_heard_at) {
            followed.waiting.push(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(match stage {
            UpdateStage::Aborted => Err(Refused::UPDATE_ABORTED),
            stage => Ok(stage.clone()),
        })
    }

    /// Those who wait for an update hear of it.
    pub(super) fn update_is_heard(&mut self, key: UpdateKey) {
        let followed = self.updates.entry(key).or_default();
        for waker in std::mem::take(&mut followed.waiting) {
            waker.wake();
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
                let number = self.workflows[workflow].take_arriving_update();
                self.updates.entry(key).or_default().number = number;
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
        self.strike_update(key, workflow, what);
        self.update_is_heard(key);
    }

    /// The faults that strike when an update has got so far.
    fn strike_update(&mut self, key: UpdateKey, workflow: WorkflowKey, what: What) {
        let followed = self.updates.entry(key).or_default();
        match what {
            What::UpdateAccepted(_) if std::mem::take(&mut followed.crashes) => {
                if let Some(worker) = self.workflows[workflow].home() {
                    self.crash_worker(worker);
                }
            }
            What::UpdateCompleted { .. } | What::UpdateFailed { .. } => {
                let number = followed.number;
                match self.strike_workflow(workflow, Site::UpdateEnd(number)) {
                    Some(Fault::AnswerLost) => {
                        let at = self.agenda.after(PATIENCE);
                        self.updates.entry(key).or_default().end_is_heard_at = at;
                        self.agenda.wake_at(at, Wakeup::UpdateHeard(key));
                    }
                    Some(Fault::Cancel) => self.cancel_workflow(workflow),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}
