//! [`explain`]: the smallest plan that fails in the same way, and its story. A plan that somebody asked for is told as it is.

use std::cell::Cell;

use super::failed::Failed;
use super::finding::{Cause, Finding, Judge, findings};
use super::message::Extent;
use super::repeat::Once;
use super::report::Report;
use super::shrink::shrink;
use crate::fault::Plan;
use crate::program::places::first_few;
use crate::trace::Trace;
use crate::world::logging::record;
use crate::world::logs::Logs;
use crate::world::start::Start;
use crate::world::{Finished, Run};

/// Runs that one failure may take to shrink. A plan of ten faults usually takes some hundred.
const RUNS: u64 = 10_000;

/// Where runs are long they are fewer: once they have had so many events together, ..
const EVENTS: u64 = 10_000_000;

/// .. though at least this many, which usually suffice for a plan of one fault.
const LEAST_RUNS: u64 = 50;

/// Shrinks the plan of a run that fails, and writes the failure's message.
pub(super) fn explain(
    start: &Start,
    report: &Report,
    judges: &[Judge],
    once: Once,
    mut finding: Finding,
    found_by_run: u64,
) -> Failed {
    if finding.cause == Cause::NotDeterministic {
        once.add_place(&mut finding, start);
        return Failed::new(report.test(), &once.trace, once.plan, finding, found_by_run);
    }
    // The last of them is told of.
    let start = &start.with_places();
    let events = Cell::new(0);
    let fails = |plan: &Plan| {
        let finished = start.run(plan);
        events.set(events.get() + finished.run.trace().events().len() as u64);
        let found = findings(&finished, judges);
        let same = found.iter().position(|found| found.is_same(&finding))?;
        Some(Failing { finished, found, same })
    };
    let Once { plan, trace, .. } = once;
    let Some(failure) = fails(&plan) else {
        return Failed::new(report.test(), &trace, plan, finding.that_does_not_repeat(), found_by_run);
    };
    let is_enough = |runs| runs >= RUNS || runs >= LEAST_RUNS && events.get() >= EVENTS;
    if report.extent == Extent::Whole {
        let failed = failure.told(start, report, plan.clone(), found_by_run);
        let shrunk = shrink(plan.clone(), failure, is_enough, fails);
        return match shrunk.plan == plan {
            true if shrunk.is_smallest => failed,
            true => failed.not_smallest(shrunk.runs),
            false => failed.with_smaller(&shrunk.plan),
        };
    }
    let shrunk = shrink(plan, failure, is_enough, fails);
    let failed = shrunk.failure.told(start, report, shrunk.plan, found_by_run);
    if shrunk.is_smallest { failed } else { failed.not_smallest(shrunk.runs) }
}

/// Adds the calls that the events of a finding are the notes of, as far as the run has kept their places.
pub(super) fn add_places(finding: &mut Finding, run: &Run) {
    finding.places = first_few(finding.violation.events.iter().filter_map(|event| run.call_of(*event)));
}

/// Gives the lines that user code logs in the run of a plan, which is made once more for that.
pub(super) fn logs_of(start: &Start, plan: &Plan, trace: &Trace) -> Logs {
    match record(|| start.run(plan)) {
        Some((again, logs)) if again.run.trace() == trace => logs,
        // Its lines would stand among events that they do not belong to.
        Some(_) => Logs::missing(),
        None => Logs::default(),
    }
}

/// A run that fails in the way that is looked for, and maybe in others.
struct Failing {
    finished: Finished,
    found: Vec<Finding>,
    /// Which of these it is.
    same: usize,
}

impl Failing {
    fn told(&self, start: &Start, report: &Report, plan: Plan, found_by_run: u64) -> Failed {
        let (trace, mut finding) = (self.finished.run.trace(), self.found[self.same].clone());
        add_places(&mut finding, &self.finished.run);
        finding.logs = logs_of(start, &plan, trace);
        let causes = self.found.iter().map(|found| found.cause.clone()).collect();
        Failed::new(report.test(), trace, plan, finding, found_by_run).found_with(causes)
    }
}
