//! [`Exploration`]: every fault, then seeds; each run judged; failures shrunk and explained.

mod coverage;
mod difference;
mod enough;
mod environment;
mod explain;
mod failed;
mod finding;
mod ink;
mod interrupt;
mod message;
mod nearest;
mod ongoing;
mod pairs;
pub(crate) mod points;
mod pool;
mod progress;
mod reference;
mod regressions;
mod repeat;
mod report;
mod shard;
mod share;
mod shrink;
mod sweep;
mod tally;
mod thread;
mod validate;

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

pub use coverage::{Cell, Coverage};
pub use environment::{VARIABLES, Variable};
pub use failed::Failed;
pub use regressions::{Regression, RegressionState};
pub use report::{EndedEarly, Part, Report};
pub use tally::Tally;

use regressions::Regressions;
use share::Share;

use crate::check::Check;
use crate::fault::Plan;
use crate::world::start::Start;
use crate::world::{Run, RunError};

/// What is to be tried, and what every run is judged by. Made by [`Simulation::explore`](crate::Simulation::explore);
/// nothing runs before [`report`](Exploration::report) or [`assert`](Exploration::assert).
///
/// First comes the run without faults. It gives the points at which something can go wrong, and what the other runs are
/// compared with; if it does not end well itself, that is the failure and nothing else is tried. It ends well if it comes to
/// its end, with every workflow completed (or stopped, if the script asked for that), the script's `Result`, if it returns
/// one, an `Ok`, no timeout on the way, and every check satisfied. See
/// [`reference_may_fail`](Exploration::reference_may_fail).
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
/// `DURASIM_PLAN='..'` runs one plan instead, strictly: a point that the run does not come to is an error. If it fails, the
/// message has the whole timeline, up to some 1,000 lines.
/// `DURASIM_SEED=..` runs the random faults of one seed.
#[derive(Clone)]
#[must_use = "an exploration does nothing until `.assert()` or `.report()`"]
pub struct Exploration {
    start: Start,
    /// What the simulation has of its own that an exploration would not follow.
    ignores: Option<&'static str>,
    name: Option<Arc<str>>,
    every_fault: bool,
    every_pair: bool,
    /// Pairs that are tried at most, if the user says so.
    budget: Option<u64>,
    deterministic: bool,
    reference_may_fail: bool,
    threads: usize,
    seeds: Vec<Range<u64>>,
    over_budget: Option<Share>,
    regressions: Option<Regressions>,
    checks: Vec<Arc<dyn Check>>,
}

impl Exploration {
    pub(crate) fn new(start: Start, ignores: Option<&'static str>) -> Exploration {
        Exploration {
            start,
            ignores,
            name: None,
            every_fault: false,
            every_pair: false,
            budget: None,
            deterministic: true,
            reference_may_fail: false,
            threads: 0,
            seeds: Vec::new(),
            over_budget: None,
            regressions: None,
            checks: Vec::new(),
        }
    }

    /// The name that plans are `for=`, and that the reproducing line hands to `cargo test`. Default: the name of the
    /// thread, which under `cargo test` is the test's.
    pub fn named(mut self, name: impl Into<String>) -> Exploration {
        self.name = Some(name.into().into());
        self
    }

    /// Adds one run for each point of the fault-free run and each fault that fits it. Order of ready tasks: first in, first
    /// out.
    ///
    /// If an attempt or a workflow has more than 200 points of one kind (awaits, heartbeats, tasks, timers, ..), a sample is
    /// tried: the first 50, the last 50, and about 50 between them. In a workflow, the tasks and timers next to something
    /// that happens at most 50 times (a signal, the end of an activity, a cancel) are tried too. The report then says
    /// `k of m points (sampled)`.
    pub fn every_fault(mut self) -> Exploration {
        self.every_fault = true;
        self
    }

    /// Pairs of faults: each fault of [`every_fault`](Exploration::every_fault) with each that fits a point after it. They are
    /// visited by novelty (kind of site and fault, first and second), so that a budget that does not suffice for all still
    /// has something of every kind; the report then says how many of how many. See [`budget`](Exploration::budget).
    pub fn every_pair(mut self) -> Exploration {
        self.every_pair = true;
        self
    }

