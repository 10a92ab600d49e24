//! Heartbeats on their way from an attempt's code through the worker's throttle to the service.

use super::agenda::{Todo, Wakeup};
use super::core::Core;
use crate::fault::{Fault, Site};
use crate::program::{Beat, CancelReason, Details, Time};
use crate::service::{Code, HeartbeatAnswer, Refused};
use crate::trace::{AttemptKey, Bytes, What, Who};
use crate::worker::message::{Call, Carriage, Message};
use crate::worker::throttle::Action;

impl Core {
    /// The attempt's code, or a background task of it, records a heartbeat.
    #[inline]
    pub(super) fn heartbeat(&mut self, attempt: AttemptKey, details: Option<&[u8]>) -> Beat {
        let record = &mut self.attempts[attempt];
        if !record.is_running() {
            return Beat::Taken;
        }
        if self.trace.events().len() > self.settings.event_budget {
            self.too_long_in_one_poll();
            return Beat::CrashNow;
        }
        record.heartbeats += 1;
        let (count, worker) = (record.heartbeats, record.worker);
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
        record.last_recorded = now;
        record.newest = bytes;
        // The message that carries this heartbeat, or a newer one in its place, meets its fate when it leaves.
        match fault {
            Some(Fault::RequestLost) => record.carriage = Carriage::RequestLost,
            Some(Fault::AnswerLost) => record.carriage = Carriage::AnswerLost,
            Some(Fault::Delayed(length)) => record.carriage = Carriage::Late(length),
            _ => {}
        }
        let action = if fault == Some(Fault::CrashAfterSent) {
            self.attempts[attempt].throttle.record_unthrottled(details, now)
        } else {
            self.attempts[attempt].throttle.record(details, now)
        };
        let next = Next::of(action);
        self.act(attempt, next);
        if fault == Some(Fault::CrashAfterSent) {
            self.crash_worker(worker);
            return Beat::CrashNow;
        }
        Beat::Taken
    }

    /// Does what the throttle says.
    pub(super) fn act(&mut self, attempt: AttemptKey, next: Next) {
        match next {
            Next::Send(details) => {
                let record = &mut self.attempts[attempt];
                let carriage = std::mem::take(&mut record.carriage);
                let bytes = record.newest;
                self.note(Who::Attempt(attempt), What::HeartbeatSent(bytes));
                match carriage {
                    Carriage::Late(_) => {
                        self.post(Message { attempt, call: Call::Heartbeat { details, bytes } }, carriage);
                    }
                    _ => self.deliver_heartbeat(attempt, details, bytes, carriage),
                }
            }
            Next::WakeAt(at) => self.agenda.wake_at(at, Wakeup::Flush(attempt)),
            Next::Nothing => {}
        }
    }

    /// The throttle's interval is over.
    pub(super) fn flush(&mut self, attempt: AttemptKey) {
        let now = self.agenda.now();
        let next = Next::of(self.attempts[attempt].throttle.interval_elapsed(now));
        self.act(attempt, next);
    }

    /// A heartbeat arrives at the service, or is lost on the way, and its answer too.
    #[inline]
    pub(super) fn deliver_heartbeat(
        &mut self,
        attempt: AttemptKey,
        details: Details,
        bytes: Option<Bytes>,
        carriage: Carriage,
    ) {
        if carriage == Carriage::RequestLost {
            self.heartbeat_answered(attempt);
        } else {
            let token = self.attempts[attempt].token;
            let order = self.agenda.reserve();
            self.serve_then(
                |service, now| service.heartbeat(token, details, now, order),
                |core, answer| {
                    core.heartbeat_taken(attempt, bytes, carriage, answer);
                    core.heartbeat_answered(attempt);
                },
            );
        }
        self.delivered(attempt, false, carriage);
    }

    /// The service has taken the heartbeat, or refused it.
    fn heartbeat_taken(
        &mut self,
        attempt: AttemptKey,
        bytes: Option<Bytes>,
        carriage: Carriage,
        answer: Result<HeartbeatAnswer, Refused>,
    ) {
        let told = match answer {
            Ok(answer) => {
                self.attempts[attempt].last_visible = self.agenda.now();
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
        if let Some(reason) = told.filter(|_| carriage == Carriage::Whole) {
            self.agenda.then(Todo::Cancel { attempt, reason });
        }
    }

    /// The heartbeat in flight is answered, or known to be lost: what waits behind it may go.
    #[inline]
    pub(super) fn heartbeat_answered(&mut self, attempt: AttemptKey) {
        let now = self.agenda.now();
        let next = Next::of(self.attempts[attempt].throttle.answered(now));
        let record = &mut self.attempts[attempt];
        if record.is_running() {
            self.act(attempt, next);
        } else if let Some(parting) = record.parting.take() {
            self.part(attempt, *parting);
        }
    }
}

/// What the throttle says, without its loan.
pub(super) enum Next {
    Send(Details),
    WakeAt(Time),
    Nothing,
}

impl Next {
    #[inline]
    pub(super) fn of(action: Action<'_>) -> Next {
        match action {
            Action::Send(details) => Next::Send(details.into()),
            Action::WakeAt(at) => Next::WakeAt(at),
            Action::Nothing => Next::Nothing,
        }
    }
}
