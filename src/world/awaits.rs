//! An attempt's awaits: faults, stalls, deadlines that are moved to an await.

use super::agenda::{Todo, Wakeup};
use super::core::Core;
use crate::fault::{Fault, Site};
use crate::program::Time;
use crate::trace::{AttemptKey, AttemptName, What, Who};

impl Core {
    /// The attempt's code returned `Pending`.
    pub(super) fn awaited(&mut self, attempt: AttemptKey) {
        let record = &mut self.attempts[attempt];
        let count = record.count_await();
        self.note(Who::Attempt(attempt), What::Awaited(count));
        if !self.faults.is_quiet() {
            self.strike_await(attempt, count);
        }
    }

    fn strike_await(&mut self, attempt: AttemptKey, count: u32) {
        if let Some(fault) = self.strike_attempt(attempt, Site::Await(count)) {
            self.fault_at_await(attempt, fault);
        }
        if self.attempts[attempt].is_running() {
            self.approach_await(attempt, count + 1);
        }
    }

    /// The next await is this one: a planned deadline moves it.
    pub(super) fn approach_await(&mut self, attempt: AttemptKey, next: u32) {
        if !self.faults.may_strike(Site::Deadline(next)) {
            return;
        }
        let Some(deadline) = self.attempts[attempt].deadline() else { return };
        let Some(fault) = self.strike_attempt(attempt, Site::Deadline(next)) else { return };
        if fault.defers_the_deadline() {
            let AttemptName { activity, number, .. } = self.trace.attempts()[attempt];
            self.activities[activity].defer_deadline(number);
        }
        if let Some(until) = fault.aim(deadline) {
            self.stall(attempt, until);
        }
    }

    pub(super) fn fault_at_await(&mut self, attempt: AttemptKey, fault: Fault) {
        let worker = self.attempts[attempt].worker();
        match fault {
            Fault::Crash => self.crash_worker(worker),
            Fault::CrashAttempt => {
                let is_local = self.is_local(attempt);
                self.crash_attempt(attempt);
                if !is_local {
                    self.free_slot(worker);
                }
            }
            Fault::Fail => self.agenda.then(Todo::Fail { attempt }),
            Fault::Stall(length) => self.stall(attempt, self.agenda.after(length)),
            Fault::Freeze(length) => self.freeze_worker(worker, self.agenda.after(length)),
            Fault::Cancel => self.cancel_workflow_of(attempt),
            Fault::Stop => self.stop_worker(worker),
            _ => {}
        }
    }

    /// Keeps an attempt from being polled until then.
    pub(super) fn stall(&mut self, attempt: AttemptKey, until: Time) {
        if until > self.agenda.now() && self.hold(attempt) {
            self.agenda.wake_at(until, Wakeup::Release(attempt));
        }
    }

    pub(super) fn hold(&mut self, attempt: AttemptKey) -> bool {
        let Some(task) = self.attempts[attempt].stall() else { return false };
        self.tasks.hold(task);
        true
    }

    /// A stall is over.
    pub(super) fn release(&mut self, attempt: AttemptKey) {
        self.ending.renew(self.agenda.now());
        let record = &mut self.attempts[attempt];
        record.go_on();
        let frozen = self.workers[record.worker()].frozen_until().is_some();
        if let Some(task) = record.task().filter(|_| !frozen) {
            self.tasks.release(task);
        }
    }
}
