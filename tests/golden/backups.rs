//! The README's example: the plans that its bug needs, and random ones.

use durasim::{ActivityFn, Simulation};

use super::backup::{Bucket, backup, copy_files, copy_files_rightly};
use super::kept::Kept;
use super::run_text::run_text;
use super::seeds::random_runs;

const FILES: u32 = 4;

const PLANS: [&str; 7] = [
    "v1",
    "copy_files#1@1:await1=fail",
    "copy_files#1@1:await3=crash",
    "copy_files#1@1:await2=stall(35s)",
    "copy_files#1@1:heartbeat3=crash_after_unsent",
    "copy_files#1@1:completion=request_lost",
    "copy_files#1@1:await1=crash; copy_files#1@2:await1=crash; copy_files#1@3:await1=crash",
];

fn with_code(simulation: Simulation, copy_files: impl ActivityFn<u32, u32>) -> Simulation {
    simulation.activity("copy_files", copy_files).workflow("backup", backup).state(Bucket::default)
}

#[test]
fn golden_backups_under_plans() {
    let mut kept = Kept::new("backups");
    for (code, simulation) in [
        ("with its bug", with_code(Simulation::temporal(), copy_files)),
        ("corrected", with_code(Simulation::temporal(), copy_files_rightly)),
        ("corrected, cadence", with_code(Simulation::cadence(), copy_files_rightly)),
    ] {
        for plan in PLANS {
            let result = simulation.clone().plan(plan.parse().unwrap()).run("backup", &FILES);
            kept.add(&format!("{code}: {plan}"), &run_text(result.as_ref()));
        }
    }
    kept.assert();
}

#[test]
fn golden_backups_under_random_faults() {
    let simulations = [
        ("temporal", with_code(Simulation::temporal(), copy_files_rightly)),
        ("cadence", with_code(Simulation::cadence(), copy_files_rightly)),
    ];
    let text = |simulation: &Simulation| run_text(simulation.run("backup", &FILES).as_ref());
    random_runs("backups_random", &simulations, 0..50, text);
}
