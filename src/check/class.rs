//! [`Class`]: what a faulted run may be excused for.

use std::time::Duration;

use crate::fault::Fault;
use crate::program::{CancelReason, RetryState, Time, TimeoutType};
use crate::service::{ActivityKey, WorkflowOutcome};
use crate::trace::{AttemptKey, Ended, Event, Trace, What, Who};
use crate::world::{Outcome, Run};

use super::reference::Reference;

/// The class of a run in which faults struck.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
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

/// Which allowance was used up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Budget {
    /// The attempts of the retry policy.
    Attempts,
    /// The schedule-to-close timeout, or the workflow's own.
    Time,
    /// Time too, and no heartbeat or start-to-close timeout could have ended the lost attempt earlier.
    Unprotected,
}

/// Finds a run's class.
pub(crate) fn classify(run: &Run, reference: &Reference) -> Class {
    let outcome = run.outcome();
    if reference.is_same(&outcome) {
        return Class::Survive;
    }
    let trace = run.trace();
    // A script may itself ask for a cancel: only one that a fault asked for is an excuse.
    let cancel_requested = trace.faults().values().any(|(_, fault)| *fault == Fault::Cancel);
    let heeded = match &outcome {
        Outcome::Open => return Class::Different,
        Outcome::Script(_) => trace.events().iter().any(|event| event.what == What::WorkflowCanceled),
        Outcome::Closed(outcome) => heeds_cancel(outcome, trace),
    };
    if cancel_requested && heeded {
        return Class::Cancelled;
    }
    match over_budget(run, reference, &outcome) {
        Some(budget) => Class::OverBudget(budget),
        None => Class::Different,
    }
}

/// Whether an end is fine after a cancel was requested: cancelled, or failed because of it.
fn heeds_cancel(outcome: &WorkflowOutcome, trace: &Trace) -> bool {
    match outcome {
        WorkflowOutcome::Canceled(_) => true,
        WorkflowOutcome::Completed(_) | WorkflowOutcome::TimedOut { .. } | WorkflowOutcome::Terminated { .. } => false,
        // The code's own error on cancellation, or what became of an attempt that did not heed it.
        WorkflowOutcome::Failed { .. } => trace.events().iter().any(|event| {
            matches!(
                event.what,
                What::CancelDelivered(CancelReason::Requested)
                    | What::ActivityFailed { retry_state: RetryState::CancelRequested, .. }
                    | What::ActivityTimedOut { retry_state: RetryState::CancelRequested, .. }
                    | What::ActivityCanceled
            )
        }),
    }
}

/// Whether an activity was given up although none of its attempts ended by its own code alone.
fn over_budget(run: &Run, reference: &Reference, outcome: &Outcome) -> Option<Budget> {
    let trace = run.trace();
    if trace.faults().is_empty() {
        return None;
    }
    if matches!(outcome, Outcome::Closed(WorkflowOutcome::TimedOut { .. })) {
        return Some(Budget::Time);
    }
    trace.events().iter().find_map(|event| {
        let Who::Activity(activity) = event.who else { return None };
        let retry_state = match event.what {
            What::ActivityFailed { retry_state, .. } | What::ActivityTimedOut { retry_state, .. } => retry_state,
            _ => return None,
        };
        let budget = match retry_state {
            RetryState::MaximumAttemptsReached | RetryState::RetryPolicyNotSet => Budget::Attempts,
            RetryState::Timeout if run.is_unprotected(activity) => Budget::Unprotected,
            RetryState::Timeout => Budget::Time,
            _ => return None,
        };
        all_excused(trace, reference, activity).then_some(budget)
    })
}

/// Whether each attempt of the activity that did not complete was ended by a fault, or for lack of time, but for as many as
/// fail without faults too.
fn all_excused(trace: &Trace, reference: &Reference, activity: ActivityKey) -> bool {
    let name = &trace.activities()[activity];
    let usual = reference.attempt_length(&name.activity_type);
    let unexcused = trace
        .attempts()
        .iter()
        .filter(|(_, name)| name.activity == activity)
        // At equality the timer goes first, so an attempt that had just its usual time had too little.
        .filter(|(attempt, _)| !is_excused(trace, *attempt, |had| usual.is_none_or(|usual| had <= usual)))
        .count();
    unexcused <= reference.failing_attempts(&name.activity_type)
}

/// Whether the attempt came to nothing, and a fault is why: another followed it, or its activity did not complete.
pub(super) fn is_lost_to_a_fault(trace: &Trace, attempt: AttemptKey) -> bool {
    let activity = trace.attempts()[attempt].activity;
    let is_followed = trace.attempts().values().skip(attempt.index() + 1).any(|later| later.activity == activity);
    let completed =
        |event: &Event| event.who == Who::Activity(activity) && matches!(event.what, What::ActivityCompleted(_));
    (is_followed || !trace.events().iter().any(completed)) && is_excused(trace, attempt, |_| false)
}

/// Looks at the attempt's life, in order, for what ended it. `too_little` says whether so much time was not enough for it.
fn is_excused(trace: &Trace, attempt: AttemptKey, too_little: impl Fn(Duration) -> bool) -> bool {
    let name = trace.attempts()[attempt];
    let mut frozen = false;
    let mut started: Option<Time> = None;
    for event in trace.events() {
        match (event.who, event.what) {
            (Who::Worker(worker), What::Frozen) if worker == name.worker => frozen = true,
            (Who::Worker(worker), What::Thawed) if worker == name.worker => frozen = false,
            (Who::Attempt(index), what) if index == attempt => match what {
                What::AttemptStarted(_) => started = Some(event.at),
                What::Fault(_) | What::Died | What::Aborted | What::WorkerStopping => return true,
                What::Ended { how: Ended::Completed, .. } => return true,
                What::Ended { .. } => return false,
                _ => {}
            },
            (Who::Activity(index), what) if index == name.activity => match (what, started) {
                (What::Fault(fault), _) if trace.faults()[fault].0.attempt == Some(name.number) => {
                    return true;
                }
                (What::TimedOut(timeout), Some(started)) => {
                    // Nothing struck it. It was silent of its own accord, or those before it had left it too little time.
                    let had = event.at - started;
                    return timeout == TimeoutType::ScheduleToClose && too_little(had);
                }
                _ => {}
            },
            _ => {}
        }
        if started.is_some() && frozen {
            return true;
        }
    }
    false
}
