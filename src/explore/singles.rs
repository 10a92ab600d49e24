//! [`Singles`]: every fault at every point of a run, or as many as the length of the run allows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::points::{Points, TriedPoint};
use crate::fault::Entry;
use crate::fault::family::Family;
use crate::world::Run;

/// Trace events that the runs of all single faults may have together, if each is as long as the run without faults. An
/// attempt of 20,000 steps has some 100,000.
const EVENTS: u64 = 50_000_000;

/// Single faults at the points of a run.
#[derive(Debug)]
pub(super) struct Singles {
    /// Crashes come first, then failing code, then the rest, each in the order of the run: the first plan that shows a bug
    /// is the one that is explained, and everybody understands a crash.
    pub(super) entries: Vec<Entry>,
    /// Points that are tried, of so many there are.
    pub(super) tried: u64,
    pub(super) points: u64,
    /// If there are fewer because a run is long: its events.
    pub(super) long: Option<u64>,
}

impl Singles {
    /// Reads them from a run's trace.
    pub(super) fn of(run: &Run) -> Singles {
        Singles::within(run, EVENTS)
    }

    fn within(run: &Run, events: u64) -> Singles {
        let points = Points::of(run);
        let count = points.count;
        let each = run.trace().events().len() as u64;
        let sampled = points.tried.len();
        let tried = affordable(points.tried, events / each.max(1));
        let long = (tried.len() < sampled).then_some(each);
        let mut families: BTreeMap<Family, Vec<Entry>> = BTreeMap::new();
        for TriedPoint { point, faults, .. } in &tried {
            for fault in faults {
                families.entry(fault.family()).or_default().push(Entry::new(point.clone(), *fault));
            }
        }
        Singles { entries: families.into_values().flatten().collect(), tried: tried.len() as u64, points: count, long }
    }
}

/// All points, if their faults are no more than so many runs. Else as many as possible of each kind of site of an activity or
/// workflow, evenly chosen, and at least one.
fn affordable(tried: Vec<TriedPoint>, runs: u64) -> Vec<TriedPoint> {
    let cost = |chosen: &BTreeSet<usize>| chosen.iter().map(|index| tried[*index].faults.len() as u64).sum::<u64>();
    let mut kinds: BTreeMap<(Arc<str>, u8), Vec<usize>> = BTreeMap::new();
    for (index, TriedPoint { point, .. }) in tried.iter().enumerate() {
        kinds.entry((point.name.clone(), point.site.kind())).or_default().push(index);
    }
    let choose = |most: usize| -> BTreeSet<usize> {
        kinds.values().flat_map(|indexes| evenly(indexes.len(), most).map(|index| indexes[index])).collect()
    };
    let all = kinds.values().map(Vec::len).max().unwrap_or(0);
    let sizes: Vec<usize> = (2..=all).collect();
    let most = sizes.partition_point(|most| cost(&choose(*most)) <= runs) + 1;
    let chosen = choose(most);
    let is_chosen = |(index, point): (usize, TriedPoint)| chosen.contains(&index).then_some(point);
    tried.into_iter().enumerate().filter_map(is_chosen).collect()
}

/// At most so many of the indexes below `count`: the first, the last, and an even choice between.
pub(super) fn evenly(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let kept = count.min(most);
    (0..kept).map(move |index| if kept == 1 { 0 } else { index * (count - 1) / (kept - 1) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Simulation, WorkflowContext, WorkflowError};

    fn naps(count: u32) -> Run {
        let naps = async |ctx: &WorkflowContext, count: u32| -> Result<(), WorkflowError> {
            for _ in 0..count {
                ctx.sleep(Duration::from_secs(1)).await?;
            }
            Ok(())
        };
        Simulation::temporal().workflow("naps", naps).run("naps", &count).unwrap()
    }

    #[test]
    fn all_points_are_tried_where_their_runs_are_short() {
        let run = naps(20);
        let (all, events) = (Singles::of(&run), run.trace().events().len() as u64);
        assert_eq!((all.tried, all.points, all.long), (41, 41, None));
        let exactly = Singles::within(&run, all.entries.len() as u64 * events);
        assert_eq!((exactly.entries.len(), exactly.long), (all.entries.len(), None));
    }

    #[test]
    fn fewer_points_are_tried_where_each_run_is_long_and_all_kinds_of_them() {
        let run = naps(20);
        let (all, events) = (Singles::of(&run), run.trace().events().len() as u64);
        let runs = all.entries.len() as u64 / 4;
        let fewer = Singles::within(&run, runs * events);
        assert!(fewer.entries.len() as u64 <= runs && fewer.entries.len() as u64 * 2 > runs, "{fewer:?}");
        assert_eq!((fewer.points, fewer.long), (41, Some(events)));
        let sites: Vec<String> = fewer.entries.iter().map(|entry| entry.point.site.to_string()).collect();
        for site in ["task1", "task21", "timer1", "timer20"] {
            assert!(sites.iter().any(|tried| tried == site), "{site}: {sites:?}");
        }
    }

    #[test]
    fn one_point_of_each_kind_is_tried_whatever_it_costs() {
        let one = Singles::within(&naps(20), 1);
        assert_eq!((one.tried, one.points), (2, 41));
    }

    #[test]
    fn a_choice_has_the_first_and_the_last() {
        assert_eq!(evenly(10, 4).collect::<Vec<_>>(), [0, 3, 6, 9]);
        assert_eq!(evenly(3, 4).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(evenly(9, 1).collect::<Vec<_>>(), [0]);
        assert_eq!(evenly(0, 5).collect::<Vec<_>>(), [] as [usize; 0]);
    }
}
