//! [`Pool`]: makes the runs of a sweep on all cores.
//!
//! The result does not depend on the number of threads: runs are made in blocks of a fixed size, and the findings of the blocks
//! are taken in their order.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::time::Instant;

use super::accepted::Accepted;
use super::coverage::Coverage;
use super::enough::Failing;
use super::finding::{Finding, Judge, class, findings};
use super::orders::at_dispatch;
use super::points::Points;
use super::repeat::{Once, differs_at_once};
use super::tally::Tally;
use super::thread::{another, on_fresh};
use crate::check::{Class, OtherOrder};
use crate::fault::{Order, Plan};
use crate::program::panics;
use crate::world::interrupt::Exploring;
use crate::world::start::Start;
use crate::world::{Finished, Run};

/// Runs that one thread makes at a stretch.
const BLOCK: usize = 64;

/// As many of so many cases as fill whole blocks. A part may end with any block, so that where a block begins must not
/// depend on how many cases are handed out at once, which changes with the explorations that go on at the same time.
pub(super) fn whole_blocks(cases: usize) -> usize {
    cases / BLOCK * BLOCK
}

/// Blocks for each thread that are handed out at once, at most. The first time it is one, then twice as many each time: where
/// runs are slow, it is soon seen how far the sweep is.
const BLOCKS: usize = 16;

/// The most threads: more would only make the blocks that are handed out at once many.
const THREADS: usize = 1_024;

/// A run to be made.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Case {
    Plan(Plan),
    /// A plan whose run is looked at for what else could strike in it.
    Novel(Plan),
    /// A plan that changes an order. Where no server could give that, it is no run.
    Order(Plan),
    /// The random faults of a seed, which may or may not end more attempts than the retry policy allows.
    Seed {
        seed: u64,
        over_budget: bool,
    },
}

impl Case {
    fn run(self, start: &Start) -> (Finished, Plan) {
        match self {
            Case::Plan(plan) | Case::Novel(plan) | Case::Order(plan) => (start.run(&plan), plan),
            Case::Seed { seed, over_budget } => {
                let finished = start.run_swarm(seed, order(seed), over_budget);
                let plan = finished.run.plan();
                (finished, plan)
            }
        }
    }
}

/// The order of ready tasks in the run of a seed: drawn for every odd one, and for one in eight by priorities.
fn order(seed: u64) -> Order {
    match seed % 8 {
        7 => Order::Pct(DEPTH),
        1 | 3 | 5 => Order::Random,
        _ => Order::Fifo,
    }
}

/// Most bugs of order need no more constraints between two tasks.
const DEPTH: u32 = 3;

/// Something a run was found to violate.
pub(super) struct Broken {
    /// Which run of its block, from 1.
    pub(super) run: u64,
    pub(super) finding: Finding,
    pub(super) once: Once,
}

/// A run that violates nothing, to be compared with a repeat of it.
pub(super) struct Passed {
    /// Which run of its block, from 1.
    pub(super) run: u64,
    pub(super) class: Option<Class>,
    pub(super) once: Once,
}

/// The results of the runs of a block.
#[derive(Default)]
pub(super) struct Block {
    pub(super) tally: Tally,
    pub(super) coverage: Coverage,
    /// Orders that no server could give.
    pub(super) impossible: u64,
    pub(super) failing: Failing,
    /// The first run of each distinct failure, at most as many as asked for.
    pub(super) broken: Vec<Broken>,
    /// The first that passed, at most as many as asked for.
    pub(super) passed: Vec<Passed>,
    /// By the line of an accepted failure, the runs in which it was found.
    pub(super) accepted: BTreeMap<usize, u64>,
    /// Not all of its runs were made, since no more are wanted.
    pub(super) stopped: bool,
}

/// The settings for the runs of a block.
#[derive(Clone, Copy)]
pub(super) struct Care<'a> {
    /// Those that fail are made again.
    pub(super) repeats: bool,
    /// So many distinct failures are kept.
    pub(super) broken: usize,
    /// So many runs that pass are kept.
    pub(super) passed: usize,
    /// Failures that are known.
    pub(super) accepted: &'a [Accepted],
    /// From then on no further run is made.
    pub(super) until: Option<Instant>,
}

