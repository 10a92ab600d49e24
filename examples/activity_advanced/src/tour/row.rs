//! [`Row`]: all runs of one stop.

use std::ops::Range;

use durasim::explore::{Failed, Part, Report, Tally};
use durasim::{Exploration, RunError, Simulation, Time};

use crate::stops::Stop;
use crate::tour::outcomes::{Observer, Outcomes};

/// All runs of one stop: under every fault, and under the random faults of some seeds.
#[derive(Debug)]
pub struct Row {
    /// The stop at which it was tried.
    pub stop: Stop,
    /// The time at which its run without faults was over.
    pub without_faults: Time,
    /// The numbers of runs that show each outcome.
    pub outcomes: Outcomes,
    every_fault: Report,
    seeds: Report,
}

impl Row {
    /// Tries everything at one stop.
    ///
    /// # Errors
    /// The error says that nothing could be explored.
    pub fn of(stop: &Stop, simulation: &Simulation, seeds: Range<u64>) -> Result<Row, RunError> {
        let (every_fault, first) = explore(stop.judged(simulation).every_fault())?;
        let (seeds, second) = explore(stop.judged(simulation).seeds(seeds))?;
        let without_faults = stop.run(simulation)?.virtual_time();
        Ok(Row { stop: *stop, without_faults, outcomes: first.and(second), every_fault, seeds })
    }

    /// Tries everything at several stops, one after the other: each exploration uses all cores.
    ///
    /// # Errors
    /// The error says that nothing could be explored at one of them.
    pub fn of_each(stops: &[Stop], simulation: &Simulation, seeds: Range<u64>) -> Result<Vec<Row>, RunError> {
        stops.iter().map(|stop| Row::of(stop, simulation, seeds.clone())).collect()
    }

    /// Says whether all checks hold in all runs.
    pub fn holds(&self) -> bool {
        self.every_fault.holds() && self.seeds.holds()
    }

    /// The failures, if any, each with the smallest plan that shows it.
    pub fn failures(&self) -> impl Iterator<Item = &Failed> {
        // Both halves find most failures.
        let more = self.seeds.failures().iter().filter(|failed| {
            !self
                .every_fault
                .failures()
                .iter()
                .any(|known| known.check == failed.check && known.violation.kind == failed.violation.kind)
        });
        self.every_fault.failures().iter().chain(more)
    }

    /// The parts of both explorations: without faults, every fault, random faults.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        // The run without faults begins both.
        self.every_fault.parts().iter().chain(self.seeds.parts().iter().skip(1))
    }

    /// A number of all runs, summed up.
    pub fn sum(&self, number: impl Fn(&Tally) -> u64) -> u64 {
        self.every_fault(&number) + self.seeds(&number)
    }

    /// A number of the runs with one fault each.
    pub fn every_fault(&self, number: impl Fn(&Tally) -> u64) -> u64 {
        sum(&self.every_fault, number)
    }

    /// A number of the runs with random faults.
    pub fn seeds(&self, number: impl Fn(&Tally) -> u64) -> u64 {
        sum(&self.seeds, number)
    }

    /// The number of times that the checks `progress` and `effects` were violated: work was lost, or done again though
    /// a heartbeat said that it was done.
    pub fn lost_progress(&self) -> u64 {
        let violations = |check: &'static str| self.sum(|tally| tally.violations.get(check).copied().unwrap_or(0));
        violations("progress") + violations("effects")
    }
}

/// Sums up a number of all runs. The run without faults counts only if there was no other.
fn sum(report: &Report, number: impl Fn(&Tally) -> u64) -> u64 {
    let skipped = usize::from(report.parts().len() > 1);
    report.parts().iter().skip(skipped).map(|part| number(&part.tally)).sum()
}

fn explore(exploration: Exploration) -> Result<(Report, Outcomes), RunError> {
    let observer = Observer::default();
    let report = exploration.check(observer.clone()).report();
    match report.error() {
        Some(error) => Err(error.clone()),
        None => Ok((report, observer.seen())),
    }
}
