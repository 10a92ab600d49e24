//! The share of 1,000 seeds whose run meets at least one fault, for small and large inputs.
//!
//! `cargo run --release --example strike_share`
//!
//! It exits with 1 if fewer than nine of ten seeds strike: a run that meets no fault shows nothing.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use durasim::fault::Order;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, EffectError, Ledger, RetryPolicy, RunError, Simulation,
    WorkflowContext, WorkflowError,
};

const SEEDS: u64 = 1_000;

/// The least share of seeds that must strike.
const LEAST: f64 = 0.90;

async fn copy_files(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    let bucket = durasim::state::<Bucket>();
    for file in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..files {
        durasim::time::sleep(Duration::from_secs(5)).await;
        bucket.put(file)?;
        ctx.heartbeat(&(file + 1))?;
    }
    Ok(files)
}

async fn backup(ctx: &WorkflowContext, files: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("copy_files", &files, options).await
}

#[derive(Default)]
struct Bucket {
    files: Ledger<u32>,
}

impl Bucket {
    fn put(&self, file: u32) -> Result<(), EffectError> {
        durasim::effect("put", || self.files.record(file))
    }
}

/// The effect of the seeds on a backup of so many files.
struct Struck {
    /// Seeds whose run met at least one fault.
    seeds: u64,
    /// The faults that these runs met, all together.
    faults: usize,
    /// Runs that went different ways.
    traces: usize,
}

fn struck(simulation: &Simulation, files: u32) -> Result<Struck, RunError> {
    let (mut seeds, mut faults, mut traces) = (0, 0, BTreeSet::new());
    for seed in 0..SEEDS {
        // Explorations do it in the same way.
        let order = if seed % 2 == 0 { Order::Fifo } else { Order::Random };
        let run = simulation.clone().order(order).random_faults(seed).run("backup", &files)?;
        let met = run.plan().entries.len();
        seeds += u64::from(met > 0);
        faults += met;
        traces.insert(run.timeline().every_event().to_string());
    }
    Ok(Struck { seeds, faults, traces: traces.len() })
}

fn main() -> Result<ExitCode, RunError> {
    let simulation =
        Simulation::temporal().activity("copy_files", copy_files).workflow("backup", backup).state(Bucket::default);
    println!("{SEEDS} seeds for a backup of so many files, each as a run with random faults\n");
    println!("{:>6} {:>18} {:>20} {:>16}", "files", "seeds that strike", "faults in each", "distinct traces");
    let mut enough = true;
    for files in [1, 3, 10, 100] {
        let Struck { seeds, faults, traces } = struck(&simulation, files)?;
        let share = seeds as f64 / SEEDS as f64;
        let each = faults as f64 / seeds.max(1) as f64;
        println!("{files:>6} {share:>18.3} {each:>20.1} {traces:>16}");
        enough &= share >= LEAST;
    }
    if enough {
        println!("\nin each row at least {LEAST:.2} of the seeds strike");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("\ntoo few: at least {LEAST:.2} of the seeds of each row should strike");
        Ok(ExitCode::FAILURE)
    }
}
