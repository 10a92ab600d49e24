//! Explorations: every fault, every pair of faults and random faults of a simulation, each run judged by checks.
//!
//! [`Exploration`] says what is tried and by which checks its runs are judged. [`Report`] is what came of it: a [`Part`] for
//! each kind of run with its [`Tally`] of counts, the [`Coverage`], and the [`Failed`] checks, each with the smallest plan that
//! shows the failure. Plans of failures can be kept in a file and are replayed as [`Regression`]s. [`VARIABLES`] lists what an
//! exploration takes from the environment.

mod accepted;
mod carry_out;
mod checks;
mod choice;
mod coverage;
mod data;
mod depth;
mod difference;
mod each_input;
mod enough;
mod environment;
mod explain;
mod failed;
mod file_name;
mod finding;
mod frame;
mod groups;
mod ink;
mod inputs;
mod kept;
mod manifest;
mod message;
mod notes;
mod ongoing;
mod orders;
mod pairs;
pub(crate) mod points;
mod pool;
mod progress;
mod reference;
mod regressions;
mod repeat;
mod report;
mod report_file;
mod rerun;
mod restricted;
mod shard;
mod share;
mod shrink;
mod singles;
mod slow;
mod suggest;
mod sweep;
mod taken;
mod tally;
mod target;
mod tell;
mod terminal;
mod thread;
mod validate;
pub(crate) mod variables;

use std::fmt;
use std::ops::Range;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

pub use accepted::Accepted;
pub use coverage::{Cell, Coverage};
pub use failed::Failed;
pub use regressions::{Regression, RegressionState};
pub use report::{EndedEarly, Part, Report};
pub use tally::Tally;
pub use variables::{VARIABLES, Variable};

use checks::Checks;
use inputs::Inputs;
use regressions::Regressions;
use rerun::Rerun;
use share::Share;
use thread::on_fresh;

use crate::check::Check;
use crate::fault::Plan;
use crate::world::start::Start;
use crate::world::{Run, RunError};

/// An exploration tries faults in a simulation and judges every run by its checks. It is made by
/// [`Simulation::explore`](crate::Simulation::explore); nothing runs before [`report`](Exploration::report) or
/// [`assert`](Exploration::assert).
///
/// The run without faults comes first. It shows the points at which something can go wrong, and the other runs are compared
/// with it. If it does not end well, that is the failure and nothing else is tried. It ends well if it comes to its end, every
/// workflow completes (or stops, if the script asked for that), the script returns no `Err`, nothing times out on the way, and
/// every check holds. See [`reference_may_fail`](Exploration::reference_may_fail).
///
/// A part of the exploration ends early once enough of its runs have failed in the same way: 1,000, or at least 10 of 5 million
/// trace events together. The report says so, and the parts after it are made all the same.
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
/// The [variables](VARIABLES) of the environment take the place of what the test asks for, and each that does is told on
/// stderr and in the report. With `DURASIM_PLAN='..'`, only the run of that plan is made. A point that it does not come to
/// is an error, and the message of a failure has the whole timeline, up to some 1,000 lines. With `DURASIM_SEED=..`, only
/// the run of that seed is made. `DURASIM_SEEDS=0..1000000`, `DURASIM_PAIRS=100000` and `DURASIM_TIME=10m` set how far it
/// goes.
#[derive(Clone)]
#[must_use = "an exploration does nothing until `.assert()` or `.report()`"]
pub struct Exploration {
    start: Start,
    /// A setting of the simulation that an exploration would not follow.
    ignores: Option<OneRun>,
    /// The call that made it.
    location: &'static Location<'static>,
    name: Option<Arc<str>>,
    every_fault: bool,
    every_pair: bool,
    every_order: bool,
    /// Pairs that are tried at most, if the user says so.
    budget: Option<u64>,
    deterministic: bool,
    reference_may_fail: bool,
    threads: usize,
    seeds: Vec<Range<u64>>,
    over_budget: Option<Share>,
    regressions: Option<Regressions>,
    checks: Checks,
    inputs: Inputs,
}

/// A setting of a simulation that is about a single run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OneRun {
    Plan,
    Seed,
    Order,
    RandomFaults,
}

impl Exploration {
    #[track_caller]
    pub(crate) fn new(start: Start, ignores: Option<OneRun>) -> Exploration {
        Exploration {
            start,
            ignores,
            location: Location::caller(),
            name: None,
            every_fault: false,
            every_pair: false,
            every_order: false,
            budget: None,
            deterministic: true,
            reference_may_fail: false,
            threads: 0,
            seeds: Vec::new(),
            over_budget: None,
            regressions: None,
            checks: Checks::default(),
            inputs: Inputs::default(),
        }
    }

