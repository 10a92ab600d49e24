//! A deploy puts other code of the SDK in place: workflows in flight are replayed by it, and activities find the checkpoints of
//! the code before.

use std::sync::Arc;
use std::time::Duration;

use durasim::{Exploration, Simulation, check};
use durasim_temporal::{SimulationExt, sdk_activities};
use serde::{Deserialize, Serialize};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{ActivityOptions, WorkflowContext, WorkflowResult};

use crate::{is_found, seconds, silent};

struct Steps;

#[activities]
impl Steps {
    #[activity]
    async fn reserve(_ctx: ActivityContext) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(5)).await;
        Ok(())
    }

    #[activity]
    async fn notify(_ctx: ActivityContext) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(5)).await;
        Ok(())
    }

    #[activity]
    async fn ship(_ctx: ActivityContext) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(5)).await;
        Ok(())
    }
}

fn options() -> ActivityOptions {
    let policy = temporalio_common::RetryPolicy::builder().maximum_attempts(4).build();
    ActivityOptions::with_start_to_close_timeout(seconds(300))
        .heartbeat_timeout(seconds(30))
        .retry_policy(policy)
        .build()
}

#[workflow]
#[derive(Default)]
struct Order;

#[workflow_methods]
impl Order {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.execute_activity(Steps::reserve, (), options()).await?;
        ctx.execute_activity(Steps::notify, (), options()).await?;
        Ok(ctx.execute_activity(Steps::ship, (), options()).await?)
    }
}

/// Nobody is notified any more.
#[workflow]
#[derive(Default)]
struct OrderWithoutNotice;

#[workflow_methods]
impl OrderWithoutNotice {
    #[run(name = "Order")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.execute_activity(Steps::reserve, (), options()).await?;
        Ok(ctx.execute_activity(Steps::ship, (), options()).await?)
    }
}

/// Nobody is notified any more, but for those whose order had begun before.
#[workflow]
#[derive(Default)]
struct OrderWithPatch;

#[workflow_methods]
impl OrderWithPatch {
    #[run(name = "Order")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let notifies = !ctx.patched("nobody is notified");
        ctx.execute_activity(Steps::reserve, (), options()).await?;
        if notifies {
            ctx.execute_activity(Steps::notify, (), options()).await?;
        }
        Ok(ctx.execute_activity(Steps::ship, (), options()).await?)
    }
}

/// The workflow is left as it is, and asks for an activity that does nothing.
struct Quiet;

#[activities]
impl Quiet {
    #[activity(name = "Steps::notify")]
    async fn notify(_ctx: ActivityContext) -> Result<(), ActivityError> {
        Ok(())
    }
}

fn orders() -> Simulation {
    sdk_activities!(Simulation::temporal(), || Steps, [Steps::reserve, Steps::notify, Steps::ship])
        .sdk_workflow::<Order>()
}

fn ordering(simulation: Simulation) -> Exploration {
    simulation.explore("Order", &())
}

/// All that is tried of code that is right.
fn in_depth(exploration: Exploration) -> Exploration {
    exploration.every_fault().every_order().every_pair().budget(500).seeds(0..200)
}

#[test]
fn a_call_that_a_deploy_removes_is_found() {
    let removed = orders().deploy(|simulation| simulation.sdk_workflow::<OrderWithoutNotice>());
    is_found(ordering(removed).every_fault(), "finishes", "Steps::notify#1@1:dispatch=deploy");
    let patched = orders().deploy(|simulation| simulation.sdk_workflow::<OrderWithPatch>());
    silent(in_depth(ordering(patched)));
}

/// The patch leaves a marker behind, for which the old code does not ask. It is the new code that answers the first task, since
/// nobody waits for the old.
#[test]
fn a_patch_that_is_rolled_back_is_found() {
    let orders = || orders().graceful_shutdown_period(Duration::ZERO).rollback();
    let patched = orders().deploy(|simulation| simulation.sdk_workflow::<OrderWithPatch>());
    silent(ordering(patched.clone()).every_fault());
    let seeds = ordering(patched).seeds(0..1_000);
    is_found(seeds, "finishes", "Order#1:task1=deploy; Order#1:task2=rollback");
    let quiet = orders().deploy(|simulation| simulation.sdk_activity(Quiet::notify, || Quiet));
    silent(in_depth(ordering(quiet)));
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Checkpoint {
    rows: u32,
    skipped: u32,
}

/// A checkpoint of either version.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyCheckpoint {
    Old(u32),
    New(Checkpoint),
}

