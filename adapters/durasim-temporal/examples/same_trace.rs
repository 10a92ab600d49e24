//! The same seed gives the same trace: all runs of the SDK's heartbeating and saga examples are made on one thread and on
//! two, and everything that happened in them is compared. `cargo run -p durasim-temporal --example same_trace -- 100000`

use std::process::ExitCode;

use sdk_examples::explorations::all;

/// The examples that are compared.
const EXAMPLES: [&str; 3] = ["activity_heartbeating", "saga", "saga_that_fails"];

fn main() -> ExitCode {
    match seeds(std::env::args().nth(1)).and_then(compare) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the number of seeds; 1,000 unless it is given.
fn seeds(given: Option<String>) -> Result<u64, String> {
    match given {
        None => Ok(1_000),
        Some(given) => match given.parse() {
            Ok(seeds) if seeds > 0 => Ok(seeds),
            _ => Err(format!("`{given}` is no number of seeds: give a whole number from 1, such as 100000")),
        },
    }
}

/// Makes the runs of these seeds. Says whether all traces are the same.
fn compare(seeds: u64) -> Result<bool, String> {
    let mut explorations = all();
    explorations.retain(|(name, _)| EXAMPLES.contains(name));
    if explorations.len() != EXAMPLES.len() {
        let known: Vec<&str> = all().iter().map(|(name, _)| *name).collect();
        return Err(format!("of the examples {EXAMPLES:?} only {} are there: {known:?}", explorations.len()));
    }
    let mut all_are_the_same = true;
    for (name, exploration) in explorations {
        let fingerprint = |threads: usize| {
            let report = exploration.clone().named(name).threads(threads).seeds(0..seeds).report();
            match report.error() {
                None => Ok(report.fingerprint()),
                Some(_) => Err(report.to_string()),
            }
        };
        let (one, two) = (fingerprint(1)?, fingerprint(2)?);
        println!("{name}: {seeds} seeds, {one:016x} on one thread, {two:016x} on two");
        all_are_the_same &= one == two;
    }
    Ok(all_are_the_same)
}
