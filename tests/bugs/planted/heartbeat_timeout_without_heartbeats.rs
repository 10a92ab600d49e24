//! Bug 10: a heartbeat timeout on an activity that never heartbeats: it is tried again while the first attempt still runs.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, check};

use super::{Target, simulation};

const ROW: Duration = Duration::from_secs(5);

async fn with_bug(_ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    for row in 0..rows {
        target.write(row, ROW).await?;
    }
    Ok(format!("{rows} rows"))
}

async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        target.write(row, ROW).await?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(format!("{rows} rows"))
}

fn checked(exploration: Exploration) -> Exploration {
    exploration.check(check::same_result()).check(check::effects(|target: &Target| &target.rows))
}

pub fn planted() -> Exploration {
    let exploration = simulation().activity("copy", with_bug).explore("copying", &8);
    checked(exploration.named("heartbeat_timeout_without_heartbeats"))
}

pub fn twin() -> Exploration {
    checked(simulation().activity("copy", corrected).explore("copying", &8))
}
