//! The keys of effects have a meaning, and some runs need not have done everything.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::check::Effects;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

use super::{holds, violates};

#[derive(Default)]
struct Bank {
    seen: RefCell<BTreeSet<u64>>,
    payments: Ledger<(u32, u64)>,
    rows: Ledger<u32>,
}

fn options(attempts: i32) -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        heartbeat_timeout: Duration::from_secs(10),
        retry_policy: Some(RetryPolicy { maximum_attempts: attempts, ..Default::default() }),
        ..Default::default()
    }
}

/// Pays two orders, under keys that the workflow draws; `anew` has each attempt draw one of its own.
fn paying(anew: bool) -> Exploration {
    let pay = async move |_: &ActivityContext, (order, key): (u32, u64)| -> Result<(), ActivityError> {
        let bank = durasim::state::<Bank>();
        durasim::time::sleep(Duration::from_secs(1)).await;
        let key = if anew { durasim::random() } else { key };
        let pay = || {
            if bank.seen.borrow_mut().insert(key) {
                bank.payments.record((order, key));
            }
        };
        Ok(durasim::effect("pay", pay)?)
    };
    Simulation::temporal()
        .activity("pay", pay)
        .state(Bank::default)
        .workflow("paying", async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            for order in 0..2u32 {
                let key: u64 = ctx.side_effect(durasim::random);
                let () = ctx.execute_activity("pay", &(order, key), options(5)).await?;
            }
            Ok(())
        })
        .explore("paying", &())
        .named("paying")
        .every_fault()
}

fn payments() -> Effects<Bank, (u32, u64)> {
    check::effects(|bank: &Bank| &bank.payments).repeats_at_most(0)
}

#[test]
fn a_key_that_is_drawn_in_the_run_is_compared_by_what_it_means() {
    violates(paying(false).seeds(0..10).check(payments()), "effects", "lost");
    holds(paying(false).check(payments().normalize(|(_, key): &mut (u32, u64)| *key = 0)));
}

#[test]
fn two_keys_that_mean_the_same_are_a_repeat() {
    let report = paying(true).check(payments().normalize(|(_, key): &mut (u32, u64)| *key = 0)).report();
    let failed = &report.failures()[0];
    assert_eq!(failed.violation.kind, "repeated", "{}", failed.text);
    assert_eq!(failed.violation.message, "the effect (0, 0) of `Bank` was done too often");
    // Both keys are told.
    let found = failed.violation.found.as_deref().unwrap();
    assert!(found.starts_with("twice: at ") && found.matches(" as (0, ").count() == 2, "{found}");
    assert!(!found.contains("as (0, 0)"), "{found}");
}

#[test]
fn what_is_lost_or_new_is_told_with_the_keys_as_they_were() {
    // All orders that are paid late are another order.
    let late =
        payments().normalize(|(order, key): &mut (u32, u64)| (*order, *key) = (*order + (*key % 2) as u32 * 10, 0));
    let report = paying(false).seeds(0..20).check(late).report();
    let failed = &report.failures()[0].violation;
    assert!(failed.expected.as_deref().unwrap().contains(" by attempt 1 as ("), "{failed:?}");
}

#[test]
fn of_several_normalizers_each_is_given_what_those_before_it_left() {
    let effects = payments()
        .normalize(|(_, key): &mut (u32, u64)| *key = 7)
        .normalize(|(order, key): &mut (u32, u64)| *order *= u32::from(*key != 7));
    // Both orders are one now: done twice without faults too.
    holds(paying(false).check(effects));
}

/// Puts three rows, and goes on when one cannot be put. `honest` says how many were.
fn putting(honest: bool) -> Exploration {
    let put = async |_: &ActivityContext, row: u32| -> Result<(), ActivityError> {
        let bank = durasim::state::<Bank>();
        durasim::time::sleep(Duration::from_secs(1)).await;
        Ok(durasim::effect("put", || bank.rows.record(row))?)
    };
    Simulation::temporal()
        .activity("put", put)
        .state(Bank::default)
        .workflow("putting", async move |ctx: &WorkflowContext, rows: u32| -> Result<u32, WorkflowError> {
            let mut put = 0;
            for row in 0..rows {
                match ctx.execute_activity::<()>("put", &row, options(2)).await {
                    Ok(()) => put += 1,
                    Err(WorkflowError::Cancelled(why)) => return Err(WorkflowError::Cancelled(why)),
                    Err(_) => put += u32::from(!honest),
                }
            }
            Ok(put)
        })
        .explore("putting", &3u32)
        .named("putting")
        .every_fault()
        .every_pair()
        .check(check::effects(|bank: &Bank| &bank.rows))
}

#[test]
fn an_effect_is_lost_though_a_fault_took_the_last_attempt_where_the_result_says_that_all_is_done() {
    violates(putting(false), "effects", "lost");
}

#[test]
fn a_workflow_that_says_that_it_has_not_done_all_is_excused() {
    let report = putting(true).report();
    assert!(report.holds(), "{report}");
    assert!(report.parts().iter().any(|part| part.tally.over_budget > 0), "{report}");
}
