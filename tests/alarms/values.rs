//! Values that rightly differ from run to run.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};
use serde::{Deserialize, Serialize};

use crate::Sound;

#[derive(Default)]
struct Bank {
    payments: Ledger<(String, u64)>,
}

fn options() -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        start_to_close_timeout: Duration::from_secs(60),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    }
}

/// Pays with a key that the workflow has drawn once: the bank knows it again.
async fn pay(_: &ActivityContext, (order, key): (String, u64)) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(2)).await;
    let bank = durasim::state::<Bank>();
    if bank.payments.count(&(order.clone(), key)) == 0 {
        durasim::effect("pay", || bank.payments.record((order, key)))?;
    }
    Ok(())
}

fn random_keys() -> Exploration {
    let shop = async |ctx: &WorkflowContext, orders: Vec<String>| -> Result<usize, WorkflowError> {
        for order in &orders {
            let key = ctx.side_effect(durasim::random);
            ctx.execute_activity::<()>("pay", &(order, key), options()).await?;
        }
        Ok(orders.len())
    };
    let simulation = Simulation::temporal().activity("pay", pay).workflow("shop", shop).state(Bank::default);
    let payments = check::effects(|bank: &Bank| &bank.payments)
        .normalize(|(_, key): &mut (String, u64)| *key = 0)
        .repeats_at_most(0);
    simulation.explore("shop", &["one", "two", "three"]).check(check::same_result()).check(payments)
}

#[derive(Serialize, Deserialize)]
struct Receipt {
    rows: u32,
    finished_at: u64,
}

/// Its result says when it was done.
fn time_in_the_result() -> Exploration {
    let copy = async |ctx: &ActivityContext, rows: u32| -> Result<Receipt, ActivityError> {
        for row in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..rows {
            durasim::time::sleep(Duration::from_secs(3)).await;
            ctx.heartbeat(&(row + 1))?;
        }
        Ok(Receipt { rows, finished_at: durasim::time::now().since_epoch().as_secs() })
    };
    let main = async |ctx: &WorkflowContext, rows: u32| -> Result<Receipt, WorkflowError> {
        let options = ActivityOptions { heartbeat_timeout: Duration::from_secs(20), ..options() };
        ctx.execute_activity("copy", &rows, options).await
    };
    let simulation = Simulation::temporal().activity("copy", copy).workflow("main", main);
    let same = check::same_result().normalize(|receipt: &mut Receipt| receipt.finished_at = 0);
    simulation.explore("main", &5u32).check(same).check(check::progress("copy", |done: &u32| *done))
}

pub fn all() -> Vec<Sound> {
    vec![
        ("values: random keys".to_owned(), random_keys()),
        ("values: time in the result".to_owned(), time_in_the_result()),
    ]
}
