//! The public surface can be lived with: errors convert, fakes compile, options may grow, mistakes are explained.

mod builder;
mod conversions;
mod fakes;
mod fused;

mod growth;
mod own_checks;
mod signatures;

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Simulation, WorkflowContext, WorkflowError,
};

/// A workflow `twice`, which doubles what the activity `ask` answers.
fn asking(ask: impl ActivityFn<u32, u32>) -> Simulation {
    Simulation::temporal().activity("ask", ask).workflow("twice", async |ctx: &WorkflowContext, number: u32| {
        let options = ActivityOptions {
            schedule_to_close_timeout: Duration::from_secs(60),
            heartbeat_timeout: Duration::from_secs(10),
            ..Default::default()
        };
        Ok::<_, WorkflowError>(2 * ctx.execute_activity::<u32>("ask", &number, options).await?)
    })
}

/// Takes a second.
async fn answers(_: &ActivityContext, number: u32) -> Result<u32, ActivityError> {
    durasim::time::sleep(Duration::from_secs(1)).await;
    Ok(number)
}
