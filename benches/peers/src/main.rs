//! The cost of the workloads on durasim, and on the simulators that a user could pick instead: `cd benches/peers &&
//! cargo run --release` prints the README's table. Each side is checked to give the same result at the same virtual
//! time.

mod madsim_seeded;
mod peer;
mod tokio_paused;

use std::hint::black_box;
use std::time::Duration;

use durasim::Simulation;
use durasim_benches::bare::Bare;
use durasim_benches::check::check;
use durasim_benches::cpu_time::{self, median, words};
use durasim_benches::simulated::{Simulated, Timers};
use durasim_benches::workload::Workload;
use durasim_tokio::SimulationExt;
use tokio_paused::TokioPaused;

const HOSTS: [&str; 5] = ["a bare loop", "durasim", "durasim, tokio code", "tokio, clock paused", "madsim"];

/// Attempts that wait with tokio's timers.
enum TokioTimers {}

impl Timers for TokioTimers {
    fn sleep(length: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(length)
    }
}

/// Rounds in which the hosts alternate.
const ROUNDS: u32 = 15;

fn main() {
    let w1 = Workload::crashing("W1", 1);
    let workloads =
        [(w1, 1_000), (Workload::crashing("W100", 100), 10), (Workload::long("10,000 heartbeats", 10_000), 1)];
    let columns: Vec<Vec<f64>> = workloads.iter().map(|(workload, runs)| costs(workload, *runs)).collect();
    print!("| |");
    workloads.iter().for_each(|(workload, _)| print!(" {} | against bare |", workload.name));
    println!("\n| --- |{}", " --- | --- |".repeat(workloads.len()));
    for (place, host) in HOSTS.iter().enumerate() {
        print!("| {host} |");
        for column in &columns {
            print!(" {} | {:.1}x |", words(column[place]), column[place] / column[0]);
        }
        println!();
    }
}

/// The cost of a run on each host, in seconds.
fn costs(workload: &Workload, runs: u64) -> Vec<f64> {
    let (mut bare, simulated, tokio) = (Bare::default(), Simulated::new(workload), TokioPaused::new());
    let hosted = Simulated::on::<TokioTimers>(workload, Simulation::temporal().tokio());
    check(workload, &mut bare, &simulated);
    check(workload, &mut bare, &hosted);
    for (host, (result, ended)) in [("tokio", tokio.run(workload)), ("madsim", madsim_seeded::run(workload))] {
        let expected = serde_json::to_vec(&workload.result()).expect("encodes");
        assert_eq!(result, expected, "{} on {host}", workload.name);
        // Both have timers of a millisecond and may end one late for each wait.
        let late = ended.checked_sub(workload.ends).unwrap_or_else(|| panic!("{host} ends early: {ended:?}"));
        let allowed = Duration::from_millis(u64::from(workload.batch.job.chunks) * 2 + 20);
        assert!(late <= allowed, "{} on {host} ends {late:?} late", workload.name);
    }
    let mut hosts: [Box<dyn FnMut() + '_>; 5] = [
        Box::new(|| drop(black_box(bare.run(workload)))),
        Box::new(|| drop(black_box(simulated.run()))),
        Box::new(|| drop(black_box(hosted.run()))),
        Box::new(|| drop(black_box(tokio.run(workload)))),
        Box::new(|| drop(black_box(madsim_seeded::run(workload)))),
    ];
    let mut round = || hosts.each_mut().map(|host| cpu_time::of(runs, host).as_secs_f64() / runs as f64);
    // The first one warms up.
    round();
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    (0..HOSTS.len()).map(|host| median(rounds.iter().map(|round| round[host]).collect())).collect()
}
