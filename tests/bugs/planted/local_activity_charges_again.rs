//! Bug 30: a local activity that is never retried charges a card, and the marker that says so is lost with its worker. The activity is
//! run again all the same, and charges again: the bank gets no key by which it would know the charge.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, Exploration, Ledger, LocalActivityOptions, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError, check,
};

/// A bank. It takes two charges with one key for one.
#[derive(Default)]
struct Bank {
    charges: Ledger<u32>,
    keys: RefCell<BTreeSet<String>>,
}

async fn charge(ctx: &ActivityContext, (order, is_keyed): (u32, bool)) -> Result<(), ActivityError> {
    let bank = durasim::state::<Bank>();
    let info = ctx.get_info();
    let key = format!("{}/{}", info.run_id(), info.activity_id);
    durasim::effect("charge", || {
        if !is_keyed || bank.keys.borrow_mut().insert(key) {
            bank.charges.record(order);
        }
    })?;
    Ok(())
}

async fn order(ctx: &WorkflowContext, (order, is_keyed): (u32, bool)) -> Result<(), WorkflowError> {
    // It is quick, and saves a round trip to the service. One attempt, so that nobody pays twice: so they thought.
    let options = LocalActivityOptions {
        start_to_close_timeout: Duration::from_secs(5),
        retry_policy: Some(RetryPolicy { maximum_attempts: 1, ..Default::default() }),
        ..Default::default()
    };
    let () = ctx.execute_local_activity("charge", &(order, is_keyed), options).await?;
    ctx.sleep(Duration::from_secs(60)).await
}

fn explored(is_keyed: bool) -> Exploration {
    Simulation::temporal()
        .activity("charge", charge)
        .workflow("order", order)
        .state(Bank::default)
        .explore("order", &(7u32, is_keyed))
        .check(check::effects(|bank: &Bank| &bank.charges).repeats_at_most(0))
}

pub fn planted() -> Exploration {
    explored(false).named("local_activity_charges_again")
}

pub fn twin() -> Exploration {
    explored(true)
}
