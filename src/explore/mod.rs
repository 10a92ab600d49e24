//! [`Exploration`]: every fault, then seeds; each run judged; failures shrunk and explained.

mod environment;
pub(crate) mod points;
mod report;
mod shrink;
mod sweep;
mod tally;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use environment::{VARIABLES, Variable};
pub use report::{Failed, Part, Report};
pub use tally::Tally;

use crate::check::Check;
use crate::run::start::Start;

/// What is to be tried, and what every run is judged by. Made by [`Simulation::explore`](crate::Simulation::explore);
/// nothing runs before [`report`](Exploration::report) or [`assert`](Exploration::assert).
///
/// First comes the run without faults. It gives the points at which something can go wrong, and what the other runs are
/// compared with; if it does not end well itself, that is the failure.
///
/// ```no_run
/// # use durasim::{Simulation, check};
/// # let simulation = Simulation::temporal();
/// simulation
///     .explore("resilient_processing", "input")
///     .every_fault()
///     .seeds(0..1_000)
///     .check(check::same_result())
///     .assert();
/// ```
///
/// `DURASIM_PLAN='..'` runs one plan instead, strictly: a point that the run does not come to is an error.
/// `DURASIM_SEED=..` runs the random faults of one seed.
#[derive(Clone)]
#[must_use = "an exploration does nothing until `.assert()` or `.report()`"]
pub struct Exploration {
    start: Start,
    name: Option<Arc<str>>,
    every_fault: bool,
    seeds: Vec<Range<u64>>,
    checks: Vec<Arc<dyn Check>>,
}

impl Exploration {
    pub(crate) fn new(start: Start) -> Exploration {
        Exploration { start, name: None, every_fault: false, seeds: Vec::new(), checks: Vec::new() }
    }

    /// The name that plans are `for=`, and that the reproducing line hands to `cargo test`. Default: the name of the
    /// thread, which under `cargo test` is the test's.
    pub fn named(mut self, name: impl Into<String>) -> Exploration {
        self.name = Some(name.into().into());
        self
    }

    /// One run for each point of the fault-free run and each fault that fits it. Order of ready tasks: first in, first
    /// out. Of attempts with more than 200 awaits a sample is taken, and the report says so.
    pub fn every_fault(mut self) -> Exploration {
        self.every_fault = true;
        self
    }

    /// One run for each seed, with faults drawn from it; odd seeds also draw the order of ready tasks. By default faults
    /// end an attempt only if the retry policy allows another one.
    pub fn seeds(mut self, seeds: Range<u64>) -> Exploration {
        self.seeds.push(seeds);
        self
    }

    /// Judges every run by this check too.
    pub fn check(mut self, check: impl Check + 'static) -> Exploration {
        if let Some(watch) = check.watch() {
            Arc::make_mut(&mut self.start.setup).watches.push(watch);
        }
        self.checks.push(Arc::new(check));
        self
    }

    /// Runs everything and reports, also when something fails.
    pub fn report(&self) -> Report {
        self.sweep()
    }

    /// Runs everything.
    ///
    /// # Panics
    /// With the explained, shrunk failures, if any; with the error, if the fault-free run cannot be finished or the
    /// exploration asks for nothing.
    #[track_caller]
    pub fn assert(&self) {
        let report = self.report();
        if !report.holds() {
            panic!("{}", report.failure_text());
        }
    }

    /// The exploration's name.
    fn name(&self) -> Arc<str> {
        match &self.name {
            Some(name) => name.clone(),
            None => std::thread::current().name().unwrap_or("main").into(),
        }
    }
}

impl fmt::Debug for Exploration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exploration")
            .field("start", &self.start)
            .field("every_fault", &self.every_fault)
            .field("seeds", &self.seeds)
            .field("checks", &self.checks.iter().map(|check| check.name().to_owned()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
