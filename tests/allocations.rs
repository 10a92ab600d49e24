//! A run asks for memory at most so often, on an engine that has run before: the budget of the reference workload W1.
//!
//! The counts are the same in every run, so a test may hold them. `cargo bench --bench allocations` prints them.

#[allow(dead_code, reason = "one budget needs only a part of the benches")]
#[path = "../benches/src/simulated.rs"]
mod simulated;
#[allow(dead_code, reason = "one budget needs only a part of the benches")]
#[path = "../benches/src/workload.rs"]
mod workload;

use std::alloc::System;

use simulated::Simulated;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use workload::Workload;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The allocations of W1, and a few more. A loop written by hand for this workload alone takes some 17. It was 25 while every
/// part of a run had a pool of its own; the test holds that nothing is formatted or copied in a run that passes.
const BUDGET: usize = 60;

// One test: a second one on another thread would be counted with it.
#[test]
fn a_run_of_the_reference_workload_stays_within_its_allocations() {
    let w1 = Workload::crashing("W1", 1);
    for workload in [w1.clone(), w1.without_json("W1 without JSON")] {
        let simulated = Simulated::new(&workload);
        // The engine's own buffers reach their size.
        (0..3).for_each(|_| drop(simulated.run()));
        // The test harness has a thread of its own, which may ask for memory, too: the least of some runs is ours.
        let least = (0..20).map(|_| allocations(|| drop(simulated.run()))).min().unwrap_or_default();
        assert!(least > 0, "nothing was counted");
        assert!(least <= BUDGET, "{}: {least} allocations, the budget is {BUDGET}", workload.name);
    }
}

/// Counts fresh allocations and grown ones.
fn allocations(run: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    run();
    let change = region.change();
    change.allocations + change.reallocations
}
