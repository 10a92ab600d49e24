//! Which deadlines an activity has, and what a passed one is reported as.

use crate::instant::Time;
use crate::program::{TimeoutType, Timeouts};

/// The moments an activity's clocks run from. See [`deadlines`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// When the activity was first scheduled.
    pub scheduled_at: Time,
    /// When the current attempt is, or was, due.
    pub attempt_scheduled_at: Time,
    /// When the attempt that runs was started; `None` if none runs.
    pub started_at: Option<Time>,
    /// Its last heartbeat; an older attempt's counts for nothing.
    pub last_heartbeat_at: Option<Time>,
}

/// When a timeout passes; `None` if it is off or not running now.
pub fn deadline(timeout: TimeoutType, timeouts: &Timeouts, clocks: &Clocks) -> Option<Time> {
    let _ = (timeout, timeouts, clocks);
    unimplemented!()
}

/// All deadlines that run now, in the order in which the server looks at them.
pub fn deadlines(timeouts: &Timeouts, clocks: &Clocks) -> Vec<(TimeoutType, Time)> {
    let _ = (timeouts, clocks);
    unimplemented!()
}
