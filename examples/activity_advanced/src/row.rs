//! [`Row`]: what the tour found at one stop.

use std::num::NonZero;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use durasim::{Exploration, Failed, Report, RunError, Simulation, Tally, Time};

use crate::outcomes::{Observer, Outcomes};
use crate::stops::Stop;

/// What the tour found at one stop: under every fault, and under the random faults of some seeds.
#[derive(Debug)]
pub struct Row {
    /// The stop's workflow.
    pub workflow: &'static str,
    /// When its run without faults was over.
    pub without_faults: Time,
    /// What happened in all runs.
    pub outcomes: Outcomes,
    every_fault: Report,
    seeds: Report,
}

/// One half of a row.
type Found = Result<(Report, Outcomes), RunError>;

impl Row {
    /// Tries everything at one stop.
    ///
    /// # Errors
    /// If nothing could be explored.
    pub fn of(stop: &Stop, simulation: &Simulation, seeds: Range<u64>) -> Result<Row, RunError> {
        let halves = halves(stop, simulation, seeds).map(|exploration| explore(&exploration));
        Row::new(stop, simulation, halves)
    }

    /// Tries everything at several stops, on all cores. How many there are makes no difference but in time.
    ///
    /// # Errors
    /// If nothing could be explored at one of them.
    pub fn of_each(stops: &[Stop], simulation: &Simulation, seeds: Range<u64>) -> Result<Vec<Row>, RunError> {
        let explorations: Vec<Exploration> =
            stops.iter().flat_map(|stop| halves(stop, simulation, seeds.clone())).collect();
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(explorations.len());
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((at, exploration)) = take(&next, &explorations) {
                        let half = explore(exploration);
                        found.lock().unwrap_or_else(PoisonError::into_inner).push((at, half));
                    }
                });
            }
        });
        let mut found: Vec<(usize, Found)> = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_by_key(|(at, _)| *at);
        let mut found = found.into_iter().map(|(_, half)| half);
        stops
            .iter()
            .map(|stop| {
                let mut half = || found.next().expect("every exploration was taken by a thread");
                let halves = [half(), half()];
                Row::new(stop, simulation, halves)
            })
            .collect()
    }

    fn new(stop: &Stop, simulation: &Simulation, [every_fault, seeds]: [Found; 2]) -> Result<Row, RunError> {
        let ((every_fault, first), (seeds, second)) = (every_fault?, seeds?);
        let without_faults = stop.run(simulation)?.virtual_time();
        Ok(Row { workflow: stop.workflow, without_faults, outcomes: first.and(second), every_fault, seeds })
    }

    /// Whether all checks hold in all runs.
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

    /// How often the checks `progress` and `effects` were violated: work that was lost, or done again though a heartbeat
    /// said that it was done.
    pub fn lost_progress(&self) -> u64 {
        let violations = |check: &'static str| self.sum(|tally| tally.violations.get(check).copied().unwrap_or(0));
        violations("progress") + violations("effects")
    }
}

/// Without the run without faults, unless there was no other.
fn sum(report: &Report, number: impl Fn(&Tally) -> u64) -> u64 {
    let skipped = usize::from(report.parts().len() > 1);
    report.parts().iter().skip(skipped).map(|part| number(&part.tally)).sum()
}

fn halves(stop: &Stop, simulation: &Simulation, seeds: Range<u64>) -> [Exploration; 2] {
    [stop.judged(simulation).every_fault(), stop.judged(simulation).seeds(seeds)]
}

fn explore(exploration: &Exploration) -> Found {
    let observer = Observer::default();
    let report = exploration.clone().check(observer.clone()).report();
    match report.error() {
        Some(error) => Err(error.clone()),
        None => Ok((report, observer.seen())),
    }
}

fn take<'a>(next: &AtomicUsize, explorations: &'a [Exploration]) -> Option<(usize, &'a Exploration)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, explorations.get(at)?))
}
