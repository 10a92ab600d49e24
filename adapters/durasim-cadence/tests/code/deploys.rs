//! A second version of code of the client: it replays workflows in flight and finds the checkpoints of the first, and a
//! rollback brings the first one back.

use crabdance_activity::{ActivityContext, activity};
use crabdance_worker::registry::Registry;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError, call_activity, workflow};
use durasim::{Exploration, Simulation, check};
use durasim_cadence::CadenceExt;
use serde::{Deserialize, Serialize};

use super::{call, holds, is_found, is_silent, options, secs};

/// The pairs of faults that are tried at most: enough for a deploy and its rollback to be among them.
const PAIRS: u64 = 2_000;

async fn step(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    tokio::time::sleep(secs(1)).await;
    ctx.record_heartbeat(None);
    Ok(())
}

#[workflow(name = "order")]
async fn order(ctx: WorkflowContext, _input: ()) -> Result<(), WorkflowError> {
    call::<_, ()>(&ctx, "reserve", (), options()).await?;
    call::<_, ()>(&ctx, "notify", (), options()).await?;
    call(&ctx, "ship", (), options()).await
}

/// Nobody is notified any more.
#[workflow(name = "order")]
async fn order_without_notice(ctx: WorkflowContext, _input: ()) -> Result<(), WorkflowError> {
    call::<_, ()>(&ctx, "reserve", (), options()).await?;
    call(&ctx, "ship", (), options()).await
}

/// Nobody is notified any more, but for those whose order had begun before.
#[workflow(name = "order")]
async fn order_with_a_version(ctx: WorkflowContext, _input: ()) -> Result<(), WorkflowError> {
    let notifies = ctx.get_version("nobody is notified", -1, 1) != 1;
    call::<_, ()>(&ctx, "reserve", (), options()).await?;
    if notifies {
        call::<_, ()>(&ctx, "notify", (), options()).await?;
    }
    call(&ctx, "ship", (), options()).await
}

fn ordered(new: fn(&dyn Registry)) -> Exploration {
    ["reserve", "notify", "ship"]
        .into_iter()
        .fold(Simulation::cadence(), |simulation, name| simulation.cadence_activity(name, step))
        .registered(order_cadence::register)
        .deploy(move |simulation| simulation.registered(new))
        .explore("order", &())
}

#[test]
fn a_call_that_is_left_out_is_found_where_a_workflow_is_replayed() {
    let without = ordered(order_without_notice_cadence::register);
    is_found(without.every_fault(), "finishes", "notify#1@1:dispatch=deploy");
    is_silent(ordered(order_with_a_version_cadence::register), PAIRS);
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Checkpoint {
    rows: u32,
    skipped: u32,
}

/// A checkpoint of either version.
#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Old(u32),
    New(Checkpoint),
}

fn save(ctx: &ActivityContext, checkpoint: &impl Serialize) -> Result<(), ActivityError> {
    ctx.record_heartbeat(Some(&serde_json::to_vec(checkpoint).map_err(ActivityError::execution_failed_error)?));
    Ok(())
}

#[activity(name = "copy")]
async fn copy(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    let saved = ctx.get_heartbeat_details().map(serde_json::from_slice::<u32>);
    let first = saved.transpose().map_err(ActivityError::execution_failed_error)?.unwrap_or(0);
    for row in first..rows {
        tokio::time::sleep(secs(1)).await;
        save(ctx, &(row + 1))?;
    }
    Ok(rows)
}

async fn copy_from(ctx: &ActivityContext, rows: u32, begun: Checkpoint) -> Result<u32, ActivityError> {
    for row in begun.rows..rows {
        tokio::time::sleep(secs(1)).await;
        save(ctx, &Checkpoint { rows: row + 1, ..begun })?;
    }
    Ok(rows)
}

/// Takes a checkpoint that it cannot read for none.
#[activity(name = "copy")]
async fn copy_anew(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    let saved = ctx.get_heartbeat_details().and_then(|saved| serde_json::from_slice(saved).ok());
    copy_from(ctx, rows, saved.unwrap_or_default()).await
}

/// Reads both.
#[activity(name = "copy")]
async fn copy_on(ctx: &ActivityContext, rows: u32) -> Result<u32, ActivityError> {
    let saved = ctx.get_heartbeat_details().map(serde_json::from_slice::<Either>);
    let begun = match saved.transpose().map_err(ActivityError::execution_failed_error)? {
        Some(Either::Old(rows)) => Checkpoint { rows, skipped: 0 },
        Some(Either::New(checkpoint)) => checkpoint,
        None => Checkpoint::default(),
    };
    copy_from(ctx, rows, begun).await
}

