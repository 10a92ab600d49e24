//! [`Sweep`]: the runs of an exploration, part by part.

use std::ops::{ControlFlow, Range, RangeInclusive};
use std::time::Instant;

use super::Exploration;
use super::accepted::{Accepted, Words};
use super::coverage::Coverage;
use super::depth::{Depth, TimeLimit};
use super::environment::{Environment, Wanted};
use super::explain::explain;
use super::finding::{Cause, Finding, Judge, findings};
use super::interrupt::Exploring;
use super::message::Extent;
use super::notes::tell;
use super::ongoing::Ongoing;
use super::pairs;
use super::points::Points;
use super::pool::{Block, Broken, Care, Case, Passed, Pool, whole_blocks};
use super::regressions::{Kept, Regression, RegressionState};
use super::repeat::{Once, REPEATED, differ_in_another_order};
use super::report::{Part, PartKind, Report};
use super::restricted::{note_never_ended, tell_nothing_seen, tell_of_time};
use super::shard::Shard;
use super::share::Share;
use super::singles::Singles;
use super::validate::showed_something;
use crate::fault::Plan;
use crate::program::Counted;
use crate::world::{Finished, Run, RunError};

/// Pairs that are tried unless [`Exploration::budget`] says otherwise.
const PAIRS: u64 = 20_000;

/// Where runs are long there are fewer pairs: so many that their runs have this many events together, ..
const PAIR_EVENTS: u64 = 200_000_000;

/// .. though at least this many.
const LEAST_PAIRS: u64 = 500;

/// Distinct failures that are shrunk and explained; further ones are only counted.
const EXPLAINED: usize = 3;

impl Exploration {
    /// Makes all runs, or those that the environment asks for in their place.
    pub(super) fn sweep(&self, report: &mut Report) -> Result<(), RunError> {
        self.validate_checks()?;
        let environment = Environment::read()?;
        let in_place = environment.in_place(&report.name, self.has_seeds(), self.every_pair);
        let Environment { wanted, shard, depth, writes, decided_by } = environment;
        let until = depth.time.as_ref().filter(|_| matches!(wanted, Wanted::Everything)).and_then(TimeLimit::end);
        let regressions = self.kept_plans(report, writes)?;
        self.validate_parts(&wanted, !regressions.is_empty())?;
        if let Wanted::Plan(plan) = &wanted {
            if let Some(other) = plan.exploration.as_deref().filter(|other| **other != *report.name) {
                if !self.inputs.are_called(other) {
                    tell(&format!("{} is skipped, since DURASIM_PLAN is for {other}", report.name));
                }
                report.skipped = true;
                return Ok(());
            }
            report.extent = Extent::Whole;
        }
        in_place.into_iter().for_each(|line| report.tell(line));
        let _exploring = Exploring::begin();
        let Some((judges, reference)) = self.reference(report)? else { return Ok(()) };
        self.start.learn(&reference);
        let mut sweep = Sweep::new(self, &judges, report);
        sweep.reference = Some(Once::new(&reference, Plan::none()));
        (sweep.depth, sweep.until) = (depth, until);
        match wanted {
            Wanted::Everything => {
                sweep.shard = shard;
                sweep.report.shard = (!shard.is_whole()).then_some(shard);
                sweep.regressions(regressions)?;
                sweep.everything(&reference);
                if sweep.report.holds() {
                    sweep.reference_again();
                }
                tell_of_time(sweep.report, sweep.depth.time.as_ref());
                showed_something(sweep.report)?;
            }
            Wanted::Plan(plan) => sweep.replay(plan)?,
            Wanted::Seed(seed) => {
                sweep.seeds(format!("seed {seed}"), seed..=seed);
                sweep.report.coverage = Coverage::default();
            }
        }
        if let Some(variable) = decided_by {
            tell_nothing_seen(report, &variable);
        }
        if writes {
            self.keep(report)?;
        }
        Ok(())
    }

