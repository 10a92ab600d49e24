//! Bug 13: an attempt that fails gives the money back before it is tried again; a workflow that is cancelled does so too. If
//! the cancel comes between two attempts, both do.

use std::cell::Cell;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

/// A bank. Charges are numbered by the attempt that makes them.
#[derive(Default)]
pub struct Bank {
    looks: bool,
    last: Cell<u32>,
    pub given_back: Ledger<u32>,
}

impl Bank {
    /// Gives a charge back; a bank that looks does so once.
    fn give_back(&self, charge: u32) {
        if charge != 0 && !(self.looks && self.given_back.count(&charge) > 0) {
            self.given_back.record(charge);
        }
    }
}

async fn pay(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    let bank = durasim::state::<Bank>();
    let charge = ctx.get_info().attempt;
    let paid = durasim::effect("charge", || bank.last.set(charge));
    if let Err(error) = paid {
        // It may be charged or not.
        if bank.last.get() == charge {
            bank.give_back(charge);
        }
        return Err(ActivityError::retryable(error.to_string()));
    }
    for _ in 0..3 {
        durasim::time::sleep(Duration::from_secs(5)).await;
        ctx.heartbeat(&())?;
        if ctx.is_cancelled() {
            // The workflow gives it back.
            return Err(ActivityError::Cancelled);
        }
    }
    Ok(())
}

async fn refund(_ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    let bank = durasim::state::<Bank>();
    bank.give_back(bank.last.get());
    Ok(())
}

async fn ordering(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let options = || ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        heartbeat_timeout: Duration::from_secs(20),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    let paid: Result<(), WorkflowError> = ctx.execute_activity("pay", &(), options()).await;
    if let Err(error) = paid {
        // Once only: how often a refund is tried is another story.
        let once = ActivityOptions {
            retry_policy: Some(RetryPolicy { maximum_attempts: 1, ..Default::default() }),
            ..options()
        };
        let _ = ctx.detached().execute_activity::<()>("refund", &(), once).await;
        return Err(error);
    }
    Ok(())
}

pub fn simulation(looks: bool) -> Simulation {
    Simulation::temporal()
        .activity("pay", pay)
        .activity("refund", refund)
        .workflow("ordering", ordering)
        .state(move || Bank { looks, ..Bank::default() })
}

fn explored(looks: bool) -> Exploration {
    simulation(looks)
        .explore("ordering", &())
        .check(check::effects(|bank: &Bank| &bank.given_back).named("given_back").may_be_new().repeats_at_most(0))
}

pub fn planted() -> Exploration {
    explored(false).named("money_is_given_back_twice")
}

pub fn twin() -> Exploration {
    explored(true)
}
