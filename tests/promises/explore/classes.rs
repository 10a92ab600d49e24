//! A run that does not end as without faults is excused only by faults that used up what the options allow, or by a cancel.

use std::time::Duration;

use durasim::explore::{Report, Tally};
use durasim::fault::{Entry, Plan};
use durasim::{ActivityContext, ActivityError, ActivityOptions, AttemptEnd, RetryPolicy, Run, Simulation, check};

use super::{resilient, simulation, steps};

fn explore(simulation: &Simulation) -> Report {
    let report =
        simulation.explore("work", &4u32).without_standard_checks().every_fault().check(check::same_result()).report();
    assert!(report.error().is_none(), "{report}");
    report
}

/// The counts of `every fault`, in an exploration that holds.
fn counts(simulation: &Simulation) -> Tally {
    let report = explore(simulation);
    let text: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}", text.join("\n"));
    let tally = report.parts()[1].tally.clone();
    assert_eq!(tally.runs, tally.survive + tally.over_budget + tally.cancelled, "{report}");
    assert_eq!(tally.runs, tally.hold());
    tally
}

fn run(simulation: &Simulation, plan: &str) -> Run {
    simulation.clone().plan(plan.parse().unwrap()).run("work", &4u32).unwrap()
}

/// The failure of the workflow in words.
fn end(run: &Run) -> String {
    run.result::<u32>().unwrap_err().to_string()
}

#[test]
fn a_run_with_attempts_and_time_left_survives() {
    let tally = counts(&simulation(resilient()));
    assert!(tally.survive > 40, "{tally:?}");
    assert!(tally.cancelled > 0, "{tally:?}");
    // A fault that takes the worker or the report past the deadline costs the whole hour.
    assert!(tally.over_budget < tally.survive / 3, "{tally:?}");
    assert_eq!(tally.unprotected, 0);
}

#[test]
fn a_run_without_another_attempt_is_over_budget() {
    let options = ActivityOptions {
        retry_policy: Some(RetryPolicy { maximum_attempts: 1, ..Default::default() }),
        ..resilient()
    };
    let simulation = simulation(options);
    let run = run(&simulation, "steps#1@1:await2=crash");
    assert!(end(&run).contains("MAXIMUM_ATTEMPTS_REACHED"), "{}", end(&run));
    let tally = counts(&simulation);
    assert!(tally.over_budget > 20 && tally.survive > 0, "{tally:?}");
}

#[test]
fn a_run_without_the_time_for_another_attempt_is_over_budget() {
    // Enough for the four steps, too little for a heartbeat timeout and the other three.
    let options = ActivityOptions { schedule_to_close_timeout: Duration::from_secs(48), ..resilient() };
    let simulation = simulation(options).no_heartbeat_throttle();
    let run = run(&simulation, "steps#1@1:await2=crash");
    assert!(end(&run).contains("ScheduleToClose"), "{}", end(&run));
    // The second attempt, which no fault has met, is cut off in the middle of its work.
    let second = &run.activities()[0].attempts[1];
    assert_eq!((second.number, second.end), (2, AttemptEnd::Cancelled), "{}", run.timeline());
    let tally = counts(&simulation);
    assert!(tally.over_budget > 20 && tally.unprotected == 0, "{tally:?}");
}

#[test]
fn a_lost_attempt_that_no_timeout_ends_is_told_apart() {
    let simulation = simulation(ActivityOptions { heartbeat_timeout: Duration::ZERO, ..resilient() });
    let run = run(&simulation, "steps#1@1:await2=crash");
    assert!(end(&run).contains("ScheduleToClose"), "{}", end(&run));
    let tally = counts(&simulation);
    assert!(tally.unprotected > 0 && tally.unprotected <= tally.over_budget, "{tally:?}");
    let text = explore(&simulation).to_string();
    assert!(text.contains("neither a heartbeat nor a start-to-close timeout could end"), "{text}");
}

#[test]
fn a_cancelled_run_is_cancelled_wherever_the_cancel_strikes() {
    let simulation = simulation(resilient());
    let run = run(&simulation, "steps#1@1:await2=cancel");
    assert!(end(&run).contains("cancelled"), "{}", end(&run));
    let tally = counts(&simulation);
    // The dispatch and the first awaits; the last ones hear of it too late, and complete.
    assert!(tally.cancelled >= 3, "{tally:?}");
}

