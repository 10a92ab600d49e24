//! Attempts: how they are offered and handed out, and how their workers report on them.

use std::sync::Arc;

use super::activity::{ActivityState, ResetRequest, Started};
use super::{Activity, ActivityClose, ActivityKey, Rank, Ready, Refused, Service, ServiceTimer, Token, limit};
use crate::program::{
    ActivityInfo, ActivityTask, Details, Failure, FailureKind, Payload, RetryState, Time, TimeoutType,
};

/// The answer to a heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HeartbeatAnswer {
    /// The workflow asked to cancel the activity, or the heartbeat was too large.
    pub cancel_requested: bool,
    /// An operator paused the activity.
    pub activity_paused: bool,
    /// An operator reset the activity.
    pub activity_reset: bool,
}

impl Activity {
    /// Says whether the attempt of this number runs, or whether any attempt runs for `None`.
    fn runs_attempt(&self, attempt: Option<u32>) -> bool {
        self.started().is_some() && attempt.is_none_or(|attempt| attempt == self.attempt)
    }

    /// The attempt that a timer is set for; `None` for a timer that spans all attempts.
    pub(super) fn timer_attempt(&self, timeout: TimeoutType) -> Option<u32> {
        let spans_all = timeout == TimeoutType::ScheduleToClose && !self.dialect.restarts_schedule_to_close();
        (!spans_all).then_some(self.attempt)
    }
}

impl Service {
    /// Offers the current attempt to workers. Its schedule-to-start clock begins, and its schedule-to-close clock if each
    /// attempt has its own.
    pub(super) fn offer_attempt(&mut self, key: ActivityKey) {
        let attempt = self.activity(key).attempt;
        self.outbox.ready.push_back(Ready::Activity { activity: key, attempt });
        self.arm(key, TimeoutType::ScheduleToStart);
        if self.dialect.restarts_schedule_to_close() {
            self.arm(key, TimeoutType::ScheduleToClose);
        }
    }

    /// Starts the schedule-to-close clock of a new activity, if it has one for all attempts.
    pub(super) fn arm_overall_timeout(&mut self, key: ActivityKey) {
        if !self.dialect.restarts_schedule_to_close() {
            self.arm(key, TimeoutType::ScheduleToClose);
        }
    }

    /// Asks for a timer, if the timeout is on and comes before the end of the run and of the activity
    /// (temporal `service/history/workflow/timer_sequence.go`).
    pub(super) fn arm(&mut self, key: ActivityKey, timeout: TimeoutType) {
        let activity = &self.activities[key];
        if let Some(at) = activity.deadline(timeout)
            && at <= activity.expires
        {
            let attempt = activity.timer_attempt(timeout);
            self.outbox.arm(at, ServiceTimer::Timeout { activity: key, attempt, timeout });
        }
    }

    /// Hands an attempt to a worker, whose start-to-close and heartbeat clocks begin. Gives `None` if the attempt is
    /// stale: the activity is closed, paused, or at another attempt.
    pub fn take_activity_task(
        &mut self,
        activity: ActivityKey,
        attempt: u32,
        now: Time,
    ) -> Option<(Token, ActivityTask)> {
        let token = self.start_attempt(activity, attempt, now)?;
        Some((token, self.activity_task(token)))
    }

    /// The first half of [`take_activity_task`](Service::take_activity_task): the attempt counts as started.
    pub(crate) fn start_attempt(&mut self, activity: ActivityKey, attempt: u32, now: Time) -> Option<Token> {
        if !self.runs(activity) {
            return None;
        }
        let taken = &mut self.activities[activity];
        if !matches!(taken.state, ActivityState::Scheduled) || taken.attempt != attempt || taken.is_paused() {
            return None;
        }
        taken.state = ActivityState::Started(Started { at: now, last_heartbeat: None });
        self.arm(activity, TimeoutType::StartToClose);
        self.arm(activity, TimeoutType::Heartbeat);
        Some(Token { activity, attempt })
    }

    /// The task that is given to the worker of an attempt that has just started.
    pub(crate) fn activity_task(&self, token: Token) -> ActivityTask {
        let taken = self.activity(token.activity);
        let info = ActivityInfo {
            activity_id: taken.id.clone(),
            spec: Arc::clone(&taken.spec),
            workflow: Arc::clone(self.workflow(taken.workflow).seen_info()),
            attempt: self.dialect.shown_attempt(taken.local_attempt.unwrap_or(token.attempt)),
            scheduled_at: taken.scheduled_at,
            attempt_scheduled_at: taken.attempt_scheduled_at,
            started_at: taken.started_at().unwrap_or(taken.attempt_scheduled_at),
            timeouts: taken.timeouts(),
            retry: Arc::clone(taken.retry()),
            is_local: taken.is_local(),
        };
        ActivityTask { info, heartbeat_details: taken.details.clone() }
    }

    /// Checks that a call for the running attempt is accepted. `attempt` is the attempt that the caller's token is
    /// bound to.
    ///
    /// Source: temporal `service/history/api/activity_util.go`, recorded scenarios `stale_*`.
    pub(super) fn check_running(&self, activity: ActivityKey, attempt: Option<u32>) -> Result<(), Refused> {
        let record = self.activity(activity);
        let (is_open, runs) = (self.runs(activity), record.runs_attempt(attempt));
        match () {
            () if is_open && runs => {}
            () if self.workflow(record.workflow).is_standalone_activity() => {
                return Err(Refused::activity_not_found(&record.id));
            }
            () if is_open => return Err(Refused::ACTIVITY_GONE),
            () => return Err(Refused::WORKFLOW_CLOSED),
        }
        Ok(())
    }

