//! The calls of operators to activities: pause, unpause, reset.
//!
//! These calls are Temporal's alone: Cadence has none of them.
//!
//! Source: temporal `service/history/workflow/activity.go`, recorded scenarios `ops_*`. Calls for activities that are
//! not open do nothing.

use super::activity::{ActivityState, Hold, ResetRequest};
use super::{ActivityKey, Service, ServiceTimer};
use crate::program::{Details, Time, TimeoutType};

/// The options of an operator's unpause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unpause {
    /// Begin again with attempt 1.
    pub reset_attempts: bool,
    /// Forget the heartbeat details.
    pub reset_heartbeat: bool,
}

/// The options of an operator's reset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reset {
    /// Forget the heartbeat details.
    pub reset_heartbeat: bool,
    /// A paused activity stays paused.
    pub keep_paused: bool,
}

impl Service {
    fn is_operable(&self, activity: ActivityKey) -> bool {
        self.runs(activity) && self.activity(activity).is_open()
    }

    /// Holds an activity back: no attempt is handed out and no deadline passes. A running attempt goes on and learns of
    /// the pause with its next heartbeat.
    pub fn pause(&mut self, activity: ActivityKey) {
        if self.is_operable(activity) {
            self.activities[activity].hold = Hold::Paused;
        }
    }

    /// Lets a paused activity go on. An activity that is not running goes on at once, whatever was left of its backoff, and
    /// without the failure of the attempt before. Deadlines that passed meanwhile pass now (recorded scenario
    /// `ops_pause_s2c`).
    pub fn unpause(&mut self, activity: ActivityKey, how: Unpause, now: Time) {
        if !self.is_operable(activity) || !self.activity(activity).is_paused() {
            return;
        }
        let paused = &mut self.activities[activity];
        paused.hold = Hold::Free;
        match &mut paused.state {
            ActivityState::Started(started) if how.reset_attempts => started.reset = request(how.reset_heartbeat),
            _ => {
                if how.reset_attempts {
                    paused.attempt = 1;
                }
                if how.reset_heartbeat {
                    paused.details = Details::Absent;
                }
            }
        }
        self.go_on(activity, now);
    }

    /// Begins again with attempt 1. An activity that is not running does so at once. A running attempt first ends, and
    /// then counts as attempt 1 (recorded scenarios `ops_reset_in_backoff`, `ops_reset_running`). A paused activity
    /// goes on, unless it is to stay paused.
    pub fn reset(&mut self, activity: ActivityKey, how: Reset, now: Time) {
        if !self.is_operable(activity) {
            return;
        }
        let target = &mut self.activities[activity];
        let was_paused = target.is_paused();
        if !how.keep_paused {
            target.hold = Hold::Free;
        }
        if let ActivityState::Started(started) = &mut target.state {
            started.reset = request(how.reset_heartbeat || started.reset == ResetRequest::ClearDetails);
            if !was_paused {
                return;
            }
        } else {
            target.attempt = 1;
            if how.reset_heartbeat {
                target.details = Details::Absent;
            }
        }
        self.go_on(activity, now);
    }

    /// Offers the attempt, if it is not running at this moment, and starts the clocks that stood still.
    fn go_on(&mut self, key: ActivityKey, now: Time) {
        let activity = &mut self.activities[key];
        let is_running = activity.started().is_some();
        if !is_running {
            activity.state = ActivityState::Scheduled;
            activity.attempt_scheduled_at = now;
            activity.last_failure = None;
        }
        if activity.is_paused() {
            return;
        }
        if !is_running {
            self.offer_attempt(key);
        }
        // A timer that is still in the queue makes these redundant, or they make it redundant: the first to fire
        // counts.
        for &timeout in &[TimeoutType::ScheduleToClose, TimeoutType::StartToClose, TimeoutType::Heartbeat] {
            let activity = self.activity(key);
            let attempt = activity.timer_attempt(timeout);
            if let Some(at) = activity.deadline(timeout) {
                self.outbox.arm(at.max(now), ServiceTimer::Timeout { activity: key, attempt, timeout });
            }
        }
    }
}

fn request(clear_details: bool) -> ResetRequest {
    if clear_details { ResetRequest::ClearDetails } else { ResetRequest::KeepDetails }
}
