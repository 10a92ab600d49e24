//! Records of activities, attempts and heartbeats, with all bytes at hand: for tests.

use std::sync::Arc;

use super::attempts::{ActivityExecution, AttemptEnd, AttemptExecution, Executions, ReportEnd};
use super::{AttemptKey, Bytes, Trace, WorkerKey};
use crate::fault::Entry;
use crate::program::Time;

/// An activity of a run.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ActivityRecord {
    /// The registered name.
    pub activity_type: Arc<str>,
    /// The workflow that scheduled it.
    pub workflow_id: Arc<str>,
    /// The number of the run that scheduled it among those of the workflow id, from 1.
    pub run: u32,
    /// The number of this activity among those of this type in its run, from 1.
    pub execution: u32,
    /// The time at which it was scheduled.
    pub scheduled_at: Time,
    /// The time at which it closed; `None` if it did not.
    pub closed_at: Option<Time>,
    /// The attempts that workers took, in the order in which they started.
    pub attempts: Vec<AttemptRecord>,
}

/// One attempt.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// The key of the attempt, which leads to the [events](crate::Run::executions) of each of its steps.
    pub key: AttemptKey,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The worker that took it: shown by its number from 1, as in timelines.
    pub worker: WorkerKey,
    /// The time at which it started.
    pub started_at: Time,
    /// The time at which its code ended or died; `None` if it was still running at the end of the run.
    pub ended_at: Option<Time>,
    /// The way in which it ended.
    pub end: AttemptEnd,
    /// The fate of the report about its end.
    pub report: ReportEnd,
    /// The details that it could read.
    pub details_at_start: Option<Vec<u8>>,
    /// Says whether it looked at them.
    pub details_read: bool,
    /// The time at which the service gave it up while its code ran on.
    pub zombie_at: Option<Time>,
    /// The time at which its code was told to stop.
    pub cancelled_at: Option<Time>,
    /// The heartbeats that it recorded.
    pub heartbeats: Vec<HeartbeatRecord>,
    /// The number of times that it returned `Pending`.
    pub awaits: u32,
    /// The effects that it did or tried.
    pub effects: Vec<EffectRecord>,
    /// The faults that struck it.
    pub faults: Vec<FaultRecord>,
}

/// An effect that an attempt did or tried.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct EffectRecord {
    /// Its name.
    pub name: String,
    /// The time at which it was done or tried.
    pub at: Time,
    /// Says whether the outside world has it.
    pub applied: bool,
}

/// A fault that struck an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FaultRecord {
    /// The point and the fault, as in a plan.
    pub entry: Entry,
    /// The time at which it struck.
    pub at: Time,
}

/// One heartbeat on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct HeartbeatRecord {
    /// The time at which the code recorded it.
    pub recorded_at: Time,
    /// The time at which it left the worker; `None` if a later one took its place, or the attempt ended first.
    pub sent_at: Option<Time>,
    /// The time at which the service had it.
    pub visible_at: Option<Time>,
    /// The details of the heartbeat; `None` if it has none, which erases the checkpoint.
    pub details: Option<Vec<u8>>,
}

/// Makes the records of a run.
pub(crate) fn activities(trace: &Trace, executions: &Executions) -> Vec<ActivityRecord> {
    let record = |activity: &ActivityExecution| {
        let name = &trace.activities()[activity.key];
        ActivityRecord {
            activity_type: name.activity_type.clone(),
            workflow_id: trace.workflows()[activity.workflow].workflow_id.clone(),
            run: trace.workflows()[activity.workflow].run,
            execution: name.execution,
            scheduled_at: activity.scheduled.at,
            closed_at: activity.closed.map(|(moment, _)| moment.at),
            attempts: executions.attempts_of(activity.key).map(|attempt| attempt_record(trace, attempt)).collect(),
        }
    };
    executions.activities().values().map(record).collect()
}

fn attempt_record(trace: &Trace, attempt: &AttemptExecution) -> AttemptRecord {
    let bytes = |bytes: Bytes| trace.bytes(bytes).to_vec();
    let heartbeats = attempt.heartbeats.iter().map(|heartbeat| HeartbeatRecord {
        recorded_at: heartbeat.recorded.at,
        sent_at: heartbeat.sent.map(|sent| sent.at),
        visible_at: heartbeat.visible.map(|visible| visible.at),
        details: heartbeat.details.map(bytes),
    });
    let effects = attempt.effects.iter().map(|effect| EffectRecord {
        name: String::from_utf8_lossy(trace.bytes(effect.name)).into_owned(),
        at: effect.moment.at,
        applied: effect.applied,
    });
    let faults = attempt.faults.iter().map(|fault| {
        let (point, kind) = &trace.faults()[fault.key];
        FaultRecord { entry: Entry::new(point.clone(), *kind), at: fault.moment.at }
    });
    AttemptRecord {
        key: attempt.key,
        number: attempt.number,
        worker: attempt.worker,
        started_at: attempt.started.at,
        ended_at: attempt.ended.map(|ended| ended.at),
        end: attempt.end,
        report: attempt.report,
        details_at_start: attempt.details.map(bytes),
        details_read: attempt.details_read.is_some(),
        zombie_at: attempt.zombie.map(|zombie| zombie.at),
        cancelled_at: attempt.cancelled.map(|(cancelled, _)| cancelled.at),
        heartbeats: heartbeats.collect(),
        awaits: attempt.awaits.len() as u32,
        effects: effects.collect(),
        faults: faults.collect(),
    }
}
