//! What exploring each workflow of the tour costs, with all its checks. `cargo bench -p activity_advanced`
//!
//! Every fault: points, runs, and CPU time on one thread, the median of some rounds. Seeds: runs per second of real time, on one
//! thread and on two, the best of some rounds, since other processes only make it slower.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use activity_advanced::stops::{STOPS, Stop, simulation};
use durasim::{Dialect, Exploration, Report, Run, check};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 7;
const SEEDS: u64 = 4_000;

fn main() {
    for stop in STOPS {
        let judged = || stop.judged(&simulation(Dialect::Temporal));
        let (points, runs) = points(&stop);
        let time = median(|| cpu_time_of(&judged().every_fault().threads(1)));
        println!("{} every_fault {points} points {runs} runs {:.1} ms", stop.workflow, time.as_secs_f64() * 1e3);
        let seeds = [1, 2].map(|threads| judged().seeds(0..SEEDS).threads(threads));
        let [one, two] = fastest(&seeds).map(|time| (SEEDS as f64 / time.as_secs_f64()) as u64);
        println!("{} seeds per second: 1 thread {one}, 2 threads {two}", stop.workflow);
    }
}

/// How many points there are, and how many runs with a fault at one of them.
fn points(stop: &Stop) -> (usize, u64) {
    let points = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = points.clone();
    let exploration = stop.judged(&simulation(Dialect::Temporal)).every_fault().check(check::named("points", {
        move |run: &Run| {
            let struck = run.plan().entries.into_iter().map(|entry| entry.point);
            seen.lock().unwrap_or_else(PoisonError::into_inner).extend(struck);
        }
    }));
    let runs = explore(&exploration).parts().iter().skip(1).map(|part| part.tally.runs).sum();
    let points = points.lock().unwrap_or_else(PoisonError::into_inner).len();
    (points, runs)
}

fn explore(exploration: &Exploration) -> Report {
    let report = exploration.report();
    assert!(report.holds(), "{report}");
    report
}

/// How long each takes at best, in rounds that alternate.
fn fastest<const N: usize>(explorations: &[Exploration; N]) -> [Duration; N] {
    let mut fastest = [Duration::MAX; N];
    for _ in 0..ROUNDS {
        for (fastest, exploration) in fastest.iter_mut().zip(explorations) {
            let started = Instant::now();
            explore(exploration);
            *fastest = started.elapsed().min(*fastest);
        }
    }
    fastest
}

fn cpu_time_of(exploration: &Exploration) -> Duration {
    let before = cpu_time();
    explore(exploration);
    cpu_time() - before
}

/// CPU time of this process so far: other processes on the machine do not count.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn median(measure: impl Fn() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| measure()).collect();
    times.sort();
    times[ROUNDS / 2]
}
