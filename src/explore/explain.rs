//! [`explain`]: the smallest plan that fails in the same way, and its story.

use std::cell::Cell;

use super::failed::Failed;
use super::finding::{Cause, Finding, Judge, findings};
use super::repeat::Once;
use super::report::Report;
use super::shrink::shrink;
use crate::fault::Plan;
use crate::program::places::first_few;
use crate::trace::Trace;
use crate::world::Run;
use crate::world::logging::record;
use crate::world::logs::Logs;
use crate::world::start::Start;

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
    let (name, extent) = (&report.name, report.extent);
    if finding.cause == Cause::NotDeterministic {
        once.add_place(&mut finding, start);
        return Failed::new(name, extent, &once.trace, once.plan, finding, found_by_run);
    }
    // The last of them is told of.
    let start = &start.with_places();
    let events = Cell::new(0);
    let fails = |plan: &Plan| {
        let finished = start.run(plan);
        events.set(events.get() + finished.run.trace().events().len() as u64);
        let found = findings(&finished, judges).into_iter().find(|found| found.is_same(&finding))?;
        Some((finished, found))
    };
    let Once { plan, trace, .. } = once;
    let Some(failure) = fails(&plan) else {
        return Failed::new(name, extent, &trace, plan, finding.that_does_not_repeat(), found_by_run);
    };
    let is_enough = |runs| runs >= RUNS || runs >= LEAST_RUNS && events.get() >= EVENTS;
    let shrunk = shrink(plan, failure, is_enough, fails);
    let (finished, mut found) = shrunk.failure;
    add_places(&mut found, &finished.run);
    found.logs = logs_of(start, &shrunk.plan, finished.run.trace());
    let failed = Failed::new(name, extent, finished.run.trace(), shrunk.plan, found, found_by_run);
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
