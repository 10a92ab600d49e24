//! What the workloads cost on what a user could pick instead: `cd benches/peers && cargo run --release` prints the README's
//! table. Each side is checked to give the same result at the same virtual time.

#[path = "../../bare.rs"]
mod bare;
#[path = "../../check.rs"]
mod check;
mod madsim_seeded;
#[path = "../../measure.rs"]
#[allow(dead_code, reason = "the crate's own benches use the rest")]
mod measure;
mod peer;
#[path = "../../simulated.rs"]
mod simulated;
mod tokio_paused;
#[path = "../../workload.rs"]
#[allow(dead_code, reason = "the crate's own benches use the rest")]
mod workload;

use std::hint::black_box;
use std::time::Duration;

use bare::Bare;
use measure::{alternate, median, words};
use simulated::Simulated;
use tokio_paused::TokioPaused;
use workload::{Batch, Job, Workload};

const HOSTS: [&str; 4] = ["a bare loop", "durasim", "tokio, clock paused", "madsim"];

/// Rounds in which the hosts alternate.
const ROUNDS: u32 = 15;

fn main() {
    let w1 = Workload::crashing("W1", 1);
    let workloads = [(w1, 1_000), (Workload::crashing("W100", 100), 10), (long(), 1)];
    let columns: Vec<Vec<Duration>> = workloads.iter().map(|(workload, runs)| costs(workload, *runs)).collect();
    print!("| |");
    workloads.iter().for_each(|(workload, _)| print!(" {} | against bare |", workload.name));
    println!("\n| --- |{}", " --- | --- |".repeat(workloads.len()));
    for (place, host) in HOSTS.iter().enumerate() {
        print!("| {host} |");
        for column in &columns {
            print!(" {} | {:.1}x |", words(column[place]), column[place].as_secs_f64() / column[0].as_secs_f64());
        }
        println!();
    }
}

/// A tenth of the design's Wlong: 10,000 chunks with a heartbeat each.
fn long() -> Workload {
    Workload {
        name: "10,000 heartbeats",
        batch: Batch { activities: 1, job: Job { chunks: 10_000, heartbeat_every: 1, fails_at: 0 } },
        json: true,
        crash: false,
        schedule_to_close: Duration::from_secs(100_000),
        ends: Duration::from_secs(1_000),
    }
}

/// What a run costs on each host.
fn costs(workload: &Workload, runs: u32) -> Vec<Duration> {
    let (mut bare, simulated, tokio) = (Bare::default(), Simulated::new(workload), TokioPaused::new());
    check::check(workload, &mut bare, &simulated);
    for (host, (result, ended)) in [("tokio", tokio.run(workload)), ("madsim", madsim_seeded::run(workload))] {
        let expected = serde_json::to_vec(&workload.result()).expect("encodes");
        assert_eq!(result, expected, "{} on {host}", workload.name);
        // Both have timers of a millisecond and may end one late for each wait.
        let late = ended.checked_sub(workload.ends).unwrap_or_else(|| panic!("{host} ends early: {ended:?}"));
        let allowed = Duration::from_millis(u64::from(workload.batch.job.chunks) * 2 + 20);
        assert!(late <= allowed, "{} on {host} ends {late:?} late", workload.name);
    }
    let mut hosts: [Box<dyn FnMut() + '_>; 4] = [
        Box::new(|| drop(black_box(bare.run(workload)))),
        Box::new(|| drop(black_box(simulated.run()))),
        Box::new(|| drop(black_box(tokio.run(workload)))),
        Box::new(|| drop(black_box(madsim_seeded::run(workload)))),
    ];
    let rounds = alternate(&mut hosts, &[runs; 4], ROUNDS);
    (0..HOSTS.len()).map(|host| median(rounds.iter().map(|round| round[host]).collect())).collect()
}
