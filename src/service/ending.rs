//! The ends of attempts: a retry, a wait for an operator, or the close of their activity.

use std::borrow::Cow;
use std::sync::Arc;

use super::activity::ActivityState;
use super::history::{EventKind, Subject};
use super::retry::{EndedAttempt, RetryVerdict};
use super::timeout::{plain_timeout_failure, timeout_failure};
use super::{Activity, ActivityClose, ActivityKey, News, Service, ServiceTimer, limit};
use crate::program::{ActivityId, Details, Failure, FailureKind, Span, Time, TimeoutType};

impl Service {
    /// Ends the running attempt with a failure: it is retried, or the activity closes. Details that are given with the
    /// failure replace those that are visible.
    pub(super) fn end_attempt(
        &mut self,
        key: ActivityKey,
        failure: Option<Arc<Failure>>,
        last_heartbeat_details: Option<Details>,
        now: Time,
    ) {
        if let Some(details) = last_heartbeat_details.filter(|_| self.dialect.takes_details_with_failure()) {
            self.activities[key].details = details;
        }
        match self.verdict(key, failure.as_deref(), now) {
            RetryVerdict::Close(retry_state) => {
                let started_at = self.activity(key).started_at();
                // Clients read a report without a failure in it as an application failure that says nothing.
                let failure = failure.unwrap_or_else(|| Arc::new(Failure::application("", "")));
                let close = match &failure.kind {
                    // A timeout can be reported by id only (rule row `trace/19`).
                    FailureKind::Timeout { .. } => ActivityClose::TimedOut { failure, retry_state },
                    _ => ActivityClose::Failed { failure, retry_state },
                };
                self.close_activity(key, close, started_at, now);
            }
            RetryVerdict::Retry(backoff) => self.back_off(key, failure, backoff, now),
            RetryVerdict::Hold => self.hold_back(key, failure, now),
        }
    }

    /// Handles a deadline that passed: the attempt is given up and retried, or the activity closes.
    pub(super) fn time_out(&mut self, key: ActivityKey, timeout: TimeoutType, now: Time) {
        let activity = self.activity(key);
        if activity.started().is_some() {
            let attempt = activity.attempt;
            self.outbox.news.push_back(News::AttemptTimedOut { activity: key, attempt, timeout });
        }
        let failure = timeout_failure(timeout);
        match self.verdict(key, Some(&failure), now) {
            RetryVerdict::Close(retry_state) => {
                let activity = self.activity(key);
                let details = activity.details.clone();
                let previous = activity.last_failure.clone();
                let failure = if self.workflow(activity.workflow).is_standalone_activity() {
                    // It says what has passed (recorded scenario `sa_s2c_while_attempt2_running`).
                    plain_timeout_failure(timeout, details, previous)
                } else {
                    self.dialect.final_timeout_failure(timeout, retry_state, details, previous)
                };
                let failure = Arc::new(failure);
                let started_at = activity.started_at();
                self.close_activity(key, ActivityClose::TimedOut { failure, retry_state }, started_at, now);
            }
            RetryVerdict::Retry(backoff) => self.back_off(key, Some(failure), backoff, now),
            RetryVerdict::Hold => self.hold_back(key, Some(failure), now),
        }
    }

    fn verdict(&self, key: ActivityKey, failure: Option<&Failure>, now: Time) -> RetryVerdict {
        let activity = self.activity(key);
        let is_standalone = self.workflow(activity.workflow).is_standalone_activity();
        let as_set = if is_standalone { failure.map(without_zero_delay) } else { None };
        let last_retry = self.dialect.last_retry(&activity.timeouts(), activity.retry(), activity.scheduled_at);
        let has_policy = activity.spec.retry.is_some() || self.dialect.has_default_policy();
        self.dialect.retry_verdict(&EndedAttempt {
            workflow_running: self.runs(key),
            policy: has_policy.then_some(&**activity.retry()),
            cancel_requested: activity.cancel_requested,
            paused: activity.is_paused(),
            attempt: activity.attempt,
            failure: as_set.as_deref().or(failure),
            now,
            // Without a workflow a retry has to begin before the end (temporal `chasm/lib/activity/activity.go`).
            expires: last_retry.map(|last| if is_standalone { Time::from_nanos(last.as_nanos() - 1) } else { last }),
        })
    }

