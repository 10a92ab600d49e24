//! [`Class`]: the excuse that a faulted run may have.

use super::excuse::Excuses;
use super::heeded::heeds_a_cancel;
use super::lost::cost_time;
use super::reference::Reference;
use crate::program::{Failure, FailureKind, RetryState};
use crate::service::{WorkflowKey, WorkflowOutcome};
use crate::trace::attempts::{ActivityEnd, ActivityExecution, Moment, WorkflowEnd, WorkflowExecution};
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

/// The first activity or child that was given up because of faults, among those that can be the reason for the end of the run;
/// or the workflow's own timeout.
fn over_budget(run: &Run, reference: &Reference, outcome: &Outcome) -> Option<(Moment, Budget)> {
    if run.trace().faults().is_empty() {
        return None;
    }
    let (executions, excuses) = (run.executions(), Excuses::of(run, reference));
    if matches!(outcome, Outcome::Closed(WorkflowOutcome::TimedOut { .. })) {
        return timed_out(run, last_run(run, &run.trace().workflows()[WorkflowKey::FIRST].workflow_id)?);
    }
    let latest = failing(run, outcome);
    let activities = executions.activities().values().filter_map(|activity| used_up(run, activity, &excuses));
    let children = executions.workflows().values().filter_map(|child| timed_out(run, child));
    // One that was given up later than that with which the workflow failed did not make it fail.
    let in_time = activities.chain(children).filter(|(closed, _)| latest.is_none_or(|latest| *closed <= latest));
    in_time.min_by_key(|(closed, _)| *closed)
}

/// The moment at which the activity or the child closed with whose failure the workflow ended, if its failure names one.
fn failing(run: &Run, outcome: &Outcome) -> Option<Moment> {
    let Outcome::Closed(WorkflowOutcome::Failed { failure, .. }) = outcome else { return None };
    let causes = std::iter::successors(Some(&**failure), |failure: &&Failure| failure.cause.as_deref());
    let mut id = &run.trace().workflows()[WorkflowKey::FIRST].workflow_id;
    let mut closed = None;
    for cause in causes {
        closed = match &cause.kind {
            FailureKind::Activity { activity_id, .. } => last_activity(run, id, activity_id),
            FailureKind::ChildWorkflow { workflow_id, .. } => {
                id = workflow_id;
                last_run(run, id).and_then(|child| child.closed).map(|(closed, _)| closed)
            }
            _ => None,
        }
        .or(closed);
    }
    closed
}

/// The moment at which the last activity of this id closed that the runs of a workflow have had.
fn last_activity(run: &Run, workflow_id: &str, activity_id: &str) -> Option<Moment> {
    let named = |activity: &&ActivityExecution| {
        let name = &run.trace().activities()[activity.key];
        *run.trace().workflows()[name.workflow].workflow_id == *workflow_id
            && *name.activity_id.to_string() == *activity_id
    };
    let activity = run.executions().activities().values().rev().find(named)?;
    activity.closed.map(|(closed, _)| closed)
}

/// The last run of the workflow of this id.
fn last_run<'a>(run: &'a Run, workflow_id: &str) -> Option<&'a WorkflowExecution> {
    let is_its = |workflow: &&WorkflowExecution| *run.trace().workflows()[workflow.key].workflow_id == *workflow_id;
    run.executions().workflows().values().rev().find(is_its)
}

/// The moment at which a workflow timed out for good, if a fault cost time before.
pub(super) fn timed_out(run: &Run, workflow: &WorkflowExecution) -> Option<(Moment, Budget)> {
    let Some((closed, WorkflowEnd::TimedOut)) = workflow.closed else { return None };
    let last = last_run(run, &run.trace().workflows()[workflow.key].workflow_id)?;
    (last.key == workflow.key && cost_time(run, closed)).then_some((closed, Budget::Time))
}

/// The moment at which faults used up what the options allow an activity, and the allowance that it was.
pub(super) fn used_up(run: &Run, activity: &ActivityExecution, excuses: &Excuses<'_>) -> Option<(Moment, Budget)> {
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
