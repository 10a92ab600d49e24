//! The sweep: which runs are made, in which order, and how each is judged.

use std::sync::Arc;
use std::time::Instant;

use super::Exploration;
use super::environment::Wanted;
use super::nearest;
use super::pairs;
use super::points::Singles;
use super::repeat::{DETERMINISTIC, REPEATED, repeats};
use super::report::{Failed, Part, Report};
use super::shrink::{self, shrink};
use super::tally::Tally;
use crate::check::{Check, Class, Reference, Violation, classify};
use crate::engine::panics;
use crate::fault::{Order, Plan};
use crate::report::timeout_words;
use crate::run::{Finished, Run, RunError};
use crate::trace::{What, Who};

/// Distinct failures that are shrunk and explained; further ones are only counted.
const EXPLAINED: usize = 3;

/// A check with what it knows of the fault-free run.
pub(super) struct Judge {
    check: Arc<dyn Check>,
    reference: Reference,
}

/// What a run was found to violate: the first check that minds, or the error that ended it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Finding {
    pub(super) check: String,
    /// Which of the exploration's checks, if it is one: two may have the same name.
    pub(super) place: Option<usize>,
    pub(super) violation: Violation,
}

impl Finding {
    /// Whether it is the same failure, with maybe another plan.
    pub(super) fn is_same(&self, other: &Finding) -> bool {
        self.check == other.check && self.place == other.place && self.violation.kind == other.violation.kind
    }

    /// Whether the plan shows it again: what depends on more than the plan has no smallest one.
    pub(super) fn is_repeatable(&self) -> bool {
        self.check != DETERMINISTIC && self.violation.kind != DOES_NOT_REPEAT
    }
}

/// The kind of a violation that was not there again.
const DOES_NOT_REPEAT: &str = "does not repeat";

/// The name under which runs that could not be finished are reported.
const UNFINISHED: &str = "finishes";

impl Exploration {
    pub(super) fn sweep(&self) -> Report {
        let mut report = Report::new(self.name(), self.start.origin.name().into());
        if let Err(error) = self.sweep_into(&mut report) {
            report.error = Some(error);
        }
        report
    }

    /// See [`Exploration::replay`].
    pub(super) fn replay_into(&self, report: &mut Report, plan: &Plan) -> Result<(), RunError> {
        self.has_checks()?;
        let Some((judges, _)) = self.reference(report)? else { return Ok(()) };
        self.run_plan(report, &judges, plan)
    }

    fn has_checks(&self) -> Result<(), RunError> {
        if !self.checks.is_empty() {
            return Ok(());
        }
        Err(RunError::Setup(
            "the exploration has no check, so nothing could fail: add `.check(check::same_result())` or another"
                .to_owned(),
        ))
    }

    fn sweep_into(&self, report: &mut Report) -> Result<(), RunError> {
        self.has_checks()?;
        let wanted = Wanted::read()?;
        let no_seeds = self.seeds.iter().all(|seeds| seeds.is_empty());
        if self.every_pair && self.budget == 0 {
            return Err(RunError::Setup("the budget for pairs is zero: leave `.every_pair()` away instead".to_owned()));
        }
        if matches!(wanted, Wanted::Everything) && !self.every_fault && !self.every_pair && no_seeds {
            return Err(RunError::Setup(
                "the exploration asks for no run: add `.every_fault()` or `.seeds(0..1_000)`".to_owned(),
            ));
        }
        if let Wanted::Plan(plan) = &wanted
            && let Some(other) = plan.exploration.as_deref().filter(|other| **other != *report.name)
        {
            eprintln!("durasim: {} is skipped, since DURASIM_PLAN is for {other}", report.name);
            report.skipped = true;
            return Ok(());
        }
        let Some((judges, reference)) = self.reference(report)? else { return Ok(()) };
        match wanted {
            Wanted::Everything => {
                if self.every_fault {
                    self.sweep_singles(report, &judges, &reference);
                }
                if self.every_pair {
                    self.sweep_pairs(report, &judges, &reference);
                }
                for seeds in &self.seeds {
                    let name = format!("seeds {}..{}", seeds.start, seeds.end);
                    self.sweep_seeds(report, &judges, name, seeds.clone());
                }
                is_telling(report)
            }
            Wanted::Plan(plan) => self.run_plan(report, &judges, &plan),
            Wanted::Seed(seed) => {
                self.sweep_seeds(report, &judges, format!("seed {seed}"), std::iter::once(seed));
                Ok(())
            }
        }
    }

