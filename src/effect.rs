//! [`effect()`]: one thing done to the outside world, as a fake models it.

use thiserror::Error;

use crate::activity::ActivityError;
use crate::fault::{Fault, Site};
use crate::program::Beat;
use crate::trace::{What, Who};
use crate::world::core::{World, current};

/// The effect failed, or its caller was told so.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("injected failure of the effect `{name}`")]
pub struct EffectError {
    /// The effect's name.
    pub name: String,
}

/// The outside world failed, and a retry may find it well: `?` in an activity makes it
/// [`ActivityError::Retryable`].
impl From<EffectError> for ActivityError {
    fn from(error: EffectError) -> ActivityError {
        ActivityError::Retryable(error.to_string())
    }
}

/// Does one thing to the outside world: a row inserted, a file written, money sent.
///
/// Call it inside a fake, around the change. Each call is a point at which the simulation may crash the worker before or
/// after the change, make it fail, or do it and answer with an error. Code under test needs no marks.
///
/// Outside a simulation, where a fake is set up or tested by itself, it just calls `apply`.
///
/// ```
/// use std::cell::RefCell;
/// use durasim::EffectError;
///
/// #[derive(Default)]
/// struct Accounts { booked: RefCell<Vec<u64>> }
///
/// impl Accounts {
///     fn book(&self, amount: u64) -> Result<(), EffectError> {
///         durasim::effect("book", || self.booked.borrow_mut().push(amount))
///     }
/// }
/// ```
///
/// # Errors
/// [`EffectError`] when the simulation says so: the change may or may not have been made, as with a lost answer.
pub fn effect<R>(name: &str, apply: impl FnOnce() -> R) -> Result<R, EffectError> {
    let failed = || EffectError { name: name.to_owned() };
    let Some(world) = current() else { return Ok(apply()) };
    let Some(fault) = world.begin_effect(name) else { return Err(failed()) };
    match fault {
        Some(Fault::CrashBefore) => {
            world.crash_in_call();
            Err(failed())
        }
        Some(Fault::CrashAfter) => {
            let _ = apply();
            world.note_effect(name, true);
            world.crash_in_call();
            Err(failed())
        }
        Some(Fault::FailUnapplied) => {
            world.note_effect(name, false);
            Err(failed())
        }
        Some(Fault::FailApplied) => {
            let _ = apply();
            world.note_effect(name, true);
            Err(failed())
        }
        _ => {
            let result = apply();
            world.note_effect(name, true);
            Ok(result)
        }
    }
}

impl World {
    /// Counts the effect and says what strikes it. The outer `None` says that the caller is dead.
    fn begin_effect(&self, name: &str) -> Option<Option<Fault>> {
        if self.core.borrow().in_workflow() {
            self.misuse(format!(
                "workflow code did the effect `{name}`: a workflow changes the world through activities only"
            ));
        }
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
        record.effects += 1;
        let count = record.effects;
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
                let worker = core.attempts[attempt].worker;
                core.crash_worker(worker);
            }
        }
        Beat::CrashNow.obey();
    }
}
