//! What a run costs, against a bare loop in the same process. `cargo bench --bench cost`
//!
//! With `only NAME bare|durasim RUNS` it runs one side of one workload and prints nothing, for `instructions.sh`.

mod bare;
mod check;
mod exploration;
mod growth;
mod measure;
mod simulated;
mod workload;

use std::time::Duration;

use bare::Bare;
use measure::{compare, words};
use simulated::Simulated;
use workload::{Batch, Job, Workload};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            ratios();
            exploration::print(1_000);
            growth::print(11);
        }
        ["only", name, side, runs] => only(name, side, runs.parse().expect("a number of runs")),
        _ => panic!("expected nothing, or `only NAME bare|durasim RUNS`"),
    }
}

fn workloads() -> [Workload; 4] {
    let w1 = Workload::crashing("W1", 1);
    [w1.clone(), w1.without_json("W1 without JSON"), Workload::crashing("W100", 100), long()]
}

/// One activity of 100,000 chunks with a heartbeat each.
fn long() -> Workload {
    Workload {
        name: "Wlong",
        batch: Batch { activities: 1, job: Job { chunks: 100_000, heartbeat_every: 1, fails_at: 0 } },
        json: true,
        crash: false,
        schedule_to_close: Duration::from_secs(100_000),
        ends: Duration::from_secs(10_000),
    }
}

/// Runs that make a round of some milliseconds.
fn runs(workload: &Workload) -> u32 {
    if workload.crash { (2_000 / workload.batch.activities).max(1) } else { 1 }
}

fn ratios() {
    for workload in workloads() {
        let compared = compare(&workload, runs(&workload), 41);
        let (bare, durasim) = (words(compared.bare), words(compared.durasim));
        println!("{} ratio {:.2} (bare {bare}, durasim {durasim})", workload.name, compared.ratio);
    }
}

fn only(name: &str, side: &str, runs: u32) {
    let workload = workloads().into_iter().find(|workload| workload.name == name).expect("a workload");
    let (mut bare, simulated) = (Bare::default(), Simulated::new(&workload));
    for _ in 0..runs {
        match side {
            "bare" => drop(std::hint::black_box(bare.run(&workload))),
            "durasim" => drop(std::hint::black_box(simulated.run())),
            _ => panic!("expected `bare` or `durasim`"),
        }
    }
}
