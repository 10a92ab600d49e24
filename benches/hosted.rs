//! The cost of code under a host, and of the tokio code that a host is for. `cargo bench --bench hosted`
//!
//! CPU time of this process, the median of several rounds in which the sides take turns.

use std::hint::black_box;
use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError};
use durasim_benches::cpu_time::{self, median, words};
use durasim_tokio::SimulationExt;
use tokio::runtime::{Builder, Runtime};

/// Rounds in which the sides take turns.
const ROUNDS: usize = 25;

/// Runs of a side in a round.
const RUNS: u64 = 400;

/// A chunk takes this long.
const CHUNK: Duration = Duration::from_millis(100);

fn main() {
    let (native, hosted, tokio) = (simulation(1, native), simulation(1, native).tokio(), simulation(1, tokio).tokio());
    let (beside, runtime) = (simulation(2, beside).tokio(), paused());
    let run = |simulation: &Simulation, awaits: u32| drop(black_box(simulation.run("main", &awaits).expect("a run")));
    let two = beside.run("main", &100u32).expect("a run");
    assert!(two.virtual_time() - durasim::Time::ZERO < Duration::from_secs(11), "both at once");
    let sides: [(u64, &dyn Fn()); 8] = [
        (RUNS, &|| run(&native, 10)),
        (RUNS, &|| run(&hosted, 10)),
        (RUNS, &|| run(&tokio, 10)),
        (RUNS / 10, &|| run(&native, 110)),
        (RUNS / 10, &|| run(&hosted, 110)),
        (RUNS / 10, &|| run(&tokio, 110)),
        (RUNS / 10, &|| sleeps(&runtime, 100)),
        (RUNS / 10, &|| run(&beside, 100)),
    ];
    let round = |(runs, side): &(u64, &dyn Fn())| cpu_time::of(*runs, side).as_secs_f64() / *runs as f64;
    // The first one warms up.
    sides.iter().for_each(|side| _ = round(side));
    let rounds: Vec<Vec<f64>> = (0..ROUNDS).map(|_| sides.iter().map(round).collect()).collect();
    let cost = |side: usize| median(rounds.iter().map(|round| round[side]).collect());
    for (side, name) in ["native code", "native code under the host", "tokio code"].into_iter().enumerate() {
        let (ten, more) = (cost(side), cost(side + 3));
        println!("{name}: {} a run of 10 awaits, {} each further one", words(ten), words((more - ten) / 100.0));
    }
    println!("tokio's own sleep on a paused clock: {}", words(cost(6) / 100.0));
    println!("two processes with spawned tasks at once: {} a virtual second", words(cost(7) / 10.0));
}

/// As many activities at once on as many workers, each with so many chunks as the input says.
fn simulation(activities: usize, code: impl durasim::ActivityFn<u32, u32>) -> Simulation {
    Simulation::temporal().workers(activities).activity("code", code).workflow(
        "main",
        async move |ctx: &WorkflowContext, awaits: u32| -> Result<u32, WorkflowError> {
            let options = || ActivityOptions {
                schedule_to_close_timeout: Duration::from_secs(3_600),
                heartbeat_timeout: Duration::from_secs(30),
                ..Default::default()
            };
            let all: Vec<_> =
                (0..activities).map(|_| ctx.execute_activity::<u32>("code", &awaits, options())).collect();
            let mut done = 0;
            for one in all {
                done += one.await?;
            }
            Ok(done)
        },
    )
}

async fn native(ctx: &ActivityContext, awaits: u32) -> Result<u32, ActivityError> {
    for chunk in 0..awaits {
        durasim::time::sleep(CHUNK).await;
        ctx.heartbeat(&chunk)?;
    }
    Ok(awaits)
}

async fn tokio(ctx: &ActivityContext, awaits: u32) -> Result<u32, ActivityError> {
    for chunk in 0..awaits {
        tokio::time::sleep(CHUNK).await;
        ctx.heartbeat(&chunk)?;
    }
    Ok(awaits)
}

/// The same beside a spawned task, which goes on every second.
async fn beside(ctx: &ActivityContext, awaits: u32) -> Result<u32, ActivityError> {
    let task = tokio::spawn(async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let done = tokio(ctx, awaits).await;
    task.abort();
    done
}

fn paused() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

/// tokio alone.
fn sleeps(runtime: &Runtime, count: u32) {
    runtime.block_on(async {
        for _ in 0..count {
            tokio::time::sleep(CHUNK).await;
        }
    });
}
