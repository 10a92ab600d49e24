//! Bug 4: the result is put together inside the loop. If the last heartbeat is the newest thing the service knows, the
//! retry has nothing left to do, the loop does not run, and what is returned was never computed.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, Simulation, check};
use serde::{Deserialize, Serialize};

use super::{Target, simulation};

/// Longer than the 24 s for which the worker holds heartbeats back, so that each is visible at once.
const ROW: Duration = Duration::from_secs(25);

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Checkpoint {
    rows_done: u32,
    checksum: u32,
}

impl Checkpoint {
    fn and(self, row: u32) -> Checkpoint {
        Checkpoint { rows_done: row + 1, checksum: self.checksum.wrapping_mul(31).wrapping_add(row + 7) }
    }
}

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let mut checkpoint = ctx.heartbeat_details::<Checkpoint>()?.unwrap_or_default();
    let mut result = format!("nothing of {rows} rows");
    for row in checkpoint.rows_done..rows {
        target.write(row, ROW).await?;
        checkpoint = checkpoint.and(row);
        ctx.heartbeat(&checkpoint)?;
        result = format!("{} rows, checksum {:08x}", checkpoint.rows_done, checkpoint.checksum);
    }
    Ok(result)
}

async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let mut checkpoint = ctx.heartbeat_details::<Checkpoint>()?.unwrap_or_default();
    for row in checkpoint.rows_done..rows {
        target.write(row, ROW).await?;
        checkpoint = checkpoint.and(row);
        ctx.heartbeat(&checkpoint)?;
    }
    Ok(format!("{} rows, checksum {:08x}", checkpoint.rows_done, checkpoint.checksum))
}

/// The code with the bug, for single runs.
pub fn simulation_with_bug() -> Simulation {
    simulation().activity("copy", with_bug)
}

fn checked(exploration: Exploration) -> Exploration {
    exploration
        .check(check::same_result())
        .check(check::progress("copy", |checkpoint: &Checkpoint| checkpoint.rows_done))
        .check(check::effects(|target: &Target| &target.rows))
}

pub fn planted() -> Exploration {
    checked(simulation_with_bug().explore("copying", &6).named("result_is_made_in_the_loop"))
}

pub fn twin() -> Exploration {
    checked(simulation().activity("copy", corrected).explore("copying", &6))
}
