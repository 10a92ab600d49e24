//! Bug 21: a deploy changes what a checkpoint looks like. The new code cannot read the old one, and silently begins at zero.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityFn, Exploration};
use serde::{Deserialize, Serialize};

use super::{Target, simulation};

const ROW: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Checkpoint {
    rows: u32,
    skipped: u32,
}

async fn copy(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        target.write(row, ROW).await?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(format!("{rows} rows"))
}

async fn copy_from(ctx: &ActivityContext, rows: u32, begun: Checkpoint) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    for row in begun.rows..rows {
        target.write(row, ROW).await?;
        ctx.heartbeat(&Checkpoint { rows: row + 1, ..begun })?;
    }
    Ok(format!("{rows} rows"))
}

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let begun = ctx.heartbeat_details::<Checkpoint>().ok().flatten().unwrap_or_default();
    copy_from(ctx, rows, begun).await
}

/// Reads both.
async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Old(u32),
        New(Checkpoint),
    }
    let begun = match ctx.heartbeat_details::<Either>()? {
        Some(Either::Old(rows)) => Checkpoint { rows, skipped: 0 },
        Some(Either::New(checkpoint)) => checkpoint,
        None => Checkpoint::default(),
    };
    copy_from(ctx, rows, begun).await
}

fn explored(new: impl ActivityFn<u32, String> + Clone) -> Exploration {
    simulation()
        .activity("copy", copy)
        .deploy(move |simulation| simulation.activity("copy", new.clone()))
        .explore("copying", &8)
}

pub fn planted() -> Exploration {
    explored(with_bug).named("deploy_changes_the_checkpoint")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
