//! What one activity costs among more and more.

use std::hint::black_box;

use crate::measure::{alternate, median, words};
use crate::simulated::Simulated;
use crate::workload::Workload;

const SIZES: [u32; 5] = [1, 10, 100, 1_000, 10_000];
/// The size that the others are compared with.
const UNIT: usize = 2;

/// The sizes take turns on one engine, so that a small run also pays for what a large one has left, if it does.
pub fn print(rounds: u32) {
    let simulated = SIZES.map(|activities| Simulated::new(&Workload::crashing("growth", activities)));
    let mut calls: Vec<Box<dyn FnMut() + '_>> =
        simulated.iter().map(|simulated| Box::new(|| drop(black_box(simulated.run()))) as Box<_>).collect();
    let runs = SIZES.map(|activities| (2_000 / activities).max(1));
    let rounds = alternate(&mut calls, &runs, rounds);
    for (place, activities) in SIZES.into_iter().enumerate() {
        let each = median(rounds.iter().map(|round| round[place] / activities).collect());
        let growth = median(
            rounds
                .iter()
                .map(|round| {
                    let unit = round[UNIT].as_secs_f64() / f64::from(SIZES[UNIT]);
                    round[place].as_secs_f64() / f64::from(activities) / unit
                })
                .collect(),
        );
        println!("growth {activities} activities ratio {growth:.2} to {} ({} each)", SIZES[UNIT], words(each));
    }
}
