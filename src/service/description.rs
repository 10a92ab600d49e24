//! [`ActivityDescription`]: an activity without a workflow as a client sees it.

use std::sync::Arc;

use super::activity::ActivityState;
use super::{ActivityClose, Service, WorkflowKey, WorkflowOutcome};
use crate::program::{Details, Failure, RetrySpec, Time, Timeouts};

/// The state of an activity without a workflow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ActivityStatus {
    /// An attempt is due and waits for a worker.
    Scheduled,
    /// An attempt will be due later.
    Backoff,
    /// A worker has an attempt.
    Started,
    /// A worker has an attempt, which somebody has asked to cancel.
    CancelRequested,
    /// It has closed with a result.
    Completed,
    /// It has closed with a failure.
    Failed,
    /// It has closed by a deadline.
    TimedOut,
    /// It was cancelled.
    Canceled,
    /// It was closed from outside.
    Terminated,
}

impl ActivityStatus {
    /// Says whether the activity is over.
    pub fn is_closed(self) -> bool {
        !matches!(
            self,
            ActivityStatus::Scheduled
                | ActivityStatus::Backoff
                | ActivityStatus::Started
                | ActivityStatus::CancelRequested
        )
    }
}

/// An activity without a workflow, as a client sees it at one moment.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ActivityDescription {
    /// Its id.
    pub activity_id: Arc<str>,
    /// The id of its run: another one for each activity that uses the id.
    pub run_id: Arc<str>,
    /// The registered name.
    pub activity_type: Arc<str>,
    /// Its state.
    pub status: ActivityStatus,
    /// The current attempt, from 1: the one that runs, ran last, or comes next.
    pub attempt: u32,
    /// The details that the next attempt will see.
    pub heartbeat_details: Details,
    /// The number of heartbeats that have arrived.
    pub heartbeats: u64,
    /// The failure of the last attempt that was retried.
    pub last_failure: Option<Arc<Failure>>,
    /// The reason with which somebody has asked to cancel it.
    pub cancel_reason: Option<Arc<str>>,
    /// The time at which it was started by its client.
    pub scheduled_at: Time,
    /// The time at which the next attempt will be due, if it waits for that.
    pub next_attempt_at: Option<Time>,
    /// The timeouts in force; zero means none.
    pub timeouts: Timeouts,
    /// The retry policy in force.
    pub retry: Arc<RetrySpec>,
    /// The way in which it has closed; `None` while it is open.
    pub outcome: Option<WorkflowOutcome>,
}

impl Service {
    /// Describes the activity for which a run stands; `None` for a run of a workflow.
    pub fn describe_standalone(&self, run: WorkflowKey) -> Option<ActivityDescription> {
        let holder = self.workflow(run);
        let activity = self.activity(holder.standalone_activity()?);
        let status = match (holder.outcome(), activity.state()) {
            (Some(WorkflowOutcome::Terminated { .. }), _) => ActivityStatus::Terminated,
            (_, ActivityState::Closed(ActivityClose::Completed { .. })) => ActivityStatus::Completed,
            (_, ActivityState::Closed(ActivityClose::Failed { .. })) => ActivityStatus::Failed,
            (_, ActivityState::Closed(ActivityClose::TimedOut { .. })) => ActivityStatus::TimedOut,
            (_, ActivityState::Closed(ActivityClose::Canceled { .. })) => ActivityStatus::Canceled,
            (_, ActivityState::Started(_)) if activity.cancel_requested() => ActivityStatus::CancelRequested,
            (_, ActivityState::Started(_)) => ActivityStatus::Started,
            (_, ActivityState::Scheduled) => ActivityStatus::Scheduled,
            (_, ActivityState::Backoff) => ActivityStatus::Backoff,
        };
        Some(ActivityDescription {
            activity_id: Arc::clone(&holder.info().workflow_id),
            run_id: Arc::clone(&holder.info().run_id),
            activity_type: Arc::clone(activity.activity_type()),
            status,
            attempt: activity.attempt(),
            heartbeat_details: activity.details().clone(),
            heartbeats: activity.heartbeats(),
            last_failure: activity.last_failure().cloned(),
            cancel_reason: holder.cancel_reason().cloned(),
            scheduled_at: activity.scheduled_at(),
            next_attempt_at: activity.next_attempt_at().filter(|_| holder.is_open()),
            timeouts: activity.timeouts(),
            retry: Arc::clone(activity.retry()),
            outcome: holder.outcome().cloned(),
        })
    }
}
