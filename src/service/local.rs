//! Local activities, as far as the service is concerned: it sees their markers. The rest is the record that a run keeps of what its
//! worker does within a workflow task, under the keys that all activities have.

use std::sync::Arc;

use super::activity::{ActivityState, Started};
use super::command::activity_id;
use super::task::WorkflowTask;
use super::{Activity, ActivityClose, ActivityKey, News, Ready, Refused, Service, TaskToken, Token, WorkflowKey};
use crate::program::{
    Command, Details, FailureKind, LocalActivityEnd, LocalActivityMarker, LocalActivitySpec, RetrySpec, RetryState,
    Seq, Span, Time, TimeoutType, Timeouts,
};

impl Service {
    /// Keeps a local activity that a worker is to run. One that has been asked for before is the same again: after the loss of its
    /// worker or its marker, which the workflow does not know of, and after a backoff of its own.
    ///
    /// `retry` is the policy in force.
    pub(crate) fn local_activity(
        &mut self,
        workflow: WorkflowKey,
        seq: Seq,
        spec: &LocalActivitySpec,
        retry: RetrySpec,
        now: Time,
    ) -> ActivityKey {
        let scheduled_at = spec.first_scheduled_at.unwrap_or(now);
        let is_it = |key: &ActivityKey| {
            let known = self.activity(*key);
            let is_resumed =
                spec.first_scheduled_at.is_some_and(|first| known.is_in_backoff() && known.scheduled_at == first);
            known.is_open()
                && known.spec.activity_type == spec.activity.activity_type
                && (known.seq == seq || is_resumed)
        };
        let known = self.workflow(workflow).locals.iter().rev().find(|key| is_it(key)).copied();
        let key = known.unwrap_or_else(|| self.keep_local(workflow, seq, spec, retry, now));
        let activity = &mut self.activities[key];
        (activity.seq, activity.scheduled_at, activity.attempt_scheduled_at) = (seq, scheduled_at, now);
        activity.state = ActivityState::Scheduled;
        key
    }

    fn keep_local(
        &mut self,
        workflow: WorkflowKey,
        seq: Seq,
        spec: &LocalActivitySpec,
        retry: RetrySpec,
        now: Time,
    ) -> ActivityKey {
        let id = activity_id(seq, &spec.activity);
        let (timeouts, dialect) = (local_timeouts(spec.activity.timeouts), self.dialect);
        let key = self.activities.next_key();
        let run = &mut self.workflows[workflow];
        run.locals.push(key);
        let mut activity = Activity::new(
            workflow,
            seq,
            id,
            spec.activity.clone(),
            timeouts,
            Arc::new(retry),
            dialect,
            0,
            now,
            run.expires,
        );
        (activity.attempt, activity.local_attempt) = (0, Some(1));
        self.activities.push(activity);
        self.outbox.news.push_back(News::ActivityScheduled { activity: key });
        key
    }

    /// Starts the next attempt at a local activity, which its code sees under the number `shown`.
    pub(crate) fn start_local_attempt(&mut self, key: ActivityKey, shown: u32, now: Time) -> Token {
        let activity = &mut self.activities[key];
        activity.attempt += 1;
        activity.local_attempt = Some(shown);
        activity.state = ActivityState::Started(Started { at: now, last_heartbeat: None });
        Token { activity: key, attempt: activity.attempt }
    }

    /// The worker gives up the running attempt at a local activity, because of a timeout.
    pub(crate) fn local_attempt_timed_out(&mut self, key: ActivityKey, timeout: TimeoutType) {
        let attempt = self.activity(key).attempt;
        self.outbox.news.push_back(News::AttemptTimedOut { activity: key, attempt, timeout });
    }

    /// The worker waits before it tries a local activity again.
    pub(crate) fn back_off_local(&mut self, key: ActivityKey, due: Time) {
        let activity = &mut self.activities[key];
        activity.state = ActivityState::Backoff;
        activity.attempt_scheduled_at = due;
        let attempt = activity.attempt + 1;
        self.outbox.news.push_back(News::RetryScheduled { activity: key, attempt, due });
    }

