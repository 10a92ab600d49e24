//! Each end that code may choose when time runs out has a word, which accepts that end and no other.

use std::time::Duration;

use durasim::check::SameResult;
use durasim::explore::Report;
use durasim::program::FailureKind;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ApplicationFailure, Exploration, Ledger, Outcome, RetryPolicy,
    Run, Simulation, WorkflowContext, WorkflowError, check,
};

use super::{holds, violates};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const OFFLINE: &str = "the printer stays offline";

/// Asks a printer that is ready after 40 s, and gives up after 90 s; the workflow, if `hasty`, when its code is loaded anew.
fn printing(hasty: bool) -> Exploration {
    let print = async |ctx: &ActivityContext, (): ()| -> Result<u32, ActivityError> {
        let first_asked = ctx.get_info().scheduled_at;
        for _ in 0..8 {
            durasim::time::sleep(seconds(5)).await;
            ctx.heartbeat(&())?;
            if ctx.now() > first_asked + seconds(90) {
                return Err(ActivityError::non_retryable(OFFLINE));
            }
        }
        Ok(1)
    };
    let options = ActivityOptions {
        schedule_to_close_timeout: seconds(600),
        heartbeat_timeout: seconds(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    let printing = async move |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let first: u32 = ctx.execute_activity("print", &(), options.clone()).await?;
        let loaded_anew = ctx.is_replaying();
        let second: u32 = ctx.execute_activity("print", &(), options.clone()).await?;
        if hasty && loaded_anew {
            return Err(ApplicationFailure::new("Offline", OFFLINE).non_retryable().into());
        }
        Ok(first + second)
    };
    Simulation::temporal().activity("print", print).workflow("printing", printing).explore("printing", &())
}

fn says_offline(check: SameResult) -> SameResult {
    check.partial_failure(|failure| {
        matches!(&failure.root().kind, FailureKind::Application { non_retryable: true, .. })
            && &*failure.root().message == OFFLINE
    })
}

#[track_caller]
fn message(report: &Report) -> String {
    assert!(report.error().is_none(), "{report}");
    report.failures().first().expect("a violation").violation.message.clone()
}

#[test]
fn a_failure_for_lack_of_time_can_be_declared() {
    let report = printing(false).every_fault().check(check::same_result()).report();
    let told = message(&report);
    assert!(told.ends_with("if it may fail so where faults take its time, say `.partial_failure(..)`"), "{told}");
    holds(printing(false).every_fault().every_pair().budget(3_000).check(says_offline(check::same_result())));
    // Any of several.
    let either = says_offline(check::same_result()).partial_failure(|_| false);
    holds(printing(false).every_fault().check(either));
}

#[test]
fn a_declared_failure_is_no_excuse_where_no_fault_cost_time() {
    let report = printing(true)
        .without("replays")
        .check(says_offline(check::same_result()))
        .replay(&"printing#1:task3=evicted".parse().unwrap());
    assert!(message(&report).contains("no fault cost it time"), "{report}");
    let report = printing(false).every_fault().check(check::same_result().partial_failure(|_| false)).report();
    assert!(message(&report).ends_with("and `.partial_failure(..)` does not accept its failure"), "{report}");
}

#[derive(Default)]
struct Shop {
    shipped: Ledger<&'static str>,
    letters: Ledger<&'static str>,
}

/// Ships orders that are approved within 60 s, else refunds; a shop that `forgets` does neither with approvals that
/// come late.
fn shop(forgets: bool) -> Exploration {
    let approve = async |_: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        durasim::time::sleep(seconds(20)).await;
        Ok(())
    };
    let record = async |_: &ActivityContext, what: String| -> Result<(), ActivityError> {
        let shop = durasim::state::<Shop>();
        let once = |ledger: &Ledger<&'static str>, key: &'static str| {
            if ledger.count(&key) == 0 {
                ledger.record(key);
            }
        };
        once(&shop.letters, "thank you");
        if what == "ship" {
            once(&shop.shipped, "order")
        } else {
            once(&shop.letters, "your money is on its way")
        }
        Ok(())
    };
    let options = ActivityOptions { start_to_close_timeout: seconds(50), ..Default::default() };
    let order = async move |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        let begun = ctx.now();
        let mut approved = ctx.execute_activity::<()>("approve", &(), options.clone());
        let approved = futures::select_biased! {
            approved = approved => approved.is_ok(),
            _ = ctx.sleep(seconds(60)) => false,
        };
        let what = if approved { "ship" } else { "refund" };
        if !(forgets && approved && ctx.now() > begun + seconds(30)) {
            ctx.execute_activity::<()>("record", &what, options.clone()).await?;
        }
        Ok(if approved { "shipped".to_owned() } else { "nobody approved".to_owned() })
    };
    let simulation = Simulation::temporal().state(Shop::default).activity("approve", approve);
    simulation.activity("record", record).workflow("order", order).explore("order", &())
}

fn nobody_approved(run: &Run) -> bool {
    run.result::<String>().is_ok_and(|end| end == "nobody approved")
}

fn any_end(run: &Run) -> bool {
    run.result::<String>().is_ok()
}

#[test]
fn another_branch_can_be_declared() {
    let singles = || shop(false).every_fault().every_pair();
    let shipped = || check::effects(|shop: &Shop| &shop.shipped);
    let letters = || check::effects(|shop: &Shop| &shop.letters).named("letters");
    violates(singles().check(check::same_result()), "same_result", "different result");
    violates(singles().check(shipped()), "effects", "lost");
    violates(singles().check(letters()), "letters", "invented");
    for hint in [message(&singles().check(shipped()).report()), message(&singles().check(letters()).report())] {
        assert!(hint.contains("name its end with `.outcomes(..)`"), "{hint}");
    }
    let all = |outcomes: fn(&Run) -> bool| {
        singles()
            .check(check::same_result().outcomes(outcomes))
            .check(shipped().outcomes(outcomes))
            .check(letters().outcomes(outcomes))
    };
    holds(all(nobody_approved));
    // Naming the usual end too changes nothing.
    holds(all(any_end));
    let either = check::same_result().outcomes(nobody_approved).outcomes(|_| false);
    holds(singles().check(either));
}

#[test]
fn a_run_that_ends_as_usual_has_to_have_done_all_whatever_is_declared() {
    for outcomes in [nobody_approved, any_end] {
        let effects = check::effects(|shop: &Shop| &shop.shipped).outcomes(outcomes);
        violates(shop(true).without_standard_checks().every_fault().every_pair().check(effects), "effects", "lost");
    }
}

#[test]
fn failures_of_ones_own_can_be_declared() {
    let nap = async |_: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        durasim::time::sleep(seconds(20)).await;
        Ok(())
    };
    let options = ActivityOptions { start_to_close_timeout: seconds(50), ..Default::default() };
    let napping = async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        futures::select_biased! {
            slept = ctx.execute_activity::<()>("nap", &(), options.clone()) => slept,
            _ = ctx.sleep(seconds(60)) => Err(WorkflowError::application("overslept")),
        }
    };
    let explored = || {
        let simulation = Simulation::temporal().activity("nap", nap).workflow("napping", napping.clone());
        simulation.explore("napping", &()).every_fault().every_pair()
    };
    violates(explored().check(check::same_result()), "same_result", "different result");
    let overslept = |run: &Run| match run.outcome() {
        Outcome::Closed(end) => format!("{end:?}").contains("overslept"),
        _ => false,
    };
    holds(explored().check(check::same_result().outcomes(overslept)));
    holds(explored().check(check::same_result().partial_failure(|failure| &*failure.message == "overslept")));
}
