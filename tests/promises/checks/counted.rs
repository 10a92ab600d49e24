//! A report counts the runs that a check has judged, and no others.

use std::cell::Cell;
use std::time::Duration;

use durasim::explore::Report;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

fn options(maximum_attempts: i32, seconds: u64) -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(seconds),
        retry_policy: Some(RetryPolicy { maximum_attempts, ..Default::default() }),
        ..Default::default()
    }
}

#[track_caller]
fn judged(report: &Report, check: &str) -> u64 {
    assert!(report.error().is_none(), "{report}");
    report.parts().iter().filter_map(|part| part.tally.judged.get(check)).sum()
}

async fn nap(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    durasim::time::sleep(Duration::from_secs(5)).await;
    Ok(())
}

/// Two activities, one after the other; the first is tried once.
fn one_after_the_other() -> Exploration {
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity::<()>("first", &(), options(1, 60)).await?;
        ctx.execute_activity("second", &(), options(3, 60)).await
    };
    let simulation = Simulation::temporal().activity("first", nap).activity("second", nap).workflow("main", main);
    simulation.state(|| Cell::new(0u32)).explore("main", &())
}

#[test]
fn a_run_without_the_activity_of_a_check_is_not_one_of_them() {
    let minute = Duration::from_secs(60);
    let asked = |activity: &str| {
        one_after_the_other()
            .check(check::completes().of(activity))
            .check(check::stops_in_time(minute).of(activity))
            .check(check::cleaned_up(|_: &Cell<u32>| ()).of(activity))
            .check(check::protected().of(activity))
    };
    let names = ["completes", "stops_in_time", "cleaned_up", "protected"];
    let counts = |activity: &str, plan: &str| {
        let report = asked(activity).without_standard_checks().replay(&plan.parse().unwrap());
        assert!(report.holds(), "{report}");
        names.map(|name| judged(&report, name))
    };
    // The first fails, and the second never runs.
    assert_eq!(counts("second", "first#1@1:await1=fail"), [0, 0, 0, 0]);
    assert_eq!(counts("first", "first#1@1:await1=fail"), [0, 1, 1, 1]);
    assert_eq!(counts("second", "second#1@1:await1=fail"), [1, 1, 1, 1]);
    assert_eq!(counts("first", "second#1@1:await1=fail"), [0, 1, 1, 1]);
}

#[test]
fn what_comes_after_an_activity_was_given_up_is_not_judged_by_completes() {
    // The workflow does its second half before it fails.
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let first: Result<(), WorkflowError> = ctx.execute_activity("first", &(), options(1, 60)).await;
        ctx.execute_activity::<()>("second", &(), options(3, 60)).await?;
        first
    };
    let simulation = Simulation::temporal().activity("first", nap).activity("second", nap).workflow("main", main);
    let report = simulation.explore("main", &()).replay(&"first#1@1:await1=fail".parse().unwrap());
    assert!(report.holds(), "{report}");
    assert_eq!(judged(&report, "completes"), 0, "{report}");
}

/// Asks somebody who is there from the third time on, and gone after 30 s, once another activity has been done. A retry of that
/// fails, which the workflow overlooks.
fn asking() -> Exploration {
    let prepare = async |ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        if ctx.get_info().attempt > 1 {
            return Err(ActivityError::non_retryable("the input is gone"));
        }
        nap(ctx, ()).await
    };
    let ask = async |ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        let asked = durasim::state::<Cell<u32>>();
        asked.set(asked.get() + 1);
        nap(ctx, ()).await?;
        let is_there = asked.get() > 2 && ctx.now() < durasim::Time::ZERO + Duration::from_secs(30);
        if is_there { Ok(()) } else { Err(ActivityError::retryable("nobody is there")) }
    };
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let _ = ctx.execute_activity::<()>("prepare", &(), options(3, 30)).await;
        ctx.execute_activity("ask", &(), options(3, 30)).await
    };
    let simulation = Simulation::temporal().activity("prepare", prepare).activity("ask", ask).workflow("main", main);
    simulation.state(|| Cell::new(0u32)).explore("main", &())
}

#[test]
fn a_declared_failure_silences_no_check_of_a_run_over_its_budget() {
    let any = || check::same_result().partial_failure(|_| true);
    let report = asking().check(any()).replay(&"prepare#1@1:await1=crash".parse().unwrap());
    assert!(report.error().is_none(), "{report}");
    let failed = report.failures().first().unwrap_or_else(|| panic!("{report}"));
    assert_eq!((&*failed.check, &*failed.violation.kind), ("completes", "a retry fails"), "{}", failed.text);
    assert!(failed.violation.message.contains("of prepare"), "{}", failed.text);
}

#[test]
fn a_run_whose_end_is_declared_is_judged_by_no_standard_completes() {
    let fails_later = async |ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        if ctx.get_info().attempt > 1 {
            return Err(ActivityError::non_retryable("too late"));
        }
        nap(ctx, ()).await
    };
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity("job", &(), options(3, 60)).await
    };
    let explored = || Simulation::temporal().activity("job", fails_later).workflow("main", main).explore("main", &());
    let declared = || explored().check(check::same_result().partial_failure(|_| true));
    let plan = "job#1@1:await1=crash".parse().unwrap();
    let report = declared().replay(&plan);
    assert!(report.holds(), "{report}");
    assert_eq!((judged(&report, "completes"), judged(&report, "same_result")), (0, 1), "{report}");
    let report = explored().replay(&plan);
    assert_eq!((judged(&report, "completes"), report.holds()), (1, false), "{report}");
}
