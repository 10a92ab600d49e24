//! Bug 2: the heartbeat says that a row is done before it is. A crash between the two loses the row.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, check};

use super::{Target, simulation};

const ROW: Duration = Duration::from_secs(5);

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let first = ctx.heartbeat_details::<u32>()?.map_or(0, |begun| begun + 1);
    for row in first..rows {
        ctx.heartbeat(&row)?;
        target.write(row, ROW).await?;
    }
    Ok(format!("{rows} rows"))
}

async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    // The row that was begun may be done or not: it is written again.
    let first = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    for row in first..rows {
        ctx.heartbeat(&row)?;
        target.write(row, ROW).await?;
    }
    Ok(format!("{rows} rows"))
}

fn checked(exploration: Exploration) -> Exploration {
    exploration
        .check(check::same_result())
        .check(check::progress("copy", |begun: &u32| *begun))
        .check(check::effects(|target: &Target| &target.rows))
}

pub fn planted() -> Exploration {
    checked(simulation().activity("copy", with_bug).explore("copying", &8).named("checkpoint_before_the_work"))
}

pub fn twin() -> Exploration {
    checked(simulation().activity("copy", corrected).explore("copying", &8))
}
