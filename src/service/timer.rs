//! Timers that fire.

use super::{Service, Timer};
use crate::instant::Time;

impl Service {
    /// A timer's time has come. A stale one does nothing.
    pub fn fire(&mut self, timer: Timer, now: Time) {
        let _ = (timer, now);
        unimplemented!()
    }

    /// Whether a timer will do anything when it fires. The clock must not be moved for one that will not.
    pub fn is_live(&self, timer: Timer) -> bool {
        let _ = timer;
        unimplemented!()
    }
}
