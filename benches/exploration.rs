//! What an exploration makes of a core: runs per second, judged.

use std::hint::black_box;
use std::time::Instant;

use durasim::{Report, check};

use crate::measure::{alternate, median};
use crate::simulated::Simulated;
use crate::workload::{Progress, Workload};

/// Explores the workload of one activity, which does not fail by itself, and prints the throughput of each part.
pub fn print(seeds: u64) {
    let mut workload = Workload::crashing("W1", 1);
    workload.batch.job.fails_at = 0;
    workload.crash = false;
    let simulated = Simulated::new(&workload);
    let exploration = || {
        simulated
            .simulation
            .explore("batch", &workload.batch)
            .named("bench")
            .check(check::same_result())
            .check(check::progress("chunks", |progress: &Progress| progress.chunks_done))
    };
    part(workload.name, "every_fault", 10, || exploration().threads(1).every_fault().report());
    part(workload.name, "seeds", 1, || exploration().threads(1).seeds(0..seeds).report());
    for threads in [1, 2] {
        let rates = (0..7).map(|_| {
            let seeds = 10 * seeds;
            let begun = Instant::now();
            black_box(exploration().threads(threads).seeds(0..seeds).report());
            seeds as f64 / begun.elapsed().as_secs_f64()
        });
        let rate = median(rates.collect());
        println!("{} seeds on {threads} thread(s) {rate:.0} seeds/s (by the clock on the wall)", workload.name);
    }
}

/// One sweep is too short for the clock where it has few runs.
fn part(workload: &str, name: &str, sweeps: u32, sweep: impl Fn() -> Report) {
    let first = sweep();
    assert!(first.holds(), "{name}: {}", first.failures().first().map_or("an error", |failed| &failed.text));
    let runs: u64 = first.parts().iter().map(|part| part.tally.runs).sum();
    let rounds = alternate(&mut [Box::new(|| drop(black_box(sweep())))], &[sweeps], 21);
    let each = median(rounds.iter().map(|round| round[0].as_secs_f64() / runs as f64).collect());
    println!("{workload} {name} {:.0} runs/s ({runs} runs, {:.2} us each)", 1.0 / each, each * 1e6);
}
