//! The number of times that a run asks for memory, on an engine that has run before. `cargo bench --bench allocations`
//!
//! It is a program of its own, since counting costs time.

use std::alloc::System;

use durasim_benches::bare::Bare;
use durasim_benches::check::check;
use durasim_benches::simulated::Simulated;
use durasim_benches::workload::Workload;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const RUNS: usize = 100;

fn main() {
    let w1 = Workload::crashing("W1", 1);
    for workload in [w1.clone(), w1.without_json("W1 without JSON"), Workload::crashing("W100", 100)] {
        let (mut bare, simulated) = (Bare::default(), Simulated::new(&workload));
        check(&workload, &mut bare, &simulated);
        let durasim = count(|| drop(simulated.run()));
        let bare = count(|| drop(bare.run(&workload)));
        println!(
            "{} allocations {} ({} of them grow one; {} bytes; bare {})",
            workload.name, durasim.times, durasim.grown, durasim.bytes, bare.times
        );
    }
}

struct Count {
    /// The number of fresh and grown allocations.
    times: usize,
    grown: usize,
    bytes: usize,
}

fn count(mut run: impl FnMut()) -> Count {
    // The engine's own buffers reach their size.
    (0..3).for_each(|_| run());
    let region = Region::new(ALLOCATOR);
    (0..RUNS).for_each(|_| run());
    let change = region.change();
    Count {
        times: (change.allocations + change.reallocations) / RUNS,
        grown: change.reallocations / RUNS,
        bytes: change.bytes_allocated / RUNS,
    }
}
