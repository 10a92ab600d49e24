//! Effects: what faults do to them, and the trace's note of them.

use std::panic::Location;

use super::core::World;
use crate::fault::{Fault, Site};
use crate::program::{Beat, places};
use crate::trace::{What, Who};

impl World {
    /// Lets the running code do an effect. `None` if it failed, or if its caller is told so.
    pub(crate) fn do_effect<R>(
        &self,
        name: &str,
        at: &'static Location<'static>,
        apply: impl FnOnce() -> R,
    ) -> Option<R> {
        // The change may have made calls of its own.
        let apply = || {
            let result = apply();
            places::called_at("durasim::effect", at);
            result
        };
        match self.begin_effect()? {
            Some(Fault::CrashBefore) => {
                self.crash_in_call();
                None
            }
            Some(Fault::CrashAfter) => {
                let _ = apply();
                self.note_effect(name, true);
                self.crash_in_call();
                None
            }
            Some(Fault::FailUnapplied) => {
                self.note_effect(name, false);
                None
            }
            Some(Fault::FailApplied) => {
                let _ = apply();
                self.note_effect(name, true);
                None
            }
            _ => {
                let result = apply();
                self.note_effect(name, true);
                Some(result)
            }
        }
    }

    /// Counts the effect and says what strikes it. The outer `None` says that the caller is dead.
    fn begin_effect(&self) -> Option<Option<Fault>> {
        let mut core = self.core.borrow_mut();
        if core.running_dead() {
            return None;
        }
        let Some(attempt) = core.running_attempt() else { return Some(None) };
        if core.trace.events().len() > core.settings.event_budget {
            core.too_long_in_one_poll();
            drop(core);
            Beat::CrashNow.obey();
            return None;
        }
        let record = &mut core.attempts[attempt];
        let count = record.count_effect();
        // A second unwinding would abort the process; destructors meet no faults.
        if !record.is_running() || std::thread::panicking() {
            return Some(None);
        }
        Some(core.strike_attempt(attempt, Site::Effect(count)))
    }

    fn note_effect(&self, name: &str, applied: bool) {
        let mut core = self.core.borrow_mut();
        // The change itself may have met a crash, and its code may have survived the unwinding.
        if core.running_dead() {
            return;
        }
        if let Some(attempt) = core.running_attempt() {
            let name = core.trace.store(name.as_bytes());
            core.note(Who::Attempt(attempt), What::Effect { name, applied });
        }
    }

    /// The worker of the running code dies in this very call.
    fn crash_in_call(&self) {
        {
            let mut core = self.core.borrow_mut();
            if let Some(attempt) = core.running_attempt() {
                let worker = core.attempts[attempt].worker();
                core.crash_worker(worker);
            }
        }
        Beat::CrashNow.obey();
    }
}
