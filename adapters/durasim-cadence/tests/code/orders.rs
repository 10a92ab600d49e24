//! Every order of what a workflow of the client observes: bugs that no fault shows, and the same code without them.

use std::time::Duration;

use crabdance_activity::ActivityContext;
use crabdance_core::ActivityOptions;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError};
use durasim::{Client, ClientError, Exploration, Ledger, Run, Simulation, check};
use durasim_cadence::CadenceExt;

use super::{call, holds, is_found, is_silent, options, secs};

/// The activities record no heartbeats.
fn unhurried() -> ActivityOptions {
    ActivityOptions { heartbeat_timeout: Duration::ZERO, ..options() }
}

/// The world outside takes two tries of one thing for one.
#[derive(Default)]
struct Shop {
    paid: Ledger<String>,
    revoked: Ledger<String>,
    applied: Ledger<u32>,
    reserved: Ledger<u32>,
    released: Ledger<u32>,
}

/// Records the key, unless it is there. Says whether it is done now.
fn once<K: Ord + Clone + 'static>(
    ledger: impl Fn(&Shop) -> &Ledger<K>,
    key: K,
    unless: impl Fn(&Shop) -> bool,
) -> Result<bool, ActivityError> {
    let shop = durasim::state::<Shop>();
    if ledger(&shop).count(&key) == 0 && !unless(&shop) {
        let done = durasim::effect("write", || ledger(&shop).record(key.clone()));
        done.map_err(ActivityError::execution_failed_error)?;
    }
    Ok(ledger(&shop).count(&key) > 0)
}

async fn pay(_: &ActivityContext, by: String) -> Result<(), ActivityError> {
    tokio::time::sleep(secs(2)).await;
    once(|shop| &shop.paid, by.clone(), |shop| shop.revoked.count(&by) > 0).map(drop)
}

/// Says whether the payment will not be made any more.
async fn revoke(_: &ActivityContext, by: String) -> Result<bool, ActivityError> {
    tokio::time::sleep(secs(1)).await;
    once(|shop| &shop.revoked, by.clone(), |shop| shop.paid.count(&by) > 0)
}

async fn apply(_: &ActivityContext, change: u32) -> Result<(), ActivityError> {
    once(|shop| &shop.applied, change, |_| false).map(drop)
}

async fn reserve(_: &ActivityContext, goods: u32) -> Result<(), ActivityError> {
    tokio::time::sleep(secs(20)).await;
    once(|shop| &shop.reserved, goods, |shop| shop.released.count(&goods) > 0).map(drop)
}

async fn release(_: &ActivityContext, goods: u32) -> Result<(), ActivityError> {
    once(|shop| &shop.released, goods, |_| false).map(drop)
}

fn simulation() -> Simulation {
    Simulation::cadence()
        .state(Shop::default)
        .cadence_activity("pay", pay)
        .cadence_activity("revoke", revoke)
        .cadence_activity("apply", apply)
        .cadence_activity("reserve", reserve)
        .cadence_activity("release", release)
        .cadence_workflow("paying", paying)
        .cadence_workflow("changing", changing)
        .cadence_workflow("reserving", reserving)
}

/// No fault shows it, and an order does.
#[track_caller]
fn is_found_by_orders(exploration: Exploration, check: &str, plan: &str) {
    holds(exploration.clone().every_fault());
    is_found(exploration.every_order(), check, plan);
}

/// Pays by card where the transfer is not done after a while: as it is, or after the transfer is `revoked`.
async fn paying(ctx: &mut WorkflowContext, revokes: bool) -> Result<(), WorkflowError> {
    let transfer = call::<_, ()>(ctx, "pay", "transfer", unhurried());
    tokio::pin!(transfer);
    tokio::select! {
        biased;
        paid = &mut transfer => return paid,
        () = ctx.new_timer(secs(700)) => {}
    }
    if !revokes || call(ctx, "revoke", "transfer", unhurried()).await? {
        call::<_, ()>(ctx, "pay", "card", unhurried()).await?;
    }
    transfer.await
}

