//! [`Activity`]: one activity from its schedule to its close, over all attempts.
//!
//! ```text
//!                 due                taken
//!   Backoff ────────────▶ Scheduled ───────▶ Started
//!      ▲                      │                 │
//!      └──────────────────────┼─── retried ─────┤
//!                             ▼                 ▼
//!                           Closed ◀────────────┘
//! ```

use std::sync::Arc;

use super::dialect::Dialect;
use super::keys::{Rank, WorkflowKey};
use super::timeout::{self, Clocks};
use crate::program::{
    ActivityId, ActivitySpec, Details, Failure, Payload, RetrySpec, RetryState, Seq, Span, Time, TimeoutType, Timeouts,
};

/// The place at which an activity stands in its life.
#[derive(Clone, PartialEq, Debug)]
pub enum ActivityState {
    /// An attempt is due and waits for a worker.
    Scheduled,
    /// An attempt will be due later.
    Backoff,
    /// A worker has the attempt.
    Started(Started),
    /// The activity is over.
    Closed(ActivityClose),
}

/// The things that are known of a running attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct Started {
    /// The time at which the service handed the attempt out.
    pub at: Time,
    /// The last heartbeat, and its rank in the run's timer queue.
    pub last_heartbeat: Option<(Time, Rank)>,
}

/// A reset of which the current attempt is told, and which ends with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ResetRequest {
    /// Nobody asked for a reset.
    #[default]
    None,
    /// The heartbeat details stay.
    KeepDetails,
    /// The heartbeat details go when the attempt ends, or is offered anew (rule row `trace/43`).
    ClearDetails,
}

/// The way in which an activity closed.
#[derive(Clone, PartialEq, Debug)]
pub enum ActivityClose {
    /// The activity closed with a result.
    Completed {
        /// The encoded result.
        result: Payload,
    },
    /// The activity closed with the failure of its last attempt.
    Failed {
        /// The failure that the attempt reported.
        failure: Arc<Failure>,
        /// The reason why there was no other attempt. [`RetryState::Timeout`] says that the next one would have come
        /// too late.
        retry_state: RetryState,
    },
    /// The activity closed by a deadline.
    TimedOut {
        /// A timeout failure; its cause is the failure of the attempt before.
        failure: Arc<Failure>,
        /// The reason why there was no other attempt.
        retry_state: RetryState,
    },
    /// The activity was cancelled, with the worker's agreement or because it was not running.
    Canceled {
        /// The details that the code attached, or `"ACTIVITY_ID_NOT_STARTED"`.
        details: Details,
    },
}

/// Says whether an operator holds the activity back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Hold {
    #[default]
    Free,
    Paused,
}

/// The options in force of an activity, which an operator may change.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Options {
    /// The queue in which attempts wait; `None` means that of the workflow.
    pub(super) task_queue: Option<Arc<str>>,
    pub(super) timeouts: Timeouts,
    pub(super) retry: Arc<RetrySpec>,
}

/// One activity of one workflow run.
#[derive(Clone, Debug)]
pub struct Activity {
    pub(super) workflow: WorkflowKey,
    pub(super) seq: Seq,
    pub(super) id: ActivityId,
    pub(super) spec: Arc<ActivitySpec>,
    pub(super) options: Options,
    /// The options with which it was scheduled, if an operator has changed them since.
    pub(super) original: Option<Box<Options>>,
    pub(super) dialect: Dialect,
    pub(super) scheduled_event_id: u64,
    /// The id of the started event. It is set when that event is written, which is when the activity has closed.
    pub(super) started_event_id: u64,
    pub(super) scheduled_at: Time,
    /// The time at which the activity is over at the latest: timers for later than this are not armed.
    pub(super) expires: Time,
    /// The time at which the current attempt is, or was, due.
    pub(super) attempt_scheduled_at: Time,
    /// The time at which the attempt before the current one ended, if there was one.
    pub(super) attempt_ended_at: Time,
    pub(super) attempt: u32,
    /// The number of attempts that were there before an operator let them count from 1 again.
    pub(super) attempts_before: u32,
    pub(super) state: ActivityState,
    pub(super) hold: Hold,
    /// The reset that an operator has asked for since the current attempt was offered.
    pub(super) reset: ResetRequest,
    pub(super) cancel_requested: bool,
    pub(super) details: Details,
    /// The number of heartbeats that have arrived.
    pub(super) heartbeats: u64,
    pub(super) last_failure: Option<Arc<Failure>>,
    /// The backoff that leads to the current attempt.
    pub(super) backoff: Span,
    /// The number that the code of a local activity sees for the current attempt; `None` for an activity of the service.
    pub(super) local_attempt: Option<u32>,
}

