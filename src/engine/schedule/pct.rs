//! [`Pct`]: priorities drawn from the run's seed, which change a few times.

use std::collections::{BTreeMap, VecDeque};

use super::Schedule;
use crate::engine::choice::{Draws, Stream};
use crate::engine::ready::TaskId;

/// Each task has a priority of its own, drawn when it is first ready, and the task of the highest runs next: one task may stay
/// behind all others for long, which a draw at each step hardly ever brings about. At `depth - 1` choices of the run, the task
/// that would run goes behind all others. An ordering bug that takes so many constraints between two tasks is found with a
/// probability that has a lower bound.
///
/// The length of a run is not known beforehand. So each seed draws the number of choices among which the priorities change.
///
/// Source of the idea: Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010.
#[derive(Debug)]
pub(crate) struct Pct {
    draws: Draws,
    /// The priorities of the tasks that were ready. Those that went behind all others have low ones.
    priorities: BTreeMap<TaskId, u64>,
    /// The choices at which a priority changes, counted from 1, the last one first.
    changes: Vec<u32>,
    /// The choices that were made.
    choices: u32,
}

/// The number of changes is below this, so that a priority that was drawn is not.
const DRAWN: u64 = 1 << 32;

/// Each seed draws a number of choices from two to the power of the first to that of the last.
const LENGTHS: (u32, u32) = (3, 11);

impl Pct {
    /// Draws where the priorities change.
    pub(crate) fn new(seed: u64, depth: u32) -> Pct {
        let mut draws = Draws::new(seed, Stream::Schedule);
        let length = 1 << (LENGTHS.0 + draws.below(LENGTHS.1 - LENGTHS.0 + 1));
        let mut changes: Vec<u32> = (1..depth).map(|_| 1 + draws.below(length)).collect();
        changes.sort_unstable_by_key(|change| std::cmp::Reverse(*change));
        Pct { draws, priorities: BTreeMap::new(), changes, choices: 0 }
    }

    fn highest(&mut self, ready: &VecDeque<TaskId>) -> usize {
        let mut highest = (0, 0);
        for (index, task) in ready.iter().enumerate() {
            let drawn = || self.draws.bits() | DRAWN;
            let priority = *self.priorities.entry(*task).or_insert_with(drawn);
            if priority > highest.0 {
                highest = (priority, index);
            }
        }
        highest.1
    }
}

impl Schedule for Pct {
    fn next_task(&mut self, ready: &VecDeque<TaskId>) -> usize {
        self.choices += 1;
        while self.changes.last() == Some(&self.choices) {
            self.changes.pop();
            let index = self.highest(ready);
            // The first to go behind all others stays ahead of those that follow.
            self.priorities.insert(ready[index], 1 + self.changes.len() as u64);
        }
        self.highest(ready)
    }

    fn next_worker(&mut self, able: usize) -> Option<usize> {
        if able > 1 { Some(self.draws.index(able)) } else { Some(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ready::Executor;
    use crate::engine::tasks::Tasks;

    fn tasks(count: usize) -> VecDeque<TaskId> {
        let executor = Executor::default();
        let mut tasks: Tasks<(), ()> = Tasks::new(&executor);
        (0..count).map(|_| tasks.spawn(Box::pin(async {}), ())).collect()
    }

    #[test]
    fn the_same_task_is_first_until_a_priority_changes() {
        let ready = tasks(4);
        let mut chosen = [false; 4];
        for seed in 0..100 {
            let mut steady = Pct::new(seed, 1);
            let first = steady.next_task(&ready);
            chosen[first] = true;
            assert!((0..5_000).all(|_| steady.next_task(&ready) == first));
        }
        assert_eq!(chosen, [true; 4]);
    }

    #[test]
    fn each_change_puts_a_task_behind_all_others() {
        let ready = tasks(3);
        let first_ones = |seed| {
            let mut schedule = Pct::new(seed, 3);
            let mut order: Vec<usize> = (0..5_000).map(|_| schedule.next_task(&ready)).collect();
            order.dedup();
            order
        };
        let orders: Vec<Vec<usize>> = (0..100).map(first_ones).collect();
        // A change before the first choice is seen by nobody.
        let none_is_first_twice =
            |order: &Vec<usize>| (0..3).all(|task| order.iter().filter(|other| **other == task).count() <= 1);
        assert!(orders.iter().all(none_is_first_twice), "{orders:?}");
        assert!(orders.iter().filter(|order| order.len() == 3).count() > 50, "{orders:?}");
    }

    #[test]
    fn a_change_may_come_soon_or_late() {
        let ready = tasks(2);
        let changed = |seed| {
            let mut schedule = Pct::new(seed, 2);
            let first = schedule.next_task(&ready);
            (2..5_000).find(|_| schedule.next_task(&ready) != first).unwrap_or(5_000)
        };
        let changes: Vec<u32> = (0..200).map(changed).collect();
        assert!(changes.iter().any(|change| *change < 8) && changes.iter().any(|change| *change > 500), "{changes:?}");
    }
}
