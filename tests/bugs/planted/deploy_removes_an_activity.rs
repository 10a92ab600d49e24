//! Bug 20: a deploy removes an activity call. Workflows in flight are replayed by the new code, which does not ask for what
//! their history has.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, WorkflowFn,
};

async fn step(_ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(5)).await;
    Ok(())
}

fn options() -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(1_800),
        start_to_close_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    }
}

async fn order(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ctx.execute_activity::<()>("reserve", &(), options()).await?;
    ctx.execute_activity::<()>("notify", &(), options()).await?;
    ctx.execute_activity("ship", &(), options()).await
}

/// Nobody is notified any more.
async fn with_bug(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ctx.execute_activity::<()>("reserve", &(), options()).await?;
    ctx.execute_activity("ship", &(), options()).await
}

/// Nobody is notified any more, but for those whose order had begun before.
async fn corrected(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let notifies = ctx.version("nobody is notified", WorkflowContext::DEFAULT_VERSION, 1) != 1;
    ctx.execute_activity::<()>("reserve", &(), options()).await?;
    if notifies {
        ctx.execute_activity::<()>("notify", &(), options()).await?;
    }
    ctx.execute_activity("ship", &(), options()).await
}

fn explored(new: impl WorkflowFn<(), ()> + Clone) -> Exploration {
    let steps = ["reserve", "notify", "ship"];
    steps
        .into_iter()
        .fold(Simulation::temporal(), |simulation, name| simulation.activity(name, step))
        .workflow("order", order)
        .deploy(move |simulation| simulation.workflow("order", new.clone()))
        .explore("order", &())
}

pub fn planted() -> Exploration {
    explored(with_bug).named("deploy_removes_an_activity")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
