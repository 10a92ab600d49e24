//! What is told of a failure: the smallest plan that violates the same, and its story.

use super::Exploration;
use super::judge::{DOES_NOT_REPEAT, Finding, Judge, findings};
use super::repeat::{DETERMINISTIC, repeats};
use super::report::{Failed, Report};
use super::shrink::{self, shrink};
use crate::fault::Plan;
use crate::run::Outcome;
use crate::trace::Trace;

impl Exploration {
    pub(super) fn not_reproduced(&self, plan: &Plan, trace: &Trace, outcome: &Outcome) -> Option<Finding> {
        let violation = repeats(&self.start, plan, trace, outcome).err()?;
        Some(Finding::not_deterministic(violation))
    }

    /// Finds the smallest plan that violates the same, and tells its story.
    pub(super) fn explain(
        &self,
        report: &Report,
        judges: &[Judge],
        trace: &Trace,
        plan: &Plan,
        finding: Finding,
        found_by_run: u64,
    ) -> Failed {
        if finding.check == DETERMINISTIC {
            return Failed::new(report, trace, plan.clone(), finding, found_by_run);
        }
        let again = |plan: &Plan| {
            let finished = self.start.run(plan);
            let found = findings(&finished, judges).into_iter().find(|found| found.is_same(&finding))?;
            Some((finished, found))
        };
        let Some(failure) = again(plan) else {
            return Failed::new(report, trace, plan.clone(), does_not_repeat(finding), found_by_run);
        };
        let shrunk = shrink(plan.clone(), failure, shrink::RUNS, again);
        let (finished, found) = shrunk.failure;
        let failed = Failed::new(report, finished.run.trace(), shrunk.plan, found, found_by_run);
        if shrunk.is_smallest { failed } else { failed.not_smallest() }
    }
}

/// For a failure that is not there when the same plan runs again, although the run itself goes the same way, as far as that
/// was looked at.
fn does_not_repeat(mut finding: Finding) -> Finding {
    finding.violation.kind = DOES_NOT_REPEAT.to_owned();
    finding.violation.message.push_str(
        ". This happened once, and not when the same plan ran again: the check or the state that it looks at depends on \
         something that is not simulated, such as the real clock, a global, or the order of a `HashMap`",
    );
    finding
}
