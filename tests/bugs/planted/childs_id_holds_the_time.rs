//! Bug 25: a child pays for an order, and its id is the key by which the bank knows a payment. The id holds the time: a retry of
//! the workflow starts another child, which pays again.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::program::{FailureKind, IdReusePolicy};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ChildOptions, Client, ClientError, Exploration, Ledger,
    RetryPolicy, Simulation, StartOptions, WorkflowContext, WorkflowError, check,
};

/// A bank. It takes two payments with one key for one.
#[derive(Default)]
struct Bank {
    payments: Ledger<u32>,
    keys: RefCell<BTreeSet<String>>,
}

async fn pay(ctx: &ActivityContext, order: u32) -> Result<(), ActivityError> {
    let bank = durasim::state::<Bank>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    let key = ctx.get_info().workflow.workflow_id.to_string();
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

/// The child.
async fn payment(ctx: &WorkflowContext, order: u32) -> Result<(), WorkflowError> {
    ctx.execute_activity("pay", &order, options(0)).await
}

async fn buy(ctx: &WorkflowContext, order: u32, has_the_time: bool) -> Result<(), WorkflowError> {
    let id = if has_the_time { format!("payment-{order}-{}", ctx.now()) } else { format!("payment-{order}") };
    let options_of_child = ChildOptions {
        workflow_id: Some(id),
        // One that has paid does not do so again.
        id_reuse_policy: IdReusePolicy::AllowDuplicateFailedOnly,
        ..Default::default()
    };
    match ctx.start_child::<()>("payment", &order, options_of_child).result().await {
        // An earlier run of this order has paid.
        Err(WorkflowError::ChildFailed(failure)) if matches!(failure.kind, FailureKind::Application { .. }) => {}
        paid => paid?,
    }
    // Once: after that, the whole order is tried again.
    ctx.execute_activity("ship", &order, options(1)).await
}

async fn customer(client: Client) -> Result<(), ClientError> {
    let retry_policy = Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }.into());
    let options = StartOptions { retry_policy, ..Default::default() };
    client.start_with::<()>("order", "order-7", &7u32, options).await?.result().await
}

fn explored(has_the_time: bool) -> Exploration {
    let order = async move |ctx: &WorkflowContext, order: u32| buy(ctx, order, has_the_time).await;
    Simulation::temporal()
        .activity("pay", pay)
        .activity("ship", ship)
        .workflow("order", order)
        .workflow("payment", payment)
        .state(Bank::default)
        .explore_script(customer)
        .check(check::effects(|bank: &Bank| &bank.payments).repeats_at_most(0))
}

pub fn planted() -> Exploration {
    explored(true).named("childs_id_holds_the_time")
}

pub fn twin() -> Exploration {
    explored(false)
}
