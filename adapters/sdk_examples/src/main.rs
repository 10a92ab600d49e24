//! Runs the SDK's own examples under every fault, deploys of equal code among them, in every order, with pairs of these and with
//! 1,000 seeds, judged by the standard checks, and prints what was found: `cargo run -p sdk_examples`.
//!
//! It ends with status 1 if something was found that `findings.txt` does not list with the reason why it is real, if an example
//! did not run or met no deploy, or if none has an order to try.
//!
//! `cargo run --release -p sdk_examples -- cost` prints instead what a run of the heartbeating example costs, and ends with
//! status 1 if that is more than it may be.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use durasim::explore::Report;
use sdk_examples::explorations::{STEPS, all, heartbeating};

/// The known findings, each with its reason.
const FINDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/findings.txt");

/// The pairs that are tried of each example.
const PAIRS: u64 = 1_000;

/// The examples in which no fault is followed by a second one: there is one workflow task, and nothing else.
const WITHOUT_PAIRS: [&str; 1] = ["search_attributes"];

/// A run of the heartbeating example may take so long.
const MOST: Duration = Duration::from_micros(120);

fn main() -> ExitCode {
    let holds = match std::env::args().nth(1).as_deref() {
        None => explore(),
        Some("cost") => costs_little(),
        Some(other) => {
            eprintln!("`{other}` is none of: nothing, `cost`");
            false
        }
    };
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Explores all examples. Says whether all that was found is known.
fn explore() -> bool {
    println!("{:<24} {:>6} {:>7} {:>8}  verdict", "example", "runs", "orders", "deploys");
    let mut all_is_known = true;
    let mut orders = 0;
    for (name, exploration) in all() {
        let exploration = exploration.named(name).regressions(FINDINGS).every_fault().every_order();
        let exploration =
            if WITHOUT_PAIRS.contains(&name) { exploration } else { exploration.every_pair().budget(PAIRS) };
        let report = exploration.seeds(0..1_000).report();
        let looked = Looked::of(&report);
        all_is_known &= report.holds() && looked.deploys > 0;
        orders += looked.orders;
        tell(name, &report, &looked);
    }
    if orders == 0 {
        println!("no example has an order to try");
    }
    all_is_known && orders > 0
}

/// How much was looked at in an exploration.
struct Looked {
    runs: u64,
    orders: u64,
    deploys: u64,
}

impl Looked {
    fn of(report: &Report) -> Looked {
        let runs_of = |is_counted: fn(&str) -> bool| {
            report.parts().iter().filter(|part| is_counted(&part.name)).map(|part| part.tally.runs).sum()
        };
        let coverage = report.coverage();
        let deploys = coverage.cells().filter(|cell| cell.fault == "deploy").map(|cell| cell.struck).sum();
        Looked {
            runs: runs_of(|_| true),
            orders: runs_of(|name| ["every order", "lost races"].contains(&name)),
            deploys,
        }
    }
}

/// Prints the rows of an example: its verdict, and a sentence for each finding.
fn tell(name: &str, report: &Report, looked: &Looked) {
    let verdict = match (report.error(), report.failures().is_empty(), report.accepted().is_empty()) {
        (Some(_), ..) => "was not run",
        (None, false, _) => "has findings that are not in the list",
        (None, true, _) if looked.deploys == 0 => "met no deploy",
        (None, true, false) => "has known findings",
        (None, true, true) => "holds",
    };
    let Looked { runs, orders, deploys } = looked;
    println!("{name:<24} {runs:>6} {orders:>7} {deploys:>8}  {verdict}");
    if let Some(error) = report.error() {
        println!("    {error}");
    }
    for known in report.accepted() {
        println!("    {} in {} runs: {}", known.check, known.runs, known.reason);
    }
    for failed in report.failures() {
        println!("    NEW {} ({}): {}", failed.check, failed.violation.kind, failed.violation.message);
        println!("        {}", failed.plan);
        eprintln!("{}", failed.text);
    }
    // All examples have one list: that it has nothing for some of them is no news.
    for note in report.notes().iter().filter(|note| !note.starts_with("regressions: 0 of")) {
        println!("    {note}");
    }
}

/// Measures a run of the heartbeating example: the best of several readings, each of many runs. Says whether that is little
/// enough.
fn costs_little() -> bool {
    const READINGS: u32 = 50;
    const RUNS: u32 = 200;
    let simulation = heartbeating();
    let reading = || {
        let began = now();
        for _ in 0..RUNS {
            simulation.run("HeartbeatingWorkflow", &STEPS).expect("it runs");
        }
        (now() - began) / RUNS
    };
    reading();
    let best = (0..READINGS).map(|_| reading()).min().unwrap_or_default();
    println!(
        "the heartbeating example: {:.1} us a run ({STEPS} steps; at most {} us)",
        best.as_secs_f64() * 1e6,
        MOST.as_micros()
    );
    best <= MOST
}

/// The processor time of this thread where the system tells it, and else the real time.
fn now() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    match nanos {
        Some(nanos) => Duration::from_nanos(nanos),
        None => {
            static BEGAN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
            BEGAN.elapsed()
        }
    }
}
