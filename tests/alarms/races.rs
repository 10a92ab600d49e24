//! Code in which two things are under way at once.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

use crate::Sound;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn options() -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: seconds(900),
        start_to_close_timeout: seconds(120),
        heartbeat_timeout: seconds(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    }
}

async fn step(ctx: &ActivityContext, takes: u64) -> Result<u64, ActivityError> {
    for second in 0..takes {
        durasim::time::sleep(seconds(1)).await;
        if second % 5 == 4 {
            ctx.heartbeat(&second)?;
        }
    }
    Ok(takes)
}

/// A reminder goes out while the activity runs; the end of the activity is the result in any case.
fn selects() -> Exploration {
    let main = async |ctx: &WorkflowContext, takes: u64| -> Result<u64, WorkflowError> {
        let mut work = ctx.execute_activity::<u64>("step", &takes, options());
        let mut reminder = ctx.sleep(seconds(6));
        loop {
            futures::select_biased! {
                done = work => return done,
                slept = reminder => slept?,
            }
        }
    };
    let simulation = Simulation::temporal().activity("step", step).workflow("main", main);
    // The details of `step` are for people who watch it.
    simulation.explore("main", &12u64).without("progress").check(check::same_result()).check(check::replays())
}

/// Three at once, then one with their sum.
fn fans_out() -> Exploration {
    let main = async |ctx: &WorkflowContext, takes: u64| -> Result<u64, WorkflowError> {
        let parts = (1..=3).map(|part| ctx.execute_activity::<u64>("step", &(takes * part), options()));
        let parts: Vec<_> = parts.collect();
        let mut sum = 0;
        for part in parts {
            sum += part.await?;
        }
        ctx.execute_activity("step", &(sum % 7), options()).await
    };
    let simulation = Simulation::temporal().activity("step", step).workflow("main", main);
    simulation
        .explore("main", &3u64)
        .without("progress")
        .check(check::same_result())
        .check(check::replays())
        .check(check::completes())
}

#[derive(Default)]
struct Pool {
    pings: Ledger<u32>,
}

/// The first attempt on a worker starts a task that keeps a connection warm as long as the process lives.
fn keeps_warm() -> Exploration {
    let query = async |_: &ActivityContext, rows: u64| -> Result<u64, ActivityError> {
        drop(durasim::task::spawn(async {
            for ping in 0..40 {
                durasim::time::sleep(seconds(10)).await;
                durasim::state::<Pool>().pings.record(ping);
            }
        }));
        durasim::time::sleep(seconds(rows)).await;
        Ok(rows)
    };
    let main = async |ctx: &WorkflowContext, rows: u64| -> Result<u64, WorkflowError> {
        let options = ActivityOptions { heartbeat_timeout: Duration::ZERO, ..options() };
        ctx.execute_activity("query", &rows, options).await
    };
    let simulation = Simulation::temporal().activity("query", query).workflow("main", main).state(Pool::default);
    simulation.explore("main", &15u64).check(check::same_result()).check(check::completes())
}

/// Stops its work when it is asked to, in either way.
fn heeds_cancels() -> Exploration {
    let upload = async |ctx: &ActivityContext, parts: u64| -> Result<u64, ActivityError> {
        for part in ctx.heartbeat_details::<u64>()?.unwrap_or(0)..parts {
            tokio::select! {
                biased;
                _ = ctx.cancelled() => return Err(ActivityError::Cancelled),
                () = durasim::time::sleep(seconds(4)) => {}
            }
            ctx.heartbeat(&(part + 1))?;
        }
        Ok(parts)
    };
    let main = async |ctx: &WorkflowContext, parts: u64| -> Result<u64, WorkflowError> {
        ctx.execute_activity("upload", &parts, options()).await
    };
    let simulation = Simulation::temporal().activity("upload", upload).workflow("main", main);
    let exploration = simulation.explore("main", &5u64).check(check::same_result());
    exploration.check(check::stops_in_time(seconds(5))).check(check::progress("upload", |done: &u64| *done))
}

pub fn all() -> Vec<Sound> {
    let named = |name: &str, exploration: Exploration| (format!("races: {name}"), exploration);
    vec![
        named("a timer and an activity", selects()),
        named("fans out", fans_out()),
        named("keeps a connection warm", keeps_warm()),
        named("heeds cancels", heeds_cancels()),
    ]
}