    /// How many pairs are tried at most. Default 20,000.
    pub fn budget(mut self, pairs: u64) -> Exploration {
        self.budget = Some(pairs);
        self
    }

    /// One run for each seed, with faults drawn from it; odd seeds also draw the order of ready tasks. By default faults
    /// end an attempt only if the retry policy allows another one; see [`over_budget`](Exploration::over_budget).
    pub fn seeds(mut self, seeds: Range<u64>) -> Exploration {
        self.seeds.push(seeds);
        self
    }

    /// In this share of the seeds, from 0.0 (none, the default) to 1.0 (all), faults may end more attempts than the retry
    /// policy allows, so that the service gives the activity up. `same_result` excuses such a run, and `effects` one that
    /// does not claim to have done all; what a workflow does once its activity has failed for good is tried so. Which seeds these are follows from each seed
    /// alone, and all others mean what they do without. An activity whose policy sets no limit is not concerned.
    ///
    /// ```no_run
    /// # use durasim::{Simulation, check};
    /// # #[derive(Default)]
    /// # struct Bucket { files: durasim::Ledger<u32> }
    /// # let simulation = Simulation::temporal();
    /// simulation
    ///     .explore("backup", &10)
    ///     .seeds(0..10_000)
    ///     .over_budget(0.25)
    ///     .check(check::cleaned_up(|bucket: &Bucket| assert!(bucket.files.is_empty())))
    ///     .assert();
    /// ```
    ///
    /// A share that is none, and one without seeds, are errors of the report.
    pub fn over_budget(mut self, share: f64) -> Exploration {
        self.over_budget = Some(Share(share));
        self
    }

    /// Does without running again the fault-free run, the first 16 passing runs and all that fail, which tells code that is
    /// not deterministic. For activities that count their own runs in a global.
    ///
    /// A run that fails is repeated at once. Those that pass, and those that are to be explained, are repeated in another
    /// order and on another thread: on one of its own, after a run without faults. A repeat has to have the same trace, the
    /// same result and the same length; if not, that is the failure, with the first event that differs, and not what else
    /// the run violates.
    pub fn without_repeats(mut self) -> Exploration {
        self.deterministic = false;
        self
    }

    /// The run without faults may fail: a workflow may, an activity may run into its timeouts, a script may return `Err`. For
    /// code whose failure is the result that is wanted, as of a declined card, and for tests of what happens when nobody
    /// answers. All other runs are then compared with that end. The checks judge this run too, and it has to come to an end
    /// all the same.
    ///
    /// The report says what was excused so, or that nothing had to be.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use durasim::{
    /// #     ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError, check,
    /// # };
    /// async fn charge(_ctx: &ActivityContext, _cents: u64) -> Result<(), ActivityError> {
    ///     durasim::time::sleep(Duration::from_secs(1)).await;
    ///     Err(ActivityError::non_retryable("card declined"))
    /// }
    ///
    /// async fn order(ctx: &WorkflowContext, cents: u64) -> Result<(), WorkflowError> {
    ///     let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(10), ..Default::default() };
    ///     ctx.execute_activity("charge", &cents, options).await
    /// }
    ///
    /// let simulation = Simulation::temporal().activity("charge", charge).workflow("order", order);
    /// let exploration = simulation.explore("order", &995).every_fault().check(check::same_result());
    /// assert!(!exploration.report().holds());
    /// exploration.reference_may_fail().assert();
    /// ```
    pub fn reference_may_fail(mut self) -> Exploration {
        self.reference_may_fail = true;
        self
    }

    /// How many threads make the runs. Zero, the default: as many as there are cores, which the explorations of a process
    /// share. More than 1,024 count as that many. What is found does not depend on it. User code is called from all of them, each run on one thread from start
    /// to end.
    pub fn threads(mut self, threads: usize) -> Exploration {
        self.threads = threads;
        self
    }

