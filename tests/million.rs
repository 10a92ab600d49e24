//! A sweep of a million seeds needs no more memory than one of ten thousand.
//!
//! `cargo test --release --test million -- --ignored --nocapture`, on Linux: half a minute.

use std::process::Command;
use std::time::{Duration, Instant};

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, EffectError, Ledger, RetryPolicy, Simulation, WorkflowContext,
    check,
};

#[derive(Default)]
struct Bucket {
    files: Ledger<u32>,
}

impl Bucket {
    fn put(&self, file: u32) -> Result<(), EffectError> {
        durasim::effect("put", || self.files.record(file))
    }
}

async fn copy_files(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    let bucket = durasim::state::<Bucket>();
    for file in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..files {
        durasim::time::sleep(Duration::from_secs(5)).await;
        bucket.put(file).map_err(|error| ActivityError::Retryable(error.to_string()))?;
        ctx.heartbeat(&(file + 1))?;
    }
    Ok(files)
}

/// In a process of its own, since what a process has used at most is asked for.
#[test]
#[ignore = "run by the test below"]
fn sweep() {
    let Ok(seeds) = std::env::var("SWEPT_SEEDS") else { return };
    let seeds: u64 = seeds.parse().unwrap();
    let started = Instant::now();
    Simulation::temporal()
        .activity("copy_files", copy_files)
        .workflow("backup", async |ctx: &WorkflowContext, files: u32| {
            let options = ActivityOptions {
                schedule_to_close_timeout: Duration::from_secs(600),
                heartbeat_timeout: Duration::from_secs(30),
                retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
                ..Default::default()
            };
            ctx.execute_activity::<u32>("copy_files", &files, options).await
        })
        .state(Bucket::default)
        .explore("backup", &10)
        .seeds(0..seeds)
        .check(check::same_result())
        .check(check::progress("copy_files", |files_done: &u32| *files_done))
        .check(check::effects(|bucket: &Bucket| &bucket.files))
        .assert();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    println!("peak {peak}, {:.1} s", started.elapsed().as_secs_f64());
}

/// In KiB.
fn peak_of(seeds: u64) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "sweep", "--nocapture"])
        .env("SWEPT_SEEDS", seeds.to_string())
        .env_remove("DURASIM_PLAN")
        .env_remove("DURASIM_SEED")
        .env_remove("DURASIM_SHARD")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let peak = text.lines().find_map(|line| line.strip_prefix("peak ")).expect("it says so");
    println!("{seeds} seeds: peak memory {peak}");
    peak.split(' ').next().unwrap().parse().unwrap()
}

#[test]
#[ignore = "takes half a minute"]
fn a_million_seeds_take_no_more_memory_than_ten_thousand() {
    if !cfg!(target_os = "linux") {
        println!("not measured: /proc/self/status is Linux's");
        return;
    }
    let (few, many) = (peak_of(10_000), peak_of(1_000_000));
    assert!(many < few + few / 4, "{many} KiB against {few} KiB");
}
