//! proptest draws both the input and the faults, and shrinks both. Here it finds that a checkpoint forgets a part of
//! the sum.
//!
//! `cargo run --example property --features proptest`

use std::time::Duration;

use durasim::fault::Plan;
use durasim::{ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, strategy};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Adds numbers, one every 5 s. The details of its heartbeats are how many it has added, and their sum.
async fn add_up(ctx: &ActivityContext, numbers: Vec<u32>) -> Result<u64, ActivityError> {
    let (done, mut sum) = ctx.heartbeat_details::<(usize, u64)>()?.unwrap_or_default();
    for (index, number) in numbers.iter().enumerate().skip(done) {
        durasim::time::sleep(Duration::from_secs(5)).await;
        sum += u64::from(*number);
        ctx.heartbeat(&(index + 1, sum))?;
    }
    Ok(sum)
}

/// The same with a bug: the sum is not in the heartbeat, so that a retry begins with 0.
async fn add_up_forgetfully(ctx: &ActivityContext, numbers: Vec<u32>) -> Result<u64, ActivityError> {
    let mut sum = 0;
    for (index, number) in numbers.iter().enumerate().skip(ctx.heartbeat_details()?.unwrap_or(0)) {
        durasim::time::sleep(Duration::from_secs(5)).await;
        sum += u64::from(*number);
        ctx.heartbeat(&(index + 1))?;
    }
    Ok(sum)
}

fn simulation(is_correct: bool) -> Simulation {
    let simulation = Simulation::temporal().workflow("adding", async |ctx: &WorkflowContext, numbers: Vec<u32>| {
        let options = ActivityOptions {
            schedule_to_close_timeout: Duration::from_secs(3_600),
            heartbeat_timeout: Duration::from_secs(30),
            retry_policy: Some(RetryPolicy { maximum_attempts: 10, ..Default::default() }),
            ..Default::default()
        };
        ctx.execute_activity::<u64>("add_up", &numbers, options).await
    });
    if is_correct { simulation.activity("add_up", add_up) } else { simulation.activity("add_up", add_up_forgetfully) }
}

/// Numbers, and a plan of the points that adding them has.
fn numbers_and_plan(is_correct: bool) -> impl Strategy<Value = (Vec<u32>, Plan)> {
    let plan = move |numbers: Vec<u32>| {
        let plans = strategy::plan(&simulation(is_correct), "adding", &numbers);
        (Just(numbers), plans)
    };
    proptest::collection::vec(1..100u32, 0..6).prop_flat_map(plan)
}

/// A sum that is given is right. A plan may also cancel the workflow, which gives none.
fn check(is_correct: bool) -> Result<(), impl std::fmt::Display> {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(256) });
    runner.run(&numbers_and_plan(is_correct), |(numbers, plan)| {
        let run = simulation(is_correct).plan(plan).run("adding", &numbers)?;
        let Ok(sum) = run.result::<u64>() else { return Ok(()) };
        prop_assert_eq!(sum, numbers.iter().copied().map(u64::from).sum::<u64>(), "{}", run.timeline());
        Ok(())
    })
}

fn main() {
    let found = check(false).expect_err("the bug is found");
    println!("{found}\n");
    assert!(check(true).is_ok());
    println!("the corrected activity holds in 256 cases");
}
