//! [`Excuses`]: says whether faults are the reason why attempts came to nothing.

use std::cell::OnceCell;
use std::time::Duration;

use super::disturbance::Disturbances;
use super::lost::{cost_time, is_excused, takes_time};
use super::reference::Reference;
use super::refusal::refusal;
use crate::trace::attempts::{ActivityEnd, ActivityExecution, AttemptExecution, Moment, StruckFault};
use crate::world::Run;

/// The excuses that the attempts of a run may have.
pub(super) struct Excuses<'a> {
    run: &'a Run,
    reference: &'a Reference,
    disturbances: OnceCell<Disturbances>,
}

impl<'a> Excuses<'a> {
    pub(super) fn of(run: &'a Run, reference: &'a Reference) -> Excuses<'a> {
        Excuses { run, reference, disturbances: OnceCell::new() }
    }

    /// Says whether faults are the reason why an activity had not completed when it was given up.
    ///
    /// The last attempt decides: had it completed, those before it would not matter. If a fault ended it, nobody knows
    /// that it would not have completed. If its own code ended it, or if it had too little time, something else has to
    /// have used up what the options allow: faults, and attempts that are refused in the normal course.
    pub(super) fn excuses_activity(&self, activity: &ActivityExecution, given_up: Moment) -> bool {
        let executions = self.run.executions();
        let attempts = executions.attempts_of(activity.key);
        let last = attempts.clone().next_back();
        if self.is_kept_from_an_attempt(activity, last) || last.is_some_and(|last| self.is_excused(last, |_| false)) {
            return true;
        }
        let usual = self.reference.attempt_length(self.run.trace().activity_type(activity.key));
        // At equality the timer goes first, so an attempt that had just its usual time had too little.
        let too_little = |had: Duration| usual.is_none_or(|usual| had <= usual);
        let unexcused = attempts.filter(|attempt| !self.is_excused(attempt, too_little));
        self.are_as_usual(activity, unexcused, given_up)
    }

    /// Says whether so many attempts fail without faults too. The answer is also yes if all of them are refused as
    /// attempts are without faults, however often, and faults cost time.
    fn are_as_usual<'b>(
        &self,
        activity: &ActivityExecution,
        unexcused: impl Iterator<Item = &'b AttemptExecution>,
        given_up: Moment,
    ) -> bool {
        let trace = self.run.trace();
        let usual = self.reference.failing(trace.activity_type(activity.key));
        let is_refused =
            |attempt: &AttemptExecution| refusal(trace, attempt).is_some_and(|why| usual.refusals.contains(&why));
        let (refused, others): (Vec<_>, Vec<_>) = unexcused.partition(|attempt| is_refused(attempt));
        refused.len() + others.len() <= usual.attempts
            || others.len() <= usual.attempts_without_refusal && cost_time(self.run, given_up)
    }

    /// Says whether a fault kept the attempt after the last from starting: its task was late, or there was no worker.
    fn is_kept_from_an_attempt(&self, activity: &ActivityExecution, last: Option<&AttemptExecution>) -> bool {
        let later = |fault: &StruckFault| {
            let (point, fault_kind) = &self.run.trace().faults()[fault.key];
            let is_later = last.is_none_or(|last| fault.moment > last.started && last.retried.is_some());
            is_later && takes_time(point.site, *fault_kind)
        };
        let is_over = matches!(activity.closed, Some((_, ActivityEnd::Completed(_))));
        !is_over && activity.faults.iter().any(later)
    }

    fn is_excused(&self, attempt: &AttemptExecution, too_little: impl Fn(Duration) -> bool) -> bool {
        is_excused(self.run, attempt, |until| {
            let disturbances = self.disturbances.get_or_init(|| Disturbances::of(self.run));
            let (from, had) = (attempt.started.at, until - attempt.started.at);
            too_little(had.saturating_sub(disturbances.of_others(attempt.activity, from, until)))
        })
    }
}
