//! [`Sweep`]: which runs are made, in which order, and what is told of them.

use std::ops::{ControlFlow, RangeInclusive};
use std::time::Instant;

use super::Exploration;
use super::coverage::Coverage;
use super::environment::{Environment, Wanted, tell};
use super::interrupt::Exploring;
use super::judge::{Finding, Judge, findings};
use super::message::Extent;
use super::nearest;
use super::pairs;
use super::points::{Places, Singles};
use super::pool::{Block, Broken, Care, Case, Pool};
use super::progress::Progress;
use super::refusal;
use super::regressions::{Kept, Regression, RegressionState};
use super::repeat::{DETERMINISTIC, REPEATED};
use super::report::{Part, Report};
use super::shard::Shard;
use super::tally::Tally;
use crate::fault::Plan;
use crate::run::{Finished, Run, RunError};
use crate::trace::Trace;

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
        self.could_show_something()?;
        report.extent = Extent::Whole;
        let _exploring = Exploring::begin();
        let Some((judges, _)) = self.reference(report)? else { return Ok(()) };
        let pool = Pool::new(self.threads);
        Sweep { exploration: self, judges: &judges, report, pool, shard: Shard::WHOLE }.replay(plan.clone())
    }

    fn could_show_something(&self) -> Result<(), RunError> {
        if let Some(ignored) = self.ignores {
            return Err(refusal::says_of_one_run(ignored));
        }
        if !self.checks.is_empty() {
            return Ok(());
        }
        Err(RunError::Setup(
            "the exploration has no check, so nothing could fail: add `.check(check::same_result())` or another"
                .to_owned(),
        ))
    }

    fn sweep_into(&self, report: &mut Report) -> Result<(), RunError> {
        self.could_show_something()?;
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
            tell(&format!("{} is skipped, since DURASIM_PLAN is for {other}", report.name));
            report.skipped = true;
            return Ok(());
        }
        if matches!(wanted, Wanted::Plan(_)) {
            report.extent = Extent::Whole;
        }
        let _exploring = Exploring::begin();
        let Some((judges, reference)) = self.reference(report)? else { return Ok(()) };
        self.start.learn(&reference);
        let pool = Pool::new(self.threads);
        let mut sweep = Sweep { exploration: self, judges: &judges, report, pool, shard: Shard::WHOLE };
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
                sweep.seeds(format!("seed {seed}"), seed..=seed);
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
            None => tell(&format!(
                "{} has no file for what fails, as DURASIM_REGRESSIONS=write wants it: add \
                 `.regressions(\"tests/my_test.regressions\")`",
                report.name
            )),
        }
        Ok(())
    }
}

/// An exploration that goes on.
struct Sweep<'a> {
    exploration: &'a Exploration,
    judges: &'a [Judge],
    report: &'a mut Report,
    pool: Pool,
    shard: Shard,
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
    /// What is interrupted ends with the part at hand.
    fn everything(&mut self, reference: &Run) {
        if self.exploration.every_fault && !self.report.interrupted {
            self.singles(reference);
        }
        if self.exploration.every_pair && !self.report.interrupted {
            self.pairs(reference);
        }
        for seeds in &self.exploration.seeds {
            if self.report.interrupted {
                return;
            }
            if let Some(last) = seeds.end.checked_sub(1).filter(|last| seeds.start <= *last) {
                self.seeds(format!("seeds {}..{}", seeds.start, seeds.end), seeds.start..=last);
            }
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
            self.report.interrupted |= Exploring::is_interrupted();
            if self.report.interrupted {
                break;
            }
            let state = match self.run_strictly(&plan) {
                Ok(finished) => {
                    let failed = part.tally.failed;
                    self.take_one(&mut part, finished, plan.clone());
                    if part.tally.failed > failed { RegressionState::StillFails } else { RegressionState::Fixed }
                }
                Err(why) => {
                    let why = why.to_string();
                    stale.get_or_insert((line, why.clone()));
                    RegressionState::NoLongerApplies(why)
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
        let covered = pairs::visit(reference, exploration.start.usual_lengths(), exploration.budget, first, |plan| {
            self.offer(&mut part, Case::Plan(plan))
        });
        self.report.coverage.add(there);
        let all = covered.tried == covered.there;
        if !all {
            part.name = "pairs".to_owned();
        }
        self.end(part, (!all).then_some((covered.tried, covered.there)));
    }

    fn seeds(&mut self, name: String, seeds: RangeInclusive<u64>) {
        let mut part = self.begin(&name, Some((seeds.end() - seeds.start()).saturating_add(1)));
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
        let finished = self.run_strictly(&plan)?;
        let mut part = self.begin("the plan", Some(1));
        self.take_one(&mut part, finished, plan);
        self.report.coverage = Coverage::default();
        self.end(part, None);
        Ok(())
    }

    /// A run of the plan. An error, unless all its points are there, or the run could not be finished.
    fn run_strictly(&self, plan: &Plan) -> Result<Finished, RunError> {
        let finished = self.exploration.start.run(plan);
        match finished.run.not_fired().first() {
            Some(missing) if finished.error.is_none() => Err(nearest::not_fired(&finished.run, missing)),
            _ => Ok(finished),
        }
    }

    fn take_one(&mut self, part: &mut Ongoing, finished: Finished, plan: Plan) {
        let mut block = Block::default();
        block.take(&self.exploration.start, self.judges, finished, plan, self.care());
        self.take(part, block);
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
        self.report.interrupted |= Exploring::is_interrupted();
        let cases = std::mem::take(&mut part.waiting);
        if self.report.interrupted || cases.is_empty() {
            return;
        }
        let blocks = self.pool.run(&self.exploration.start, self.judges, cases, self.care());
        for block in blocks {
            self.take(part, block);
        }
        part.progress.at(part.offered, part.tally.failed);
    }

    /// What is to be done with a block of runs: of failures as many are kept as are explained, since all might be new.
    fn care(&self) -> Care {
        let repeats = self.exploration.deterministic;
        let passed = if repeats && self.report.repeated < REPEATED { REPEATED as usize } else { 0 };
        Care { repeats, broken: EXPLAINED, passed }
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
        if finding.check != DETERMINISTIC
            && self.is_new(&finding)
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
            let failed = self.exploration.explain(self.report, self.judges, trace, plan, finding, run);
            self.report.failures.push(failed);
        }
    }

    fn end(&mut self, mut part: Ongoing, sampled: Option<(u64, u64)>) {
        self.make(&mut part);
        let Ongoing { name, tally, started, .. } = part;
        self.report.parts.push(Part { name, tally, sampled, elapsed: started.elapsed() });
    }
}

/// An exploration that could show nothing is an error: one in which faults always ended all that there was to judge.
fn is_telling(report: &Report) -> Result<(), RunError> {
    // What is kept may be excused by now.
    let (mut all, mut excused) = (None, 0);
    for part in report.parts.iter().skip(1) {
        if part.name != REGRESSIONS {
            all = Some(all.unwrap_or(0) + part.tally.runs);
            excused += part.tally.over_budget + part.tally.cancelled;
        }
    }
    let Some(all) = all else { return Ok(()) };
    // A shard may have got nothing, and so may what was interrupted: that is no mistake.
    if all > excused || report.shard.is_some() || report.interrupted {
        return Ok(());
    }
    Err(RunError::Setup(format!(
        "no run with faults could show anything: of {all}, {excused} are over budget or cancelled. An activity that may be \
         tried once cannot survive a fault: allow it more attempts, or more time"
    )))
}
