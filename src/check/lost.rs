//! [`is_excused`]: says whether a fault is the reason why an attempt came to nothing.

use crate::fault::{Fault, Site};
use crate::program::{Time, TimeoutType};
use crate::trace::attempts::{ActivityEnd, AttemptEnd, AttemptExecution, Moment, StruckFault};
use crate::world::Run;

/// Says whether a fault cost time before this moment: it takes time by itself, or an attempt was lost to it.
pub(super) fn cost_time(run: &Run, before: Moment) -> bool {
    let (trace, executions) = (run.trace(), run.executions());
    let struck = executions.faults().values().zip(trace.faults().values());
    let mut in_time = struck.filter(|(moment, _)| **moment < before);
    in_time.any(|(_, (point, fault))| takes_time(point.site, *fault))
        || executions.attempts().values().any(|attempt| attempt.started < before && is_lost_to_a_fault(run, attempt))
}

/// Says whether a fault takes time, whatever its outcome. A fault that ends an attempt shows in the attempt's end.
pub(super) fn takes_time(site: Site, fault: Fault) -> bool {
    match fault {
        Fault::DeadlineAt
        | Fault::DeadlineAtLate
        | Fault::CompletionLost
        | Fault::Signal
        | Fault::Behind(_)
        | Fault::NextTask(_)
        | Fault::WorkerDies
        | Fault::WorkerGone
        | Fault::Slow(_)
        | Fault::Deploy(_)
        | Fault::Rollback(_) => true,
        // The task is given out again when its timeout has passed.
        Fault::Crash => matches!(site, Site::Task(_)),
        fault => fault.length().is_some(),
    }
}

/// Says whether the attempt came to nothing because of a fault: another followed it, or its activity did not complete.
pub(super) fn is_lost_to_a_fault(run: &Run, attempt: &AttemptExecution) -> bool {
    let executions = run.executions();
    let completed = matches!(executions.activities()[attempt.activity].closed, Some((_, ActivityEnd::Completed(_))));
    (!completed || executions.successor(attempt).is_some()) && is_excused(run, attempt, |_| false)
}

/// Says whether a fault, or the time that others took, is the reason why the attempt ended. `too_little` says whether
/// the time until then was not enough for it.
pub(super) fn is_excused(run: &Run, attempt: &AttemptExecution, too_little: impl Fn(Time) -> bool) -> bool {
    let executions = run.executions();
    let by_itself = attempt.ended.filter(|_| attempt.ended_by_itself());
    let given_up = attempt.timed_out.map(|(moment, timeout)| (moment, timeout == TimeoutType::ScheduleToClose));
    // A fault can only be the reason if it came before the attempt's end at the service or by its own code.
    let decided = by_itself.into_iter().chain(given_up.map(|(moment, _)| moment)).min();
    let came_first = |moment: Moment| decided.is_none_or(|decided| moment < decided);
    let is_struck = is_slow(run, attempt)
        || strikes(run, attempt).any(came_first)
        || attempt.worker_stopping.is_some_and(came_first)
        || executions.freezes_of(attempt).iter().any(|freeze| came_first(freeze.from));
    let is_dropped = matches!(attempt.end, AttemptEnd::Died | AttemptEnd::Aborted);
    if is_struck || is_dropped && attempt.ended.is_some_and(came_first) {
        return true;
    }
    match (given_up, by_itself) {
        (Some((at, for_good)), by_itself) if by_itself.is_none_or(|ended| at < ended) => {
            // Nothing struck the attempt. It was silent of its own accord, or those before it had left it too little
            // time.
            for_good && too_little(at.at)
        }
        (given_up, Some(ended)) => {
            attempt.end == AttemptEnd::Completed
                || given_up.is_some_and(|(at, _)| is_report_held_up(run, attempt, ended, at))
        }
        _ => false,
    }
}

/// Says whether a fault made the attempt slow. It struck at the dispatch, before the attempt began.
pub(super) fn is_slow(run: &Run, attempt: &AttemptExecution) -> bool {
    run.executions().activities()[attempt.activity].faults.iter().any(|struck| {
        let (point, fault) = &run.trace().faults()[struck.key];
        matches!(fault, Fault::Slow(_)) && point.attempt == Some(attempt.number)
    })
}

/// The moments at which faults struck the attempt. A cancel is left out, since it takes nothing from the attempt:
/// [`heeds_a_cancel`](super::heeded::heeds_a_cancel) judges cancels.
fn strikes<'a>(run: &'a Run, attempt: &'a AttemptExecution) -> impl Iterator<Item = Moment> {
    let takes_something = |fault: &&StruckFault| run.trace().faults()[fault.key].1 != Fault::Cancel;
    attempt.faults.iter().filter(takes_something).map(|fault| fault.moment)
}

/// Says whether a fault is the reason why the service had not heard of the end of an attempt's code when it gave the
/// attempt up.
fn is_report_held_up(run: &Run, attempt: &AttemptExecution, ended: Moment, given_up: Moment) -> bool {
    let between = |moment: Moment| ended < moment && moment < given_up;
    let worker = run.executions().workers().get(attempt.worker);
    strikes(run, attempt).any(between)
        || worker.is_some_and(|worker| {
            worker.crashed.iter().copied().any(between)
                || worker
                    .freezes
                    .iter()
                    .any(|freeze| freeze.from < given_up && freeze.until.is_none_or(|until| until > ended))
        })
}