impl Care<'_> {
    fn stops(&self) -> bool {
        Exploring::is_interrupted() || self.until.is_some_and(|until| Instant::now() >= until)
    }
}

impl Block {
    fn run(start: &Start, judges: &[Judge], cases: Vec<Case>, care: Care<'_>) -> Block {
        let mut block = Block::default();
        for case in cases {
            if care.stops() {
                block.stopped = true;
                break;
            }
            let mut next = Some(case);
            while let Some(case) = next {
                next = on_fresh(|| block.make(start, judges, case, care));
            }
            // The part ends with this block: what follows is not counted.
            if block.failing.enough().is_some() {
                break;
            }
        }
        block
    }

    /// Makes a run. Gives the one to be made in its place, if its order is impossible and another may do.
    fn make(&mut self, start: &Start, judges: &[Judge], case: Case, care: Care<'_>) -> Option<Case> {
        let (is_novel, is_order) = (matches!(case, Case::Novel(_)), matches!(case, Case::Order(_)));
        let (finished, plan) = case.run(start);
        if is_order && !finished.run.not_fired().is_empty() {
            let instead = instead(&plan);
            self.impossible += u64::from(instead.is_none());
            return instead.map(Case::Order);
        }
        if is_novel {
            self.coverage.look(&Points::of(&finished.run));
        }
        self.take(start, judges, finished, plan, care);
        None
    }

    /// Judges and counts a run. If it fails and goes another way when it is made again, that is the failure.
    pub(super) fn take(&mut self, start: &Start, judges: &[Judge], finished: Finished, plan: Plan, care: Care<'_>) {
        // Afterwards the run has no state any more.
        self.note_judged(&finished, judges);
        let mut findings = findings(&finished, judges);
        if care.repeats
            && (!findings.is_empty() || finished.run.has_raced())
            && let Some(other) = differs_at_once(&finished.run, &plan, start)
        {
            findings = vec![other];
        }
        let found = findings.len();
        findings.retain(|finding| !self.accept(finding, care.accepted));
        let is_accepted = findings.is_empty() && found > 0;
        let class = if found == 0 { class(&finished.run, judges) } else { None };
        self.tally.count(&finished.run, class);
        self.note_no_effect(&finished.run, class, judges);
        self.note_other_branch(&finished.run, class, judges);
        if is_accepted {
            return self.tally.accept();
        }
        self.coverage.count(&finished.run);
        let run = self.tally.runs;
        if findings.is_empty() && self.passed.len() < care.passed {
            self.passed.push(Passed { run, class, once: Once::new(&finished.run, plan) });
            return;
        }
        for finding in findings {
            self.tally.note_violation(&finding.check);
            self.failing.note(&finding, finished.run.trace().events().len() as u64);
            let known = self.broken.iter().any(|broken| broken.finding.is_same(&finding));
            if !known && self.broken.len() < care.broken {
                self.broken.push(Broken { run, finding, once: Once::new(&finished.run, plan.clone()) });
            }
        }
    }
}

impl Block {
    /// Says whether this failure is accepted, and counts the run for the entry that does so.
    fn accept(&mut self, finding: &Finding, accepted: &[Accepted]) -> bool {
        let covers = accepted.iter().find(|accepted| accepted.covers(finding));
        if let Some(accepted) = covers {
            *self.accepted.entry(accepted.line).or_default() += 1;
        }
        covers.is_some()
    }

    /// Counts the checks that have something to judge in a run.
    fn note_judged(&mut self, finished: &Finished, judges: &[Judge]) {
        if finished.error.is_some() {
            return;
        }
        // Several checks may have one name.
        let mut noted: Vec<(&str, bool)> = Vec::with_capacity(judges.len());
        for Judge { check, shows_nothing, reference } in judges {
            // One that panics has failed already.
            let has_something =
                panics::catch(|| check.has_something(&finished.run, reference)).unwrap_or(!check.is_sometimes());
            match noted.iter_mut().find(|(name, _)| *name == check.name()) {
                Some((_, known)) => *known |= has_something,
                None if has_something || *shows_nothing || check.is_sometimes() => {
                    noted.push((check.name(), has_something))
                }
                None => {}
            }
        }
        for (name, has_something) in noted {
            self.tally.note_judged(name, has_something);
        }
    }

