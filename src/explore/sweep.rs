//! [`Sweep`]: which runs are made, in which order, and what is told of them.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::Exploration;
use super::coverage::Coverage;
use super::environment::{Environment, Wanted};
use super::interrupt::Exploring;
use super::judge::{DOES_NOT_REPEAT, Finding, Judge, UNFINISHED, findings, judge};
use super::nearest;
use super::pairs;
use super::points::{Places, Singles};
use super::pool::{self, Block, Broken, Case, Pool};
use super::progress::Progress;
use super::refusal;
use super::regressions::{Kept, Regression, RegressionState};
use super::repeat::{DETERMINISTIC, REPEATED, repeats};
use super::report::{Failed, Part, Report};
use super::shard::Shard;
use super::shrink::{self, shrink};
use super::tally::Tally;
use crate::check::{Class, Reference, Violation};
use crate::engine::panics;
use crate::fault::Plan;
use crate::report::timeout_words;
use crate::run::{Outcome, Run, RunError};
use crate::trace::{Trace, What, Who};

/// Distinct failures that are shrunk and explained; further ones are only counted.
const EXPLAINED: usize = 3;

/// The part in which plans are replayed that failed once.
const REGRESSIONS: &str = "regressions";

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
        let exploring = Exploring::begin();
        let Some((judges, _)) = self.reference(report)? else { return Ok(()) };
        let pool = Pool::new(self.threads);
        Sweep { exploration: self, judges: &judges, report, pool, shard: Shard::WHOLE, exploring }.replay(plan.clone())
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
        let Environment { wanted, shard, writes } = Environment::read()?;
        let regressions = self.kept_plans(report)?;
        let no_seeds = self.seeds.iter().all(|seeds| seeds.is_empty());
        if self.every_pair && self.budget == 0 {
            return Err(RunError::Setup("the budget for pairs is zero: leave `.every_pair()` away instead".to_owned()));
        }
        if let Some(share) = self.over_budget {
            if !share.is_valid() {
                return Err(RunError::Setup(format!(
                    "`.over_budget({})` is not a share of the seeds: write from 0.0 for none to 1.0 for all",
                    share.0
                )));
            }
            if matches!(wanted, Wanted::Everything) && no_seeds {
                return Err(RunError::Setup(
                    "`.over_budget(..)` is about seeds, and the exploration has none: add `.seeds(0..1_000)`"
                        .to_owned(),
                ));
            }
        }
        let tries_faults = self.every_fault || self.every_pair || !no_seeds;
        if matches!(wanted, Wanted::Everything) && !tries_faults && regressions.is_empty() {
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
        let exploring = Exploring::begin();
        let Some((judges, reference)) = self.reference(report)? else { return Ok(()) };
        let pool = Pool::new(self.threads);
        let mut sweep = Sweep { exploration: self, judges: &judges, report, pool, shard: Shard::WHOLE, exploring };
        match wanted {
            Wanted::Everything => {
                sweep.shard = shard;
                sweep.report.shard = (!shard.is_whole()).then_some(shard);
                sweep.regressions(regressions)?;
                // Plans that are kept are not meant to cover anything.
                sweep.report.coverage = Coverage::default();
                if tries_faults {
                    sweep.report.coverage.look(&Places::of(&reference));
                }
                sweep.everything(&reference);
                is_telling(sweep.report)?;
            }
            Wanted::Plan(plan) => sweep.replay(plan)?,
            Wanted::Seed(seed) => {
                sweep.seeds(format!("seed {seed}"), seed..seed.saturating_add(1));
                sweep.report.coverage = Coverage::default();
            }
        }
        if writes {
            self.keep(report)?;
        }
        Ok(())
    }

    /// The plans of the exploration's file.
    fn kept_plans(&self, report: &mut Report) -> Result<Vec<Kept>, RunError> {
        let Some(file) = &self.regressions else { return Ok(Vec::new()) };
        report.file = Some(file.to_string());
        file.of(&report.name)
    }

    /// Appends what fails to the exploration's file.
    fn keep(&self, report: &mut Report) -> Result<(), RunError> {
        match &self.regressions {
            Some(file) => report.written = Some(file.write(&report.failures)?),
            None if report.failures.is_empty() => {}
            None => eprintln!(
                "durasim: {} has no file for what fails, as DURASIM_REGRESSIONS=write wants it: add \
                 `.regressions(\"tests/my_test.regressions\")`",
                report.name
            ),
        }
        Ok(())
    }

    /// The run without faults, and what the checks learn from it. `None` if it fails a check itself.
    fn reference(&self, report: &mut Report) -> Result<Option<(Vec<Judge>, Run)>, RunError> {
        let started = Instant::now();
        let run = self.start.run(&Plan::none()).into_result()?;
        let normalizer = self.checks.iter().find_map(|check| check.normalizer());
        refusal::normalizes(&run.outcome(), normalizer.as_ref())?;
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
        let mut finding = judge(&run, &judges, |_| true).into_iter().next();
        if finding.is_none() {
            finding = times_out(&run).map(|violation| Finding { check: UNFINISHED.to_owned(), place: None, violation });
        }
        if finding.is_none() && self.deterministic {
            finding = self.not_reproduced(&Plan::none(), run.trace(), &run.outcome());
        }
        tally.count(&run, finding.is_none().then_some(Class::Survive));
        let failed = finding.is_some();
        if let Some(finding) = finding {
            tally.note_violation(&finding.check);
            report.failures.push(Failed::new(&report.name, run.trace(), Plan::none(), finding, 1));
        }
        report.parts.push(Part { name: "without faults".to_owned(), tally, sampled: None, elapsed: started.elapsed() });
        Ok((!failed).then_some((judges, run)))
    }

    fn not_reproduced(&self, plan: &Plan, trace: &Trace, outcome: &Outcome) -> Option<Finding> {
        let violation = repeats(&self.start, plan, trace, outcome).err()?;
        Some(Finding { check: DETERMINISTIC.to_owned(), place: None, violation })
    }

    /// Finds the smallest plan that violates the same, and tells its story.
    fn explain(
        &self,
        name: &Arc<str>,
        judges: &[Judge],
        trace: &Trace,
        plan: &Plan,
        finding: Finding,
        found_by_run: u64,
    ) -> Failed {
        if finding.check == DETERMINISTIC {
            return Failed::new(name, trace, plan.clone(), finding, found_by_run);
        }
        let again = |plan: &Plan| {
            let finished = self.start.run(plan);
            let found = findings(&finished, judges).into_iter().find(|found| found.is_same(&finding))?;
            Some((finished, found))
        };
        let Some(failure) = again(plan) else {
            return Failed::new(name, trace, plan.clone(), does_not_repeat(finding), found_by_run);
        };
        let shrunk = shrink(plan.clone(), failure, shrink::RUNS, again);
        let (finished, found) = shrunk.failure;
        let failed = Failed::new(name, finished.run.trace(), shrunk.plan, found, found_by_run);
        if shrunk.is_smallest { failed } else { failed.not_smallest() }
    }
}

