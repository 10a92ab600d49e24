//! Bug 17: an activity may take half an hour and records no heartbeat, so a dead worker is noticed after half an hour.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

async fn build(ctx: &ActivityContext, steps: u32) -> Result<u32, ActivityError> {
    for _ in 0..steps {
        durasim::time::sleep(Duration::from_secs(20)).await;
        ctx.heartbeat(&())?;
    }
    Ok(steps)
}

/// A heartbeat that no timeout waits for is one that nobody hears.
fn explored(heartbeat_timeout: Duration) -> Exploration {
    let building = async move |ctx: &WorkflowContext, steps: u32| -> Result<u32, WorkflowError> {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(1_800),
            heartbeat_timeout,
            retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
            ..Default::default()
        };
        ctx.execute_activity("build", &steps, options).await
    };
    let simulation = Simulation::temporal().activity("build", build).workflow("building", building);
    simulation.explore("building", &6u32).check(check::recovers_within(Duration::from_secs(300)))
}

pub fn planted() -> Exploration {
    explored(Duration::ZERO).named("dead_worker_is_noticed_late")
}

pub fn twin() -> Exploration {
    explored(Duration::from_secs(60))
}
