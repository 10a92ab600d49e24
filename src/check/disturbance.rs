//! [`Disturbances`]: the times in which faults held something up.

use std::time::Duration;

use super::lost::{is_lost_to_a_fault, is_slow};
use super::versions::deployed_by;
use crate::fault::Fault;
use crate::program::Time;
use crate::service::ActivityKey;
use crate::trace::FaultKey;
use crate::trace::attempts::{ActivityExecution, AttemptExecution, StruckFault};
use crate::world::Run;

/// The times in which faults held up activities, workflows and workers of a run. Code that waits for one of those may
/// have to wait for so much longer, or ask so much more often, though no fault struck it.
pub(super) struct Disturbances {
    /// The spans in the order of their beginnings.
    spans: Vec<Disturbance>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Disturbance {
    from: Time,
    until: Time,
    /// The activity that was held up; `None` if it was a workflow or a worker.
    activity: Option<ActivityKey>,
}

impl Disturbances {
    pub(super) fn of(run: &Run) -> Disturbances {
        let executions = run.executions();
        let end = executions.end().map_or(Time::ZERO, |end| end.at);
        let let_go = |fault: FaultKey| executions.let_go(fault).map_or(end, |moment| moment.at);
        let mut spans = Vec::new();
        for activity in executions.activities().values() {
            let mut add = |from: Time, until: Time| {
                spans.push(Disturbance { from, until, activity: Some(activity.key) });
            };
            for attempt in executions.attempts_of(activity.key) {
                for fault in attempt.faults.iter().filter(|fault| fault.moment > attempt.started) {
                    let deadline = run.attempt_deadline(attempt.key);
                    let until = match run.trace().faults()[fault.key].1 {
                        Fault::Delayed(length) => Some(fault.moment.at + length),
                        Fault::Behind(_) | Fault::NextTask(_) => Some(let_go(fault.key)),
                        fault_kind => stalled_until(fault_kind, fault.moment.at, deadline),
                    };
                    until.into_iter().for_each(|until| add(fault.moment.at, until));
                }
                if is_slow(run, attempt) {
                    add(attempt.started.at, attempt.ended.map_or(end, |ended| ended.at));
                }
                if is_lost_to_a_fault(run, attempt) {
                    let next = executions.successor(attempt).map(|next| next.started);
                    let over = next.or(activity.closed.map(|(closed, _)| closed)).map_or(end, |moment| moment.at);
                    add(attempt.started.at, over);
                }
            }
            // These faults struck at a dispatch, or at the wait before a retry.
            let holds_up = |fault: &&StruckFault| run.trace().faults()[fault.key].1 != Fault::Cancel;
            for fault in activity.faults.iter().filter(holds_up) {
                add(fault.moment.at, next_start(executions.attempts_of(activity.key), activity, fault).unwrap_or(end));
            }
        }
        let freezes = executions.workers().values().flat_map(|worker| &worker.freezes);
        let frozen = freezes.map(|freeze| (freeze.from.at, freeze.until.map_or(end, |until| until.at)));
        let of_workflows = executions.workflows().values().flat_map(|workflow| {
            workflow.faults.iter().filter_map(|fault| {
                let struck = run.trace().faults()[fault.key].1;
                let next = workflow.tasks.iter().find(|task| task.started > fault.moment);
                let until = match struck {
                    Fault::Delayed(length) | Fault::Late(length) => fault.moment.at + length,
                    Fault::Behind(_) | Fault::NextTask(_) => let_go(fault.key),
                    Fault::Crash | Fault::CompletionLost | Fault::Signal => next.map_or(end, |next| next.started.at),
                    _ => return None,
                };
                Some((fault.moment.at, until))
            })
        });
        // Nothing is handed to workers that stop and start.
        let struck = executions.faults().values().zip(run.trace().faults().values());
        let of_deploys = struck
            .filter(|(_, (_, fault))| fault.deploys().is_some())
            .map(|(struck, (_, fault))| (struck.at, deployed_by(run, *fault, *struck).map_or(end, |moment| moment.at)));
        spans.extend(frozen.chain(of_workflows).chain(of_deploys).map(|(from, until)| Disturbance {
            from,
            until,
            activity: None,
        }));
        spans.sort();
        Disturbances { spans }
    }

    /// The part of this time in which something else than this activity was held up.
    pub(super) fn of_others(&self, activity: ActivityKey, from: Time, until: Time) -> Duration {
        let (mut total, mut counted) = (Duration::ZERO, from);
        for span in self.spans.iter().filter(|span| span.activity != Some(activity)) {
            let (begin, end) = (span.from.max(counted), span.until.min(until));
            if begin < end {
                total += end - begin;
                counted = end;
            }
        }
        total
    }

    /// Says whether something else than this activity was held up at some time from `from` to `until`.
    pub(super) fn touch(&self, activity: ActivityKey, from: Time, until: Time) -> bool {
        let others = self.spans.iter().filter(|span| span.activity != Some(activity));
        others.take_while(|span| span.from < until).any(|span| span.until > from)
    }
}

/// The time at which the attempt that a fault held up at its dispatch started, or at which its activity closed without
/// it.
fn next_start<'a>(
    mut attempts: impl Iterator<Item = &'a AttemptExecution>,
    activity: &ActivityExecution,
    fault: &StruckFault,
) -> Option<Time> {
    let next = attempts.find(|attempt| attempt.started > fault.moment).map(|attempt| attempt.started.at);
    next.or(activity.closed.map(|(closed, _)| closed.at.max(fault.moment.at)))
}

/// The time until which a fault that strikes an attempt keeps it from being polled. The trace itself shows a frozen
/// worker.
pub(super) fn stalled_until(fault: Fault, at: Time, deadline: Option<Time>) -> Option<Time> {
    match fault {
        Fault::Stall(length) => Some(at + length),
        Fault::DeadlineBefore(by) => Some(earlier(deadline?, by)),
        Fault::DeadlineAt | Fault::DeadlineAtLate => deadline,
        Fault::DeadlineAfter(by) => Some(deadline? + by),
        _ => None,
    }
}

/// The time that is earlier by this length, but not before the beginning.
pub(super) fn earlier(time: Time, by: Duration) -> Time {
    Time::from_nanos(time.as_nanos().saturating_sub(by.as_nanos() as u64))
}