    /// Counts a run of this class whose workflows took another branch.
    fn note_other_branch(&mut self, run: &Run, class: Option<Class>, judges: &[Judge]) {
        if class == Some(Class::Different)
            && judges.first().is_some_and(|judge| judge.reference.other_order(run) == Some(OtherOrder::OtherBranch))
        {
            self.tally.other_branch += 1;
        }
    }

    /// Counts a run of this class whose faults changed nothing.
    fn note_no_effect(&mut self, run: &Run, class: Option<Class>, judges: &[Judge]) {
        if class == Some(Class::Survive)
            && !run.trace().faults().is_empty()
            && judges.first().is_some_and(|judge| judge.reference.shows_no_effect(run))
        {
            self.tally.without_effect += 1;
        }
    }
}

/// The plan to try in place of one whose order is impossible.
fn instead(plan: &Plan) -> Option<Plan> {
    let mut instead = plan.clone();
    let (held, entry) = instead.entries.iter_mut().find_map(|entry| at_dispatch(entry).map(|at| (entry, at)))?;
    *held = entry;
    Some(instead)
}

/// Makes runs on as many threads as it may.
pub(super) struct Pool {
    /// Zero: as many as there are cores, which explorations that go on at the same time share.
    threads: usize,
    /// For each thread, the next time.
    blocks: Cell<usize>,
}

impl Pool {
    pub(super) fn new(threads: usize) -> Pool {
        Pool { threads, blocks: Cell::new(1) }
    }

    fn size(&self) -> usize {
        match self.threads {
            0 => {
                let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
                (cores / Exploring::count().max(1)).max(1)
            }
            threads => threads.min(THREADS),
        }
    }

    /// The number of cases that are best handed to [`run`](Pool::run) at once.
    pub(super) fn batch(&self) -> usize {
        self.size() * self.blocks.get() * BLOCK
    }

    /// Makes these runs, and says block by block what came of them, in order.
    pub(super) fn run(&self, start: &Start, judges: &[Judge], cases: Vec<Case>, care: Care<'_>) -> Vec<Block> {
        let mut blocks: Vec<(Vec<Case>, Block)> = Vec::with_capacity(cases.len().div_ceil(BLOCK));
        for case in cases {
            match blocks.last_mut() {
                Some((cases, _)) if cases.len() < BLOCK => cases.push(case),
                _ => blocks.push((vec![case], Block::default())),
            }
        }
        self.blocks.set((self.blocks.get() * 2).min(BLOCKS));
        let threads = self.size().min(blocks.len());
        let left = Mutex::new(blocks.iter_mut());
        together(threads, &|| {
            // Nothing panics while it is locked.
            while let Some((cases, block)) = left.lock().ok().and_then(|mut left| left.next()) {
                *block = Block::run(start, judges, std::mem::take(cases), care);
            }
        });
        blocks.into_iter().map(|(_, block)| block).collect()
    }
}

/// Does this on so many threads at once, of which this is one, or on as many as can be had. The others are started from it:
/// what user code prints is then captured with the test's output.
fn together(threads: usize, work: &(dyn Fn() + Sync)) {
    std::thread::scope(|scope| {
        let mut others = Vec::new();
        while others.len() + 1 < threads
            && let Some(other) = another(scope, work)
        {
            others.push(other);
        }
        work();
        for other in others {
            if let Err(panic) = other.join() {
                resume_unwind(panic);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_begin_where_the_ones_before_them_end() {
        assert_eq!([0, 1, 63, 64, 65, 200].map(whole_blocks), [0, 0, 0, 64, 64, 192]);
        // At least one block is handed out at once.
        assert!(whole_blocks(Pool::new(1).batch()) >= BLOCK);
    }
}
