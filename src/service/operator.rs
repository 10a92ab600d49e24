//! The calls of operators to activities: pause, unpause, reset. `update_options.rs` has the fourth.
//!
//! These calls are Temporal's alone: Cadence has none of them.
//!
//! Source: temporal `service/history/workflow/activity.go`, recorded scenarios `ops_*`.

use super::activity::{ActivityState, Hold, ResetRequest};
use super::{ActivityKey, Dialect, News, Refused, Service, ServiceTimer, WorkflowKey};
use crate::program::{ActivityId, Details, Time, TimeoutType};

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
    /// Give all options the values with which the activity was scheduled.
    pub restore_options: bool,
}

impl Service {
    /// Finds the open activity that an operator names by its id.
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if no activity of this id is open, or the workflow has closed. It is `INVALID_ARGUMENT` in the
    /// Cadence dialect.
    pub fn pending_activity(&self, workflow: WorkflowKey, id: &ActivityId) -> Result<ActivityKey, Refused> {
        if self.dialect == Dialect::Cadence {
            return Err(Refused::invalid(
                "Cadence has no operators' calls to activities: pause, unpause, reset and new options are Temporal's",
            ));
        }
        if !self.workflow(workflow).is_open() {
            return Err(Refused::WORKFLOW_CLOSED);
        }
        self.open_activity(workflow, id).ok_or(Refused::NO_PENDING_ACTIVITY)
    }

    pub(super) fn check_pending(&self, activity: ActivityKey) -> Result<(), Refused> {
        if !self.runs(activity) {
            return Err(Refused::WORKFLOW_CLOSED);
        }
        if self.activity(activity).is_open() { Ok(()) } else { Err(Refused::NO_PENDING_ACTIVITY) }
    }

    /// Holds an activity back: no attempt is handed out and no deadline passes. A running attempt goes on and learns of
    /// the pause with its next heartbeat.
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if the activity or its workflow has closed.
    pub fn pause(&mut self, activity: ActivityKey) -> Result<(), Refused> {
        self.check_pending(activity)?;
        self.activities[activity].hold = Hold::Paused;
        Ok(())
    }

    /// Lets a paused activity go on. An activity that is not running goes on at once, whatever was left of its backoff, and
    /// without the failure of the attempt before. Deadlines that passed meanwhile pass now (recorded scenario
    /// `ops_pause_s2c`). Attempts and details are reset at once, also while an attempt runs: one of a later number than
    /// the first loses its token (recorded scenario `x_pause_attempt2_unpause_reset`).
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if the activity or its workflow has closed.
    pub fn unpause(&mut self, activity: ActivityKey, how: Unpause, now: Time) -> Result<(), Refused> {
        self.check_pending(activity)?;
        if !self.activity(activity).is_paused() {
            return Ok(());
        }
        let paused = &mut self.activities[activity];
        paused.hold = Hold::Free;
        if how.reset_heartbeat {
            paused.details = Details::Absent;
        }
        if how.reset_attempts {
            self.count_anew(activity);
        }
        self.go_on(activity, now);
        Ok(())
    }

    /// Begins again with attempt 1. An activity that is not running does so at once, unless it is to stay paused.
    ///
    /// A running attempt counts as attempt 1 from now on, and hears of the reset with its next heartbeat, if it is that
    /// attempt. One of a later number has lost its token: all that it says is refused as stale, and the service waits
    /// for its timeout (recorded scenarios `ops_reset_running`, `x_reset_attempt2_completes`,
    /// `x_reset_attempt2_heartbeats`). A paused one goes on, and deadlines that passed meanwhile pass now (`rt_068`), unless
    /// it is to stay paused.
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if the activity or its workflow has closed.
    pub fn reset(&mut self, activity: ActivityKey, how: Reset, now: Time) -> Result<(), Refused> {
        self.check_pending(activity)?;
        let target = &mut self.activities[activity];
        let clears = how.reset_heartbeat || target.reset == ResetRequest::ClearDetails;
        target.reset = if clears { ResetRequest::ClearDetails } else { ResetRequest::KeepDetails };
        let (is_running, was_paused) = (target.started().is_some(), target.is_paused());
        if !how.keep_paused {
            target.hold = Hold::Free;
        }
        if how.restore_options {
            self.restore_options(activity);
        }
        let is_given_up = self.count_anew(activity);
        if is_running && (is_given_up || was_paused || how.restore_options) {
            self.start_clocks(activity, now);
        } else if !is_running && !self.activity(activity).is_paused() {
            self.go_on(activity, now);
        }
        Ok(())
    }

    /// Lets the current attempt be the first. Says whether a running one of another number has lost its token.
    fn count_anew(&mut self, key: ActivityKey) -> bool {
        let activity = &mut self.activities[key];
        let attempt = std::mem::replace(&mut activity.attempt, 1);
        activity.attempts_before += attempt - 1;
        let is_given_up = activity.started().is_some() && attempt != 1;
        if is_given_up {
            self.outbox.news.push_back(News::AttemptGivenUp { activity: key, attempt });
        }
        is_given_up
    }

    /// Offers the attempt, if it is not running at this moment, and starts the clocks that stood still.
    fn go_on(&mut self, key: ActivityKey, now: Time) {
        let activity = &mut self.activities[key];
        let is_running = activity.started().is_some();
        if !is_running {
            activity.state = ActivityState::Scheduled;
            activity.attempt_scheduled_at = now;
            activity.last_failure = None;
            activity.take_reset();
        }
        if !is_running {
            self.offer_attempt(key);
        }
        self.start_clocks(key, now);
    }

    /// Starts the clocks that stood still, or that were those of an attempt of another number. A timer that is still in the
    /// queue makes these redundant, or they make it redundant: the first to fire counts.
    pub(super) fn start_clocks(&mut self, key: ActivityKey, now: Time) {
        for &timeout in &[TimeoutType::ScheduleToClose, TimeoutType::StartToClose, TimeoutType::Heartbeat] {
            self.start_clock(key, timeout, now);
        }
    }

    pub(super) fn start_clock(&mut self, key: ActivityKey, timeout: TimeoutType, now: Time) {
        let activity = self.activity(key);
        let attempt = activity.timer_attempt(timeout);
        if let Some(at) = activity.deadline(timeout) {
            self.outbox.arm(at.max(now), ServiceTimer::Timeout { activity: key, attempt, timeout });
        }
    }
}
