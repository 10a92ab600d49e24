//! Bug 6: a heartbeat whenever the number of records divides by twenty, of batches of seven: nearly never.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, check};

use super::{Target, simulation};

const BATCH: u32 = 7;

async fn batches(
    ctx: &ActivityContext,
    rows: u32,
    is_time: impl Fn(u32, u32) -> bool,
) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let mut done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    while done < rows {
        let before = done;
        done = rows.min(before + BATCH);
        durasim::time::sleep(Duration::from_secs(2)).await;
        for row in before..done {
            target.write(row, Duration::ZERO).await?;
        }
        if is_time(before, done) {
            ctx.heartbeat(&done)?;
        }
    }
    Ok(format!("{rows} rows"))
}

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    batches(ctx, rows, |_, done| done.is_multiple_of(20)).await
}

/// Whenever another twenty are full.
async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    batches(ctx, rows, |before, done| done / 20 > before / 20).await
}

fn checked(exploration: Exploration) -> Exploration {
    exploration
        .check(check::same_result())
        .check(check::effects(|target: &Target| &target.rows))
        .check(check::progress("copy", |done: &u32| *done).at_most(20 + BATCH))
}

pub fn planted() -> Exploration {
    checked(simulation().activity("copy", with_bug).explore("copying", &60).named("heartbeats_only_when_it_divides"))
}

pub fn twin() -> Exploration {
    checked(simulation().activity("copy", corrected).explore("copying", &60))
}