    /// Gives the exploration a name, which its plans say after `for=`. Without this call it is the name of the thread, which
    /// under `cargo test` is the test's. On a thread without a test's name, the command that makes a failure again hands the
    /// given one to `cargo test`.
    pub fn named(mut self, name: impl Into<String>) -> Exploration {
        self.name = Some(name.into().into());
        self
    }

    /// Makes every run only once. Without this call the run without faults, the first 16 runs of each part that pass, and all
    /// runs that fail are made again, which finds code that is not deterministic. Use it for activities that count their own
    /// runs in a global.
    ///
    /// A run that fails is repeated at once, and so is one in which two things woke the same code at one moment. Runs that
    /// pass are repeated when their part ends, on another thread and the last one first; failures that are explained on a
    /// thread of their own, after a run without faults; and the run without faults once more at the end, where it shows
    /// state that survived a crash. A repeat must have the same trace, result and length. If it has not, that is the
    /// failure, with the first event that differs and the last call before it in each run, by file and line, and whatever
    /// else the run violates is not reported.
    pub fn without_repeats(mut self) -> Exploration {
        self.deterministic = false;
        self
    }

    /// Allows the run without faults to fail: a workflow may fail, an activity may run into its timeouts, a script may return
    /// `Err`. Use it for code whose failure is the wanted result, such as a declined card, and to test what happens when nobody
    /// answers. All other runs are compared with that end. The checks judge this run too, and it must come to an end.
    ///
    /// The report says which failure this excused, or that there was none. Without it, an attempt that runs into a timeout
    /// because it waits for something which nothing in the simulation wakes is told with its last step, by file and line.
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

    /// Sets how many threads make the runs. Zero, the default, means as many as there are cores, which the explorations of a
    /// process share; more than 1,024 count as 1,024. The findings do not depend on it. User code is called from all of these
    /// threads, and each run stays on one thread from start to end.
    pub fn threads(mut self, threads: usize) -> Exploration {
        self.threads = threads;
        self
    }

    /// Replays the plans of a text file first: plans that failed once. A relative path begins at the package root:
    /// `tests/backup.regressions`.
    ///
    /// A line of the file is a plan, a comment that begins with `#`, or empty. Any other line is an error that names the file
    /// and the line. Plans that say `for=` another exploration are skipped, so that several explorations may share a file.
    ///
    /// A plan that still fails is a failure as any other. If it is fixed, the report says so; the line may stay, to guard
    /// against the failure's return. If the run no longer comes to one of its points, it guards against nothing: that is an
    /// error, which shows the nearest points, and nothing else is tried. [`Report::regressions`] has all of it as data.
    ///
    /// A failure that is known and is to stay for now is [accepted](Accepted) by its line, with the check, the rule and the
    /// reason: `accepted "same_result" "different result" "OPS-12": v1 ..`. It fails no test, is counted in every report, and
    /// is an error once its plan does not fail so any more. `DURASIM_PLAN` shows it as any other failure.
    ///
    /// With `DURASIM_REGRESSIONS=write` the shrunk plans of new failures are appended, each after a comment that says which
    /// check it fails. Lines that are there stay as they are. A missing file is made then at the first failure; without the
    /// variable it is an error, and so is a missing folder. A file whose plans are all for other explorations is told.
    /// `DURASIM_PLAN` and `DURASIM_SEED` leave the file's plans out; every shard replays all of them.
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

    /// Explores further inputs, too, one after the other: each has a run without faults of its own, and all that is asked
    /// for is tried for each. Inputs are numbered from 1, which is the one given to
    /// [`explore`](crate::Simulation::explore). The plans of the second say `for=name[2]`, and so on.
    ///
    /// An input that cannot be encoded as JSON, and one for a script, is an error of the report.
    ///
    /// ```
    /// # use durasim::{Simulation, WorkflowContext, WorkflowError, check};
    /// # let naps = async |ctx: &WorkflowContext, count: u64| -> Result<u64, WorkflowError> {
    /// #     for _ in 0..count { ctx.sleep(std::time::Duration::from_secs(1)).await?; }
    /// #     Ok(count)
    /// # };
    /// # let simulation = Simulation::temporal().workflow("naps", naps);
    /// let exploration = simulation.explore("naps", &1u64).inputs([2u64, 10]).every_fault().check(check::same_result());
    /// assert_eq!(exploration.report().parts().len(), 6);
    /// ```
    pub fn inputs<I: Serialize>(mut self, inputs: impl IntoIterator<Item = I>) -> Exploration {
        self.inputs.add(inputs);
        self
    }

    /// Adds a check. Every run of the exploration is judged by it, and by the [standard
    /// checks](crate::check#standard-checks).
    pub fn check(mut self, check: impl Check + 'static) -> Exploration {
        if let Some(watch) = check.watch() {
            self.start.add_watch(watch);
        }
        self.checks.ask(Arc::new(check));
        self
    }