    /// Makes the run of one plan: [`Exploration::replay`].
    pub(super) fn replay_into(&self, report: &mut Report, plan: &Plan) -> Result<(), RunError> {
        self.validate_checks()?;
        report.extent = Extent::Whole;
        let _exploring = Exploring::begin();
        let Some((judges, _)) = self.reference(report)? else { return Ok(()) };
        Sweep::new(self, &judges, report).replay(plan.clone())
    }

    /// The plans of the exploration's file.
    fn kept_plans(&self, report: &mut Report, writes: bool) -> Result<Vec<Kept>, RunError> {
        let Some(file) = &self.regressions else { return Ok(Vec::new()) };
        report.file = Some(file.to_string());
        let (own, others) = file.of(&report.name, writes)?;
        if own.is_empty()
            && let Some(kept) = others.first()
            && !others
                .iter()
                .filter_map(|kept| kept.plan.exploration.as_deref())
                .any(|name| self.inputs.are_called(name))
        {
            let other = kept.plan.exploration.as_deref().unwrap_or_default();
            let passed_over = format!(
                "regressions: 0 of {} of {file} are for {}; the first is for {other}",
                Counted(others.len(), "plan"),
                report.name
            );
            tell(&format!("{passed_over}. Did the test get another name?"));
            report.notes.push(passed_over);
        }
        Ok(own)
    }

    /// Appends the plans of new failures to the exploration's file.
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
    /// The run without faults as it went at first, until it is made again.
    reference: Option<Once>,
    depth: Depth,
    /// From then on no further run is made.
    until: Option<Instant>,
}