/// Hangs whenever it resumes.
async fn hangs_on_a_retry(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    if ctx.get_info().attempt > 1 {
        durasim::time::sleep(Duration::from_secs(100_000)).await;
    }
    steps(ctx, count).await
}

/// Fails whenever it resumes.
async fn fails_on_a_retry(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    if ctx.get_info().attempt > 1 {
        return Err(ActivityError::retryable("already begun"));
    }
    steps(ctx, count).await
}

/// Gives something else whenever it resumes, cancelled or not.
async fn differs_on_a_retry(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    let done = steps(ctx, count).await;
    if ctx.get_info().attempt > 1 { Ok(0) } else { done }
}

fn with(activity: impl durasim::ActivityFn<u32, u32>, options: ActivityOptions) -> Simulation {
    Simulation::temporal().activity("steps", activity).workflow(
        "work",
        async move |ctx: &durasim::WorkflowContext, count: u32| {
            ctx.execute_activity::<u32>("steps", &count, options.clone()).await
        },
    )
}

#[test]
fn an_end_that_user_code_brought_about_is_never_excused() {
    let unlimited = ActivityOptions { heartbeat_timeout: Duration::ZERO, ..resilient() };
    let protected = ActivityOptions { start_to_close_timeout: Duration::from_secs(50), ..unlimited.clone() };
    for (what, simulation) in [
        ("hangs until the heartbeat timeout", with(hangs_on_a_retry, resilient())),
        ("hangs until the start-to-close timeout", with(hangs_on_a_retry, protected)),
        ("hangs until the schedule-to-close timeout", with(hangs_on_a_retry, unlimited)),
        ("fails", with(fails_on_a_retry, resilient())),
        ("differs", with(differs_on_a_retry, resilient())),
    ] {
        let report = explore(&simulation);
        assert!(!report.holds(), "{what}: {report}");
        assert_eq!(report.failures()[0].check, "same_result", "{what}");
    }
}

#[test]
fn a_failure_is_counted_under_its_check_and_explained_once() {
    let report = explore(&with(fails_on_a_retry, resilient()));
    let tally = &report.parts()[1].tally;
    assert!(tally.failed > 20, "{tally:?}");
    assert_eq!(tally.violations.get("same_result"), Some(&tally.failed));
    assert_eq!(tally.runs, tally.survive + tally.over_budget + tally.cancelled + tally.failed);
    assert_eq!(report.failures().len(), 1);
    let text = report.to_string();
    assert!(text.contains(&format!("{} FAILED", tally.failed)), "{text}");
}

#[test]
fn faults_that_are_not_needed_are_dropped_from_a_drawn_plan() {
    let report =
        with(fails_on_a_retry, resilient()).explore("work", &4u32).seeds(0..200).check(check::same_result()).report();
    let plan = &report.failures()[0].plan;
    assert_eq!(plan.entries.len(), 1, "{plan}");
    // The plan that is reported is the one that fails.
    let entry: Entry = plan.entries[0].clone();
    let again = with(fails_on_a_retry, resilient()).plan(Plan::new(vec![entry])).run("work", &4u32).unwrap();
    assert!(again.result::<u32>().is_err());
}

#[test]
fn a_run_that_ends_otherwise_and_that_nobody_minds_does_not_count_as_surviving() {
    let report = with(differs_on_a_retry, resilient())
        .explore("work", &4u32)
        .every_fault()
        .without_standard_checks()
        .check(check::named("nothing", |_: &Run| {}))
        .report();
    let tally = &report.parts()[1].tally;
    assert!(report.holds() && tally.differ > 20, "{report}");
    assert!(report.to_string().contains(&format!("{} end otherwise", tally.differ)), "{report}");
}

#[test]
fn a_failure_that_does_not_repeat_is_told_as_such() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CALLS: AtomicU32 = AtomicU32::new(0);
    async fn differs_once(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let done = steps(ctx, count).await?;
        Ok(if CALLS.fetch_add(1, Ordering::Relaxed) == 3 { 0 } else { done })
    }
    let report = with(differs_once, resilient())
        .explore("work", &4u32)
        .every_fault()
        .without_repeats()
        .threads(1)
        .check(check::same_result())
        .report();
    let failed = &report.failures()[0];
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), ("same_result", "does not repeat"));
    assert!(failed.text.contains("not when the same plan ran again"), "{}", failed.text);
    // The run that is shown is the one that failed.
    assert!(failed.text.contains("workflow completed: 0"), "{}", failed.text);
}
