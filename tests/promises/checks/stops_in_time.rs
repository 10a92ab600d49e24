//! An attempt must end soon after it is told to, and before its deadline.

use std::time::Duration;

use durasim::check::StopsInTime;
use durasim::explore::Failed;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

use super::{holds, violates};

const STEP: Duration = Duration::from_secs(5);

fn simulation(schedule_to_close: u64, work: impl ActivityFn<u32, u32>) -> Simulation {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(schedule_to_close),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        ..Default::default()
    };
    let other = async |_: &ActivityContext, (): ()| -> Result<(), ActivityError> { Ok(()) };
    Simulation::temporal().activity("work", work).activity("something else", other).no_heartbeat_throttle().workflow(
        "working",
        async move |ctx: &WorkflowContext, steps: u32| match ctx
            .execute_activity::<u32>("work", &steps, options.clone())
            .await
        {
            Err(WorkflowError::Cancelled(why)) => Err(WorkflowError::Cancelled(why)),
            other => Ok(other.is_ok()),
        },
    )
}

/// Six steps of 5 s; the activity has 100 s.
fn working(work: impl ActivityFn<u32, u32>) -> Exploration {
    simulation(100, work).explore("working", &6u32).without_standard_checks().every_fault()
}

fn within_a_step() -> StopsInTime {
    check::stops_in_time(STEP)
}

#[track_caller]
fn first_failure(exploration: Exploration) -> Failed {
    let report = exploration.report();
    assert!(report.error().is_none(), "{report}");
    report.failures().first().expect("a violation").clone()
}

/// The signs for which it looks up before a step.
#[derive(Clone, Copy)]
struct Minds {
    cancel: bool,
    worker_stop: bool,
    deadline: bool,
}

async fn steps(ctx: &ActivityContext, steps: u32, minds: Minds) -> Result<u32, ActivityError> {
    for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..steps {
        if minds.cancel && ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        if minds.worker_stop && ctx.is_worker_stopping() {
            return Err(ActivityError::retryable("the worker stops"));
        }
        if ctx.get_remaining_time().is_some_and(|left| left < 2 * STEP) {
            ctx.heartbeat(&step)?;
            if minds.deadline {
                return Err(ActivityError::retryable("no time for another step"));
            }
        }
        durasim::time::sleep(STEP).await;
        ctx.heartbeat(&(step + 1))?;
    }
    Ok(steps)
}

async fn stops(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
    steps(ctx, count, Minds { cancel: true, worker_stop: true, deadline: true }).await
}

#[test]
fn code_that_looks_up_before_each_step_stops_in_time() {
    holds(working(stops).check(within_a_step().before_deadline(STEP)));
    holds(working(stops).check(within_a_step().from_worker_stop().before_deadline(STEP)));
}

#[test]
fn saving_progress_near_the_deadline_is_not_stopping() {
    async fn saves_and_goes_on(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        steps(ctx, count, Minds { cancel: true, worker_stop: true, deadline: false }).await
    }
    let failed = first_failure(working(saves_and_goes_on).check(within_a_step().before_deadline(STEP)));
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), ("stops_in_time", "deadline"));
    // One fault that squeezes it: without faults there is time enough.
    assert_eq!(failed.plan.entries.len(), 1, "{}", failed.plan);
    holds(working(saves_and_goes_on).check(within_a_step()));
}

#[test]
fn a_cancellation_must_not_be_swallowed() {
    async fn never_looks_up(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        steps(ctx, count, Minds { cancel: false, worker_stop: true, deadline: true }).await
    }
    let failed = first_failure(working(never_looks_up).check(within_a_step()));
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), ("stops_in_time", "told to stop"));
    assert_eq!(failed.violation.message, "attempt 1 of work was told to stop, and goes on");
    assert_eq!(failed.plan.entries.len(), 1, "{}", failed.text);
}

