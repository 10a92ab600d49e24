//! Bug 30: a local activity charges a card, and the marker that says so is lost with the answer to the workflow task. The activity is run
//! again, and charges again: the bank gets no key by which it would know the charge.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, Exploration, Ledger, LocalActivityOptions, Simulation, WorkflowContext,
    WorkflowError, check,
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
    // It is quick, and the workflow saves a round trip to the service.
    let options = LocalActivityOptions { start_to_close_timeout: Duration::from_secs(5), ..Default::default() };
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
