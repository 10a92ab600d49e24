//! [`explain`]: the smallest plan that fails in the same way, and its story. A plan that somebody asked for is told as it is.

use std::cell::Cell;

use super::failed::Failed;
use super::finding::{Cause, Finding, Judge, findings};
use super::message::Extent;
use super::repeat::Once;
use super::report::Report;
use super::shrink::shrink;
use super::thread::on_fresh;
use crate::fault::{Entry, Plan};
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
        let (length, failing) = on_fresh(|| Failing::find(&start.run(plan), judges, &finding));
        events.set(events.get() + length);
        failing
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
    // A fake has said where.
    if matches!(finding.cause, Cause::Seen(_)) {
        return;
    }
    finding.places = first_few(finding.violation.events.iter().filter_map(|event| run.call_of(*event)));
}

/// Gives the lines that user code logs in the run of a plan, which is made once more for that.
pub(super) fn logs_of(start: &Start, plan: &Plan, trace: &Trace) -> Logs {
    on_fresh(|| match record(|| start.run(plan)) {
        Some((again, logs)) if again.run.trace() == trace => logs,
        // Its lines would stand among events that they do not belong to.
        Some(_) => Logs::missing(),
        None => Logs::default(),
    })
}

/// A run that fails in the way that is looked for, and maybe in others.
struct Failing {
    trace: Trace,
    finding: Finding,
    /// Those of all that was found.
    causes: Vec<Cause>,
}

impl Failing {
    /// The events of a run, and its failure if it fails as it is looked for.
    fn find(finished: &Finished, judges: &[Judge], wanted: &Finding) -> (u64, Option<Failing>) {
        let trace = finished.run.trace();
        let failing = || {
            // A plan whose order is impossible says something else than it does.
            let is_order = |entry: &Entry| entry.fault.waits_for().is_some();
            if finished.run.not_fired().iter().any(is_order) {
                return None;
            }
            let found = findings(finished, judges);
            let mut finding = found.iter().find(|found| found.is_same(wanted))?.clone();
            add_places(&mut finding, &finished.run);
            let causes = found.into_iter().map(|found| found.cause).collect();
            Some(Failing { trace: trace.clone(), finding, causes })
        };
        (trace.events().len() as u64, failing())
    }

    fn told(&self, start: &Start, report: &Report, plan: Plan, found_by_run: u64) -> Failed {
        let mut finding = self.finding.clone();
        finding.logs = logs_of(start, &plan, &self.trace);
        Failed::new(report.test(), &self.trace, plan, finding, found_by_run).found_with(self.causes.clone())
    }
}
