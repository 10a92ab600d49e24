//! Memory lives and dies with a process of a worker, as activities of the client reach it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use crabdance_activity::{ActivityContext, FromResources, activity};
use crabdance_core::{ResourceContext, ResourceError};
use crabdance_worker::registry::Registry;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError, call_activity, workflow};
use durasim::{Exploration, Simulation, WorkerHandle};
use durasim_cadence::CadenceExt;

use super::{call, is_found, is_silent, options, secs};

/// The disk of a worker: names of files, and their rows.
#[derive(Default)]
struct Disk {
    files: RefCell<BTreeMap<String, u32>>,
}

const FILE: &str = "input.csv";

/// Downloads a file and counts its rows. A retry trusts the heartbeat of the attempt before, or `looks` on its own disk.
async fn count(ctx: &ActivityContext, rows: u32, looks: bool) -> Result<u32, ActivityError> {
    let is_there = || durasim::worker_state::<Disk>().files.borrow().contains_key(FILE);
    if !ctx.has_heartbeat_details() || (looks && !is_there()) {
        // A task of tokio's belongs to the process, too.
        let download = async move {
            tokio::time::sleep(secs(1)).await;
            durasim::worker_state::<Disk>().files.borrow_mut().insert(FILE.to_owned(), rows);
        };
        tokio::spawn(download).await.map_err(ActivityError::execution_failed_error)?;
        ctx.record_heartbeat(Some(b"true"));
    }
    tokio::time::sleep(secs(1)).await;
    let rows = durasim::worker_state::<Disk>().files.borrow().get(FILE).copied();
    rows.ok_or_else(|| ActivityError::retryable("no such file: input.csv"))
}

fn counted(looks: bool) -> Exploration {
    let activity = async move |ctx: &ActivityContext, rows| count(ctx, rows, looks).await;
    let main = async |ctx: &mut WorkflowContext, rows: u32| call::<_, u32>(ctx, "count", rows, options()).await;
    Simulation::cadence()
        .cadence_activity("count", activity)
        .cadence_workflow("counting", main)
        .worker_state(Disk::default)
        .workers(2)
        .explore("counting", &8)
}

#[test]
fn a_file_that_is_on_the_disk_of_another_worker_is_found() {
    is_found(counted(false).every_fault(), "completes", "count#1@1:await2=fail");
    is_silent(counted(true), 300);
}

/// The storage of the code under test.
#[async_trait]
trait Storage: Send + Sync {
    async fn download(&self, file: &str, rows: u32);
    async fn rows(&self, file: &str) -> Option<u32>;
}

/// A fake, which is made once for all processes. Its handle is that of the process that uses it.
struct Fake(WorkerHandle<Disk>);

#[async_trait]
impl Storage for Fake {
    async fn download(&self, file: &str, rows: u32) {
        tokio::time::sleep(secs(1)).await;
        self.0.with(|disk| disk.files.borrow_mut().insert(file.to_owned(), rows));
    }

    async fn rows(&self, file: &str) -> Option<u32> {
        tokio::time::sleep(secs(1)).await;
        self.0.get().files.borrow().get(file).copied()
    }
}

struct Files(Arc<dyn Storage>);

#[async_trait]
impl FromResources for Files {
    async fn get(ctx: ResourceContext<'_>) -> Result<Files, ResourceError> {
        let storage = ctx.resources::<Arc<dyn Storage>>().ok_or_else(|| ResourceError::new("there is no storage"))?;
        Ok(Files(storage.clone()))
    }
}

#[activity(name = "download")]
async fn download(_ctx: &ActivityContext, files: Files, rows: u32) -> Result<(), ActivityError> {
    files.0.download(FILE, rows).await;
    Ok(())
}

#[activity(name = "read")]
async fn read(_ctx: &ActivityContext, files: Files, _rows: u32) -> Result<u32, ActivityError> {
    files.0.rows(FILE).await.ok_or_else(|| ActivityError::retryable("no such file: input.csv"))
}

/// Downloads what is not there.
#[activity(name = "read")]
async fn read_or_download(_ctx: &ActivityContext, files: Files, rows: u32) -> Result<u32, ActivityError> {
    if files.0.rows(FILE).await.is_none() {
        files.0.download(FILE, rows).await;
    }
    files.0.rows(FILE).await.ok_or_else(|| ActivityError::retryable("no such file: input.csv"))
}

#[workflow(name = "reading")]
async fn reading(ctx: WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
    let () = call_activity!(ctx, download, rows, options()).await?;
    call_activity!(ctx, read, rows, options()).await
}

fn are_read(read: fn(&dyn Registry)) -> Exploration {
    let fake: Arc<dyn Storage> = Arc::new(Fake(durasim::worker_handle()));
    Simulation::cadence()
        .registered_with(
            move || fake.clone(),
            move |registry| {
                download_cadence::register(registry);
                read(registry);
            },
        )
        .registered(reading_cadence::register)
        .worker_state(Disk::default)
        .explore("reading", &8)
}

/// The fake of a resource holds a handle, since the client's activities are `Send`.
#[test]
fn a_file_that_died_with_its_worker_is_found_through_a_handle() {
    is_found(are_read(read_cadence::register).every_fault(), "completes", "read#1@1:dispatch=worker_dies");
    is_silent(are_read(read_or_download_cadence::register), 300);
}
