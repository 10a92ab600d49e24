//! [`Random`]: an order drawn from the run's seed.

use std::collections::VecDeque;

use super::Schedule;
use crate::engine::choice::{Draws, Stream};
use crate::engine::ready::TaskId;

/// Any of the ready tasks runs next, and any of the workers that could take a task gets it, each equally likely.
#[derive(Debug)]
pub(crate) struct Random {
    draws: Draws,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random { draws: Draws::new(seed, Stream::Schedule) }
    }
}

impl Schedule for Random {
    fn next_task(&mut self, ready: &VecDeque<TaskId>) -> usize {
        self.draws.index(ready.len())
    }

    fn next_worker(&mut self, able: usize) -> Option<usize> {
        // A choice of one is none: it draws nothing.
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
    fn every_task_and_every_worker_has_its_turn() {
        let mut schedule = Random::new(3);
        let mut seen = ([false; 4], [false; 3]);
        for _ in 0..200 {
            seen.0[schedule.next_task(&tasks(4))] = true;
            seen.1[schedule.next_worker(3).unwrap()] = true;
        }
        assert_eq!(seen, ([true; 4], [true; 3]));
    }

    #[test]
    fn a_choice_of_one_worker_draws_nothing() {
        let (mut once, mut again) = (Random::new(3), Random::new(3));
        assert_eq!(once.next_worker(1), Some(0));
        let ready = tasks(100);
        let order = |schedule: &mut Random| [0; 20].map(|_| schedule.next_task(&ready));
        assert_eq!(order(&mut once), order(&mut again));
    }
}
