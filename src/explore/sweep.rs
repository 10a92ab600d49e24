//! [`Sweep`]: the runs of an exploration, part by part.

use std::ops::{ControlFlow, Range, RangeInclusive};
use std::time::Instant;

use super::accepted::Accepted;
use super::coverage::Coverage;
use super::depth::Depth;
use super::finding::{Judge, findings};
use super::ongoing::Ongoing;
use super::orders::{Orders, at_dispatch};
use super::points::Points;
use super::pool::{Care, Case, Pool, whole_blocks};
use super::repeat::{Once, REPEATED};
use super::report::{PartKind, Report};
use super::restricted::note_never_ended;
use super::shard::Shard;
use super::share::Share;
use super::singles::Singles;
use super::thread::on_fresh;
use super::{Exploration, pairs};
use crate::fault::{Entry, Plan};
use crate::world::Run;
use crate::world::interrupt::Exploring;

/// Pairs that are tried unless [`Exploration::budget`] says otherwise.
const PAIRS: u64 = 20_000;

/// Where runs are long there are fewer pairs: so many that their runs have this many events together, ..
const PAIR_EVENTS: u64 = 200_000_000;

/// .. though at least this many.
const LEAST_PAIRS: u64 = 500;

/// Distinct failures that are shrunk and explained; further ones are only counted.
pub(super) const EXPLAINED: usize = 3;