fn paid(revokes: bool) -> Exploration {
    let once = |run: &Run| match run.state::<Shop>().paid.len() {
        0 | 1 => Ok(()),
        more => Err(format!("paid {more} times")),
    };
    simulation().explore("paying", &revokes).check(check::named("paid_once", once))
}

#[test]
fn a_race_whose_lost_side_does_its_work_is_found() {
    is_found_by_orders(paid(false), "paid_once", "pay#1@1:dispatch=behind(timer1)");
    is_silent(paid(true), 300);
}

/// Applies changes until the goods are reserved, and, if it `looks_again`, those that have come by then.
async fn changing(ctx: &mut WorkflowContext, looks_again: bool) -> Result<(), WorkflowError> {
    let mut changes = ctx.get_signal_channel("change");
    let reserving = call::<_, ()>(ctx, "reserve", 1, unhurried());
    tokio::pin!(reserving);
    loop {
        tokio::select! {
            biased;
            reserved = &mut reserving => break reserved?,
            change = changes.recv() => change_by(ctx, change).await?,
        }
    }
    if looks_again {
        while let Some(change) = changes.try_recv() {
            change_by(ctx, Some(change)).await?;
        }
    }
    Ok(())
}

async fn change_by(ctx: &WorkflowContext, change: Option<Vec<u8>>) -> Result<(), WorkflowError> {
    let change: u32 =
        serde_json::from_slice(&change.unwrap_or_default()).map_err(WorkflowError::execution_failed_error)?;
    call(ctx, "apply", change, unhurried()).await
}

fn changed(looks_again: bool) -> Exploration {
    let applied = |run: &Run| {
        let accepted = run.trace().signals().len();
        let applied = run.state::<Shop>().applied.len();
        if accepted == applied { Ok(()) } else { Err(format!("{accepted} changes accepted, {applied} applied")) }
    };
    let script = async move |client: Client| -> Result<(), ClientError> {
        let main = client.start::<()>("changing", "main", &looks_again).await?;
        client.sleep(secs(4)).await;
        main.signal("change", &7u32).await?;
        main.result().await
    };
    simulation().explore_script(script).check(check::named("changes_are_applied", applied))
}

#[test]
fn a_signal_that_comes_after_the_wait_is_found() {
    is_found_by_orders(changed(false), "changes_are_applied", "changing#1:signal1=behind(activity1)");
    is_silent(changed(true), 300);
}

/// Holds goods until it is cancelled. One that is cancelled while they are being reserved takes them for not reserved, or
/// `waits` for the end of that and releases them in any case.
async fn reserving(ctx: &mut WorkflowContext, waits: bool) -> Result<(), WorkflowError> {
    let mut cancel = ctx.get_cancellation_channel();
    let options = ActivityOptions { wait_for_cancellation: true, ..unhurried() };
    let reserving = call::<_, ()>(ctx, "reserve", 1, options);
    tokio::pin!(reserving);
    let may_be_reserved = tokio::select! {
        biased;
        () = cancel.recv() => {
            if waits {
                let _ = reserving.await;
            }
            waits
        }
        reserved = &mut reserving => {
            reserved?;
            cancel.recv().await;
            true
        }
    };
    if may_be_reserved {
        call::<_, ()>(ctx, "release", 1, unhurried()).await?;
    }
    Err(WorkflowError::Cancelled)
}

fn reserved(waits: bool) -> Exploration {
    let script = async move |client: Client| -> Result<bool, ClientError> {
        let main = client.start::<()>("reserving", "main", &waits).await?;
        client.sleep(secs(30)).await;
        main.cancel().await?;
        Ok(main.result().await.is_err())
    };
    let released = |run: &Run| {
        let shop = run.state::<Shop>();
        let (reserved, released) = (shop.reserved.len(), shop.released.len());
        if reserved <= released { Ok(()) } else { Err(format!("{reserved} reserved, {released} released")) }
    };
    simulation().explore_script(script).check(check::named("all_is_released", released))
}

/// The end of the activity and the cancel reach the workflow in one task.
#[test]
fn an_end_that_comes_with_the_cancel_is_found() {
    is_found(reserved(false).every_order(), "all_is_released", "reserve#1@1:completion=behind(cancel)");
    is_silent(reserved(true), 300);
}
