//! Two sides measured side by side: alternating rounds of CPU time in one process, medians.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::bare::Bare;
use crate::check::check;
use crate::simulated::Simulated;
use crate::workload::Workload;

/// CPU time of this process so far: other processes on the machine do not count.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time of one of `runs` calls.
fn each(runs: u32, mut run: impl FnMut()) -> Duration {
    let before = cpu_time();
    for _ in 0..runs {
        run();
    }
    (cpu_time() - before) / runs
}

/// Medians over the rounds.
pub struct Compared {
    pub bare: Duration,
    pub durasim: Duration,
    /// Of the rounds' ratios.
    pub ratio: f64,
}

/// Both sides of a workload, `runs` times a side, in rounds that alternate.
pub fn compare(workload: &Workload, runs: u32, rounds: u32) -> Compared {
    let (mut bare, simulated) = (Bare::default(), Simulated::new(workload));
    check(workload, &mut bare, &simulated);
    let mut sides: [Box<dyn FnMut() + '_>; 2] =
        [Box::new(|| drop(black_box(bare.run(workload)))), Box::new(|| drop(black_box(simulated.run())))];
    let rounds = alternate(&mut sides, &[runs, runs], rounds);
    Compared {
        bare: median(rounds.iter().map(|round| round[0]).collect()),
        durasim: median(rounds.iter().map(|round| round[1]).collect()),
        ratio: median(rounds.iter().map(|round| round[1].as_secs_f64() / round[0].as_secs_f64()).collect()),
    }
}

/// What one call of each costs, round by round; `runs` says how often each is called in a round.
pub fn alternate(calls: &mut [Box<dyn FnMut() + '_>], runs: &[u32], rounds: u32) -> Vec<Vec<Duration>> {
    let round = |_| calls.iter_mut().zip(runs).map(|(call, &runs)| each(runs, call)).collect();
    // The first round warms up.
    (0..=rounds).map(round).skip(1).collect()
}

pub fn median<T: PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
    let middle = values.len() / 2;
    values.swap_remove(middle)
}

/// As people read it: `1.85 us`, `218 us`, `34 ms`.
pub fn words(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..10.0 => format!("{micros:.2} us"),
        ..10_000.0 => format!("{micros:.0} us"),
        _ => format!("{:.1} ms", micros / 1e3),
    }
}
