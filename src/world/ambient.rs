//! The clock and the random bytes of a run, for code that asks the process for them.

use super::core::World;
use super::shown::Doing;
use crate::program::Time;

impl World {
    /// The present moment, while code of the run runs. A check is none of it, and neither is the engine.
    pub(crate) fn ambient_now(&self) -> Option<Time> {
        let core = self.core.try_borrow().ok()?;
        match core.shown.doing() {
            Doing::Host => core.host_link.now(),
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
