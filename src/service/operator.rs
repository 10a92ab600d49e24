//! What operators do to activities: pause, unpause, reset.

use super::{ActivityKey, Service};
use crate::instant::Time;

/// What else an operator wants of an unpause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unpause {
    /// Begin again with attempt 1.
    pub reset_attempts: bool,
    /// Forget the heartbeat details.
    pub reset_heartbeat: bool,
}

/// What an operator wants of a reset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reset {
    /// Forget the heartbeat details.
    pub reset_heartbeat: bool,
    /// A paused activity stays paused.
    pub keep_paused: bool,
}

impl Service {
    /// Holds an activity back: no attempt is handed out and no deadline passes. A running attempt goes on.
    pub fn pause(&mut self, activity: ActivityKey, now: Time) {
        let _ = (activity, now);
        unimplemented!()
    }

    /// Lets a paused activity go on.
    pub fn unpause(&mut self, activity: ActivityKey, how: Unpause, now: Time) {
        let _ = (activity, how, now);
        unimplemented!()
    }

    /// Begins again with attempt 1.
    pub fn reset(&mut self, activity: ActivityKey, how: Reset, now: Time) {
        let _ = (activity, how, now);
        unimplemented!()
    }
}
