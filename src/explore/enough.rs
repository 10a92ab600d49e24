//! [`Failing`]: how often the runs of a part have failed in the same way, and when that is enough.
//!
//! A failure is shrunk and explained once, so what further runs of its kind add is their number. Each of them is made twice,
//! to see that it repeats, and the ones that fail are often the longest.

use super::finding::{Cause, Finding};

/// A part ends when so many runs have failed in the same way.
const MANY: u64 = 1_000;

/// A part ends when at least this many runs have failed in the same way and were long.
const FEW: u64 = 10;

/// The events which that few runs have to have together.
const EVENTS: u64 = 5_000_000;

/// The runs that have failed, counted by cause.
#[derive(Debug, Default)]
pub(super) struct Failing {
    causes: Vec<Count>,
}

/// The runs that have failed by one cause.
#[derive(Debug)]
struct Count {
    cause: Cause,
    check: String,
    runs: u64,
    /// The events of these runs together, which is what they cost.
    events: u64,
}

impl Failing {
    /// Counts a run of so many events in which this was found.
    pub(super) fn note(&mut self, finding: &Finding, events: u64) {
        self.count(Count { cause: finding.cause.clone(), check: finding.check.clone(), runs: 1, events });
    }

    /// Adds the counts of further runs.
    pub(super) fn add(&mut self, more: Failing) {
        more.causes.into_iter().for_each(|count| self.count(count));
    }

    fn count(&mut self, more: Count) {
        match self.causes.iter_mut().find(|known| known.cause == more.cause) {
            Some(known) => {
                known.runs += more.runs;
                known.events += more.events;
            }
            None => self.causes.push(more),
        }
    }

    /// The check that has failed often enough in the same way, and how often. `None` if none has.
    pub(super) fn enough(&self) -> Option<(&str, u64)> {
        let is_enough = |count: &&Count| count.runs >= MANY || count.runs >= FEW && count.events >= EVENTS;
        self.causes.iter().find(is_enough).map(|count| (count.check.as_str(), count.runs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Violation;

    fn failing(runs: u64, events: u64) -> Failing {
        let mut failing = Failing::default();
        let finding = Finding::not_deterministic(Violation::new("rule", "it differs"), None);
        (0..runs).for_each(|_| failing.note(&finding, events));
        failing
    }

    #[test]
    fn many_short_runs_or_few_long_ones_are_enough() {
        assert_eq!(failing(MANY - 1, 100).enough(), None);
        assert_eq!(failing(MANY, 100).enough(), Some(("deterministic", MANY)));
        assert_eq!(failing(FEW - 1, EVENTS).enough(), None);
        assert_eq!(failing(FEW, EVENTS / FEW).enough(), Some(("deterministic", FEW)));
    }

    #[test]
    fn the_counts_of_blocks_add_up() {
        let mut failing_runs = failing(600, 1);
        failing_runs.add(failing(500, 1));
        assert_eq!(failing_runs.enough(), Some(("deterministic", 1_100)));
    }
}
