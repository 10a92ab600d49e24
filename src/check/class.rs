//! [`Class`]: what a faulted run may be excused for.

use std::time::Duration;

use super::reference::Reference;
use crate::fault::Fault;
use crate::program::{CancelReason, RetryState, TimeoutType};
use crate::service::WorkflowOutcome;
use crate::trace::attempts::{
    ActivityEnd, ActivityExecution, AttemptEnd, AttemptExecution, Executions, Moment, WorkflowEnd,
};
use crate::world::{Outcome, Run};

/// The class of a run in which faults struck.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Class {
    /// It ended as the fault-free run.
    Survive,
    /// Faults used up what the options allow: the service gave up as it should.
    OverBudget(Budget),
    /// A cancel was requested, and heeded.
    Cancelled,
    /// Nothing excuses its end.
    Different,
}

/// An allowance of the options that faults can use up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Budget {
    /// The attempts of the retry policy.
    Attempts,
    /// The schedule-to-close timeout, or the workflow's own.
    Time,
    /// Time too, and no heartbeat or start-to-close timeout could have ended the lost attempt earlier.
    Unprotected,
}

impl Reference {
    /// The class of a run in which faults may have struck: for checks that judge a run only if nothing excuses its end. The
    /// results are compared as [`same_result`](super::same_result) of the exploration compares them.
    pub fn class_of(&self, run: &Run) -> Class {
        let outcome = run.outcome();
        if self.is_same(&outcome) {
            return Class::Survive;
        }
        // A script may itself ask for a cancel: only one that a fault asked for is an excuse.
        let cancel_requested = run.trace().faults().values().any(|(_, fault)| *fault == Fault::Cancel);
        let heeded = match &outcome {
            Outcome::Open => return Class::Different,
            Outcome::Script(_) => {
                let mut workflows = run.executions().workflows().values();
                workflows.any(|workflow| matches!(workflow.closed, Some((_, WorkflowEnd::Canceled))))
            }
            Outcome::Closed(outcome) => heeds_cancel(outcome, run.executions()),
        };
        if cancel_requested && heeded {
            return Class::Cancelled;
        }
        match over_budget(run, self, &outcome) {
            Some(budget) => Class::OverBudget(budget),
            None => Class::Different,
        }
    }
}

/// True if an end is fine after a cancel was requested: cancelled, or failed because of it.
fn heeds_cancel(outcome: &WorkflowOutcome, executions: &Executions) -> bool {
    match outcome {
        WorkflowOutcome::Canceled(_) => true,
        WorkflowOutcome::Completed(_) | WorkflowOutcome::TimedOut { .. } | WorkflowOutcome::Terminated { .. } => false,
        // The code's own error on cancellation, or the end of an attempt that did not heed it.
        WorkflowOutcome::Failed { .. } => {
            let told = |attempt: &AttemptExecution| {
                attempt.cancelled.is_some_and(|(_, reason)| reason == CancelReason::Requested)
            };
            let closed_by_it = |activity: &ActivityExecution| {
                matches!(
                    activity.closed,
                    Some((
                        _,
                        ActivityEnd::Canceled
                            | ActivityEnd::Failed(_, RetryState::CancelRequested)
                            | ActivityEnd::TimedOut(_, RetryState::CancelRequested)
                    ))
                )
            };
            executions.attempts().values().any(told) || executions.activities().values().any(closed_by_it)
        }
    }
}

/// True if an activity was given up although none of its attempts ended by its own code alone.
fn over_budget(run: &Run, reference: &Reference, outcome: &Outcome) -> Option<Budget> {
    if run.trace().faults().is_empty() {
        return None;
    }
    if matches!(outcome, Outcome::Closed(WorkflowOutcome::TimedOut { .. })) {
        return Some(Budget::Time);
    }
    let activities = run.executions().activities().values();
    let used_up = activities.filter_map(|activity| used_up(run, reference, activity));
    used_up.min_by_key(|(closed, _)| *closed).map(|(_, budget)| budget)
}

/// When faults used up what the options allow an activity, and which allowance that was.
fn used_up(run: &Run, reference: &Reference, activity: &ActivityExecution) -> Option<(Moment, Budget)> {
    let (closed, ActivityEnd::Failed(_, retry_state) | ActivityEnd::TimedOut(_, retry_state)) = activity.closed? else {
        return None;
    };
    let budget = match retry_state {
        RetryState::MaximumAttemptsReached | RetryState::RetryPolicyNotSet => Budget::Attempts,
        RetryState::Timeout if run.is_unprotected(activity.key) => Budget::Unprotected,
        RetryState::Timeout => Budget::Time,
        _ => return None,
    };
    all_excused(run, reference, activity).then_some((closed, budget))
}

/// True if each attempt of the activity that did not complete was ended by a fault, or for lack of time, but for as many as
/// fail without faults too.
fn all_excused(run: &Run, reference: &Reference, activity: &ActivityExecution) -> bool {
    let executions = run.executions();
    let activity_type = run.trace().activity_type(activity.key);
    let usual = reference.attempt_length(activity_type);
    let attempts = executions.attempts_of(activity.key);
    // At equality the timer goes first, so an attempt that had just its usual time had too little.
    let too_little = |had| usual.is_none_or(|usual| had <= usual);
    let unexcused = attempts.filter(|attempt| !is_excused(executions, attempt, too_little)).count();
    unexcused <= reference.failing_attempts(activity_type)
}

/// True if the attempt came to nothing, and a fault is why: another followed it, or its activity did not complete.
pub(super) fn is_lost_to_a_fault(executions: &Executions, attempt: &AttemptExecution) -> bool {
    let completed = matches!(executions.activities()[attempt.activity].closed, Some((_, ActivityEnd::Completed(_))));
    (!completed || executions.successor(attempt).is_some()) && is_excused(executions, attempt, |_| false)
}

/// True if a fault, or the time that others took, is why the attempt ended. `too_little` says whether so much time was not
/// enough for it.
fn is_excused(executions: &Executions, attempt: &AttemptExecution, too_little: impl Fn(Duration) -> bool) -> bool {
    let by_itself = attempt.ended.filter(|_| attempt.ended_by_itself());
    let timed_out = attempt.timed_out.map(|(moment, _)| moment);
    // Only what came before its end at the service or by its own code can be why.
    let decided = by_itself.into_iter().chain(timed_out).min();
    let came_first = |moment: Moment| decided.is_none_or(|decided| moment < decided);
    let is_struck = attempt.faults.iter().any(|fault| came_first(fault.moment))
        || attempt.worker_stopping.is_some_and(came_first)
        || executions.freezes_of(attempt).iter().any(|freeze| came_first(freeze.from));
    let is_dropped = matches!(attempt.end, AttemptEnd::Died | AttemptEnd::Aborted);
    if is_struck || is_dropped && attempt.ended.is_some_and(came_first) {
        return true;
    }
    match (attempt.timed_out, by_itself) {
        (Some((at, timeout)), by_itself) if by_itself.is_none_or(|ended| at < ended) => {
            // Nothing struck it. It was silent of its own accord, or those before it had left it too little time.
            timeout == TimeoutType::ScheduleToClose && too_little(at.at - attempt.started.at)
        }
        (_, Some(_)) => attempt.end == AttemptEnd::Completed,
        _ => false,
    }
}
