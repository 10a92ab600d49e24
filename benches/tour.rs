//! The cost of exploring each workflow of the tour, with all its checks. `cargo bench --bench tour`

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use activity_advanced::stops::{STOPS, Stop, simulation};
use durasim::{Dialect, Run, check};
use durasim_benches::clock::{self, Clock};
use durasim_benches::sweep::sweep;

fn main() {
    let judged = |stop: Stop, threads| stop.judged(&simulation(Dialect::Temporal)).threads(threads);

    let mut criterion = clock::criterion(Clock::Cpu);
    for stop in STOPS {
        println!("{} {} points", stop.workflow, points(&stop));
        sweep(&mut criterion, Clock::Cpu, [stop.workflow, "every_fault"], || judged(stop, 1).every_fault().report());
    }
    criterion.final_summary();

    // It reads the clock on the wall, since CPU time is the same on two threads.
    let wall = Clock::Wall(Instant::now());
    let mut criterion = clock::criterion(wall);
    for stop in STOPS {
        for (threads, name) in [(1, "seeds on 1 thread"), (2, "seeds on 2 threads")] {
            sweep(&mut criterion, wall, [stop.workflow, name], || judged(stop, threads).seeds(0..1_000).report());
        }
    }
    criterion.final_summary();
}

/// The number of points that a fault can strike.
fn points(stop: &Stop) -> usize {
    let points = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = points.clone();
    let exploration = stop.judged(&simulation(Dialect::Temporal)).every_fault().check(
        check::named("points", {
            move |run: &Run| {
                let struck = run.plan().entries.into_iter().map(|entry| entry.point);
                seen.lock().unwrap_or_else(PoisonError::into_inner).extend(struck);
            }
        })
        .all_runs(),
    );
    let report = exploration.report();
    assert!(report.holds(), "{report}");
    points.lock().unwrap_or_else(PoisonError::into_inner).len()
}
