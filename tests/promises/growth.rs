//! Judging a run takes time in proportion to it: to the heartbeats of an attempt, to the activities of a fan-out.

use std::time::{Duration, Instant};

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, Simulation, WorkflowContext, WorkflowError,
    check,
};

/// Eight times as much must not take more than this many times as long. Squared, it would be 64.
const MOST: f64 = 24.0;

fn second() -> Duration {
    Duration::from_secs(1)
}

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(1_000_000),
        heartbeat_timeout: Duration::from_secs(30),
        ..Default::default()
    }
}

#[derive(Default)]
struct Store {
    steps: Ledger<u32>,
}

/// One heartbeat and one effect a second.
async fn steps(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..count {
        durasim::time::sleep(second()).await;
        let done = durasim::effect("step", || durasim::state::<Store>().steps.record(step));
        done.map_err(|error| ActivityError::retryable(error.to_string()))?;
        ctx.heartbeat(&(step + 1))?;
    }
    Ok(count)
}

async fn long_activity(ctx: &WorkflowContext, count: u32) -> Result<u32, WorkflowError> {
    ctx.execute_activity("steps", &count, options()).await
}

async fn fan_out(ctx: &WorkflowContext, count: u32) -> Result<u32, WorkflowError> {
    let started: Vec<_> = (0..count).map(|_| ctx.execute_activity::<u32>("steps", &1, options())).collect();
    for activity in started {
        activity.await?;
    }
    Ok(count)
}

fn exploration(workflow: &str, count: u32) -> Exploration {
    Simulation::temporal()
        .activity("steps", steps)
        .workflow("long_activity", long_activity)
        .workflow("fan_out", fan_out)
        .state(Store::default)
        .explore(workflow, &count)
        .seeds(0..1)
        .threads(1)
        .check(check::same_result())
        .check(check::completes())
        .check(check::protected())
        .check(check::effects(|store: &Store| &store.steps))
        .check(check::heartbeats_in_time())
        .check(check::stops_in_time(Duration::from_secs(1_000_000)))
        .check(check::cleaned_up(|_: &Store| {}))
        .check(check::progress("steps", |done: &u32| *done))
}

/// The shortest of three explorations.
fn time(workflow: &str, count: u32) -> Duration {
    let once = || {
        let start = Instant::now();
        let report = exploration(workflow, count).report();
        assert!(report.holds(), "{report}");
        start.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

#[track_caller]
fn grows_in_proportion(workflow: &str, count: u32) {
    let (few, many) = (time(workflow, count), time(workflow, 8 * count));
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    assert!(ratio < MOST, "{workflow}: {count} take {few:?}, {} take {many:?}", 8 * count);
}

#[test]
fn with_the_heartbeats_of_an_attempt() {
    grows_in_proportion("long_activity", 1_000);
}

#[test]
fn with_the_activities_of_a_fan_out() {
    grows_in_proportion("fan_out", 250);
}
