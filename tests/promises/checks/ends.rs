//! Two ends are the same if those who wait for the workflow need not tell them apart.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ApplicationFailure, Exploration, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError, check,
};

fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    }
}

/// Ends with one failure on the first attempt, and with the other on the second.
fn failing(first: ApplicationFailure, second: ApplicationFailure) -> Exploration {
    let charge = async move |ctx: &ActivityContext, (): ()| -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        let failure = if ctx.get_info().attempt == 1 { &first } else { &second };
        Err(failure.clone().into())
    };
    let charging = async |ctx: &WorkflowContext, (): ()| ctx.execute_activity::<u32>("charge", &(), options()).await;
    let simulation = Simulation::temporal().activity("charge", charge).workflow("charging", charging);
    simulation.explore("charging", &()).reference_may_fail()
}

fn refused(error_type: &str, message: &str) -> ApplicationFailure {
    ApplicationFailure::new(error_type, message).non_retryable()
}

/// Says how a retry's failure differs from the first's, as the failure message has it; `None` if it is the same.
fn difference(first: ApplicationFailure, second: ApplicationFailure) -> Option<(String, String)> {
    let report = failing(first, second).check(check::same_result()).replay(&"charge#1@1:await1=fail".parse().unwrap());
    assert!(report.error().is_none(), "{report}");
    let violation = &report.failures().first()?.violation;
    Some((violation.expected.clone()?, violation.found.clone()?))
}

#[test]
fn the_error_type_counts() {
    let (expected, found) = difference(refused("CardDeclined", "no"), refused("AlreadyCharged", "no")).unwrap();
    assert!(expected.contains("CardDeclined") && found.contains("AlreadyCharged"), "{expected}\n{found}");
    let exploration = failing(refused("CardDeclined", "no"), refused("AlreadyCharged", "no"));
    assert!(!exploration.every_fault().check(check::same_result()).report().holds());
}

#[test]
fn the_message_counts() {
    assert!(difference(refused("Refused", "no"), refused("Refused", "no more")).is_some());
    assert_eq!(difference(refused("Refused", "no"), refused("Refused", "no")), None);
}

#[test]
fn whether_a_retry_is_of_use_counts() {
    let (_, found) = difference(refused("Refused", "no"), ApplicationFailure::new("Refused", "no")).unwrap();
    assert!(found.ends_with("(whether a retry is of use (`non_retryable`) differs)"), "{found}");
}

#[test]
fn details_and_delays_do_not_count() {
    let with = |attempt: u32| refused("Refused", "no").details(&attempt).unwrap();
    assert_eq!(difference(with(1), with(2)), None);
    let delayed = refused("Refused", "no").next_retry_delay(Duration::from_secs(60));
    assert_eq!(difference(refused("Refused", "no"), delayed), None);
}

/// A workflow that ends as its script says, by the number of the attempt that its activity took.
fn ends(first: fn() -> WorkflowError, second: fn() -> WorkflowError) -> bool {
    let number = async |ctx: &ActivityContext, (): ()| -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        Ok(ctx.get_info().attempt)
    };
    let ending = async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let attempt: u32 = ctx.execute_activity("number", &(), options()).await?;
        Err(if attempt == 1 { first() } else { second() })
    };
    let simulation = Simulation::temporal().activity("number", number).workflow("ending", ending);
    let exploration = simulation.explore("ending", &()).reference_may_fail().check(check::same_result());
    let report = exploration.replay(&"number#1@1:await1=fail".parse().unwrap());
    assert!(report.error().is_none(), "{report}");
    report.holds()
}

#[test]
fn the_kind_of_failure_counts() {
    let application = || WorkflowError::application("cancelled");
    assert!(ends(application, application));
    assert!(!ends(application, || ApplicationFailure::new("Other", "cancelled").into()));
}

/// Two activities that fail alike; a retry of the first step leads to the second.
#[test]
fn the_activity_that_failed_counts() {
    let step = async |ctx: &ActivityContext, (): ()| -> Result<u32, ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        Ok(ctx.get_info().attempt)
    };
    let fails =
        async |_: &ActivityContext, (): ()| -> Result<(), ActivityError> { Err(ActivityError::non_retryable("no")) };
    let going = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let attempt: u32 = ctx.execute_activity("step", &(), options()).await?;
        ctx.execute_activity(if attempt == 1 { "charge" } else { "refund" }, &(), options()).await
    };
    let simulation = Simulation::temporal().activity("step", step).activity("charge", fails).activity("refund", fails);
    let exploration = simulation.workflow("going", going).explore("going", &()).reference_may_fail();
    let report = exploration.check(check::same_result()).replay(&"step#1@1:await1=fail".parse().unwrap());
    assert!(report.error().is_none() && !report.holds(), "{report}");
}

/// The kinds of timeouts are told apart: the retry runs into another one.
#[test]
fn the_kind_of_a_timeout_counts() {
    let hang = async |ctx: &ActivityContext, fast: bool| -> Result<(), ActivityError> {
        for _ in 0..20 {
            durasim::time::sleep(Duration::from_secs(10)).await;
            if fast {
                ctx.heartbeat(&())?;
            }
        }
        Ok(())
    };
    let step = async |ctx: &ActivityContext, (): ()| -> Result<bool, ActivityError> {
        durasim::time::sleep(Duration::from_secs(1)).await;
        Ok(ctx.get_info().attempt > 1)
    };
    let hangs = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let retried: bool = ctx.execute_activity("step", &(), options()).await?;
        ctx.execute_activity("hang", &retried, options()).await
    };
    let simulation = Simulation::temporal().activity("hang", hang).activity("step", step).no_heartbeat_throttle();
    let exploration = simulation.workflow("hangs", hangs).explore("hangs", &()).reference_may_fail();
    let look = check::judged("same", |judged: &check::Judged<'_>| {
        assert!(judged.reference().is_same(&judged.run().outcome()), "another kind of timeout");
    });
    let report = exploration.check(look).replay(&"step#1@1:await1=fail".parse().unwrap());
    assert!(report.error().is_none() && !report.holds(), "{report}");
}