async fn copy_from(ctx: &ActivityContext, rows: u32, begun: Checkpoint) -> Result<u32, ActivityError> {
    for row in begun.rows..rows {
        tokio::time::sleep(seconds(5)).await;
        ctx.record_heartbeat(Checkpoint { rows: row + 1, ..begun }).await?;
    }
    Ok(rows)
}

struct Copier;

#[activities]
impl Copier {
    #[activity]
    async fn copy(ctx: ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let first: u32 = ctx.heartbeat_details().deserialize()?.unwrap_or(0);
        for row in first..rows {
            tokio::time::sleep(seconds(5)).await;
            ctx.record_heartbeat(row + 1).await?;
        }
        Ok(rows)
    }
}

/// It cannot read the checkpoints of the code before, and begins at zero without a word.
struct BeginsAnew;

#[activities]
impl BeginsAnew {
    #[activity(name = "Copier::copy")]
    async fn copy(ctx: ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let begun = ctx.heartbeat_details().deserialize::<Checkpoint>().ok().flatten().unwrap_or_default();
        copy_from(&ctx, rows, begun).await
    }
}

struct ReadsBoth;

#[activities]
impl ReadsBoth {
    #[activity(name = "Copier::copy")]
    async fn copy(ctx: ActivityContext, rows: u32) -> Result<u32, ActivityError> {
        let begun = match ctx.heartbeat_details().deserialize::<AnyCheckpoint>()? {
            Some(AnyCheckpoint::Old(rows)) => Checkpoint { rows, skipped: 0 },
            Some(AnyCheckpoint::New(checkpoint)) => checkpoint,
            None => Checkpoint::default(),
        };
        copy_from(&ctx, rows, begun).await
    }
}

#[workflow]
#[derive(Default)]
struct Copying;

#[workflow_methods]
impl Copying {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, rows: u32) -> WorkflowResult<u32> {
        Ok(ctx.execute_activity(Copier::copy, rows, options()).await?)
    }
}

/// The type of the new checkpoints is made known where the new code is.
#[test]
fn a_checkpoint_that_a_deploy_cannot_read_is_found() {
    let copying = |change: fn(Simulation) -> Simulation| {
        let measure = |details: &serde_json::Value| {
            details.as_u64().or_else(|| details["rows"].as_u64()).expect("a number, or a field `rows`")
        };
        Simulation::temporal()
            .no_heartbeat_throttle()
            .sdk_activity(Copier::copy, || Copier)
            .sdk_workflow::<Copying>()
            .deploy(move |simulation| change(simulation).heartbeat_type::<Checkpoint>())
            .explore("Copying", &3)
            .check(check::progress("Copier::copy", measure))
    };
    let anew = copying(|simulation| simulation.sdk_activity(BeginsAnew::copy, || BeginsAnew));
    silent(anew.clone().every_fault());
    let plan = "Copier::copy#1@1:completion=crash; Copier::copy#1@2:dispatch=deploy";
    is_found(anew.every_pair().budget(500), "progress", plan);
    silent(in_depth(copying(|simulation| simulation.sdk_activity(ReadsBoth::copy, || ReadsBoth))));
}

/// Its greeting is what the `main` of its version gives it.
struct Greeter {
    greeting: &'static str,
}

#[activities]
impl Greeter {
    #[activity]
    async fn greet(self: Arc<Self>, _ctx: ActivityContext) -> Result<String, ActivityError> {
        tokio::time::sleep(seconds(5)).await;
        Ok(self.greeting.to_owned())
    }
}

#[workflow]
#[derive(Default)]
struct Greets;

#[workflow_methods]
impl Greets {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Vec<String>> {
        let mut greetings = Vec::new();
        for _ in 0..3 {
            greetings.push(ctx.execute_activity(Greeter::greet, (), options()).await?);
        }
        Ok(greetings)
    }
}

#[test]
fn each_process_has_the_instance_of_its_version() {
    let simulation = Simulation::temporal()
        .sdk_activity(Greeter::greet, || Greeter { greeting: "hello" })
        .sdk_workflow::<Greets>()
        .deploy(|simulation| simulation.sdk_activity(Greeter::greet, || Greeter { greeting: "hi" }))
        .rollback();
    let greetings = |plan: &str| {
        let run = simulation.clone().plan(plan.parse().unwrap()).run("Greets", &()).unwrap().strict().unwrap();
        run.result::<Vec<String>>().unwrap()
    };
    assert_eq!(greetings("v1"), ["hello", "hello", "hello"]);
    assert_eq!(greetings("Greeter::greet#2@1:dispatch=deploy"), ["hello", "hi", "hi"]);
    assert_eq!(greetings("Greets#1:task2=deploy; Greeter::greet#3@1:dispatch=rollback"), ["hello", "hi", "hello"]);
}