/// An exploration that goes on.
struct Sweep<'a> {
    exploration: &'a Exploration,
    judges: &'a [Judge],
    report: &'a mut Report,
    pool: Pool,
    shard: Shard,
    exploring: Exploring,
}

/// A part of it that goes on.
struct Ongoing {
    name: String,
    tally: Tally,
    started: Instant,
    progress: Progress,
    /// Cases there were, those of other shards included.
    offered: u64,
    /// Those to be run next.
    waiting: Vec<Case>,
}

impl Sweep<'_> {
    fn everything(&mut self, reference: &Run) {
        if self.exploration.every_fault {
            self.singles(reference);
        }
        if self.exploration.every_pair {
            self.pairs(reference);
        }
        for seeds in &self.exploration.seeds {
            self.seeds(format!("seeds {}..{}", seeds.start, seeds.end), seeds.clone());
        }
    }

    /// Plans that failed once, strictly: one whose points are not there guards against nothing.
    fn regressions(&mut self, regressions: Vec<Kept>) -> Result<(), RunError> {
        if regressions.is_empty() {
            return Ok(());
        }
        let mut part = self.begin(REGRESSIONS, Some(regressions.len() as u64));
        let mut stale = None;
        for Kept { line, plan } in regressions {
            self.report.interrupted |= self.exploring.is_interrupted();
            if self.report.interrupted {
                break;
            }
            let finished = self.exploration.start.run(&plan);
            let state = match finished.run.not_fired().first() {
                Some(missing) if finished.error.is_none() => {
                    let why = nearest::not_fired(&finished.run, missing).to_string();
                    stale.get_or_insert((line, why.clone()));
                    RegressionState::NoLongerApplies(why)
                }
                _ => {
                    let failed = part.tally.failed;
                    let mut block = Block::default();
                    let kept = self.kept();
                    block.take(self.judges, finished, plan.clone(), kept);
                    self.take(&mut part, block);
                    if part.tally.failed > failed { RegressionState::StillFails } else { RegressionState::Fixed }
                }
            };
            self.report.regressions.push(Regression { line, plan, state });
        }
        self.end(part, None);
        match (stale, &self.report.file) {
            (Some((line, why)), Some(file)) => Err(RunError::PlanNotFired(format!(
                "{file}:{line}: {why}. A plan that does not apply guards against nothing: correct the line or remove it"
            ))),
            _ => Ok(()),
        }
    }

    fn singles(&mut self, reference: &Run) {
        let singles = Singles::of(reference);
        let sampled = (singles.tried < singles.points).then_some((singles.tried, singles.points));
        let name = if sampled.is_some() { "faults" } else { "every fault" };
        let mut part = self.begin(name, Some(singles.entries.len() as u64));
        let mut known = Coverage::default();
        for entry in singles.entries {
            let is_new = known.is_new(&entry.point, entry.fault);
            let plan = Plan::new(vec![entry]);
            if self.offer(&mut part, if is_new { Case::Novel(plan) } else { Case::Plan(plan) }).is_break() {
                break;
            }
        }
        self.end(part, sampled);
    }

    fn pairs(&mut self, reference: &Run) {
        let mut part = self.begin("every pair", None);
        let (exploration, judges) = (self.exploration, self.judges);
        // What one fault breaks is the singles' to tell.
        let (mut known, mut there) = (Coverage::default(), Coverage::default());
        let first = |plan: &Plan| {
            let finished = exploration.start.run(plan);
            // Otherwise `singles` has done so.
            if !exploration.every_fault && plan.entries.iter().any(|entry| known.is_new(&entry.point, entry.fault)) {
                there.look(&Places::of(&finished.run));
            }
            findings(&finished, judges).is_empty().then_some(finished.run)
        };
        let covered =
            pairs::visit(reference, exploration.budget, first, |plan| self.offer(&mut part, Case::Plan(plan)));
        self.report.coverage.add(there);
        let all = covered.tried == covered.there;
        if !all {
            part.name = "pairs".to_owned();
        }
        self.end(part, (!all).then_some((covered.tried, covered.there)));
    }

    fn seeds(&mut self, name: String, seeds: std::ops::Range<u64>) {
        let mut part = self.begin(&name, Some(seeds.end.saturating_sub(seeds.start)));
        for seed in seeds {
            let over_budget = self.exploration.over_budget.is_some_and(|share| share.has(seed));
            if self.offer(&mut part, Case::Seed { seed, over_budget }).is_break() {
                break;
            }
        }
        self.end(part, None);
    }

    /// One plan, strictly: each of its points must be there.
    fn replay(&mut self, plan: Plan) -> Result<(), RunError> {
        let finished = self.exploration.start.run(&plan);
        if finished.error.is_none()
            && let Some(missing) = finished.run.not_fired().first()
        {
            return Err(nearest::not_fired(&finished.run, missing));
        }
        let mut part = self.begin("the plan", Some(1));
        let mut block = Block::default();
        block.take(self.judges, finished, plan, self.kept());
        self.take(&mut part, block);
        self.report.coverage = Coverage::default();
        self.end(part, None);
        Ok(())
    }

    fn begin(&self, name: &str, runs: Option<u64>) -> Ongoing {
        Ongoing {
            name: name.to_owned(),
            tally: Tally::default(),
            started: Instant::now(),
            progress: Progress::new(format!("{}: {name}", self.report.name), runs),
            offered: 0,
            waiting: Vec::new(),
        }
    }

    /// Takes a run to be made, and makes what has gathered once it is enough. Breaks when nothing more is wanted.
    fn offer(&mut self, part: &mut Ongoing, case: Case) -> ControlFlow<()> {
        if self.shard.has(part.offered) {
            part.waiting.push(case);
        }
        part.offered += 1;
        if part.waiting.len() >= self.pool.batch() {
            self.make(part);
        }
        if self.report.interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Makes the runs that wait.
    fn make(&mut self, part: &mut Ongoing) {
        self.report.interrupted |= self.exploring.is_interrupted();
        let cases = std::mem::take(&mut part.waiting);
        if self.report.interrupted || cases.is_empty() {
            return;
        }
        let blocks = self.pool.run(&self.exploration.start, self.judges, cases, self.kept());
        for block in blocks {
            self.take(part, block);
        }
        part.progress.at(part.offered, part.tally.failed);
    }

    /// What is kept of a block of runs: of failures as many as are explained, since all might be new.
    fn kept(&self) -> pool::Kept {
        let repeats = self.exploration.deterministic && self.report.repeated < REPEATED;
        pool::Kept { broken: EXPLAINED, passed: if repeats { REPEATED as usize } else { 0 } }
    }

    /// Counts what came of a block of runs, and explains what is new of what they violate.
    fn take(&mut self, part: &mut Ongoing, block: Block) {
        let before = part.tally.runs;
        part.tally.add(block.tally);
        self.report.coverage.add(block.coverage);
        let mut broken = block.broken.into_iter().peekable();
        let mut passed = block.passed.into_iter().peekable();
        loop {
            // In the order of the runs.
            let next = match (broken.peek(), passed.peek()) {
                (Some(broken), Some(passed)) => broken.run < passed.run,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            if next {
                let Some(broken) = broken.next() else { break };
                self.broken(part, broken, before);
            } else {
                let Some(passed) = passed.next() else { break };
                if self.report.repeated >= REPEATED {
                    continue;
                }
                self.report.repeated += 1;
                if let Some(finding) = self.exploration.not_reproduced(&passed.plan, &passed.trace, &passed.outcome) {
                    part.tally.fails_after_all(passed.class, &finding.check);
                    self.minded(&passed.trace, &passed.plan, finding, before + passed.run);
                }
            }
        }
    }

    /// Code that goes another way each time has no smallest plan: that is told instead of what it led to.
    fn broken(&mut self, part: &mut Ongoing, broken: Broken, before: u64) {
        let Broken { run, plan, finding, trace, outcome } = broken;
        if self.is_new(&finding)
            && self.exploration.deterministic
            && let Some(other) = self.exploration.not_reproduced(&plan, &trace, &outcome)
        {
            part.tally.note_violation(&other.check);
            return self.minded(&trace, &plan, other, before + run);
        }
        self.minded(&trace, &plan, finding, before + run);
    }

    fn is_new(&self, finding: &Finding) -> bool {
        let failures = &self.report.failures;
        failures.len() < EXPLAINED && !failures.iter().any(|failed| failed.finding.is_same(finding))
    }

    /// Explains a failure if it is new: that takes runs of its own.
    fn minded(&mut self, trace: &Trace, plan: &Plan, finding: Finding, run: u64) {
        if self.is_new(&finding) {
            let failed = self.exploration.explain(&self.report.name, self.judges, trace, plan, finding, run);
            self.report.failures.push(failed);
        }
    }

    fn end(&mut self, mut part: Ongoing, sampled: Option<(u64, u64)>) {
        self.make(&mut part);
        let Ongoing { name, tally, started, .. } = part;
        self.report.parts.push(Part { name, tally, sampled, elapsed: started.elapsed() });
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
    // What is kept may be excused by now.
    let faulted = || report.parts.iter().skip(1).filter(|part| part.name != REGRESSIONS).map(|part| &part.tally);
    if faulted().next().is_none() {
        return Ok(());
    }
    let all: u64 = faulted().map(|tally| tally.runs).sum();
    let excused: u64 = faulted().map(|tally| tally.over_budget + tally.cancelled).sum();
    // A shard may have got nothing, and so may what was interrupted: that is no mistake.
    if all > excused || report.shard.is_some() || report.interrupted {
        return Ok(());
    }
    Err(RunError::Setup(format!(
        "no run with faults could show anything: of {all}, {excused} are over budget or cancelled. An activity that may be \
         tried once cannot survive a fault: allow it more attempts, or more time"
    )))
}
