//! Bug 27: the key by which the bank knows a payment is the id of the run. A retry of the workflow is another run, and pays again.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, ClientError, Exploration, Ledger, RetryPolicy, Simulation,
    StartOptions, WorkflowContext, WorkflowError, check,
};

/// A bank. It takes two payments with one key for one.
#[derive(Default)]
struct Bank {
    payments: Ledger<u32>,
    keys: RefCell<BTreeSet<String>>,
}

async fn pay(_: &ActivityContext, (order, key): (u32, String)) -> Result<(), ActivityError> {
    let bank = durasim::state::<Bank>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    durasim::effect("pay", || {
        if bank.keys.borrow_mut().insert(key) {
            bank.payments.record(order);
        }
    })?;
    Ok(())
}

async fn ship(_: &ActivityContext, _: u32) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(5)).await;
    Ok(())
}

fn options(maximum_attempts: i32) -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        retry_policy: Some(RetryPolicy { maximum_attempts, ..Default::default() }),
        ..Default::default()
    }
}

async fn buy(ctx: &WorkflowContext, order: u32, by_run: bool) -> Result<(), WorkflowError> {
    let info = ctx.info();
    let key = if by_run { &info.run_id } else { &info.workflow_id };
    let () = ctx.execute_activity("pay", &(order, key.to_string()), options(4)).await?;
    // Once: after that, the whole order is tried again.
    ctx.execute_activity("ship", &order, options(1)).await
}

async fn customer(client: Client) -> Result<(), ClientError> {
    let retry_policy = Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }.into());
    let options = StartOptions { retry_policy, ..Default::default() };
    client.start_with::<()>("order", "order-7", &7u32, options).await?.result().await
}

fn explored(by_run: bool) -> Exploration {
    let order = async move |ctx: &WorkflowContext, order: u32| buy(ctx, order, by_run).await;
    Simulation::temporal()
        .activity("pay", pay)
        .activity("ship", ship)
        .workflow("order", order)
        .state(Bank::default)
        .explore_script(customer)
        .check(check::effects(|bank: &Bank| &bank.payments).repeats_at_most(0))
}

pub fn planted() -> Exploration {
    explored(true).named("retry_of_the_workflow_pays_again")
}

pub fn twin() -> Exploration {
    explored(false)
}
