//! The memory that runs and sweeps need at most, each in a process of its own. `cargo bench --bench memory`
//!
//! The peak is `VmHWM` of `/proc/self/status`, so the bench is for Linux only.

use std::process::{Command, Stdio};

use durasim::check;
use durasim_benches::simulated::Simulated;
use durasim_benches::workload::{Done, Progress, Workload};

/// Activities that run at once in one run: the peak grows with them.
const ACTIVITIES: [u32; 4] = [1, 1_000, 10_000, 100_000];
/// Seeds of one sweep: the peak does not grow with them.
const SEEDS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            ACTIVITIES.into_iter().for_each(|activities| {
                measure("activities", activities);
            });
            let peaks = SEEDS.map(|seeds| measure("seeds", seeds));
            // The machine's own doings may add a quarter.
            let (few, many) = (peaks[1], peaks[3]);
            assert!(many < few + few / 4, "{} seeds take {many} kB, and {} take {few} kB", SEEDS[3], SEEDS[1]);
        }
        ["activities", activities] => one_run(activities.parse().expect("a number of activities")),
        ["seeds", seeds] => sweep(seeds.parse().expect("a number of seeds")),
        _ => panic!("expected nothing, or `activities N`, or `seeds N`"),
    }
}

/// Starts this program again: a process never gives its peak back, which is returned in kilobytes.
fn measure(what: &str, count: u32) -> u64 {
    let program = std::env::current_exe().expect("the path of this program");
    let output = Command::new(program).args([what, &count.to_string()]).stderr(Stdio::inherit()).output();
    let output = output.expect("a process");
    assert!(output.status.success(), "{what} {count}: {}", output.status);
    let text = String::from_utf8(output.stdout).expect("text");
    let (peak, words) = text.split_once('\n').expect("the peak, then words");
    print!("{words}");
    peak.parse().expect("a number of kilobytes")
}

fn one_run(activities: u32) {
    let workload = Workload::crashing("memory", activities);
    let before = peak();
    let run = Simulated::new(&workload).run();
    assert_eq!(run.result::<Done>().expect("a result"), workload.result());
    let each = (peak() - before) * 1024 / u64::from(activities);
    println!("{}\nactivities {activities} peak {:.1} MB ({each} bytes each)", peak(), megabytes(peak()));
}

fn sweep(seeds: u32) {
    let mut workload = Workload::crashing("memory", 1);
    workload.batch.job.fails_at = 0;
    workload.crash = false;
    let report = Simulated::new(&workload)
        .simulation
        .explore("batch", &workload.batch)
        .named("memory")
        .seeds(0..u64::from(seeds))
        .check(check::same_result())
        .check(check::progress("chunks", |progress: &Progress| progress.chunks_done))
        .report();
    assert!(report.holds());
    println!("{}\nseeds {seeds} peak {:.1} MB", peak(), megabytes(peak()));
}

/// The peak so far, in kilobytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("`/proc/self/status`, which Linux has");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line with the peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number of kilobytes")
}

fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}
