//! [`ActivityInfo`]: what an attempt knows of itself.

use std::sync::Arc;
use std::time::Duration;

use crate::instant::Time;
use crate::program::{ActivityId, ActivityTask, RetrySpec};

/// What an attempt knows of itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActivityInfo {
    /// The activity's id within its workflow run: the same for all attempts, hence fit for idempotency keys together
    /// with `run_id`.
    pub activity_id: ActivityId,
    /// The registered name.
    pub activity_type: Arc<str>,
    /// The workflow that scheduled it.
    pub workflow_id: Arc<str>,
    /// The registered name of that workflow.
    pub workflow_type: Arc<str>,
    /// The run of that workflow.
    pub run_id: Arc<str>,
    /// The queue the task came from.
    pub task_queue: Arc<str>,
    /// Which attempt: from 1 in Temporal, from 0 in the Cadence dialect, as Cadence's clients show it. Traces, plans and
    /// records count from 1 in both.
    pub attempt: u32,
    /// When the activity was first scheduled: the same for all attempts.
    pub scheduled_at: Time,
    /// When this attempt was due.
    pub attempt_scheduled_at: Time,
    /// When the service handed out this attempt.
    pub started_at: Time,
    /// The moment by which this attempt must have ended; `None` without a start-to-close and schedule-to-close timeout.
    ///
    /// In the Cadence dialect schedule-to-close counts from the first schedule here, as its clients count it, although
    /// the service begins anew with each attempt.
    pub deadline: Option<Time>,
    /// Over all attempts, after the service's defaulting; zero means none. In the Cadence dialect, of each attempt.
    pub schedule_to_close_timeout: Duration,
    /// Of each attempt, after the service's defaulting; zero means none.
    pub start_to_close_timeout: Duration,
    /// The longest silence the service puts up with; zero means any.
    pub heartbeat_timeout: Duration,
    /// The policy in force, after the service's defaulting. In the Cadence dialect an activity without one has a policy of
    /// a single attempt here.
    pub retry: Arc<RetrySpec>,
}

impl ActivityInfo {
    /// The input and the heartbeat details of the task are left out: they are not the attempt's to keep.
    pub(crate) fn new(task: ActivityTask) -> ActivityInfo {
        ActivityInfo {
            deadline: task.deadline(),
            activity_id: task.activity_id,
            activity_type: task.activity_type,
            workflow_id: task.workflow_id,
            workflow_type: task.workflow_type,
            run_id: task.run_id,
            task_queue: task.task_queue,
            attempt: task.attempt,
            scheduled_at: task.scheduled_at,
            attempt_scheduled_at: task.attempt_scheduled_at,
            started_at: task.started_at,
            schedule_to_close_timeout: task.timeouts.schedule_to_close.to_duration(),
            start_to_close_timeout: task.timeouts.start_to_close.to_duration(),
            heartbeat_timeout: task.timeouts.heartbeat.to_duration(),
            retry: task.retry,
        }
    }
}
