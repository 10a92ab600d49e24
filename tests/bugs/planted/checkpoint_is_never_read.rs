//! Bug 7: heartbeats carry the progress, and no attempt ever looks at it: every retry begins at zero.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, check};

use super::{Target, simulation};

const ROW: Duration = Duration::from_secs(5);

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    for row in 0..rows {
        target.write(row, ROW).await?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(format!("{rows} rows"))
}

async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    for row in done..rows {
        target.write(row, ROW).await?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(format!("{rows} rows"))
}

fn checked(exploration: Exploration) -> Exploration {
    exploration
        .check(check::same_result())
        .check(check::effects(|target: &Target| &target.rows))
        .check(check::progress("copy", |done: &u32| *done).at_most(1))
}

pub fn planted() -> Exploration {
    checked(simulation().activity("copy", with_bug).explore("copying", &8).named("checkpoint_is_never_read"))
}

pub fn twin() -> Exploration {
    checked(simulation().activity("copy", corrected).explore("copying", &8))
}
