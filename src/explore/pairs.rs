//! Pairs of faults: a first one, then a second one among the points that are there after it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::points::Points;
use crate::fault::menu::AttemptLengths;
use crate::fault::{Entry, Plan};
use crate::world::Run;

/// Kinds of site and fault, first and second.
type Class = (u8, usize, u8, usize);

/// The pairs of each class that a pass takes, after those of the passes before it. A budget that is used up early has then
/// seen something of every class.
const PASSES: [u64; 5] = [1, 8, 64, 512, u64::MAX];

/// The number of pairs that were tried, and of those that there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Covered {
    pub(super) tried: u64,
    pub(super) there: u64,
}

/// Visits pairs that begin with one of `firsts`, by novelty, at most `budget` of them. `first` runs a single fault and
/// gives the faults that fit after it, if they are worth trying; `pair` runs a pair, and says whether to go on.
///
/// Nothing is kept but counts: each pass finds the pairs anew, by running the first fault again.
pub(super) fn visit(
    firsts: &[Entry],
    budget: u64,
    mut first: impl FnMut(&Entry) -> Option<Vec<Entry>>,
    mut pair: impl FnMut(Plan) -> ControlFlow<()>,
) -> Covered {
    let mut covered = Covered::default();
    let mut taken_before = 0;
    for (pass, cap) in PASSES.into_iter().enumerate() {
        let mut seen: BTreeMap<Class, u64> = BTreeMap::new();
        let mut left_over = false;
        for entry in firsts {
            let Some(seconds) = first(entry) else { continue };
            for second in seconds {
                if pass == 0 {
                    covered.there += 1;
                }
                let class =
                    (entry.point.site.kind(), entry.fault.kind(), second.point.site.kind(), second.fault.kind());
                let count = seen.entry(class).or_default();
                *count += 1;
                if *count <= taken_before {
                    continue;
                }
                if *count > cap {
                    left_over = true;
                } else if covered.tried < budget {
                    covered.tried += 1;
                    if pair(Plan::new(vec![entry.clone(), second])).is_break() {
                        return covered;
                    }
                } else if pass > 0 {
                    return covered;
                }
            }
        }
        if !left_over || covered.tried >= budget {
            return covered;
        }
        taken_before = cap;
    }
    covered
}

/// The faults that fit after the first one has struck.
pub(super) fn seconds(run: &Run, usual: &AttemptLengths, first: &Entry) -> Vec<Entry> {
    let Some(struck) = run.executions().faults().values().next() else { return Vec::new() };
    let mut entries = Vec::new();
    for second in Points::drawn_out(run, usual).tried {
        if second.moment > *struck && second.point != first.point {
            entries.extend(second.faults.into_iter().map(|fault| Entry::new(second.point.clone(), fault)));
        }
    }
    entries
}
