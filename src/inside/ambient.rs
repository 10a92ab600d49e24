//! The clock and the random bytes that code of a run would read if those of the process followed the run.
//!
//! For crates that take the place of the process's clocks, as durasim-wallclock does: each call asks whether code of a run runs
//! on this thread, costs a few instructions where none does, and neither panics nor ends a run. Code under test asks
//! [`time`](super::time) and [`random`](super::random()).

use std::cell::Cell;

use crate::engine::outside;
use crate::program::Time;
use crate::world::ambient::note_drawn;
use crate::world::core::with_current;

thread_local! {
    /// The thread's own clock is wanted, whatever runs.
    static IS_OUTSIDE: Cell<bool> = const { Cell::new(false) };
}

/// The present moment of the run whose code runs on this thread: activities, workflows, scripts, constructors of states, tasks
/// of its host, and jobs of the host's threads. `None` elsewhere, and while the engine itself works.
///
/// ```
/// assert_eq!(durasim::ambient::now(), None);
/// ```
pub fn now() -> Option<Time> {
    if IS_OUTSIDE.try_with(Cell::get).unwrap_or(true) {
        return None;
    }
    match with_current(|world| world.ambient_now()) {
        Some(now) => now,
        None => outside::now_of_this_thread().map(Time::from_nanos),
    }
}

/// Fills `bytes` with random ones that follow from the seed of the run. `false` where [`now`] is `None`: nothing is filled
/// then.
///
/// ```
/// assert!(!durasim::ambient::fill(&mut [0; 16]));
/// ```
///
/// std and rand ask once in each thread, and keep what they get there: a `HashMap` has its order from that. So the next run
/// of an exploration that would be on this thread is on a thread of its own.
pub fn fill(bytes: &mut [u8]) -> bool {
    note_drawn();
    if now().is_none() {
        return false;
    }
    for chunk in bytes.chunks_mut(8) {
        let word = match with_current(|world| world.ambient_bits()) {
            Some(word) => word,
            None => outside::bits_of_this_thread(),
        };
        let Some(word) = word else { return false };
        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
    }
    true
}

/// Calls this with the thread's own clock: [`now`] is `None` meanwhile. For hosts that wait in real time.
///
/// ```
/// let started = durasim::ambient::outside(std::time::Instant::now);
/// ```
pub fn outside<R>(call: impl FnOnce() -> R) -> R {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            let _ = IS_OUTSIDE.try_with(|is_outside| is_outside.set(self.0));
        }
    }
    let _back = Back(IS_OUTSIDE.try_with(|is_outside| is_outside.replace(true)).unwrap_or(true));
    call()
}
