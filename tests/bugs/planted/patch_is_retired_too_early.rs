//! Bug 32: a patch is taken out of the code while runs are open whose histories have its marker. Their replay asks for no such
//! marker, so that every one of them is stuck.

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

/// New orders are checked first. Those that had begun before the patch go on without.
pub async fn patched(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    if ctx.patched("check first") {
        ctx.execute_activity::<()>("check", &(), options()).await?;
    }
    ctx.execute_activity("ship", &(), options()).await
}

/// All orders are checked by now, but those of yesterday have the marker.
pub async fn with_bug(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ctx.execute_activity::<()>("check", &(), options()).await?;
    ctx.execute_activity("ship", &(), options()).await
}

/// The marker is accepted until the last of them has closed.
pub async fn corrected(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ctx.deprecate_patch("check first");
    ctx.execute_activity::<()>("check", &(), options()).await?;
    ctx.execute_activity("ship", &(), options()).await
}

fn explored(new: impl WorkflowFn<(), ()> + Clone) -> Exploration {
    Simulation::temporal()
        .activity("check", step)
        .activity("ship", step)
        .workflow("order", patched)
        .deploy(move |simulation| simulation.workflow("order", new.clone()))
        .explore("order", &())
}

pub fn planted() -> Exploration {
    explored(with_bug).named("patch_is_retired_too_early")
}

pub fn twin() -> Exploration {
    explored(corrected)
}

/// The history that was fetched before the deploy says so too, without an exploration.
#[test]
fn the_old_history_is_refused_and_the_twin_goes_along() {
    let steps = Simulation::temporal().activity("check", step).activity("ship", step);
    let old = steps.workflow("order", patched).run("order", &()).unwrap().history_json("order").unwrap();
    let error = Simulation::temporal().workflow("order", with_bug).replay_history(&old).unwrap_err().to_string();
    assert!(
        error.contains("at event 5 (MARKER_RECORDED) the code does not ask for the patch `check first`"),
        "{error}"
    );
    Simulation::temporal().workflow("order", corrected).replay_history(&old).unwrap();
    Simulation::temporal().workflow("order", patched).replay_history(&old).unwrap();
}
