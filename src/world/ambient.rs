//! The clock and the random bytes of a run, for code that asks the process for them.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use super::core::World;
use super::shown::Doing;
use crate::program::Time;

/// Code of the process has asked for random bytes: a crate that takes the place of the process's is there.
static IS_ASKED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Code on this thread has asked for random bytes.
    static HAS_DRAWN: Cell<bool> = const { Cell::new(false) };
}

/// Notes that code on this thread draws random bytes, which std and rand keep there.
pub(crate) fn note_drawn() {
    let _ = HAS_DRAWN.try_with(|drawn| drawn.set(true));
    IS_ASKED.store(true, Ordering::Relaxed);
}

/// Says whether code on this thread has drawn what it keeps there: the next run on it would not be as the first.
pub(crate) fn has_drawn() -> bool {
    HAS_DRAWN.try_with(Cell::get).unwrap_or(false)
}

/// Says whether any code of the process can draw what a thread keeps.
pub(super) fn can_draw() -> bool {
    IS_ASKED.load(Ordering::Relaxed)
}

impl World {
    /// The present moment, while code of the run runs. A check is none of it, and neither is the engine.
    pub(crate) fn ambient_now(&self) -> Option<Time> {
        let core = self.core.try_borrow().ok()?;
        match core.shown.doing() {
            Doing::Host => Some(core.host_link.now().unwrap_or(core.agenda.now())),
            Doing::Nothing | Doing::Check => None,
            _ => Some(core.agenda.now()),
        }
    }

    /// Random bits, of a stream of their own.
    pub(crate) fn ambient_bits(&self) -> Option<u64> {
        let mut core = self.core.try_borrow_mut().ok()?;
        let seed = core.user_random.seed();
        Some(core.host_link.ambient_bits(seed))
    }
}
