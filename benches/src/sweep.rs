//! [`sweep`]: the runs that an exploration makes of a second.

use std::hint::black_box;

use criterion::{Criterion, SamplingMode, Throughput};
use durasim::explore::Report;

use crate::clock::{Clock, SAMPLES};
use crate::cpu_time::{median, words};

/// Lets criterion measure an exploration that is given anew each time, and prints what it comes to:
/// `W1 every_fault 50000 runs/s (41 runs, 20.0 us each)`. All its checks have to hold.
pub fn sweep(criterion: &mut Criterion<Clock>, clock: Clock, name: [&str; 2], explore: impl Fn() -> Report) {
    let first = explore();
    assert!(first.holds(), "{first}");
    let runs: u64 = first.parts().iter().map(|part| part.tally.runs).sum();
    let mut samples = Vec::new();
    let [workload, part] = name;
    let mut group = criterion.benchmark_group(workload);
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(runs));
    group.bench_function(part, |bencher| {
        bencher.iter_custom(|sweeps| {
            let before = clock.now();
            (0..sweeps).for_each(|_| drop(black_box(explore())));
            let time = clock.now() - before;
            samples.push((sweeps, time.as_secs_f64() / (sweeps * runs) as f64));
            time
        });
    });
    group.finish();
    // Those of the warm-up are of other lengths.
    let length = samples.last().map(|&(sweeps, _)| sweeps);
    samples.retain(|&(sweeps, _)| Some(sweeps) == length);
    if samples.len() >= SAMPLES / 4 {
        let each = median(samples.into_iter().map(|(_, each)| each).collect());
        println!("{workload} {part} {:.0} runs/s ({runs} runs, {} each)", 1.0 / each, words(each));
    }
}
