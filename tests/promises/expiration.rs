//! A retry policy of Cadence ends by a time.

use std::time::Duration;

use durasim::{ChildOptions, RetryPolicy, Simulation, WorkflowContext, WorkflowError};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Cadence's policies may end by a time instead of a number of attempts. A run that is no retry has that time anew.
#[test]
fn an_expiration_interval_limits_the_retries_of_a_run() {
    let fails = async |ctx: &WorkflowContext, goes_on: bool| -> Result<(), WorkflowError> {
        if goes_on {
            ctx.sleep(secs(5)).await?;
            return Err(ctx.continue_as_new(&false));
        }
        Err(WorkflowError::application("no luck"))
    };
    let parent = async |ctx: &WorkflowContext, goes_on: bool| -> Result<(), WorkflowError> {
        let retry_policy = RetryPolicy { expiration_interval: secs(8), ..Default::default() };
        let options = ChildOptions { retry_policy: Some(retry_policy), ..Default::default() };
        ctx.start_child::<()>("fails", &goes_on, options).result().await
    };
    // Retries are due after 1 s, 3 s and 7 s. The next one would be after 15 s.
    for (goes_on, runs) in [(false, 4), (true, 5)] {
        let run = Simulation::cadence().workflow("fails", fails).workflow("parent", parent).run("parent", &goes_on);
        let run = run.unwrap();
        assert_eq!(run.trace().workflows().len(), 1 + runs, "{goes_on}: {}", run.timeline());
    }
}
