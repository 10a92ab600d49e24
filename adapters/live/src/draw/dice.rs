//! [`Dice`]: the choices of a scenario.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// All times are three times those of the grids: a busy machine is late by a part of them only.
pub const LONGER: u64 = 3;

pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice of the scenario with this number. It is the same however many there are.
    pub fn new(seed: u64, scenario: u64) -> Dice {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(scenario);
        Dice(generator)
    }

    /// Says yes in so many of a hundred cases.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    pub fn among<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.0.random_range(0..choices.len())].clone()
    }

    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.random_range(least..=most)
    }

    /// A time of a grid, in milliseconds.
    pub fn time(&mut self, grid: &[u64]) -> u64 {
        self.among(grid) * LONGER
    }

    /// A time at which a client calls. It ends on five, as no deadline of the grids does at once.
    pub fn moment(&mut self, least: u64, most: u64) -> u64 {
        (self.between(least, most) / 20 * 20 + 5) * LONGER
    }

    /// The details of a heartbeat.
    pub fn details(&mut self) -> Value {
        match self.between(0, 11) {
            0 => json!("NONE"),
            1 => json!([]),
            2 => json!(null),
            3 => json!(["x", self.between(1, 9)]),
            _ => json!(self.between(1, 99)),
        }
    }
}