    /// The run without faults, and what the checks learn from it. `None` if it fails a check itself.
    fn reference(&self, report: &mut Report) -> Result<Option<(Vec<Judge>, Run)>, RunError> {
        let started = Instant::now();
        let run = self.start.run(&Plan::none()).into_result()?;
        let normalizer = self.checks.iter().find_map(|check| check.normalizer());
        let shared = Reference::new(&run, normalizer);
        let mut judges = Vec::new();
        for check in &self.checks {
            let known = &self.start.setup.activities;
            if let Some(activity) = check.activity().filter(|activity| !known.contains_key(*activity)) {
                return Err(RunError::Setup(format!(
                    "the check `{}` is about the activity `{activity}`, which is not registered (registered: {})",
                    check.name(),
                    crate::run::setup::known(known.keys())
                )));
            }
            let memory = panics::catch(|| check.learn(&run)).map_err(|unwound| {
                RunError::Setup(format!(
                    "the check `{}` cannot look at the run without faults: {}",
                    check.name(),
                    unwound.words()
                ))
            })?;
            judges.push(Judge { check: check.clone(), reference: shared.with_memory(memory) });
        }
        let mut tally = Tally::default();
        let mut finding = judge(&run, &judges).into_iter().next();
        if finding.is_none() {
            finding = times_out(&run).map(|violation| Finding { check: UNFINISHED.to_owned(), place: None, violation });
        }
        if finding.is_none() && self.deterministic {
            finding = self.not_reproduced(&Plan::none(), &run);
        }
        tally.count(&run, finding.is_none().then_some(Class::Survive));
        if let Some(finding) = finding {
            *tally.violations.entry(finding.check.clone()).or_default() += 1;
            report.failures.push(Failed::new(&report.name, &run, Plan::none(), finding, 1));
            report.parts.push(Part {
                name: "without faults".to_owned(),
                tally,
                sampled: None,
                elapsed: started.elapsed(),
            });
            return Ok(None);
        }
        report.parts.push(Part { name: "without faults".to_owned(), tally, sampled: None, elapsed: started.elapsed() });
        Ok(Some((judges, run)))
    }

    fn sweep_singles(&self, report: &mut Report, judges: &[Judge], reference: &Run) {
        let started = Instant::now();
        let singles = Singles::of(reference);
        let mut tally = Tally::default();
        for entry in &singles.entries {
            let plan = Plan::new(vec![entry.clone()]);
            let finished = self.start.run(&plan);
            self.take(report, judges, &mut tally, finished, plan);
        }
        let sampled = (singles.tried < singles.points).then_some((singles.tried, singles.points));
        let name = if sampled.is_some() { "faults" } else { "every fault" };
        report.parts.push(Part { name: name.to_owned(), tally, sampled, elapsed: started.elapsed() });
    }

    fn sweep_pairs(&self, report: &mut Report, judges: &[Judge], reference: &Run) {
        let started = Instant::now();
        let mut tally = Tally::default();
        // What one fault breaks is the singles' to tell.
        let first = |plan: &Plan| {
            let finished = self.start.run(plan);
            findings(&finished, judges).is_empty().then_some(finished.run)
        };
        let covered = pairs::visit(reference, self.budget, first, |plan| {
            let finished = self.start.run(&plan);
            self.take(report, judges, &mut tally, finished, plan);
        });
        let all = covered.tried == covered.there;
        let name = if all { "every pair" } else { "pairs" };
        let sampled = (!all).then_some((covered.tried, covered.there));
        report.parts.push(Part { name: name.to_owned(), tally, sampled, elapsed: started.elapsed() });
    }

    fn sweep_seeds(&self, report: &mut Report, judges: &[Judge], name: String, seeds: impl Iterator<Item = u64>) {
        let started = Instant::now();
        let mut tally = Tally::default();
        for seed in seeds {
            let order = if seed % 2 == 0 { Order::Fifo } else { Order::Random };
            let finished = self.start.run_swarm(seed, order);
            let plan = finished.run.plan();
            self.take(report, judges, &mut tally, finished, plan);
        }
        report.parts.push(Part { name, tally, sampled: None, elapsed: started.elapsed() });
    }

    /// One plan, strictly: each of its points must be there.
    fn run_plan(&self, report: &mut Report, judges: &[Judge], plan: &Plan) -> Result<(), RunError> {
        let started = Instant::now();
        let finished = self.start.run(plan);
        if finished.error.is_none()
            && let Some(missing) = finished.run.not_fired().first()
        {
            return Err(nearest::not_fired(&finished.run, missing));
        }
        let mut tally = Tally::default();
        self.take(report, judges, &mut tally, finished, plan.clone());
        report.parts.push(Part { name: "the plan".to_owned(), tally, sampled: None, elapsed: started.elapsed() });
        Ok(())
    }