    fn back_off(&mut self, key: ActivityKey, failure: Option<Arc<Failure>>, backoff: Span, now: Time) {
        let activity = &mut self.activities[key];
        activity.yield_attempt(failure, now);
        let due = now.plus(backoff);
        activity.backoff = backoff;
        activity.attempt_scheduled_at = due;
        activity.state = ActivityState::Backoff;
        let attempt = activity.attempt;
        self.outbox.news.push_back(News::RetryScheduled { activity: key, attempt, due });
        self.outbox.arm(due, ServiceTimer::RetryDue { activity: key, attempt });
    }

    /// Leaves the next attempt waiting for an operator.
    fn hold_back(&mut self, key: ActivityKey, failure: Option<Arc<Failure>>, now: Time) {
        let activity = &mut self.activities[key];
        activity.yield_attempt(failure, now);
        activity.state = ActivityState::Scheduled;
        let attempt = activity.attempt;
        self.outbox.news.push_back(News::RetryScheduled { activity: key, attempt, due: Time::MAX });
    }

    /// Offers the next attempt, since its backoff is over.
    pub(super) fn retry_due(&mut self, key: ActivityKey) {
        let activity = &mut self.activities[key];
        activity.state = ActivityState::Scheduled;
        if !activity.is_paused() {
            self.offer_attempt(key);
        }
    }

    /// Closes an activity: writes its start, if it had one, and its end, and sees to it that the workflow gets a task.
    pub(super) fn close_activity(
        &mut self,
        key: ActivityKey,
        close: ActivityClose,
        started_at: Option<Time>,
        now: Time,
    ) {
        let activity = &mut self.activities[key];
        let workflow = activity.workflow;
        if self.workflows[workflow].is_standalone_activity() {
            activity.state = ActivityState::Closed(close.clone());
            self.workflows[workflow].named.clear();
            self.outbox.news.push_back(News::ActivityClosed { activity: key });
            self.close_standalone(workflow, close);
            return;
        }
        let scheduled_event_id = activity.scheduled_event_id;
        // The id of the start is filled in when the two are written.
        let started_event_id = 0;
        let end = match close.clone() {
            ActivityClose::Completed { result } => {
                EventKind::ActivityTaskCompleted { scheduled_event_id, started_event_id, result }
            }
            ActivityClose::Failed { failure, retry_state } => {
                EventKind::ActivityTaskFailed { scheduled_event_id, started_event_id, failure, retry_state }
            }
            ActivityClose::TimedOut { failure, retry_state } => {
                EventKind::ActivityTaskTimedOut { scheduled_event_id, started_event_id, failure, retry_state }
            }
            ActivityClose::Canceled { details } => {
                EventKind::ActivityTaskCanceled { scheduled_event_id, started_event_id, details }
            }
        };
        activity.state = ActivityState::Closed(close);
        if let ActivityId::Named(name) = &activity.id {
            self.workflows[workflow].named.remove(name);
        }
        if let Some(at) = started_at {
            let attempt = self.dialect.shown_attempt(activity.attempt);
            let last_failure = activity.last_failure.clone();
            let start = EventKind::ActivityTaskStarted { scheduled_event_id, attempt, last_failure };
            self.record(workflow, at, start, Some(Subject::Activity(key)));
        }
        self.record(workflow, now, end, Some(Subject::Activity(key)));
        self.outbox.news.push_back(News::ActivityClosed { activity: key });
        self.want_task(workflow, now);
    }
}

/// The failure without a delay of zero until the next attempt, which says nothing where there is no workflow (temporal
/// `chasm/lib/activity/activity.go`).
fn without_zero_delay(failure: &Failure) -> Cow<'_, Failure> {
    let mut failure = Cow::Borrowed(failure);
    if let FailureKind::Application { next_retry_delay: Some(delay), .. } = &failure.kind
        && delay.as_nanos() <= 0
        && let FailureKind::Application { next_retry_delay, .. } = &mut failure.to_mut().kind
    {
        *next_retry_delay = None;
    }
    failure
}

impl Activity {
    /// Counts on to the next attempt, since this one has ended and another one follows.
    fn yield_attempt(&mut self, failure: Option<Arc<Failure>>, now: Time) {
        self.attempt += 1;
        self.attempt_ended_at = now;
        self.take_reset();
        self.last_failure = failure.map(limit::stored);
    }
}
