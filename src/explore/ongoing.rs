//! [`Ongoing`]: a part of an exploration while its runs are made.

use std::time::Instant;

use super::enough::Failing;
use super::pool::{Case, Passed};
use super::progress::Progress;
use super::report::{EndedEarly, Part, PartKind};
use super::tally::Tally;

/// A part of an exploration that goes on.
pub(super) struct Ongoing {
    kind: PartKind,
    pub(super) name: String,
    pub(super) tally: Tally,
    /// The points or pairs that are tried, and those that there are, if not all are tried.
    pub(super) sampled: Option<(u64, u64)>,
    /// If fewer points are tried because a run is long: its events.
    pub(super) long: Option<u64>,
    /// If its runs are those of seeds: the first and the last of them.
    pub(super) seeds: Option<(u64, u64)>,
    /// Orders that no server could give.
    pub(super) impossible: u64,
    /// If there is no order to try: the things that workflows observe, in words.
    pub(super) observed: Option<String>,
    pub(super) failing: Failing,
    started: Instant,
    progress: Progress,
    /// Runs there were, those of other shards included.
    pub(super) offered: u64,
    /// Runs there were of this shard.
    pub(super) given: u64,
    /// Those to be made next.
    pub(super) waiting: Vec<Case>,
    /// Some that passed, to be repeated.
    pub(super) sample: Vec<Passed>,
}

impl Ongoing {
    pub(super) fn new(exploration: &str, kind: PartKind, name: String, runs: Option<u64>) -> Ongoing {
        Ongoing {
            kind,
            tally: Tally::default(),
            sampled: None,
            long: None,
            seeds: None,
            impossible: 0,
            observed: None,
            failing: Failing::default(),
            started: Instant::now(),
            progress: Progress::new(format!("{exploration}: {name}"), runs),
            offered: 0,
            given: 0,
            waiting: Vec::new(),
            sample: Vec::new(),
            name,
        }
    }

    /// Says whether enough of its runs have failed in the same way.
    pub(super) fn ends_early(&self) -> bool {
        self.failing.enough().is_some()
    }

    pub(super) fn show_progress(&mut self) {
        self.progress.at(self.offered, self.tally.failed);
    }

    pub(super) fn end(self) -> Part {
        let Ongoing { kind, name, tally, sampled, long, seeds, impossible, observed, failing, started, given, .. } =
            self;
        // Where no run was left out, so many failures are not worth a word.
        let enough = failing.enough().filter(|_| given > tally.runs + impossible);
        let ended_early = enough.map(|(check, runs)| EndedEarly { check: check.to_owned(), runs });
        let elapsed = started.elapsed();
        Part { name, tally, sampled, long, seeds, impossible, observed, ended_early, elapsed, kind }
    }
}
