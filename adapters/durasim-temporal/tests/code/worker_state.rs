//! Code of the SDK has memory and a disk that die with its worker.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use durasim::{Exploration, Simulation, WorkerHandle};
use durasim_temporal::{SimulationExt, sdk_activities};
use temporalio_common::UntypedActivity;
use temporalio_common::data_converters::RawValue;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{ActivityOptions, WorkflowContext, WorkflowResult};

use crate::{is_found, seconds, silent};

/// The disk of one worker.
#[derive(Default)]
struct Disk {
    files: RefCell<BTreeMap<String, u32>>,
}

/// The files as production code asks for them.
trait Files: Send + Sync {
    fn write(&self, name: &str, rows: u32);
    fn rows(&self, name: &str) -> Option<u32>;
}

impl Files for WorkerHandle<Disk> {
    fn write(&self, name: &str, rows: u32) {
        self.with(|disk| disk.files.borrow_mut().insert(name.to_owned(), rows));
    }

    fn rows(&self, name: &str) -> Option<u32> {
        durasim::worker_state::<Disk>().files.borrow().get(name).copied()
    }
}

struct Copier {
    files: Box<dyn Files>,
}

impl Copier {
    async fn download(&self, ctx: &ActivityContext, rows: u32) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(5)).await;
        self.files.write("input.csv", rows);
        Ok(ctx.record_heartbeat(true).await?)
    }

    async fn read(&self) -> Result<String, ActivityError> {
        tokio::time::sleep(seconds(5)).await;
        let rows = self.files.rows("input.csv").ok_or_else(|| anyhow::anyhow!("no such file: input.csv"))?;
        Ok(format!("{rows} rows"))
    }
}

#[activities]
impl Copier {
    /// The retry runs where there is no file.
    #[activity]
    async fn trusts_its_heartbeat(self: Arc<Self>, ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        if !ctx.heartbeat_details().deserialize()?.unwrap_or(false) {
            self.download(&ctx, rows).await?;
        }
        self.read().await
    }

    #[activity]
    async fn looks_at_its_disk(self: Arc<Self>, ctx: ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let said = ctx.heartbeat_details().deserialize()?.unwrap_or(false);
        if !said || self.files.rows("input.csv").is_none() {
            self.download(&ctx, rows).await?;
        }
        self.read().await
    }
}

/// Runs the activity of this name.
#[workflow]
#[derive(Default)]
struct Copying;

#[workflow_methods]
impl Copying {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, activity: String) -> WorkflowResult<String> {
        let policy = temporalio_common::RetryPolicy::builder().maximum_attempts(4).build();
        let options = ActivityOptions::with_schedule_to_close_timeout(seconds(1_800))
            .heartbeat_timeout(seconds(30))
            .retry_policy(policy)
            .build();
        let rows = RawValue::from_value(&8_u32, ctx.payload_converter());
        let copied = ctx.execute_activity(UntypedActivity::new(activity), rows, options).await?;
        Ok(copied.to_value(ctx.payload_converter()))
    }
}

fn copying(activity: &str) -> Exploration {
    sdk_activities!(
        Simulation::temporal(),
        || Copier { files: Box::new(durasim::worker_handle::<Disk>()) },
        [Copier::trusts_its_heartbeat, Copier::looks_at_its_disk]
    )
    .sdk_workflow::<Copying>()
    .worker_state(Disk::default)
    .workers(2)
    .explore("Copying", &activity)
}

#[test]
fn a_file_that_is_on_another_workers_disk_is_found() {
    let planted = copying("Copier::trusts_its_heartbeat");
    is_found(planted.every_fault(), "completes", "Copier::trusts_its_heartbeat#1@1:await2=fail");
    let twin = copying("Copier::looks_at_its_disk");
    silent(twin.every_fault().every_order().every_pair().budget(500).seeds(0..200));
}

struct Counter;

#[activities]
impl Counter {
    /// Counts in the memory of its process, in a task of its own, and gives the count.
    #[activity]
    async fn count(_ctx: ActivityContext) -> Result<u32, ActivityError> {
        let counted = tokio::spawn(async {
            tokio::time::sleep(seconds(1)).await;
            let count = durasim::worker_state::<Cell<u32>>();
            count.set(count.get() + 1);
        });
        counted.await?;
        Ok(durasim::worker_handle::<Cell<u32>>().with(Cell::get))
    }
}

#[workflow]
#[derive(Default)]
struct Counts;

#[workflow_methods]
impl Counts {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Vec<u32>> {
        let mut counts = Vec::new();
        for _ in 0..3 {
            let options = ActivityOptions::start_to_close_timeout(seconds(60));
            counts.push(ctx.execute_activity(Counter::count, (), options).await?);
        }
        Ok(counts)
    }
}

#[test]
fn each_process_has_its_own() {
    let simulation = Simulation::temporal()
        .sdk_activity(Counter::count, || Counter)
        .sdk_workflow::<Counts>()
        .worker_state(|| Cell::new(0_u32))
        .deploy(|simulation| simulation);
    let counts = |plan: &str| {
        let run = simulation.clone().plan(plan.parse().unwrap()).run("Counts", &()).unwrap().strict().unwrap();
        run.result::<Vec<u32>>().unwrap()
    };
    assert_eq!(counts("v1"), [1, 2, 3]);
    assert_eq!(counts("Counter::count#2@1:await1=crash"), [1, 1, 2]);
    assert_eq!(counts("Counts#1:task3=deploy"), [1, 2, 1]);
}

/// A replay runs in another process.
#[workflow]
#[derive(Default)]
struct Peeks;

#[workflow_methods]
impl Peeks {
    #[run]
    async fn run(_ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        Ok(durasim::worker_handle::<Cell<u32>>().with(Cell::get))
    }
}

#[test]
fn workflow_code_has_none() {
    let simulation = Simulation::temporal().sdk_workflow::<Peeks>().worker_state(|| Cell::new(0_u32));
    let error = simulation.run("Peeks", &()).unwrap_err().to_string();
    assert!(error.contains("a replay runs in another process, use an activity"), "{error}");
}
