//! Bug 9: a guard deletes the downloaded input whenever an attempt ends. The next one does not find it.

use std::cell::Cell;
use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityFn, Exploration, check};

use super::simulation;

const ROW: Duration = Duration::from_secs(5);

/// The files on the disk that all workers share.
struct Disk {
    input: Cell<bool>,
}

impl Disk {
    fn open(&self) -> Result<(), ActivityError> {
        if self.input.get() { Ok(()) } else { Err(ActivityError::retryable("no such file: input.csv")) }
    }
}

struct DeletesInput;

impl Drop for DeletesInput {
    fn drop(&mut self) {
        let _ = durasim::effect("delete", || durasim::state::<Disk>().input.set(false));
    }
}

async fn rows(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
        durasim::time::sleep(ROW).await;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(format!("{rows} rows"))
}

async fn with_bug(ctx: &ActivityContext, count: u32) -> Result<String, ActivityError> {
    durasim::state::<Disk>().open()?;
    let _guard = DeletesInput;
    rows(ctx, count).await
}

/// Leaves the input to the workflow, which knows when nobody needs it any more.
async fn corrected(ctx: &ActivityContext, count: u32) -> Result<String, ActivityError> {
    durasim::state::<Disk>().open()?;
    rows(ctx, count).await
}

fn explored(copy: impl ActivityFn<u32, String>) -> Exploration {
    simulation()
        .activity("copy", copy)
        .state(|| Disk { input: Cell::new(true) })
        .explore("copying", &8)
        .check(check::completes())
        .check(check::same_result())
        .check(check::progress("copy", |done: &u32| *done))
}

pub fn planted() -> Exploration {
    explored(with_bug).named("input_is_deleted_whatever_happens")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
