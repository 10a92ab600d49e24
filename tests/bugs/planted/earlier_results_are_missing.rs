//! Bug 3: the results are collected in memory and the checkpoint holds only how many there are. After a retry, those of the
//! attempts before are missing.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, check};
use serde::{Deserialize, Serialize};

use super::{Target, simulation};

const ROW: Duration = Duration::from_secs(5);

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let mut fixed = Vec::new();
    for row in ctx.heartbeat_details::<Checkpoint>()?.unwrap_or_default().rows_done..rows {
        target.write(row, ROW).await?;
        fixed.push(row);
        ctx.heartbeat(&Checkpoint { rows_done: row + 1, fixed: Vec::new() })?;
    }
    Ok(format!("fixed {fixed:?}"))
}

#[derive(Default, Serialize, Deserialize)]
struct Checkpoint {
    rows_done: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fixed: Vec<u32>,
}

async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let mut checkpoint = ctx.heartbeat_details::<Checkpoint>()?.unwrap_or_default();
    for row in checkpoint.rows_done..rows {
        target.write(row, ROW).await?;
        checkpoint.rows_done = row + 1;
        checkpoint.fixed.push(row);
        ctx.heartbeat(&checkpoint)?;
    }
    Ok(format!("fixed {:?}", checkpoint.fixed))
}

fn checked(exploration: Exploration) -> Exploration {
    exploration
        .check(check::same_result())
        .check(check::progress("copy", |checkpoint: &Checkpoint| checkpoint.rows_done))
        .check(check::effects(|target: &Target| &target.rows))
}

pub fn planted() -> Exploration {
    checked(simulation().activity("copy", with_bug).explore("copying", &8).named("earlier_results_are_missing"))
}

pub fn twin() -> Exploration {
    checked(simulation().activity("copy", corrected).explore("copying", &8))
}