impl Activity {
    #[allow(clippy::too_many_arguments, reason = "all of what an activity is; called once")]
    pub(super) fn new(
        workflow: WorkflowKey,
        seq: Seq,
        id: ActivityId,
        spec: Arc<ActivitySpec>,
        timeouts: Timeouts,
        retry: Arc<RetrySpec>,
        dialect: Dialect,
        scheduled_event_id: u64,
        now: Time,
        run_expires: Time,
    ) -> Activity {
        let options = Options { task_queue: spec.task_queue.clone(), timeouts, retry };
        let mut activity = Activity {
            workflow,
            seq,
            id,
            spec,
            options,
            original: None,
            dialect,
            scheduled_event_id,
            started_event_id: 0,
            scheduled_at: now,
            expires: run_expires,
            attempt_scheduled_at: now,
            attempt_ended_at: now,
            attempt: 1,
            attempts_before: 0,
            state: ActivityState::Scheduled,
            hold: Hold::Free,
            reset: ResetRequest::None,
            cancel_requested: false,
            details: Details::Absent,
            heartbeats: 0,
            last_failure: None,
            backoff: Span::ZERO,
            local_attempt: None,
        };
        activity.set_expires(run_expires);
        activity
    }

    /// Lets it be over at the latest when its run is, or its schedule-to-close has passed.
    pub(super) fn set_expires(&mut self, run_expires: Time) {
        // An attempt's own schedule-to-close is not the end: another attempt may follow.
        let of_attempt = self.dialect.restarts_schedule_to_close();
        let overall = if of_attempt { Span::ZERO } else { self.options.timeouts.schedule_to_close };
        self.expires = if overall.is_zero() { run_expires } else { run_expires.min(self.scheduled_at.plus(overall)) };
    }

    /// Says whether it is a local activity: its worker runs it within a workflow task, and the service does not see it.
    pub fn is_local(&self) -> bool {
        self.local_attempt.is_some()
    }

    /// The number of an attempt as the retry policy counts it: those of a local activity begin again with each workflow task.
    pub(crate) fn counted_attempt(&self, attempt: u32) -> u32 {
        self.local_attempt.unwrap_or(attempt)
    }

    /// The run that scheduled it.
    pub fn workflow(&self) -> WorkflowKey {
        self.workflow
    }

    /// The number of the command that scheduled it.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Its id within the run.
    pub fn id(&self) -> &ActivityId {
        &self.id
    }

    /// The registered name.
    pub fn activity_type(&self) -> &Arc<str> {
        &self.spec.activity_type
    }

    /// The activity's specification, as the workflow asked for it.
    pub fn spec(&self) -> &Arc<ActivitySpec> {
        &self.spec
    }

    /// The timeouts in force; zero means none.
    pub fn timeouts(&self) -> Timeouts {
        self.options.timeouts
    }

    /// The queue in which its attempts wait for a worker; `None` means that of the workflow.
    pub fn task_queue(&self) -> Option<&Arc<str>> {
        self.options.task_queue.as_ref()
    }

    /// The policy in force.
    pub fn retry(&self) -> &Arc<RetrySpec> {
        &self.options.retry
    }

    /// The place at which the activity stands in its life.
    pub fn state(&self) -> &ActivityState {
        &self.state
    }

    /// The current attempt, from 1: the one that runs, ran last, or comes next.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The number of an attempt among all that the activity has had, from 1: no two have the same, also where an operator has let
    /// them count anew.
    pub fn number_of(&self, attempt: u32) -> u32 {
        self.attempts_before + attempt
    }

    /// The attempt of this number, as it is counted now; the first for those before an operator's reset.
    pub fn attempt_of(&self, number: u32) -> u32 {
        number.saturating_sub(self.attempts_before).max(1)
    }

