//! [`Random`]: an order drawn from the run's seed.

use super::Schedule;
use crate::engine::choice::{Draws, Stream};

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
    fn next_task(&mut self, ready: u32) -> u32 {
        self.draws.below(ready)
    }

    fn next_worker(&mut self, able: u32) -> Option<u32> {
        // A choice of one is none: it draws nothing.
        if able > 1 { Some(self.draws.below(able)) } else { Some(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_and_every_worker_has_its_turn() {
        let mut schedule = Random::new(3);
        let mut seen = ([false; 4], [false; 3]);
        for _ in 0..200 {
            seen.0[schedule.next_task(4) as usize] = true;
            seen.1[schedule.next_worker(3).unwrap() as usize] = true;
        }
        assert_eq!(seen, ([true; 4], [true; 3]));
    }

    #[test]
    fn a_choice_of_one_worker_draws_nothing() {
        let (mut once, mut again) = (Random::new(3), Random::new(3));
        assert_eq!(once.next_worker(1), Some(0));
        let tasks = |schedule: &mut Random| [0; 20].map(|_| schedule.next_task(100));
        assert_eq!(tasks(&mut once), tasks(&mut again));
    }
}