impl<'a> Sweep<'a> {
    fn new(exploration: &'a Exploration, judges: &'a [Judge], report: &'a mut Report) -> Sweep<'a> {
        let pool = Pool::new(exploration.threads);
        let (shard, depth, until) = (Shard::WHOLE, Depth::default(), None);
        let reference = None;
        Sweep { exploration, judges, report, pool, shard, reference, depth, until }
    }

    /// Says whether no more runs are to be made: after Ctrl-C, or once the time is over.
    fn stops(&mut self) -> bool {
        self.report.interrupted |= Exploring::is_interrupted();
        self.report.out_of_time |= self.until.is_some_and(|until| Instant::now() >= until);
        self.report.is_stopped()
    }

    /// The ranges of seeds to be tried.
    fn ranges(&self) -> Vec<Range<u64>> {
        match &self.depth.seeds {
            Some(seeds) if self.exploration.has_seeds() => vec![seeds.clone()],
            _ => self.exploration.seeds.clone(),
        }
    }

    /// Every part that is asked for. Ctrl-C ends the part that goes on, and with it the exploration; so does the time limit.
    fn everything(&mut self, reference: &Run) {
        // Plans that failed once are not meant to cover anything.
        self.report.coverage = Coverage::default();
        if self.exploration.tries_faults() {
            self.report.coverage.look(&Points::of(reference));
        }
        if self.exploration.every_fault && !self.stops() {
            self.singles(reference);
        }
        if self.exploration.every_pair && !self.stops() {
            self.pairs(reference);
        }
        for seeds in self.ranges() {
            if self.stops() {
                return;
            }
            if let Some(last) = seeds.end.checked_sub(1).filter(|last| seeds.start <= *last) {
                self.seeds(format!("seeds {}..{}", seeds.start, seeds.end), seeds.start..=last);
            }
        }
    }

    /// Plans that failed once, strictly: one whose points the run does not come to guards against nothing.
    fn regressions(&mut self, regressions: Vec<Kept>) -> Result<(), RunError> {
        if regressions.is_empty() {
            return Ok(());
        }
        let mut part = self.begin(PartKind::Regressions, "regressions".to_owned(), Some(regressions.len() as u64));
        let mut stale = None;
        for Kept { line, plan, accepted } in regressions {
            if self.stops() {
                break;
            }
            if let Some(words) = accepted {
                self.accept(&mut part, line, plan, words)?;
                continue;
            }
            let state = match self.run_strictly(&plan) {
                Ok(finished) => {
                    let failed = part.tally.failed;
                    self.take_run(&mut part, finished, plan.clone());
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
        self.end(part);
        match (stale, &self.report.file) {
            (Some((line, why)), Some(file)) => Err(RunError::PlanNotFired(format!(
                "{file}:{line}: {why}. A plan that does not apply guards against nothing: correct the line or remove it"
            ))),
            _ => Ok(()),
        }
    }

    /// A failure that is accepted: from here on it fails nothing. An error, unless its plan still fails so.
    fn accept(&mut self, part: &mut Ongoing, line: usize, plan: Plan, words: Words) -> Result<(), RunError> {
        let Words { check, kind, reason } = words;
        let accepted = Accepted { line, check, kind, reason, plan: plan.clone(), runs: 0 };
        let finished = self.run_strictly(&plan)?;
        let found = findings(&finished, self.judges);
        if !found.iter().any(|finding| accepted.covers(finding)) {
            let now = match found.first() {
                Some(Finding { check, violation, .. }) => format!("it fails `{check}` by `{}`", violation.kind),
                None => "no check fails".to_owned(),
            };
            return Err(RunError::Setup(format!(
                "{}:{line}: the plan does not fail `{}` by `{}` any more, which the line accepts: {now}. Remove the line, or \
                 correct it",
                self.report.file.as_deref().unwrap_or_default(),
                accepted.check,
                accepted.kind
            )));
        }
        self.report.accepted.push(accepted);
        let accepted = self.report.accepted.clone();
        let mut block = Block::default();
        block.take(&self.exploration.start, self.judges, finished, plan, self.care(part, &accepted));
        self.take(part, block);
        Ok(())
    }

    /// Every fault at every point of the run without faults.
    fn singles(&mut self, reference: &Run) {
        let singles = Singles::of(reference);
        let sampled = (singles.tried < singles.points).then_some((singles.tried, singles.points));
        let name = if sampled.is_some() { "faults" } else { "every fault" };
        let mut part = self.begin(PartKind::Faults, name.to_owned(), Some(singles.entries.len() as u64));
        part.sampled = sampled;
        part.long = singles.long;
        let mut known = Coverage::default();
        for entry in singles.entries {
            let is_new = known.is_new(&entry.point, entry.fault);
            let plan = Plan::new(vec![entry]);
            if self.offer(&mut part, if is_new { Case::Novel(plan) } else { Case::Plan(plan) }).is_break() {
                break;
            }
        }
        self.end(part);
    }

    /// Pairs of faults, by novelty.
    fn pairs(&mut self, reference: &Run) {
        let mut part = self.begin(PartKind::Pairs, "every pair".to_owned(), None);
        let (exploration, judges) = (self.exploration, self.judges);
        let (mut known, mut there) = (Coverage::default(), Coverage::default());
        // A fault that fails by itself is a failure of `singles`: no pair begins with it.
        let first = |plan: &Plan| {
            let finished = exploration.start.run(plan);
            // Otherwise `singles` has done so.
            if !exploration.every_fault && plan.entries.iter().any(|entry| known.is_new(&entry.point, entry.fault)) {
                there.look(&Points::of(&finished.run));
            }
            findings(&finished, judges).is_empty().then_some(finished.run)
        };
        let affordable = PAIR_EVENTS / (reference.trace().events().len() as u64).max(1);
        let budget = self.depth.pairs.or(exploration.budget).unwrap_or(PAIRS.min(affordable.max(LEAST_PAIRS)));
        let usual = exploration.start.survey().lengths();
        let covered = pairs::visit(reference, usual, budget, first, |plan| self.offer(&mut part, Case::Plan(plan)));
        self.report.coverage.add(there);
        // A part that ends early does not know how many there are.
        if covered.tried < covered.there && !part.ends_early() && !self.report.is_stopped() {
            part.name = "pairs".to_owned();
            part.sampled = Some((covered.tried, covered.there));
        }
        self.end(part);
    }

    /// The random faults of each seed.
    fn seeds(&mut self, name: String, seeds: RangeInclusive<u64>) {
        let runs = (seeds.end() - seeds.start()).saturating_add(1);
        let mut part = self.begin(PartKind::Seeds, name, Some(runs));
        if self.exploration.over_budget.is_none_or(|Share(share)| share == 0.0) {
            note_never_ended(self.report, self.exploration.start.survey());
        }
        for seed in seeds {
            let over_budget = self.exploration.over_budget.is_some_and(|share| share.has(seed));
            if self.offer(&mut part, Case::Seed { seed, over_budget }).is_break() {
                break;
            }
        }
        self.end(part);
    }

    /// One plan, strictly: the run must come to each of its points.
    fn replay(&mut self, plan: Plan) -> Result<(), RunError> {
        let finished = self.run_strictly(&plan)?;
        let mut part = self.begin(PartKind::Plan, "the plan".to_owned(), Some(1));
        self.take_run(&mut part, finished, plan);
        self.report.coverage = Coverage::default();
        self.end(part);
        Ok(())
    }

    /// A run of the plan. An error, unless the run comes to all its points, or cannot be finished.
    fn run_strictly(&self, plan: &Plan) -> Result<Finished, RunError> {
        let finished = self.exploration.start.run(plan);
        match finished.run.plan_error() {
            Some(error) if finished.error.is_none() => Err(error),
            _ => Ok(finished),
        }
    }

    fn begin(&self, kind: PartKind, name: String, runs: Option<u64>) -> Ongoing {
        Ongoing::new(&self.report.name, kind, name, runs)
    }

    /// Takes a run to be made, and makes those that have gathered once they are enough. Breaks when no more are wanted.
    fn offer(&mut self, part: &mut Ongoing, case: Case) -> ControlFlow<()> {
        if self.stops() {
            return ControlFlow::Break(());
        }
        if self.shard.has(part.offered) {
            part.given += 1;
            if part.ends_early() {
                return ControlFlow::Break(());
            }
            part.waiting.push(case);
        }
        part.offered += 1;
        if part.waiting.len() >= self.pool.batch() {
            self.make(part, whole_blocks(part.waiting.len()));
        }
        if self.report.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Makes so many of the runs that wait.
    fn make(&mut self, part: &mut Ongoing, count: usize) {
        let cases: Vec<Case> = part.waiting.drain(..count).collect();
        if cases.is_empty() || part.ends_early() || self.stops() {
            return;
        }
        let accepted = std::mem::take(&mut self.report.accepted);
        let blocks = self.pool.run(&self.exploration.start, self.judges, cases, self.care(part, &accepted));
        self.report.accepted = accepted;
        for block in blocks {
            if block.stopped {
                self.stops();
            }
            // Blocks that were made at the same time do not count: how many there are depends on the threads.
            if !part.ends_early() {
                self.take(part, block);
            }
        }
        part.show_progress();
    }

    fn end(&mut self, mut part: Ongoing) {
        let rest = part.waiting.len();
        self.make(&mut part, rest);
        self.repeat(&mut part);
        self.report.parts.push(part.end());
    }

    /// Says how much of a block of runs is kept: as many failures as are explained, since all might be new.
    fn care<'b>(&self, part: &Ongoing, accepted: &'b [Accepted]) -> Care<'b> {
        let repeats = self.exploration.deterministic;
        let passed = if repeats { REPEATED - part.sample.len() } else { 0 };
        Care { repeats, broken: EXPLAINED, passed, accepted, until: self.until }
    }

    /// Judges and counts a single run.
    fn take_run(&mut self, part: &mut Ongoing, finished: Finished, plan: Plan) {
        let mut block = Block::default();
        // A plan that was asked for by itself shows what it shows.
        block.take(&self.exploration.start, self.judges, finished, plan, self.care(part, &[]));
        self.take(part, block);
    }

    /// Counts a block of runs, explains those of its failures that are new, and repeats some of the runs that passed.
    fn take(&mut self, part: &mut Ongoing, block: Block) {
        let before = part.tally.runs;
        part.tally.add(block.tally);
        part.failing.add(block.failing);
        self.report.coverage.add(block.coverage);
        for accepted in &mut self.report.accepted {
            accepted.runs += block.accepted.get(&accepted.line).copied().unwrap_or_default();
        }
        let mut broken = block.broken.into_iter().peekable();
        let mut passed = block.passed.into_iter().peekable();
        // In the order of the runs.
        loop {
            let next_passed = passed.peek().map_or(u64::MAX, |passed| passed.run);
            if let Some(broken) = broken.next_if(|broken| broken.run < next_passed) {
                self.take_broken(part, broken, before);
            } else if let Some(passed) = passed.next() {
                Sweep::take_passed(part, passed, before);
            } else {
                break;
            }
        }
    }

    /// Explains a failure, if it is new. Code that goes another way each time has no smallest plan: then that is the failure,
    /// and not what it led to.
    fn take_broken(&mut self, part: &mut Ongoing, broken: Broken, before: u64) {
        let Broken { run, finding, once } = broken;
        if !self.is_new(&finding) {
            return;
        }
        let is_known = finding.cause == Cause::NotDeterministic || !self.exploration.deterministic;
        let other = if is_known { None } else { once.differs_on_another_thread(&self.exploration.start) };
        if let Some(other) = &other {
            part.tally.note_violation(&other.check);
        }
        self.report_failure(once, other.unwrap_or(finding), before + run);
    }

    /// Keeps a run that passed, to be repeated when the part ends, if not enough of them have been.
    fn take_passed(part: &mut Ongoing, mut passed: Passed, before: u64) {
        if part.sample.len() < REPEATED {
            passed.run += before;
            part.sample.push(passed);
        }
    }

    /// Repeats the sample of a part on another thread, the last of its runs first.
    fn repeat(&mut self, part: &mut Ongoing) {
        let sample = std::mem::take(&mut part.sample);
        if self.report.interrupted {
            return;
        }
        let start = &self.exploration.start;
        let found = differ_in_another_order(sample.iter().map(|passed| &passed.once), start);
        if found.iter().any(Option::is_some) {
            self.reference_again();
        }
        for (Passed { run, class, once }, finding) in sample.into_iter().zip(found) {
            if let Some(finding) = finding {
                part.tally.fails_after_all(&once.trace, class, &finding.check);
                self.report_failure(once, finding, run);
            }
        }
    }

    /// Makes the run without faults once more: what runs with faults have left outside of the run shows in it.
    fn reference_again(&mut self) {
        if !self.exploration.deterministic || self.report.interrupted {
            return;
        }
        let Some(once) = self.reference.take() else { return };
        if let Some(finding) = once.differs_after_faults(&self.exploration.start) {
            if let Some(Part { tally, .. }) = self.report.parts.first_mut() {
                (tally.survive, tally.failed) = (0, 1);
                tally.note_violation(&finding.check);
            }
            self.report_failure(once, finding, 1);
        }
    }

    fn is_new(&self, finding: &Finding) -> bool {
        let failures = &self.report.failures;
        failures.len() < EXPLAINED && !failures.iter().any(|failed| failed.finding.is_same(finding))
    }

    /// Explains a failure, which takes runs of its own, if it is new.
    fn report_failure(&mut self, once: Once, finding: Finding, run: u64) {
        if self.is_new(&finding) {
            let failed = explain(&self.exploration.start, self.report, self.judges, once, finding, run);
            self.report.failures.push(failed);
        }
    }
}
