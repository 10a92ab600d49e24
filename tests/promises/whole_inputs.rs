//! A property of whole inputs: proptest draws the input and the plan together, as in `examples/property.rs`.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, strategy};
use proptest::prelude::*;

/// Adds up pages of numbers, one page every 5 s.
async fn add_up(ctx: &ActivityContext, pages: Vec<Vec<u32>>) -> Result<u64, ActivityError> {
    let (done, mut total) = ctx.heartbeat_details::<(usize, u64)>()?.unwrap_or_default();
    for (number, page) in pages.iter().enumerate().skip(done) {
        durasim::time::sleep(Duration::from_secs(5)).await;
        total += page.iter().map(|value| u64::from(*value)).sum::<u64>();
        ctx.heartbeat(&(number + 1, total))?;
    }
    Ok(total)
}

fn adding() -> Simulation {
    Simulation::temporal().activity("add_up", add_up).workflow(
        "adding",
        async |ctx: &WorkflowContext, pages: Vec<Vec<u32>>| {
            let options = ActivityOptions {
                schedule_to_close_timeout: Duration::from_secs(3_600),
                heartbeat_timeout: Duration::from_secs(30),
                retry_policy: Some(RetryPolicy { maximum_attempts: 10, ..Default::default() }),
                ..Default::default()
            };
            ctx.execute_activity::<u64>("add_up", &pages, options).await
        },
    )
}

fn pages_and_plan() -> impl Strategy<Value = (Vec<Vec<u32>>, durasim::fault::Plan)> {
    let pages = prop::collection::vec(prop::collection::vec(any::<u32>(), 0..5), 0..6);
    pages.prop_flat_map(|pages| (Just(pages.clone()), strategy::plan(&adding(), "adding", &pages)))
}

proptest! {
    #[test]
    fn a_total_that_is_given_is_right((pages, plan) in pages_and_plan()) {
        let run = adding().plan(plan).run("adding", &pages)?;
        // A plan may cancel the workflow, or use up the hour.
        if let Ok(total) = run.result::<u64>() {
            let expected: u64 = pages.iter().flatten().map(|value| u64::from(*value)).sum();
            prop_assert_eq!(total, expected, "{}", run.timeline());
        }
    }
}
