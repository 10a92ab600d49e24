//! Bugs that only another order of what a workflow observes shows: no single fault does, and no pair.

use std::time::Duration;

use durasim::program::CancellationType;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, ClientError, Exploration, Ledger, RetryPolicy, Run,
    Simulation, WorkflowContext, WorkflowError, check,
};

use super::{fits_on_a_screen, is_found_by, silent};

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    }
}

/// Neither a fault nor a pair shows it, and an order does; its smallest plan is this one.
#[track_caller]
fn found_by_orders(exploration: Exploration, check: &str, plan: &str) {
    let others = exploration.clone().every_fault().every_pair().budget(5_000).report();
    let texts: Vec<&str> = others.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(others.holds(), "no order is needed: {}\n{others}", texts.join("\n"));
    let failed = is_found_by(exploration.every_order(), check, plan);
    fits_on_a_screen(&failed.text);
}

#[derive(Default)]
struct Shop {
    paid: Ledger<String>,
    applied: Ledger<u32>,
}

async fn pay(_: &ActivityContext, order: String) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(2)).await;
    let shop = durasim::state::<Shop>();
    // The bank takes two tries of one payment for one.
    if shop.paid.count(&order) == 0 {
        durasim::effect("pay", || shop.paid.record(order))?;
    }
    Ok(())
}

/// Pays by card where the transfer is not done after an hour, and leaves the transfer under way.
async fn pays_twice(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let mut transfer = ctx.execute_activity::<()>("pay", &"transfer", options());
    let mut patience = ctx.sleep(Duration::from_secs(3600));
    futures::select_biased! {
        paid = transfer => return paid,
        slept = patience => slept?,
    }
    ctx.execute_activity::<()>("pay", &"card", options()).await?;
    transfer.await
}

/// Takes the transfer back before it pays by card.
async fn pays_once(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let scope = ctx.child_scope();
    // It waits until the transfer is over, one way or the other.
    let waits = ActivityOptions { cancellation_type: CancellationType::WaitCancellationCompleted, ..options() };
    let mut transfer = scope.execute_activity::<()>("pay", &"transfer", waits);
    let mut patience = ctx.sleep(Duration::from_secs(3600));
    futures::select_biased! {
        paid = transfer => return paid,
        slept = patience => slept?,
    }
    scope.cancel();
    if transfer.await.is_ok() {
        return Ok(());
    }
    ctx.execute_activity("pay", &"card", options()).await
}

async fn apply(_: &ActivityContext, change: u32) -> Result<(), ActivityError> {
    let shop = durasim::state::<Shop>();
    if shop.applied.count(&change) == 0 {
        durasim::effect("apply", || shop.applied.record(change))?;
    }
    Ok(())
}

async fn reserve(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(20)).await;
    Ok(())
}

/// Applies changes until the goods are reserved. One that comes later is accepted, and dropped.
async fn drops_changes(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let changes = ctx.signals::<u32>("change");
    let mut reserving = ctx.execute_activity::<()>("reserve", &(), options());
    loop {
        let mut change = changes.recv();
        futures::select_biased! {
            reserved = reserving => return reserved,
            change = change => ctx.execute_activity::<()>("apply", &change?, options()).await?,
        }
    }
}

/// Applies those that have come by the end, too.
async fn takes_changes(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    drops_changes(ctx, ()).await?;
    let changes = ctx.signals::<u32>("change");
    while let Some(change) = changes.try_recv()? {
        ctx.execute_activity::<()>("apply", &change, options()).await?;
    }
    Ok(())
}

fn simulation() -> Simulation {
    let simulation = Simulation::temporal().state(Shop::default).activity("pay", pay);
    simulation.activity("apply", apply).activity("reserve", reserve)
}

fn paying(simulation: Simulation) -> Exploration {
    let once = |run: &Run| match run.state::<Shop>().paid.len() {
        0 | 1 => Ok(()),
        more => Err(format!("paid {more} times")),
    };
    simulation.explore("main", &()).check(check::named("paid_once", once))
}

fn changing(simulation: Simulation) -> Exploration {
    let applied = |run: &Run| {
        let accepted = run.trace().signals().len();
        let applied = run.state::<Shop>().applied.len();
        if accepted == applied { Ok(()) } else { Err(format!("{accepted} changes accepted, {applied} applied")) }
    };
    let script = async |client: Client| -> Result<(), ClientError> {
        let main = client.start::<()>("main", "main", &()).await?;
        client.sleep(Duration::from_secs(4)).await;
        main.signal("change", &7u32).await?;
        main.result().await
    };
    simulation.explore_script(script).check(check::named("changes_are_applied", applied))
}

#[test]
fn a_race_whose_lost_side_does_its_work_is_found() {
    let exploration = paying(simulation().workflow("main", pays_twice));
    found_by_orders(exploration, "paid_once", "pay#1@1:dispatch=behind(timer1)");
}

#[test]
fn a_race_whose_lost_side_is_taken_back_is_fine() {
    silent(paying(simulation().workflow("main", pays_once)).every_order());
}

#[test]
fn a_signal_that_comes_after_the_wait_is_found() {
    let exploration = changing(simulation().workflow("main", drops_changes));
    found_by_orders(exploration, "changes_are_applied", "main#1:signal1=behind(activity1)");
}

#[test]
fn a_signal_that_is_looked_for_at_the_end_is_fine() {
    silent(changing(simulation().workflow("main", takes_changes)).every_order());
}