#[test]
fn an_attempt_that_hears_of_no_cancel_is_not_judged() {
    async fn deaf(_: &ActivityContext, _: u32) -> Result<u32, ActivityError> {
        durasim::time::sleep(4 * STEP).await;
        Ok(0)
    }
    // Its worker's own clock tells it that it has timed out.
    let report = working(deaf).check(within_a_step()).report();
    let cancels = |failed: &Failed| failed.plan.to_string().contains("=cancel");
    assert!(report.failures().len() == 1 && !cancels(&report.failures()[0]), "{report}");
    assert!(report.failures()[0].text.contains("told to stop: timed out"), "{}", report.failures()[0].text);
}

#[test]
fn a_worker_that_stops_is_a_signal_if_one_says_so() {
    async fn minds_cancels_only(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        steps(ctx, count, Minds { cancel: true, worker_stop: false, deadline: true }).await
    }
    violates(working(minds_cancels_only).check(within_a_step().from_worker_stop()), "stops_in_time", "told to stop");
    holds(working(minds_cancels_only).check(within_a_step().before_deadline(STEP)));
    holds(working(minds_cancels_only).check(within_a_step().from_worker_stop().until_cancelled()));
}

/// The idiom that the SDKs document: it hears of a worker's stop when the grace period is over.
#[test]
fn code_that_waits_to_be_cancelled_stops_in_time() {
    async fn upload(ctx: &ActivityContext, steps: u32) -> Result<u32, ActivityError> {
        tokio::select! {
            biased;
            _ = ctx.cancelled() => Err(ActivityError::Cancelled),
            _ = durasim::time::sleep(4 * STEP) => Ok(steps),
        }
    }
    holds(working(upload).check(within_a_step()));
    violates(working(upload).check(within_a_step().from_worker_stop()), "stops_in_time", "told to stop");
}

#[test]
fn what_waits_for_ever_after_it_was_told_never_ends() {
    async fn hangs(ctx: &ActivityContext, count: u32) -> Result<u32, ActivityError> {
        let result = stops(ctx, count).await;
        if ctx.is_cancelled() {
            std::future::pending::<()>().await;
        }
        result
    }
    let failed = first_failure(working(hangs).check(within_a_step()));
    assert_eq!(failed.violation.found.as_deref(), Some("never ended"), "{}", failed.text);
}

/// Polls until something is ready, which it never is, and gives up after 100 s.
async fn poll(ctx: &ActivityContext, since: durasim::Time) -> Result<u32, ActivityError> {
    while ctx.now() - since < Duration::from_secs(100) {
        durasim::time::sleep(STEP).await;
        ctx.heartbeat(&ctx.now().as_nanos())?;
        if ctx.is_cancelled() || ctx.is_worker_stopping() {
            return Err(ActivityError::Cancelled);
        }
    }
    Err(ActivityError::non_retryable("not ready"))
}

#[test]
fn a_limit_of_its_own_that_moves_with_every_retry_overruns_the_deadline() {
    async fn counts_from_the_last_heartbeat(ctx: &ActivityContext, _: u32) -> Result<u32, ActivityError> {
        let since = ctx.heartbeat_details::<u64>()?.map_or(ctx.now(), durasim::Time::from_nanos);
        poll(ctx, since).await
    }
    async fn counts_from_the_first_start(ctx: &ActivityContext, _: u32) -> Result<u32, ActivityError> {
        poll(ctx, ctx.get_info().scheduled_at).await
    }
    // One crash moves the limit to 200 s at most, further ones beyond the deadline.
    let check = || within_a_step().before_deadline(STEP);
    let bug =
        simulation(230, counts_from_the_last_heartbeat).explore("working", &0u32).without("reported").check(check());
    let failed = first_failure(bug.seeds(0..500));
    assert_eq!((failed.check.as_str(), failed.violation.kind.as_str()), ("stops_in_time", "deadline"));
    assert!(failed.plan.entries.len() >= 2, "{}", failed.text);
    let twin = simulation(230, counts_from_the_first_start).explore("working", &0u32).without("reported");
    holds(twin.every_fault().check(check()));
}
