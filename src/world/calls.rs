//! [`Calls`]: how often the code that is running has called durasim since it was entered.
//!
//! A loop that asks the clock or a flag and never waits leaves no event behind and lets no time pass, so that no other
//! limit would end it.

use crate::program::call_budget;

/// Counts calls, against a budget that only a loop without end uses up.
#[derive(Debug)]
pub(super) struct Calls {
    made: usize,
    budget: usize,
}

impl Calls {
    pub(super) fn new(event_budget: usize) -> Calls {
        Calls { made: 0, budget: call_budget(event_budget) }
    }

    /// Other code begins to run.
    pub(super) fn begin(&mut self) {
        self.made = 0;
    }

    /// Counts one more. `false` if it is one too many.
    pub(super) fn count(&mut self) -> bool {
        self.made += 1;
        self.made <= self.budget
    }

    /// How many there were since this code began.
    pub(super) fn made(&self) -> u64 {
        self.made as u64
    }

    /// How many are allowed.
    pub(super) fn budget(&self) -> usize {
        self.budget
    }
}