    /// The workflow has asked to cancel a local activity.
    pub(crate) fn local_cancel_requested(&mut self, key: ActivityKey) {
        let activity = &mut self.activities[key];
        if activity.is_open() && !std::mem::replace(&mut activity.cancel_requested, true) {
            self.outbox.news.push_back(News::ActivityCancelRequested { activity: key });
        }
    }

    /// A marker says how a local activity has ended.
    pub(super) fn local_marker_recorded(&mut self, workflow: WorkflowKey, marker: &LocalActivityMarker, now: Time) {
        let is_it = |key: &&ActivityKey| {
            let known = self.activity(**key);
            known.is_open() && known.seq == marker.seq && known.spec.activity_type == marker.activity_type
        };
        let Some(key) = self.workflow(workflow).locals.iter().rev().find(is_it).copied() else { return };
        let close = match &marker.end {
            LocalActivityEnd::Completed(result) => ActivityClose::Completed { result: result.clone() },
            LocalActivityEnd::Failed(failure) => {
                ActivityClose::Failed { failure: failure.clone(), retry_state: self.local_retry_state(key, marker) }
            }
            LocalActivityEnd::TimedOut(failure) => {
                ActivityClose::TimedOut { failure: failure.clone(), retry_state: self.local_retry_state(key, marker) }
            }
            LocalActivityEnd::Cancelled(_) => ActivityClose::Canceled { details: Details::Absent },
            LocalActivityEnd::Backoff(_, delay) => return self.back_off_local(key, now.plus(*delay)),
        };
        self.activities[key].state = ActivityState::Closed(close);
        self.outbox.news.push_back(News::ActivityClosed { activity: key });
    }

    /// The reason why the worker did not try a local activity again.
    fn local_retry_state(&self, key: ActivityKey, marker: &LocalActivityMarker) -> RetryState {
        let (LocalActivityEnd::Failed(failure) | LocalActivityEnd::TimedOut(failure)) = &marker.end else {
            return RetryState::NonRetryableFailure;
        };
        let limit = self.activity(key).retry().maximum_attempts;
        match &failure.kind {
            FailureKind::Timeout { timeout_type: TimeoutType::ScheduleToClose, .. } => RetryState::Timeout,
            _ if limit > 0 && marker.attempt >= limit.unsigned_abs() => RetryState::MaximumAttemptsReached,
            _ => RetryState::NonRetryableFailure,
        }
    }

    /// Takes the answer to a workflow task whose worker has not finished: local activities run. The next task is scheduled and
    /// started in the same call, and is the worker's: a heartbeat of workflow tasks. Gives `None` if the run has closed.
    ///
    /// Source: recorded scenarios `local_long_wft_heartbeat`, `local_cancel_try`.
    ///
    /// # Errors
    /// As [`complete_and_stick`](Self::complete_and_stick).
    pub(crate) fn renew_task(
        &mut self,
        token: TaskToken,
        commands: &[Command],
        schedule_to_start: Span,
        now: Time,
    ) -> Result<Option<WorkflowTask>, Refused> {
        let workflow = token.workflow;
        self.complete_and_stick(token, commands, schedule_to_start, now)?;
        self.want_task(workflow, now);
        let stamp = self.workflow(workflow).stamp;
        self.outbox.ready.retain(|ready| *ready != Ready::Workflow { workflow, stamp });
        Ok(self.take_workflow_task(workflow, stamp, now))
    }
}

/// The timeouts in force of a local activity: no attempt is longer than the whole.
fn local_timeouts(asked: Timeouts) -> Timeouts {
    let Timeouts { schedule_to_close, schedule_to_start, start_to_close, .. } = asked;
    let clipped = |span: Span| if schedule_to_close.is_zero() { span } else { span.min(schedule_to_close) };
    let close = if start_to_close.is_zero() { Span::ZERO } else { clipped(start_to_close) };
    Timeouts { schedule_to_close, schedule_to_start, start_to_close: close, heartbeat: Span::ZERO }
}