    /// The details that heartbeats left, which the next attempt will see.
    pub fn details(&self) -> &Details {
        &self.details
    }

    /// The number of heartbeats that have arrived, those of all attempts together.
    pub fn heartbeats(&self) -> u64 {
        self.heartbeats
    }

    /// The failure of the last attempt that was retried; `None` if no attempt was, or if it reported a failure without
    /// content.
    pub fn last_failure(&self) -> Option<&Arc<Failure>> {
        self.last_failure.as_ref()
    }

    /// Says whether the workflow asked to cancel the activity.
    pub fn cancel_requested(&self) -> bool {
        self.cancel_requested
    }

    /// Says whether an operator paused the activity.
    pub fn is_paused(&self) -> bool {
        self.hold == Hold::Paused
    }

    /// The time of the first schedule. Schedule-to-close counts from here, unless each attempt has its own.
    pub fn scheduled_at(&self) -> Time {
        self.scheduled_at
    }

    /// The time at which the current attempt is, or was, due. Schedule-to-start counts from here.
    pub fn attempt_scheduled_at(&self) -> Time {
        self.attempt_scheduled_at
    }

    /// The id of the activity's `ACTIVITY_TASK_SCHEDULED` event.
    pub fn scheduled_event_id(&self) -> u64 {
        self.scheduled_event_id
    }

    /// The way in which the activity closed; `None` while it is open, and for ever if its workflow closed first.
    pub fn outcome(&self) -> Option<&ActivityClose> {
        match &self.state {
            ActivityState::Closed(close) => Some(close),
            _ => None,
        }
    }

    /// The time at which the attempt that runs was started.
    pub fn started_at(&self) -> Option<Time> {
        self.started().map(|started| started.at)
    }

    /// The backoff that is running at `now`, as `DescribeWorkflowExecution` shows it: `None` unless the next attempt will be due
    /// by itself (rule rows `trace/27`, `28`, `33`). A backoff that a closed workflow has left behind runs out without an attempt
    /// (temporal `service/history/workflow/activity.go`, `GetPendingActivityInfo`).
    pub fn current_retry_interval(&self, now: Time) -> Option<Span> {
        (self.is_in_backoff() && !self.is_paused() && now < self.attempt_scheduled_at).then_some(self.backoff)
    }

    /// The time at which the next attempt will be due by itself.
    pub fn next_attempt_at(&self) -> Option<Time> {
        (self.is_in_backoff() && !self.is_paused()).then_some(self.attempt_scheduled_at)
    }

    pub(super) fn started(&self) -> Option<&Started> {
        match &self.state {
            ActivityState::Started(started) => Some(started),
            _ => None,
        }
    }

    /// The moments from which the activity's clocks run.
    pub fn clocks(&self) -> Clocks {
        let started = self.started();
        let per_attempt = self.dialect.restarts_schedule_to_close();
        Clocks {
            scheduled_at: if per_attempt { self.attempt_scheduled_at } else { self.scheduled_at },
            attempt_scheduled_at: self.attempt_scheduled_at,
            started_at: started.map(|started| started.at),
            last_heartbeat_at: started.and_then(|started| started.last_heartbeat).map(|(at, _)| at),
        }
    }

    /// The time at which a timeout passes; `None` if the timeout is off or its clock does not run now. A paused
    /// activity's clocks stand still (temporal `service/history/workflow/timer_sequence.go`, recorded scenario
    /// `ops_pause_s2c`).
    pub fn deadline(&self, timeout: TimeoutType) -> Option<Time> {
        if self.is_paused() || !self.is_open() {
            return None;
        }
        // In backoff the clock of schedule-to-start has not begun.
        if timeout == TimeoutType::ScheduleToStart && self.is_in_backoff() {
            return None;
        }
        timeout::deadline(timeout, &self.options.timeouts, &self.clocks())
    }

    /// Ends a reset, since another attempt is offered.
    pub(super) fn take_reset(&mut self) {
        if std::mem::take(&mut self.reset) == ResetRequest::ClearDetails {
            self.details = Details::Absent;
        }
    }

    pub(super) fn is_in_backoff(&self) -> bool {
        matches!(self.state, ActivityState::Backoff)
    }

    /// Says whether the activity has not closed.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, ActivityState::Closed(_))
    }
}
