//! [`random_runs`]: runs whose faults are drawn from seeds.

use std::ops::Range;

use durasim::Simulation;
use durasim::fault::Order;

use super::kept::Kept;

/// The text of a run for each seed, with the orders of ready tasks and the simulations in turn.
pub fn random_runs(
    name: &'static str,
    simulations: &[(&str, Simulation)],
    seeds: Range<u64>,
    text: impl Fn(&Simulation) -> String,
) {
    let mut kept = Kept::new(name);
    for seed in seeds {
        let (dialect, simulation) = &simulations[(seed / 2) as usize % simulations.len()];
        let (order, words) = if seed % 2 == 0 { (Order::Fifo, "fifo") } else { (Order::Random, "random") };
        let text = text(&simulation.clone().order(order).random_faults(seed));
        kept.add(&format!("seed {seed}, {words}, {dialect}"), &text);
    }
    kept.assert();
}
