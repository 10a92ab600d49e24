//! Bug 8: a helper heartbeats in the background, without details, and so erases the checkpoint of the activity itself.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, check};

use super::{Target, simulation};

const ROW: Duration = Duration::from_secs(5);

/// Heartbeats until it is dropped.
struct AutoHeartbeat(durasim::task::JoinHandle<()>);

impl AutoHeartbeat {
    /// Repeats the last words of the activity, or says nothing at all.
    fn start(ctx: &ActivityContext, last: Option<Rc<Cell<u32>>>) -> AutoHeartbeat {
        let ctx = ctx.clone();
        AutoHeartbeat(durasim::task::spawn(async move {
            loop {
                durasim::time::sleep(Duration::from_secs(7)).await;
                match &last {
                    Some(last) => drop(ctx.heartbeat(&last.get())),
                    None => ctx.record_heartbeat(None),
                }
            }
        }))
    }
}

impl Drop for AutoHeartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let first = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    let _background = AutoHeartbeat::start(ctx, None);
    for row in first..rows {
        target.write(row, ROW).await?;
        ctx.heartbeat(&(row + 1))?;
    }
    Ok(format!("{rows} rows"))
}

async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let target = durasim::state::<Target>();
    let done = Rc::new(Cell::new(ctx.heartbeat_details::<u32>()?.unwrap_or(0)));
    let _background = AutoHeartbeat::start(ctx, Some(done.clone()));
    for row in done.get()..rows {
        target.write(row, ROW).await?;
        done.set(row + 1);
        ctx.heartbeat(&done.get())?;
    }
    Ok(format!("{rows} rows"))
}

fn checked(exploration: Exploration) -> Exploration {
    exploration
        .check(check::same_result())
        .check(check::effects(|target: &Target| &target.rows))
        .check(check::progress("copy", |done: &u32| *done))
}

pub fn planted() -> Exploration {
    let exploration = simulation().activity("copy", with_bug).explore("copying", &8);
    checked(exploration.named("background_heartbeat_erases_the_checkpoint"))
}

pub fn twin() -> Exploration {
    checked(simulation().activity("copy", corrected).explore("copying", &8))
}
