//! The time until each planted bug is found: by trying every fault, by pairs, and by random faults; and whether the standard
//! checks alone find it.
//!
//! `cargo test --release --test bugs -- --ignored --nocapture how_soon`

use durasim::Exploration;
use durasim::explore::Report;

use super::planted::BUGS;

/// Makes the exploration that finds a bug.
type Planted = fn() -> Exploration;

/// Repetitions, each with seeds of its own, and the most seeds of one.
const REPETITIONS: u64 = 20;
const SEEDS: u64 = 20_000;

/// Seeds that are tried at once: an exploration does not stop at its first failure.
const CHUNK: u64 = 50;

#[test]
#[ignore = "a measurement: run it with --release and --nocapture"]
fn how_soon() {
    println!("{:<46} {:<24} {:<18} seeds, median of {REPETITIONS}", "bug", "found by run", "standard alone");
    let mut unasked = 0;
    for bug in BUGS {
        let name = format!("{:>2} {}", bug.number, bug.name);
        let (found, alone) = (systematically(bug.planted), standard_alone(bug.planted));
        unasked += u32::from(alone.is_some());
        println!("{name:<46} {found:<24} {:<18} {}", alone.as_deref().unwrap_or("no"), randomly(bug.planted));
    }
    println!("the standard checks alone find {unasked} of {}", BUGS.len());
}

/// The standard check that finds the bug where no check is asked for.
fn standard_alone(planted: Planted) -> Option<String> {
    let bare = || planted().with_standard_checks_alone();
    let checks = |report: Report| report.failures().first().map(|failed| failed.check.clone());
    checks(bare().every_fault().report()).or_else(|| checks(bare().every_pair().report()))
}

fn first(report: &Report) -> Option<u64> {
    report.failures().first().map(|failed| failed.found_by_run)
}

fn systematically(planted: Planted) -> String {
    let singles = planted().every_fault().report();
    let singles_there: u64 = singles.parts().iter().skip(1).map(|part| part.tally.runs).sum();
    match first(&singles) {
        Some(_) if singles.parts().len() == 1 => "without any fault".to_owned(),
        Some(run) => format!("{run} of {singles_there}"),
        None => match first(&planted().every_pair().report()) {
            Some(run) => format!("{singles_there} and {run} pairs"),
            None => "not found".to_owned(),
        },
    }
}

fn randomly(planted: Planted) -> String {
    let mut needed: Vec<Option<u64>> =
        (0..REPETITIONS).map(|repetition| seeds_until_found(planted, repetition)).collect();
    // Those that were not found come last.
    needed.sort_by_key(|seeds| seeds.unwrap_or(u64::MAX));
    let found = needed.iter().flatten().count();
    let middle = REPETITIONS as usize / 2;
    let median = match (needed[middle - 1], needed[middle]) {
        (Some(0), _) => "none needed".to_owned(),
        (Some(low), Some(high)) => format!("{:.1}", (low + high) as f64 / 2.0),
        _ => "not found".to_owned(),
    };
    if found == needed.len() { median } else { format!("{median} (found in {found} of {REPETITIONS})") }
}

/// The number of seeds until it is found. It is zero if the run without faults shows it.
fn seeds_until_found(planted: Planted, repetition: u64) -> Option<u64> {
    let first_seed = repetition * SEEDS;
    let mut tried = 0;
    while tried < SEEDS {
        let from = first_seed + tried;
        let report = planted().without_repeats().seeds(from..from + CHUNK).report();
        match first(&report) {
            Some(_) if report.parts().len() == 1 => return Some(0),
            Some(run) => return Some(tried + run),
            None => tried += CHUNK,
        }
    }
    None
}