#[workflow(name = "copying")]
async fn copying(ctx: WorkflowContext, rows: u32) -> Result<u32, WorkflowError> {
    call_activity!(ctx, copy, rows, options()).await
}

fn copied(new: fn(&dyn Registry)) -> Exploration {
    Simulation::cadence()
        .registered(copy_cadence::register)
        .registered(copying_cadence::register)
        .deploy(move |simulation| simulation.registered(new))
        .explore("copying", &4)
        .check(check::progress("copy", |checkpoint: &Either| match checkpoint {
            Either::Old(rows) | Either::New(Checkpoint { rows, .. }) => *rows,
        }))
}

#[test]
fn a_checkpoint_that_the_new_version_cannot_read_is_found() {
    let anew = copied(copy_anew_cadence::register);
    holds(anew.clone().every_fault());
    let plan = "copy#1@1:heartbeat2=crash_after_sent; copy#1@2:dispatch=deploy";
    is_found(anew.every_pair().budget(PAIRS), "progress", plan);
    is_silent(copied(copy_on_cadence::register), PAIRS);
}

/// The first version knows no gifts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parcel {
    weight: u32,
}

#[activity(name = "pack")]
async fn pack_parcel(_ctx: &ActivityContext, parcel: Parcel) -> Result<u32, ActivityError> {
    tokio::time::sleep(secs(1)).await;
    Ok(parcel.weight)
}

#[derive(Serialize, Deserialize)]
struct Gift {
    weight: u32,
    #[serde(default)]
    is_gift: bool,
}

/// Passes over what it does not know.
#[activity(name = "pack")]
async fn pack_gift(_ctx: &ActivityContext, gift: Gift) -> Result<u32, ActivityError> {
    tokio::time::sleep(secs(1)).await;
    Ok(gift.weight)
}

#[workflow(name = "packing")]
async fn packing(ctx: WorkflowContext, weight: u32) -> Result<u32, WorkflowError> {
    call::<_, ()>(&ctx, "weigh", (), options()).await?;
    call(&ctx, "pack", serde_json::json!({ "weight": weight }), options()).await
}

#[workflow(name = "packing")]
async fn packing_gifts(ctx: WorkflowContext, weight: u32) -> Result<u32, WorkflowError> {
    call::<_, ()>(&ctx, "weigh", (), options()).await?;
    call(&ctx, "pack", Gift { weight, is_gift: true }, options()).await
}

fn packed(old: fn(&dyn Registry)) -> Simulation {
    Simulation::cadence().cadence_activity("weigh", step).registered(old).registered(packing_cadence::register).deploy(
        |simulation| simulation.registered(pack_gift_cadence::register).registered(packing_gifts_cadence::register),
    )
}

/// The deploy alone does no harm: the way back does, as the first version is given what it does not know.
#[test]
fn an_input_that_the_old_version_cannot_read_is_found_by_a_rollback() {
    let strict = || packed(pack_parcel_cadence::register);
    holds(strict().explore("packing", &3).every_fault());
    let plan = "weigh#1@1:dispatch=deploy; pack#1@1:dispatch=rollback";
    is_found(strict().rollback().explore("packing", &3).every_pair().budget(PAIRS), "same_result", plan);
    is_silent(packed(pack_gift_cadence::register).rollback().explore("packing", &3), PAIRS);
}

struct Version(u32);

#[activity(name = "version")]
async fn version(ctx: &ActivityContext, _input: ()) -> Result<u32, ActivityError> {
    tokio::time::sleep(secs(1)).await;
    Ok(ctx.resources::<Version>().map_or(0, |version| version.0))
}

/// Two versions serve one queue in the end, each with its own.
#[test]
fn a_new_version_has_its_resources() {
    async fn main(ctx: &mut WorkflowContext, (): ()) -> Result<Vec<u32>, WorkflowError> {
        let mut versions = Vec::new();
        for _ in 0..3 {
            versions.push(call(ctx, "version", (), options()).await?);
        }
        Ok(versions)
    }
    let simulation = Simulation::cadence()
        .registered_with(|| Version(1), version_cadence::register)
        .cadence_workflow("main", main)
        .deploy(|simulation| simulation.registered_with(|| Version(2), version_cadence::register))
        .rollback();
    let versions = |plan: &str| {
        let run = simulation.clone().plan(plan.parse().unwrap()).run("main", &()).unwrap().strict().unwrap();
        run.result::<Vec<u32>>().unwrap()
    };
    assert_eq!(versions("v1"), [1, 1, 1]);
    assert_eq!(versions("main#1:task2=deploy"), [1, 2, 2]);
    assert_eq!(versions("main#1:task2=deploy; version#3@1:dispatch=rollback"), [1, 2, 1]);
    holds(simulation.workers(2).explore("main", &()).every_fault().check(check::replays()));
}
