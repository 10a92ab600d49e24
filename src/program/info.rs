//! [`ActivityInfo`]: the facts that an attempt knows about itself.

use std::sync::Arc;
use std::time::Duration;

use super::instant::{Span, Time};
use super::spec::{ActivityId, ActivitySpec, RetrySpec, Timeouts};
use super::workflow::RunInfo;

/// The facts that an attempt knows about itself.
///
/// Those that are the same for all attempts are shared with the service, so an attempt costs no copies of names.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ActivityInfo {
    /// The activity's id within its workflow run. It is the same for all attempts, and hence fit for idempotency keys
    /// together with [`run_id`](Self::run_id).
    pub activity_id: ActivityId,
    /// The activity as the workflow asked for it: its type, its input, and its options before the service's defaulting.
    /// The timeouts in force are [`timeouts`](Self::timeouts).
    pub spec: Arc<ActivitySpec>,
    /// The workflow run that scheduled it. Its attempt and its start are the workflow's, not the activity's.
    pub workflow: Arc<RunInfo>,
    /// The number of the attempt: from 1 in Temporal, from 0 in the Cadence dialect, as Cadence's clients show it.
    /// Traces, plans and records count from 1 in both.
    pub attempt: u32,
    /// The time at which the activity was first scheduled, which is the same for all attempts.
    pub scheduled_at: Time,
    /// The time at which this attempt was due.
    pub attempt_scheduled_at: Time,
    /// The time at which the service handed out this attempt.
    pub started_at: Time,
    /// The timeouts in force, after the service's defaulting; zero means none. In the Cadence dialect all of them count
    /// for each attempt anew.
    pub timeouts: Timeouts,
    /// The policy in force, after the service's defaulting. In the Cadence dialect an activity without one has a policy of
    /// a single attempt here.
    pub retry: Arc<RetrySpec>,
    /// Says whether it is a local activity: it runs within a workflow task, and the service knows nothing of its attempts. Its
    /// heartbeats have no effect.
    pub is_local: bool,
}

impl ActivityInfo {
    /// The registered name.
    pub fn activity_type(&self) -> &str {
        &self.spec.activity_type
    }

    /// The id of the workflow that scheduled it.
    pub fn workflow_id(&self) -> &str {
        &self.workflow.workflow_id
    }

    /// The registered name of that workflow.
    pub fn workflow_type(&self) -> &str {
        &self.workflow.workflow_type
    }

    /// The run of that workflow.
    pub fn run_id(&self) -> &str {
        &self.workflow.run_id
    }

    /// The queue from which the task came.
    pub fn task_queue(&self) -> &str {
        self.spec.task_queue.as_ref().unwrap_or(&self.workflow.task_queue)
    }

    /// The timeout over all attempts, after the service's defaulting; zero means none. In the Cadence dialect it counts
    /// for each attempt anew.
    pub fn schedule_to_close_timeout(&self) -> Duration {
        self.timeouts.schedule_to_close.to_duration()
    }

    /// The timeout of each attempt, after the service's defaulting; zero means none.
    pub fn start_to_close_timeout(&self) -> Duration {
        self.timeouts.start_to_close.to_duration()
    }

    /// The longest silence the service puts up with; zero means any.
    pub fn heartbeat_timeout(&self) -> Duration {
        self.timeouts.heartbeat.to_duration()
    }

    /// The moment by which this attempt must have ended: the earlier of start plus start-to-close and first schedule
    /// plus schedule-to-close. `None` if neither is set.
    ///
    /// Cadence's clients count in the same way, although its server begins schedule-to-close anew with each attempt: a
    /// comment in cadence `service/history/decision/checker.go` calls it their bug.
    ///
    /// Source: crate temporalio-sdk 1.1.1 `src/activities.rs`.
    pub fn deadline(&self) -> Option<Time> {
        let from = |start: Time, span: Span| (!span.is_zero()).then(|| start.plus(span));
        let close = from(self.started_at, self.timeouts.start_to_close);
        let overall = from(self.scheduled_at, self.timeouts.schedule_to_close);
        match (close, overall) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}
