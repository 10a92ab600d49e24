//! Records of activities, attempts and heartbeats, read from a trace.

use std::sync::Arc;

use crate::fault::menu::AttemptLengths;
use crate::program::{Table, Time};
use crate::service::{ActivityKey, WorkflowOutcome};
use crate::trace::{AttemptKey, Bytes, Ended, Trace, What, Who, WorkerKey};

/// An activity of a run.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ActivityRecord {
    /// The registered name.
    pub activity_type: Arc<str>,
    /// The workflow that scheduled it.
    pub workflow_id: Arc<str>,
    /// Which of that workflow's activities of this type, from 1.
    pub execution: u32,
    /// When it was scheduled.
    pub scheduled_at: Time,
    /// When it closed; `None` if it did not.
    pub closed_at: Option<Time>,
    /// The attempts that workers took, in the order in which they started.
    pub attempts: Vec<AttemptRecord>,
}

/// One attempt.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// From 1.
    pub number: u32,
    /// The worker that took it.
    pub worker: WorkerKey,
    /// When it started.
    pub started_at: Time,
    /// When its code ended or died; `None` if it was still running at the end of the run.
    pub ended_at: Option<Time>,
    /// How.
    pub end: AttemptEnd,
    /// The details it could read.
    pub details_at_start: Option<Vec<u8>>,
    /// Whether it looked at them.
    pub details_read: bool,
    /// When the service gave it up while its code ran on.
    pub zombie_at: Option<Time>,
    /// When its code was told to stop.
    pub cancelled_at: Option<Time>,
    /// What it recorded.
    pub heartbeats: Vec<HeartbeatRecord>,
    /// How often it returned `Pending`.
    pub awaits: u32,
    /// How many effects it did or tried.
    pub effects: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// It was still running at the end of the run.
    Running,
    /// With a result.
    Completed,
    /// With an error.
    Failed,
    /// With an error that says it was cancelled.
    Cancelled,
    /// It panicked.
    Panicked,
    /// Somebody else completes it by id.
    Async,
    /// It died with its worker, or vanished.
    Died,
    /// Its worker dropped it at the end of the grace period.
    Aborted,
}

/// One heartbeat on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct HeartbeatRecord {
    /// When the code recorded it.
    pub recorded_at: Time,
    /// When it left the worker; `None` if a later one took its place, or the attempt ended first.
    pub sent_at: Option<Time>,
    /// When the service had it.
    pub visible_at: Option<Time>,
    /// Its details; `None` for one without, which erases the checkpoint.
    pub details: Option<Vec<u8>>,
}

/// Reads how long attempts took.
pub(crate) fn attempt_lengths(trace: &Trace) -> AttemptLengths {
    let mut lengths = AttemptLengths::default();
    for activity in activities(trace) {
        for attempt in &activity.attempts {
            if let Some(ended_at) = attempt.ended_at {
                lengths.add(&activity.activity_type, ended_at - attempt.started_at);
            }
        }
    }
    lengths
}

/// Reads the records.
pub(crate) fn activities(trace: &Trace) -> Vec<ActivityRecord> {
    let mut records = trace.activities().map(|name| ActivityRecord {
        activity_type: name.activity_type.clone(),
        workflow_id: trace.workflows()[name.workflow].workflow_id.clone(),
        execution: name.execution,
        scheduled_at: Time::ZERO,
        closed_at: None,
        attempts: Vec::new(),
    });
    // Where each attempt stands among its activity's, and which stored details its heartbeats have.
    let mut places = Table::<AttemptKey, (ActivityKey, usize)>::new();
    let mut stored = Table::<AttemptKey, Vec<Option<Bytes>>>::new();
    for event in trace.events() {
        match (event.who, event.what) {
            (Who::Activity(index), what) => {
                let record = &mut records[index];
                match what {
                    What::Scheduled(_) => record.scheduled_at = event.at,
                    What::ActivityCompleted(_)
                    | What::ActivityFailed { .. }
                    | What::ActivityTimedOut { .. }
                    | What::ActivityCanceled => record.closed_at = Some(event.at),
                    _ => {}
                }
            }
            (Who::Attempt(index), What::AttemptStarted(details)) => {
                let name = trace.attempts()[index];
                let attempts = &mut records[name.activity].attempts;
                places.push((name.activity, attempts.len()));
                stored.push(Vec::new());
                attempts.push(AttemptRecord {
                    number: name.number,
                    worker: name.worker,
                    started_at: event.at,
                    ended_at: None,
                    end: AttemptEnd::Running,
                    details_at_start: details.map(|bytes| trace.bytes(bytes).to_vec()),
                    details_read: false,
                    zombie_at: None,
                    cancelled_at: None,
                    heartbeats: Vec::new(),
                    awaits: 0,
                    effects: 0,
                });
            }
            (Who::Attempt(index), what) => {
                let (activity, place) = places[index];
                let attempt = &mut records[activity].attempts[place];
                let stored = &mut stored[index];
                match what {
                    What::DetailsRead => attempt.details_read = true,
                    What::Awaited(count) => attempt.awaits = count,
                    What::Effect { .. } => attempt.effects += 1,
                    What::CancelDelivered(_) => attempt.cancelled_at = Some(event.at),
                    What::Zombie => attempt.zombie_at = Some(event.at),
                    What::HeartbeatRecorded(details) => {
                        stored.push(details);
                        attempt.heartbeats.push(HeartbeatRecord {
                            recorded_at: event.at,
                            sent_at: None,
                            visible_at: None,
                            details: details.map(|bytes| trace.bytes(bytes).to_vec()),
                        });
                    }
                    // The stored details are the recording's own, so they tell which heartbeat this was. Those without
                    // details are alike; the newest is meant.
                    What::HeartbeatSent(details) => {
                        if let Some(place) = stored.iter().rposition(|other| *other == details) {
                            attempt.heartbeats[place].sent_at = Some(event.at);
                        }
                    }
                    What::HeartbeatVisible(details) => {
                        if let Some(place) = stored.iter().rposition(|other| *other == details) {
                            attempt.heartbeats[place].visible_at = Some(event.at);
                        }
                    }
                    What::Ended { how, .. } => {
                        attempt.ended_at = Some(event.at);
                        attempt.end = match how {
                            Ended::Completed => AttemptEnd::Completed,
                            Ended::Failed => AttemptEnd::Failed,
                            Ended::Cancelled => AttemptEnd::Cancelled,
                            Ended::Panicked => AttemptEnd::Panicked,
                            Ended::Async => AttemptEnd::Async,
                        };
                    }
                    What::Died => {
                        attempt.ended_at = Some(event.at);
                        attempt.end = AttemptEnd::Died;
                    }
                    What::Aborted => {
                        attempt.ended_at = Some(event.at);
                        attempt.end = AttemptEnd::Aborted;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    records.into_values()
}

/// How a workflow ended, in words.
pub(crate) fn outcome_words(outcome: &WorkflowOutcome) -> String {
    match outcome {
        WorkflowOutcome::Completed(result) => format!("completed with {result}"),
        WorkflowOutcome::Failed { failure, .. } => format!("failed: {failure}"),
        WorkflowOutcome::Canceled(_) => "cancelled".to_owned(),
        WorkflowOutcome::TimedOut { .. } => "timed out".to_owned(),
        WorkflowOutcome::Terminated { reason } if reason.is_empty() => "terminated".to_owned(),
        WorkflowOutcome::Terminated { reason } => format!("terminated: {reason}"),
    }
}
