//! [`Ongoing`]: a part of an exploration while its runs are made.

use std::time::Instant;

use super::pool::Case;
use super::progress::Progress;
use super::report::{Part, PartKind};
use super::tally::Tally;

/// A part of an exploration that goes on.
pub(super) struct Ongoing {
    kind: PartKind,
    pub(super) name: String,
    pub(super) tally: Tally,
    /// How many points or pairs are tried, of how many, if not all are.
    pub(super) sampled: Option<(u64, u64)>,
    started: Instant,
    progress: Progress,
    /// Runs there were, those of other shards included.
    pub(super) offered: u64,
    /// Those to be made next.
    pub(super) waiting: Vec<Case>,
}

impl Ongoing {
    pub(super) fn new(exploration: &str, kind: PartKind, name: String, runs: Option<u64>) -> Ongoing {
        Ongoing {
            kind,
            tally: Tally::default(),
            sampled: None,
            started: Instant::now(),
            progress: Progress::new(format!("{exploration}: {name}"), runs),
            offered: 0,
            waiting: Vec::new(),
            name,
        }
    }

    pub(super) fn show_progress(&mut self) {
        self.progress.at(self.offered, self.tally.failed);
    }

    pub(super) fn end(self) -> Part {
        let Ongoing { kind, name, tally, sampled, started, .. } = self;
        Part { name, tally, sampled, elapsed: started.elapsed(), kind }
    }
}