/// An exploration that goes on.
pub(super) struct Sweep<'a> {
    pub(super) exploration: &'a Exploration,
    pub(super) judges: &'a [Judge],
    pub(super) report: &'a mut Report,
    pub(super) pool: Pool,
    pub(super) shard: Shard,
    /// The run without faults as it went at first, until it is made again.
    pub(super) reference: Option<Once>,
    pub(super) depth: Depth,
    /// From then on no further run is made.
    pub(super) until: Option<Instant>,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(exploration: &'a Exploration, judges: &'a [Judge], report: &'a mut Report) -> Sweep<'a> {
        let pool = Pool::new(exploration.threads);
        let (shard, depth, until) = (Shard::WHOLE, Depth::default(), None);
        let reference = None;
        Sweep { exploration, judges, report, pool, shard, reference, depth, until }
    }

    /// Says whether no more runs are to be made: after Ctrl-C, or once the time is over.
    pub(super) fn stops(&mut self) -> bool {
        self.report.interrupted |= Exploring::is_interrupted();
        self.report.out_of_time |= self.until.is_some_and(|until| Instant::now() >= until);
        self.report.is_stopped()
    }

    /// The ranges of seeds to be tried.
    pub(super) fn ranges(&self) -> Vec<Range<u64>> {
        match &self.depth.seeds {
            Some(seeds) if self.exploration.has_seeds() => vec![seeds.clone()],
            _ => self.exploration.seeds.clone(),
        }
    }

    /// Every part that is asked for. Ctrl-C ends the part that goes on, and with it the exploration; so does the time limit.
    pub(super) fn everything(&mut self, reference: &Run) {
        // Plans that failed once are not meant to cover anything.
        self.report.coverage = Coverage::default();
        if self.exploration.strikes_points() {
            self.report.coverage.look(&Points::of(reference));
        }
        if self.exploration.every_fault && !self.stops() {
            self.singles(reference);
        }
        if self.exploration.every_order && !self.stops() {
            self.orders(reference);
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

    /// Every fault at every point of the run without faults.
    pub(super) fn singles(&mut self, reference: &Run) {
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

    /// Every order of what workflows observe: first those of things that come anyway, then those of races that are lost.
    pub(super) fn orders(&mut self, reference: &Run) {
        let Orders { swaps, races, there, observed } = Orders::of(reference);
        let (all, events) = ((swaps.len() + races.len()) as u64, reference.trace().events().len() as u64);
        let parts = [(PartKind::Orders, "every order", swaps), (PartKind::Races, "lost races", races)];
        for (kind, name, entries) in parts {
            // Where there is nothing to change one line says so.
            if entries.is_empty() && (kind == PartKind::Races || all > 0) || self.stops() {
                continue;
            }
            let mut part = self.begin(kind, name.to_owned(), Some(entries.len() as u64));
            if let Some(there) = there {
                (part.sampled, part.long) = (Some((all, there)), Some(events));
            }
            part.observed = entries.is_empty().then(|| observed.clone());
            for entry in entries {
                if self.offer(&mut part, Case::Order(Plan::new(vec![entry]))).is_break() {
                    break;
                }
            }
            self.end(part);
        }
    }

    /// The orders that a server could give, as single faults.
    fn possible_orders(&self, reference: &Run) -> Vec<Entry> {
        let start = &self.exploration.start;
        let is_possible = |entry: &Entry| {
            let plan = Plan::new(vec![entry.clone()]);
            on_fresh(|| start.run(&plan).run.not_fired().is_empty())
        };
        let Orders { swaps, races, .. } = Orders::of(reference);
        let orders = swaps.into_iter().chain(races).filter_map(|entry| {
            let instead = at_dispatch(&entry);
            std::iter::once(entry).chain(instead).find(is_possible)
        });
        orders.collect()
    }

    /// Pairs of faults, by novelty.
    pub(super) fn pairs(&mut self, reference: &Run) {
        let mut part = self.begin(PartKind::Pairs, "every pair".to_owned(), None);
        let (exploration, judges) = (self.exploration, self.judges);
        let (mut known, mut there) = (Coverage::default(), Coverage::default());
        // A fault that fails by itself is a failure of `singles`: no pair begins with it.
        let usual = exploration.start.survey().lengths();
        let first = |entry: &Entry| {
            let plan = Plan::new(vec![entry.clone()]);
            on_fresh(|| {
                let finished = exploration.start.run(&plan);
                // Otherwise `singles` has done so.
                if !exploration.every_fault && known.is_new(&entry.point, entry.fault) {
                    there.look(&Points::of(&finished.run));
                }
                findings(&finished, judges).is_empty().then(|| pairs::seconds(&finished.run, usual, entry))
            })
        };
        let affordable = PAIR_EVENTS / (reference.trace().events().len() as u64).max(1);
        let budget = self.depth.pairs.or(exploration.budget).unwrap_or(PAIRS.min(affordable.max(LEAST_PAIRS)));
        let mut firsts = Singles::of(reference).entries;
        if exploration.every_order {
            firsts.extend(self.possible_orders(reference));
        }
        let covered = pairs::visit(&firsts, budget, first, |plan| {
            let is_order = plan.entries.iter().any(|entry| entry.fault.waits_for().is_some());
            self.offer(&mut part, if is_order { Case::Order(plan) } else { Case::Plan(plan) })
        });
        self.report.coverage.add(there);
        // A part that ends early does not know how many there are.
        if covered.tried < covered.there && !part.ends_early() && !self.report.is_stopped() {
            part.name = "pairs".to_owned();
            part.sampled = Some((covered.tried, covered.there));
        }
        self.end(part);
    }

    /// The random faults of each seed.
    pub(super) fn seeds(&mut self, name: String, seeds: RangeInclusive<u64>) {
        let runs = (seeds.end() - seeds.start()).saturating_add(1);
        let mut part = self.begin(PartKind::Seeds, name, Some(runs));
        part.seeds = Some((*seeds.start(), *seeds.end()));
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

    pub(super) fn begin(&self, kind: PartKind, name: String, runs: Option<u64>) -> Ongoing {
        Ongoing::new(&self.report.name, kind, name, runs)
    }

    /// Takes a run to be made, and makes those that have gathered once they are enough. Breaks when no more are wanted.
    pub(super) fn offer(&mut self, part: &mut Ongoing, case: Case) -> ControlFlow<()> {
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
    pub(super) fn make(&mut self, part: &mut Ongoing, count: usize) {
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

    pub(super) fn end(&mut self, mut part: Ongoing) {
        let rest = part.waiting.len();
        self.make(&mut part, rest);
        self.repeat(&mut part);
        self.report.parts.push(part.end());
    }

    /// Says how much of a block of runs is kept: as many failures as are explained, since all might be new.
    pub(super) fn care<'b>(&self, part: &Ongoing, accepted: &'b [Accepted]) -> Care<'b> {
        let repeats = self.exploration.deterministic;
        let passed = if repeats { REPEATED - part.sample.len() } else { 0 };
        Care { repeats, broken: EXPLAINED, passed, accepted, until: self.until }
    }
}