    /// Takes a [standard check](crate::check#standard-checks) away, by its name. One that [`check`](Exploration::check)
    /// asks for stays. A name that is none of them is an error of the report.
    ///
    /// ```
    /// # use durasim::{Simulation, WorkflowContext, WorkflowError, check};
    /// // Tells how long it took, which faults change.
    /// async fn timed(ctx: &WorkflowContext, (): ()) -> Result<u64, WorkflowError> {
    ///     let begun = ctx.now();
    ///     ctx.sleep(std::time::Duration::from_secs(9)).await?;
    ///     Ok(ctx.now().since(begun).as_secs())
    /// }
    /// let simulation = Simulation::temporal().workflow("timed", timed);
    /// simulation.explore("timed", &()).every_fault().without("same_result").assert();
    /// ```
    pub fn without(mut self, standard_check: impl Into<String>) -> Exploration {
        self.checks.leave_away(standard_check.into());
        self
    }

    /// Takes all checks away that were asked for: how much the standard ones find by themselves.
    #[cfg(feature = "internals")]
    #[doc(hidden)]
    pub fn with_standard_checks_alone(mut self) -> Exploration {
        self.checks.forget_asked();
        self
    }

    /// Takes all [standard checks](crate::check#standard-checks) away, so that only those judge which
    /// [`check`](Exploration::check) adds: for the test of a check.
    pub fn without_standard_checks(mut self) -> Exploration {
        self.checks.leave_away_all();
        self
    }

    /// Makes only the run of this plan, after the run without faults and whatever the environment says. `DURASIM_PLAN` does the
    /// same for a whole test; here the name after the plan's `for=` does not matter.
    ///
    /// A failure is that of this plan, even if a smaller one fails the same way: then its text says so, and with which plan.
    ///
    /// The report has an [error](Report::error) if the run does not come to a point of the plan. The text of a failure has the
    /// whole timeline, up to some 1,000 lines. [`run`](Exploration::run) gives
    /// the run itself.
    ///
    /// ```
    /// # use durasim::explore::{Exploration, Report};
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
        let mut report = self.empty_report();
        if let Err(error) = self.replay_into(&mut report, plan) {
            report.error = Some(error);
        }
        report
    }

    /// Makes the run of one plan, strictly and without judging it, and gives it back: its timeline, its trace, and the state it
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
        self.start.run(plan).into_result()?.for_the_user().strict()
    }

    /// Makes all runs and reports, also when something fails. With `DURASIM_REPORT=..` the report is written into that folder,
    /// too: a file that cannot be written is the report's error.
    pub fn report(&self) -> Report {
        let mut report = self.reported();
        report.judge_sometimes();
        report.write_where_asked();
        report
    }

    fn reported(&self) -> Report {
        let report = |exploration: &Exploration| {
            let mut report = exploration.empty_report();
            on_fresh(|| {
                if let Err(error) = exploration.sweep(&mut report) {
                    report.error = Some(error);
                }
            });
            report
        };
        match self.each_input() {
            Ok(explorations) => Report::of_inputs(explorations.iter().map(report)).unwrap_or_else(|| report(self)),
            Err(error) => {
                let mut report = self.empty_report();
                report.error = Some(error);
                report
            }
        }
    }

    /// Makes all runs and prints the report to the test's output.
    ///
    /// # Panics
    /// With the explained, shrunk failures, if any; with the error, if the fault-free run cannot be finished or the
    /// exploration asks for nothing. The last lines that are printed are a box that fits on a screen, and the command that
    /// makes the failure again; with `--nocapture`, the report stands before it. The panic hook is not called, so it adds
    /// no lines of its own. The payload is a `String` with all of it, as `#[should_panic(expected = "..")]` wants it.
    #[track_caller]
    pub fn assert(&self) {
        let report = self.report();
        if !report.holds() {
            report.fail();
        }
        // Captured by libtest; `--nocapture` shows it.
        println!("{report}");
    }

    /// A report to be filled, of a test that runs on this thread.
    fn empty_report(&self) -> Report {
        let given = self.name.as_deref().map(without_input);
        Report::new(self.name(), self.start.name().into(), Rerun::here(given, self.location))
    }

    /// The exploration's name.
    fn name(&self) -> Arc<str> {
        match &self.name {
            Some(name) => name.clone(),
            None => std::thread::current().name().unwrap_or("main").into(),
        }
    }
}

/// `name` of `name[2]`, the exploration of the second input.
fn without_input(exploration: &str) -> &str {
    let parts = exploration.strip_suffix(']').and_then(|text| text.rsplit_once('['));
    parts.filter(|(_, number)| number.parse::<u32>().is_ok()).map_or(exploration, |(name, _)| name)
}

impl fmt::Debug for Exploration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exploration")
            .field("start", &self.start)
            .field("every_fault", &self.every_fault)
            .field("every_pair", &self.every_pair)
            .field("every_order", &self.every_order)
            .field("seeds", &self.seeds)
            .field("checks", &self.checks.asked().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
