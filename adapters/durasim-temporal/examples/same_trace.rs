//! The same seed gives the same trace: all runs of the SDK's heartbeating and saga examples are made on one thread and on
//! two, and everything that happened in them is compared. `cargo run -p durasim-temporal --example same_trace -- 100000`

use std::process::ExitCode;

use sdk_examples::explorations::all;

fn main() -> ExitCode {
    let seeds: u64 = std::env::args().nth(1).and_then(|seeds| seeds.parse().ok()).unwrap_or(1_000);
    let mut all_are_the_same = true;
    for (name, exploration) in all() {
        if !["activity_heartbeating", "saga", "saga_that_fails"].contains(&name) {
            continue;
        }
        let fingerprint = |threads: usize| {
            let report = exploration.clone().named(name).threads(threads).seeds(0..seeds).report();
            assert!(report.error().is_none(), "{report}");
            report.fingerprint()
        };
        let (one, two) = (fingerprint(1), fingerprint(2));
        println!("{name}: {seeds} seeds, {one:016x} on one thread, {two:016x} on two");
        all_are_the_same &= one == two;
    }
    if all_are_the_same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
