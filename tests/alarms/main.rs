//! Correct code is called correct, whatever is tried: every alarm here is false.
//!
//! `cargo test --release --test alarms -- --ignored --nocapture` explores all of it under every fault, deploys of the same code
//! included, every order, 20,000 pairs (all, if there are fewer), 10,000 seeds, and 10,000 seeds of which half may use up the
//! budget. The test that is not ignored does a tenth of that. The code is written as people write it; where an end rightly
//! differs from the run without faults, it is declared with the word that a failure proposes, and nothing else is loosened.

mod checkpoints;
mod clients;
mod findings;
mod local;
mod orders;
#[path = "../bugs/planted/mod.rs"]
#[allow(dead_code, reason = "the corrected twins of the bugs are used here")]
mod planted;
mod races;
mod values;
mod waiting;

use std::io::Write as _;

use activity_advanced::stops::{STOPS, simulation};
use durasim::explore::Report;
use durasim::{Dialect, Exploration};

/// An exploration of correct code, with its name.
pub type Sound = (String, Exploration);

/// The amount that is tried of each.
#[derive(Clone, Copy)]
struct Depth {
    pairs: u64,
    seeds: u64,
    /// The least number of runs of all together.
    least_runs: u64,
}

/// The least number of deploys that strike.
const DEPLOYS: u64 = 1_000;

/// The least number of explorations.
const LEAST: usize = 40;

/// The least number of runs of another order.
const ORDERS: u64 = 80;

fn all() -> Vec<Sound> {
    let tour =
        STOPS.iter().map(|stop| (format!("tour: {}", stop.workflow), stop.judged(&simulation(Dialect::Temporal))));
    let twins = planted::BUGS.iter().map(|bug| (format!("twin: {}", bug.name), (bug.twin)()));
    let shapes = [
        checkpoints::all(),
        clients::all(),
        findings::all(),
        local::all(),
        orders::all(),
        races::all(),
        values::all(),
        waiting::all(),
    ];
    tour.chain(twins).chain(shapes.into_iter().flatten()).collect()
}

/// Explores all of it. Prints a line for each alarm, and the sums.
fn listen(depth: Depth) {
    let (mut explorations, mut runs, mut orders, mut deploys, mut alarms) = (0, 0, 0, 0, 0);
    for (name, exploration) in all() {
        let exploration = exploration.deploys_itself();
        let everything =
            exploration.clone().every_fault().every_order().every_pair().budget(depth.pairs).seeds(0..depth.seeds);
        let over_budget = exploration.seeds(depth.seeds..2 * depth.seeds).over_budget(0.5);
        for report in [everything.report(), over_budget.report()] {
            runs += report.parts().iter().map(|part| part.tally.runs).sum::<u64>();
            let of_orders = report.parts().iter().filter(|part| ["every order", "lost races"].contains(&&*part.name));
            orders += of_orders.map(|part| part.tally.runs).sum::<u64>();
            let of_deploys = report.coverage().cells().filter(|cell| cell.fault == "deploy");
            deploys += of_deploys.map(|cell| cell.struck).sum::<u64>();
            alarms += told(&name, &report);
        }
        explorations += 1;
    }
    say(&format!("explorations {explorations}, runs {runs}, of orders {orders}, deploys {deploys}, alarms {alarms}"));
    assert!(explorations >= LEAST, "{explorations} explorations, expected at least {LEAST}");
    assert!(runs >= depth.least_runs, "{runs} runs, expected at least {}", depth.least_runs);
    assert!(orders >= ORDERS, "{orders} runs of another order, expected at least {ORDERS}");
    assert!(deploys >= DEPLOYS, "{deploys} deploys, expected at least {DEPLOYS}");
    assert_eq!(alarms, 0);
}

/// The number of alarms of a report, each of which is printed.
fn told(name: &str, report: &Report) -> usize {
    report.failures().iter().for_each(|failed| say(&format!("ALARM {name}\n{}", failed.text)));
    match report.error() {
        Some(error) => {
            say(&format!("ALARM {name}: {error}"));
            1
        }
        None => report.parts().iter().map(|part| part.tally.failed as usize).sum(),
    }
}

/// Prints past the test harness, which swallows the output of a passing test.
fn say(line: &str) {
    let _ = std::io::stdout().lock().write_all(format!("{line}\n").as_bytes());
}

#[test]
fn correct_code_raises_no_alarm() {
    listen(Depth { pairs: 500, seeds: 500, least_runs: 60_000 });
}

#[test]
#[ignore = "takes minutes: with --release"]
fn correct_code_raises_no_alarm_at_full_depth() {
    listen(Depth { pairs: 20_000, seeds: 10_000, least_runs: 1_200_000 });
}
