//! Heartbeats on their way from an attempt's code through the worker's throttle to the service.

use super::agenda::{Todo, Wakeup};
use super::core::Core;
use crate::fault::{Fault, Site};
use crate::program::{Beat, CancelReason, Details};
use crate::service::{Code, HeartbeatAnswer, Refused};
use crate::trace::{AttemptKey, Bytes, What, Who};
use crate::worker::message::{Call, Delivery, Message};
use crate::worker::throttle::Action;

impl Core {
    /// The attempt's code, or a background task of it, records a heartbeat.
    pub(super) fn heartbeat(&mut self, attempt: AttemptKey, details: Option<&[u8]>) -> Beat {
        let record = &mut self.attempts[attempt];
        if !record.is_running() {
            if !record.is_dead() {
                self.note(Who::Attempt(attempt), What::HeartbeatAfterEnd);
            }
            return Beat::Taken;
        }
        if self.trace.events().len() > self.settings.event_budget {
            self.too_long_in_one_poll();
            return Beat::CrashNow;
        }
        let (count, worker) = (record.count_heartbeat(), record.worker());
        let fault = self.strike_attempt(attempt, Site::Heartbeat(count));
        if fault == Some(Fault::CrashBefore) {
            self.crash_worker(worker);
            return Beat::CrashNow;
        }
        let bytes = details.map(|details| self.trace.store(details));
        self.note(Who::Attempt(attempt), What::HeartbeatRecorded(bytes));
        if fault == Some(Fault::CrashAfterUnsent) {
            self.crash_worker(worker);
            return Beat::CrashNow;
        }
        let now = self.agenda.now();
        let record = &mut self.attempts[attempt];
        match fault {
            Some(Fault::RequestLost) => record.set_delivery(Delivery::RequestLost),
            Some(Fault::AnswerLost) => record.set_delivery(Delivery::AnswerLost),
            Some(Fault::Delayed(length)) => record.set_delivery(Delivery::Late(length)),
            _ => {}
        }
        let action = record.record(details, bytes, fault != Some(Fault::CrashAfterSent), now);
        self.act(attempt, action);
        if fault == Some(Fault::CrashAfterSent) {
            self.crash_worker(worker);
            return Beat::CrashNow;
        }
        Beat::Taken
    }

    /// Does what the throttle says.
    pub(super) fn act(&mut self, attempt: AttemptKey, action: Action) {
        match action {
            Action::Send(details) => {
                let record = &mut self.attempts[attempt];
                let delivery = record.take_delivery();
                let bytes = record.newest();
                self.note(Who::Attempt(attempt), What::HeartbeatSent(bytes));
                match delivery {
                    Delivery::Late(_) => {
                        self.post(Message { attempt, call: Call::Heartbeat { details, bytes } }, delivery);
                    }
                    _ => self.deliver_heartbeat(attempt, details, bytes, delivery),
                }
            }
            Action::WakeAt(at) => self.agenda.wake_at(at, Wakeup::Flush(attempt)),
            Action::Nothing => {}
        }
    }

    /// The throttle's interval is over.
    pub(super) fn flush(&mut self, attempt: AttemptKey) {
        let now = self.agenda.now();
        let action = self.attempts[attempt].interval_elapsed(now);
        self.act(attempt, action);
    }

    /// A heartbeat arrives at the service, or is lost on the way, and its answer too.
    pub(super) fn deliver_heartbeat(
        &mut self,
        attempt: AttemptKey,
        details: Details,
        bytes: Option<Bytes>,
        delivery: Delivery,
    ) {
        if delivery == Delivery::RequestLost {
            self.heartbeat_answered(attempt);
        } else {
            let token = self.attempts[attempt].token();
            let order = self.agenda.reserve();
            self.serve_then(
                |service, now| service.heartbeat(token, details, now, order),
                |core, answer| {
                    core.heartbeat_taken(attempt, bytes, delivery, answer);
                    core.heartbeat_answered(attempt);
                },
            );
        }
        self.delivered(attempt, false, delivery);
    }

    /// The service has taken the heartbeat, or refused it.
    fn heartbeat_taken(
        &mut self,
        attempt: AttemptKey,
        bytes: Option<Bytes>,
        delivery: Delivery,
        answer: Result<HeartbeatAnswer, Refused>,
    ) {
        let reason = match answer {
            Ok(answer) => {
                self.attempts[attempt].became_visible(self.agenda.now());
                self.note(Who::Attempt(attempt), What::HeartbeatVisible(bytes));
                if answer.cancel_requested {
                    Some(CancelReason::Requested)
                } else if answer.activity_reset {
                    Some(CancelReason::Reset)
                } else {
                    answer.activity_paused.then_some(CancelReason::Paused)
                }
            }
            Err(refused) => {
                self.note(Who::Attempt(attempt), What::Refused);
                (refused.code == Code::NotFound).then_some(CancelReason::NotFound)
            }
        };
        if let Some(reason) = reason.filter(|_| delivery == Delivery::Whole) {
            self.agenda.then(Todo::Cancel { attempt, reason });
        }
    }

    /// The heartbeat in flight is answered, or known to be lost: what waits behind it may go.
    pub(super) fn heartbeat_answered(&mut self, attempt: AttemptKey) {
        let now = self.agenda.now();
        let action = self.attempts[attempt].heartbeat_answered(now);
        let record = &mut self.attempts[attempt];
        if record.is_running() {
            self.act(attempt, action);
        } else if let Some(report) = record.take_report() {
            self.send_final_report(attempt, report);
        }
    }
}
