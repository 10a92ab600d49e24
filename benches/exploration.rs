//! The use that an exploration makes of a core: runs per second, judged. `cargo bench --bench exploration`

use std::time::Instant;

use durasim::check;
use durasim_benches::clock::{self, Clock};
use durasim_benches::simulated::Simulated;
use durasim_benches::sweep::sweep;
use durasim_benches::workload::{Progress, Workload};

fn main() {
    // The workload of one activity, which does not fail by itself.
    let mut workload = Workload::crashing("W1", 1);
    workload.batch.job.fails_at = 0;
    workload.crash = false;
    let simulated = Simulated::new(&workload);
    let exploration = || {
        simulated
            .simulation
            .explore("batch", &workload.batch)
            .named("bench")
            .check(check::same_result())
            .check(check::progress("chunks", |progress: &Progress| progress.chunks_done))
    };

    let mut criterion = clock::criterion(Clock::Cpu);
    sweep(&mut criterion, Clock::Cpu, ["W1", "every_fault"], || exploration().threads(1).every_fault().report());
    sweep(&mut criterion, Clock::Cpu, ["W1", "seeds"], || exploration().threads(1).seeds(0..1_000).report());
    criterion.final_summary();

    // It reads the clock on the wall, since CPU time is the same on two threads.
    let wall = Clock::Wall(Instant::now());
    let mut criterion = clock::criterion(wall);
    for (threads, name) in [(1, "seeds on 1 thread"), (2, "seeds on 2 threads")] {
        sweep(&mut criterion, wall, ["W1", name], || exploration().threads(threads).seeds(0..10_000).report());
    }
    criterion.final_summary();
}