    /// Takes a heartbeat. Its details replace those that were there, even if it has none (recorded scenarios
    /// `hb_details_absent_clears`, `hb_details_empty_list`).
    ///
    /// `order` is the rank of the heartbeat's new deadline among equal times in the run's timer queue.
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if the attempt does not run any more, or the workflow has closed. A heartbeat that is
    /// too large is not an error: its answer asks to cancel, and the activity has failed (`limit_heartbeat_2_5m`).
    pub fn heartbeat(
        &mut self,
        token: Token,
        details: Details,
        now: Time,
        order: Rank,
    ) -> Result<HeartbeatAnswer, Refused> {
        self.check_running(token.activity, Some(token.attempt))?;
        Ok(self.heartbeat_running(token.activity, details, now, order))
    }

    pub(super) fn heartbeat_running(
        &mut self,
        key: ActivityKey,
        details: Details,
        now: Time,
        order: Rank,
    ) -> HeartbeatAnswer {
        if details.as_bytes().is_some_and(limit::is_too_large) {
            self.end_attempt(key, Some(Arc::new(limit::heartbeat_too_large())), None, now);
            return HeartbeatAnswer { cancel_requested: true, ..HeartbeatAnswer::default() };
        }
        let activity = &mut self.activities[key];
        activity.details = details;
        activity.heartbeats += 1;
        if let ActivityState::Started(started) = &mut activity.state {
            started.last_heartbeat = Some((now, order));
        }
        HeartbeatAnswer {
            cancel_requested: activity.cancel_requested,
            activity_paused: activity.is_paused(),
            activity_reset: activity.reset != ResetRequest::None,
        }
    }

    /// Takes an attempt's result: the activity closes, whatever was asked of it meanwhile
    /// (recorded scenario `cancel_wait_ignored_completes`).
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if the attempt does not run any more, or the workflow has closed. A result that is too
    /// large is accepted, and the activity has failed (`limit_result_2_5m`).
    pub fn complete(&mut self, token: Token, result: Payload, now: Time) -> Result<(), Refused> {
        self.check_running(token.activity, Some(token.attempt))?;
        self.complete_open(token.activity, result, now);
        Ok(())
    }

    /// Completes an open activity. If no attempt runs, a start is made up at this moment.
    pub(super) fn complete_open(&mut self, key: ActivityKey, result: Payload, now: Time) {
        let started_at = self.activity(key).started_at().unwrap_or(now);
        if limit::is_too_large(result.as_bytes()) {
            let failure = Arc::new(limit::result_too_large());
            let retry_state = RetryState::NonRetryableFailure;
            self.close_activity(key, ActivityClose::Failed { failure, retry_state }, Some(started_at), now);
        } else {
            self.close_activity(key, ActivityClose::Completed { result }, Some(started_at), now);
        }
    }

    /// Takes an attempt's failure. `None` is a report without a failure in it, which is retried like any other. If
    /// `last_heartbeat_details` are given at all, they replace those that are visible, even if they are empty (recorded
    /// scenarios `hb_details_in_fail_request*`). In the Cadence dialect the report has no room for them.
    ///
    /// # Errors
    /// The error is `INVALID_ARGUMENT` if the failure is not an application failure (`retry_failure_kind_*`); the
    /// attempt runs on. It is `NOT_FOUND` if the attempt does not run any more, or the workflow has closed.
    pub fn fail(
        &mut self,
        token: Token,
        failure: Option<Arc<Failure>>,
        last_heartbeat_details: Option<Details>,
        now: Time,
    ) -> Result<(), Refused> {
        if failure.as_ref().is_some_and(|failure| !matches!(failure.kind, FailureKind::Application { .. })) {
            return Err(Refused::NOT_AN_APPLICATION_FAILURE);
        }
        self.check_running(token.activity, Some(token.attempt))?;
        self.end_attempt(token.activity, failure, last_heartbeat_details, now);
        Ok(())
    }

    /// Takes an attempt's word that it was cancelled.
    ///
    /// # Errors
    /// The error is `INVALID_ARGUMENT` if nobody asked to cancel the attempt (recorded scenario
    /// `cancel_unrequested_respond_canceled`); the attempt runs on. It is `NOT_FOUND` if the attempt does not run any
    /// more, or the workflow has closed.
    pub fn cancel(&mut self, token: Token, details: Details, now: Time) -> Result<(), Refused> {
        self.check_running(token.activity, Some(token.attempt))?;
        self.cancel_running(token.activity, details, now)
    }

    pub(super) fn cancel_running(&mut self, key: ActivityKey, details: Details, now: Time) -> Result<(), Refused> {
        let activity = self.activity(key);
        if !activity.cancel_requested {
            return Err(Refused::CANCEL_NOT_REQUESTED);
        }
        let started_at = activity.started_at();
        self.close_activity(key, ActivityClose::Canceled { details }, started_at, now);
        Ok(())
    }
}
