//! Shows the cost of a change: the working tree against a base revision, in one process. `benches/ab.sh REVISION`
//!
//! Both run the workloads in turn, fifteen pairs of them by CPU time. A line shows the median of the pairs' ratios: above 1
//! the working tree is slower. It is to be read on a machine that does nothing else.

use std::hint::black_box;

use head::cpu_time::{self, median, words};

/// Interleaved measurements of both sides, of which the median counts.
const PAIRS: usize = 15;
/// Activities' chunks that a side runs through in one measurement: some 50 ms of CPU time.
const CHUNKS: u32 = 200_000;

macro_rules! side {
    ($build:ident, $workload:expr) => {{
        let simulated = $build::simulated::Simulated::new(&$workload);
        move |runs: u64| cpu_time::of(runs, || drop(black_box(simulated.run()))).as_secs_f64() / runs as f64
    }};
}

macro_rules! compare {
    ($name:expr, $make:ident, $count:expr, $chunks:expr) => {
        if wanted($name) {
            let base = side!(base, base::workload::Workload::$make($name, $count));
            let head = side!(head, head::workload::Workload::$make($name, $count));
            show($name, (CHUNKS / $chunks).max(1).into(), base, head);
        }
    };
}

fn main() {
    compare!("W1", crashing, 1, 10);
    compare!("W100", crashing, 100, 1_000);
    compare!("10,000 heartbeats", long, 10_000, 10_000);
    compare!("Wlong", long, 100_000, 100_000);
}

/// Says whether the command line names this workload, or none.
fn wanted(name: &str) -> bool {
    let mut names = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    names.peek().is_none() || names.any(|wanted| wanted == name)
}

fn show(name: &str, runs: u64, base: impl Fn(u64) -> f64, head: impl Fn(u64) -> f64) {
    // The bench leaves out all that is made once.
    base(1);
    head(1);
    let mut pairs = Vec::new();
    for pair in 0..PAIRS {
        // The first of a pair may pay for what the second finds in the caches.
        let (base, head) = if pair % 2 == 0 {
            let base = base(runs);
            (base, head(runs))
        } else {
            let head = head(runs);
            (base(runs), head)
        };
        pairs.push((base, head));
    }
    let mut ratios: Vec<f64> = pairs.iter().map(|(base, head)| head / base).collect();
    ratios.sort_by(f64::total_cmp);
    let [base, head] = [|pair: &(f64, f64)| pair.0, |pair: &(f64, f64)| pair.1]
        .map(|side| words(median(pairs.iter().map(side).collect())));
    let (least, middle, most) = (ratios[0], ratios[PAIRS / 2], ratios[PAIRS - 1]);
    println!("ab {name} ratio {middle:.3} ({least:.3} to {most:.3}; base {base}, working tree {head})");
}
