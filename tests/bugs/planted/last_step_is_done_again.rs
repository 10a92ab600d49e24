//! Bug 1: the heartbeat says which row was written last, and the retry begins with that row instead of the next one.
//! At-least-once execution excuses rows that no checkpoint tells of, but not this one.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, check};

use super::{Target, simulation};

const ROW: Duration = Duration::from_secs(5);

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let first = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    for row in first..rows {
        target.write(row, ROW).await?;
        ctx.heartbeat(&row)?;
    }
    Ok(format!("{rows} rows"))
}

async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let first = ctx.heartbeat_details::<u32>()?.map_or(0, |last| last + 1);
    for row in first..rows {
        target.write(row, ROW).await?;
        ctx.heartbeat(&row)?;
    }
    Ok(format!("{rows} rows"))
}

fn checked(exploration: Exploration) -> Exploration {
    exploration
        .check(check::effects(|target: &Target| &target.rows).covered_by("copy", |last: &u32, row: &u32| row <= last))
        .check(check::progress("copy", |last: &u32| *last))
        .check(check::same_result())
}

pub fn planted() -> Exploration {
    checked(simulation().activity("copy", with_bug).explore("copying", &8).named("last_step_is_done_again"))
}

pub fn twin() -> Exploration {
    checked(simulation().activity("copy", corrected).explore("copying", &8))
}