    /// Plans that failed once, in a text file beside the test: replayed first, strictly. A relative path begins at the package
    /// root: `tests/backup.regressions`.
    ///
    /// A line of the file is a plan, a comment that begins with `#`, or empty. Plans that are `for=` another exploration are
    /// passed over, so that several may share a file. What is not a plan is an error that names file and line.
    ///
    /// A plan that still fails is a failure as any other. One that is fixed is said in the report: the line may stay, to
    /// guard against the failure's return. One whose points the run does not come to any more is an error, which shows the
    /// nearest points, and nothing else is tried: it guards against nothing. [`Report::regressions`] has all of it as data.
    ///
    /// With `DURASIM_REGRESSIONS=write` the shrunk plans of new failures are appended, each after a comment that says what it
    /// violates; what is there already is not changed. A file that is not there has no plans and is made then; a folder that
    /// is not there is an error. `DURASIM_PLAN` and `DURASIM_SEED` leave the file's plans out; every shard replays all of
    /// them.
    ///
    /// ```no_run
    /// # use durasim::{Simulation, check};
    /// # let simulation = Simulation::temporal();
    /// simulation
    ///     .explore("backup", "input")
    ///     .regressions("tests/backup.regressions")
    ///     .every_fault()
    ///     .check(check::same_result())
    ///     .assert();
    /// ```
    pub fn regressions(mut self, path: impl AsRef<Path>) -> Exploration {
        self.regressions = Some(Regressions::at(path.as_ref()));
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

    /// Runs one plan instead, after the run without faults: strictly, and whatever the environment says. `DURASIM_PLAN` does
    /// the same for a whole test; here the name that the plan is `for=` does not matter.
    ///
    /// A point of the plan that the run does not come to is the report's [error](Report::error). A failure's text has the
    /// whole timeline, up to some 1,000 lines. [`run`](Exploration::run) gives the run itself.
    ///
    /// ```
    /// # use durasim::{Exploration, Report};
    /// // The plan of a failure is the smallest: nothing simpler fails the same way.
    /// fn is_smallest(exploration: &Exploration, report: &Report) -> bool {
    ///     let Some(failed) = report.failures().first() else { return true };
    ///     failed.plan.simplifications().iter().all(|simpler| {
    ///         let again = exploration.replay(simpler);
    ///         again.failures().iter().all(|other| {
    ///             (&other.check, &other.violation.kind) != (&failed.check, &failed.violation.kind)
    ///         })
    ///     })
    /// }
    /// ```
    pub fn replay(&self, plan: &Plan) -> Report {
        let mut report = Report::new(self.name(), self.start.origin.name().into());
        if let Err(error) = self.replay_into(&mut report, plan) {
            report.error = Some(error);
        }
        report
    }

    /// Runs one plan once, strictly and without judging it, and gives the run: its timeline, its trace, and the state it
    /// left. [`Failed::plan`] is the plan of a failure, and [`Plan::none`] that of the run without faults.
    ///
    /// ```
    /// # use durasim::{Exploration, fault::Plan};
    /// fn tell(exploration: &Exploration) -> Result<(), durasim::RunError> {
    ///     for failed in exploration.report().failures() {
    ///         println!("{}", exploration.run(&failed.plan)?.timeline());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`RunError`]: as [`Simulation::run`](crate::Simulation::run), and [`RunError::PlanNotFired`] for a point of the plan
    /// that the run does not come to.
    pub fn run(&self, plan: &Plan) -> Result<Run, RunError> {
        self.validate_simulation()?;
        self.start.run(plan).into_result()?.strict()
    }

    /// Runs everything and reports, also when something fails.
    pub fn report(&self) -> Report {
        let mut report = Report::new(self.name(), self.start.origin.name().into());
        if let Err(error) = self.sweep(&mut report) {
            report.error = Some(error);
        }
        report
    }

    /// Runs everything, and prints the report to the test's output.
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
        // Captured by libtest; `--nocapture` shows it.
        println!("{report}");
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
            .field("every_pair", &self.every_pair)
            .field("seeds", &self.seeds)
            .field("checks", &self.checks.iter().map(|check| check.name().to_owned()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
