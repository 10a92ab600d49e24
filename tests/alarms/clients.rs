//! Scripts: clients that start several workflows, signal, ask and cancel.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

use crate::Sound;

async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        durasim::time::sleep(Duration::from_secs(5)).await;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(rows)
}

async fn copying(ctx: &WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(300),
        heartbeat_timeout: Duration::from_secs(20),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("copy", &rows, options).await
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("copy", copy).workflow("copying", copying)
}

/// Two workflows at once, and their sum.
async fn two(client: Client) -> Result<u32, String> {
    let first = client.start::<u32>("copying", "first", &4u32).await?;
    let second = client.start::<u32>("copying", "second", &6u32).await?;
    Ok(first.result().await? + second.result().await?)
}

/// Two workflows, of which one is cancelled.
async fn cancels_one(client: Client) -> Result<u32, String> {
    let kept = client.start::<u32>("copying", "kept", &4u32).await?;
    let dropped = client.start::<u32>("copying", "dropped", &60u32).await?;
    client.sleep(Duration::from_secs(12)).await;
    dropped.cancel().await?;
    assert!(dropped.result().await.is_err());
    Ok(kept.result().await?)
}

pub fn all() -> Vec<Sound> {
    let script = |name: &str, exploration: Exploration| {
        let judged = exploration.check(check::same_result()).check(check::replays());
        (format!("clients: {name}"), judged.check(check::progress("copy", |done: &u32| *done)))
    };
    vec![
        script("two workflows", simulation().explore_script(two)),
        script("cancels one", simulation().explore_script(cancels_one)),
    ]
}
