//! Bug 22: a file is downloaded to the disk of the worker, and the heartbeat says so. The retry runs where there is no file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityFn, Exploration};

use super::simulation;

const STEP: Duration = Duration::from_secs(5);

/// The disk of one worker.
#[derive(Default)]
struct Disk {
    files: RefCell<BTreeMap<&'static str, u32>>,
}

async fn download(rows: u32) {
    durasim::time::sleep(STEP).await;
    durasim::worker_state::<Disk>().files.borrow_mut().insert("input.csv", rows);
}

async fn read() -> Result<String, ActivityError> {
    durasim::time::sleep(STEP).await;
    let disk = durasim::worker_state::<Disk>();
    let rows = disk.files.borrow().get("input.csv").copied();
    rows.map(|rows| format!("{rows} rows")).ok_or_else(|| ActivityError::retryable("no such file: input.csv"))
}

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let is_downloaded = ctx.heartbeat_details::<bool>()?.unwrap_or(false);
    if !is_downloaded {
        download(rows).await;
        ctx.heartbeat(&true)?;
    }
    read().await
}

/// Looks on the disk that it has.
async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let said = ctx.heartbeat_details::<bool>()?.unwrap_or(false);
    let is_there = durasim::worker_state::<Disk>().files.borrow().contains_key("input.csv");
    if !said || !is_there {
        download(rows).await;
        ctx.heartbeat(&true)?;
    }
    read().await
}

fn explored(copy: impl ActivityFn<u32, String>) -> Exploration {
    simulation().activity("copy", copy).worker_state(Disk::default).workers(2).explore("copying", &8)
}

pub fn planted() -> Exploration {
    explored(with_bug).named("downloaded_to_another_worker")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
