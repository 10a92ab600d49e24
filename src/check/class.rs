//! [`Class`]: the excuse that a faulted run may have.

use super::excuse::Excuses;
use super::heeded::heeds_a_cancel;
use super::lost::cost_time;
use super::reference::Reference;
use crate::program::{Failure, FailureKind, RetryState};
use crate::service::{WorkflowKey, WorkflowOutcome};
use crate::trace::attempts::{ActivityEnd, ActivityExecution, Moment};
use crate::world::{Outcome, Run};

/// The class of a run in which faults struck. `docs/verdicts.md` has the rules, row by row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Class {
    /// The run ended as the fault-free run; or, where a deploy struck, as that of the new version.
    Survive,
    /// Faults used up what the options allow: the service gave up as it should.
    OverBudget(Budget),
    /// A cancel was requested, and the workflow heeded it.
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
    /// The time of the schedule-to-close timeout, or of the workflow's own.
    Time,
    /// The time too, where no heartbeat or start-to-close timeout could have ended the lost attempt earlier.
    Unprotected,
}

impl Reference {
    /// The class of a run in which faults may have struck: for checks that judge a run only if nothing excuses its end. The
    /// results are compared as [`same_result`](super::same_result) of the exploration compares them.
    pub fn class_of(&self, run: &Run) -> Class {
        let outcome = run.outcome();
        if self.is_same(&outcome) || self.ends_as_new_version(run, &outcome) {
            return Class::Survive;
        }
        if outcome == Outcome::Open {
            return Class::Different;
        }
        if heeds_a_cancel(run) {
            return Class::Cancelled;
        }
        match over_budget(run, self, &outcome) {
            Some((_, budget)) => Class::OverBudget(budget),
            None => Class::Different,
        }
    }

    /// The moment at which faults had first used up what the options allow, in a run of the class
    /// [`Class::OverBudget`].
    pub(super) fn given_up(&self, run: &Run) -> Option<Moment> {
        over_budget(run, self, &run.outcome()).map(|(moment, _)| moment)
    }
}

/// The first activity that was given up because of faults, among those that can be the reason for the end of the run;
/// or the workflow's own timeout.
fn over_budget(run: &Run, reference: &Reference, outcome: &Outcome) -> Option<(Moment, Budget)> {
    if run.trace().faults().is_empty() {
        return None;
    }
    let (executions, excuses) = (run.executions(), Excuses::of(run, reference));
    if matches!(outcome, Outcome::Closed(WorkflowOutcome::TimedOut { .. })) {
        let closed = executions.workflows()[WorkflowKey::FIRST].closed.map(|(closed, _)| closed)?;
        return cost_time(run, closed).then_some((closed, Budget::Time));
    }
    let latest = failing_activity(run, outcome).and_then(|activity| activity.closed).map(|(closed, _)| closed);
    let activities = executions.activities().values();
    let used_up = activities.filter_map(|activity| used_up(run, activity, &excuses));
    // An activity that was given up later than the failing activity did not make the workflow fail.
    let in_time = used_up.filter(|(closed, _)| latest.is_none_or(|latest| *closed <= latest));
    in_time.min_by_key(|(closed, _)| *closed)
}

/// The activity with whose failure the workflow ended, if its failure names one.
fn failing_activity<'a>(run: &'a Run, outcome: &Outcome) -> Option<&'a ActivityExecution> {
    let Outcome::Closed(WorkflowOutcome::Failed { failure, .. }) = outcome else { return None };
    let causes = std::iter::successors(Some(&**failure), |failure: &&Failure| failure.cause.as_deref());
    let id = causes.filter_map(|failure| match &failure.kind {
        FailureKind::Activity { activity_id, .. } => Some(activity_id),
        _ => None,
    });
    let id = id.last()?;
    let named = |activity: &&ActivityExecution| *run.trace().activities()[activity.key].activity_id.to_string() == **id;
    run.executions().activities().values().find(named)
}

/// The moment at which faults used up what the options allow an activity, and the allowance that it was.
fn used_up(run: &Run, activity: &ActivityExecution, excuses: &Excuses<'_>) -> Option<(Moment, Budget)> {
    let (closed, ActivityEnd::Failed(_, retry_state) | ActivityEnd::TimedOut(_, retry_state)) = activity.closed? else {
        return None;
    };
    let budget = match retry_state {
        RetryState::MaximumAttemptsReached | RetryState::RetryPolicyNotSet => Budget::Attempts,
        RetryState::Timeout if run.is_unprotected(activity.key) => Budget::Unprotected,
        RetryState::Timeout => Budget::Time,
        _ => return None,
    };
    excuses.excuses_activity(activity, closed).then_some((closed, budget))
}
