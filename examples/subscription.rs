//! A subscription over months. Each month is a run of its own, with a history of its own: at the end of the month the customer
//! pays, and the workflow continues as new. Changes of the plan and the end of the subscription come as signals, at any time.
//!
//! `cargo run --example subscription`

use std::process::ExitCode;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Exploration, Ledger, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError, check,
};
use futures::select_biased;
use serde::{Deserialize, Serialize};

/// The world outside: a bank, and what it was asked to take for each month.
#[derive(Default)]
struct Bank {
    payments: Ledger<u32>,
}

/// All that one month tells the next.
#[derive(Serialize, Deserialize, Default)]
struct Account {
    /// Months that are over.
    months: u32,
    /// The plans, one after the other.
    plans: Vec<String>,
}

/// Takes the payment for a month, once.
async fn charge(_ctx: &ActivityContext, (month, _plan): (u32, Option<String>)) -> Result<(), ActivityError> {
    let bank = durasim::state::<Bank>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    if bank.payments.count(&month) == 0 {
        durasim::effect("charge", || bank.payments.record(month))?;
    }
    Ok(())
}

/// One month of it.
async fn subscription(ctx: &WorkflowContext, mut account: Account) -> Result<Account, WorkflowError> {
    let (plans, ends) = (ctx.signals::<String>("change_plan"), ctx.signals::<()>("cancel"));
    let mut month = ctx.sleep(days(30));
    let mut is_over = false;
    while !is_over {
        let (mut plan, mut end) = (plans.recv(), ends.recv());
        select_biased! {
            plan = plan => account.plans.push(plan?),
            end = end => {
                end?;
                is_over = true;
            }
            slept = month => {
                slept?;
                break;
            }
        }
    }
    let options = ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    let () = ctx.execute_activity("charge", &(account.months, account.plans.last()), options).await?;
    account.months += 1;
    // Signals that have come meanwhile would end with this run: the next one is told.
    while let Some(plan) = plans.try_recv()? {
        account.plans.push(plan);
    }
    if is_over || ends.try_recv()?.is_some() { Ok(account) } else { Err(ctx.continue_as_new(&account)) }
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 3_600)
}

/// A customer who changes the plan twice, once while a month ends, and leaves in the fifth month.
async fn customer(client: Client) -> Result<Account, String> {
    let account = Account { months: 0, plans: vec!["small".to_owned()] };
    let subscription = client.start::<Account>("subscription", "customer-7", &account).await?;
    client.sleep(days(45)).await;
    subscription.signal("change_plan", &"large").await?;
    client.sleep(days(15)).await;
    subscription.signal("change_plan", &"medium").await?;
    client.sleep(days(75)).await;
    subscription.signal("cancel", &()).await?;
    Ok(subscription.result().await?)
}

fn simulation() -> Simulation {
    Simulation::temporal()
        .activity("charge", charge)
        .workflow("subscription", subscription)
        .state(Bank::default)
        .horizon(days(365))
}

/// Every fault and order in each of the months, and 5,000 pairs.
pub fn explored() -> Exploration {
    simulation()
        .explore_script(customer)
        .named("customer")
        .every_fault()
        .every_order()
        .every_pair()
        .budget(5_000)
        .seeds(0..1_000)
        // Each month is paid for once. The standard checks see that no signal is lost: the plans are part of the result.
        .check(check::effects(|bank: &Bank| &bank.payments).repeats_at_most(0))
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (account, run) = simulation().drive(customer)?;
    let account = account?;
    println!("{}\n\n{} months, plans: {}\n", run.timeline(), account.months, account.plans.join(", "));
    let report = explored().report();
    println!("{report}");
    report.failures().iter().for_each(|failed| println!("{}", failed.text));
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