    /// Judges and counts a run, and explains what is new of what it violates.
    fn take(&self, report: &mut Report, judges: &[Judge], tally: &mut Tally, finished: Finished, plan: Plan) {
        let mut findings = findings(&finished, judges);
        // Code that goes another way each time has no smallest plan: that is told instead of what it led to.
        let passes = findings.is_empty();
        if self.deterministic && (!passes || report.repeated < REPEATED) {
            report.repeated += u64::from(passes);
            if let Some(finding) = self.not_reproduced(&plan, &finished.run) {
                findings = vec![finding];
            }
        }
        let class = match (findings.is_empty(), judges.first()) {
            (true, Some(judge)) => Some(classify(&finished.run, &judge.reference)),
            _ => None,
        };
        tally.count(&finished.run, class);
        for finding in &findings {
            *tally.violations.entry(finding.check.clone()).or_default() += 1;
        }
        // What is new is explained, and each takes runs of its own: the run at hand is kept for what does not repeat.
        for finding in findings {
            let known = report.failures.iter().any(|failed| failed.finding.is_same(&finding));
            if !known && report.failures.len() < EXPLAINED {
                let failed = self.explain(&report.name, judges, &finished.run, &plan, finding, tally.runs);
                report.failures.push(failed);
            }
        }
    }

    /// Finds the smallest plan that violates the same, and tells its story.
    fn explain(
        &self,
        name: &Arc<str>,
        judges: &[Judge],
        run: &Run,
        plan: &Plan,
        finding: Finding,
        found_by_run: u64,
    ) -> Failed {
        if finding.check == DETERMINISTIC {
            return Failed::new(name, run, plan.clone(), finding, found_by_run);
        }
        let again = |plan: &Plan| {
            let finished = self.start.run(plan);
            let found = findings(&finished, judges).into_iter().find(|found| found.is_same(&finding))?;
            Some((finished, found))
        };
        let Some(failure) = again(plan) else {
            return Failed::new(name, run, plan.clone(), does_not_repeat(finding), found_by_run);
        };
        let shrunk = shrink(plan.clone(), failure, shrink::RUNS, again);
        let (finished, found) = shrunk.failure;
        let failed = Failed::new(name, &finished.run, shrunk.plan, found, found_by_run);
        if shrunk.is_smallest { failed } else { failed.not_smallest() }
    }
}

impl Exploration {
    fn not_reproduced(&self, plan: &Plan, run: &Run) -> Option<Finding> {
        let violation = repeats(&self.start, plan, run).err()?;
        Some(Finding { check: DETERMINISTIC.to_owned(), place: None, violation })
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

/// Whether a run without faults runs into a timeout: whatever comes after that, the code or its options are wrong.
fn times_out(run: &Run) -> Option<Violation> {
    let trace = run.trace();
    trace.events().iter().enumerate().find_map(|(place, event)| {
        let message = match (event.who, event.what) {
            (_, What::WorkflowTimedOut) => "the workflow times out without any fault".to_owned(),
            (Who::Activity(activity), What::TimedOut(timeout)) => format!(
                "the activity {} runs into its {} timeout without any fault",
                trace.activity_words(activity),
                timeout_words(timeout)
            ),
            _ => return None,
        };
        Some(Violation::new("times out", message).proved_by([place]))
    })
}

/// An exploration that could show nothing is an error: one in which faults always ended all that there was to judge.
fn is_telling(report: &Report) -> Result<(), RunError> {
    let faulted = || report.parts.iter().skip(1).map(|part| &part.tally);
    let all: u64 = faulted().map(|tally| tally.runs).sum();
    let excused: u64 = faulted().map(|tally| tally.over_budget + tally.cancelled).sum();
    if all > excused {
        return Ok(());
    }
    Err(RunError::Setup(format!(
        "no run with faults could show anything: of {all}, {excused} are over budget or cancelled. An activity that may be \
         tried once cannot survive a fault: allow it more attempts, or more time"
    )))
}

/// What a run violates: the error that ended it, or what each check minds.
fn findings(finished: &Finished, judges: &[Judge]) -> Vec<Finding> {
    match &finished.error {
        Some(error) => {
            let violation = Violation::new(error.kind(), error.to_string());
            vec![Finding { check: UNFINISHED.to_owned(), place: None, violation }]
        }
        None => judge(&finished.run, judges),
    }
}

fn judge(run: &Run, judges: &[Judge]) -> Vec<Finding> {
    let minded = judges.iter().enumerate().filter_map(|(place, judge)| {
        let verdict = panics::catch(|| judge.check.check(run, &judge.reference));
        let violation = match verdict {
            Ok(verdict) => verdict.err()?,
            Err(unwound) => Violation::new("panics", format!("the check itself panicked: {}", unwound.words())),
        };
        Some(Finding { check: judge.check.name().to_owned(), place: Some(place), violation })
    });
    minded.collect()
}
