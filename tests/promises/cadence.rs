//! The same code and options on Cadence and on Temporal, and every difference that a user notices.

use std::time::Duration;

use durasim::program::{RetryState, TimeoutType};
use durasim::service::EventKind;
use durasim::trace::What;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, ApplicationFailure, AttemptRecord, Dialect,
    RetryPolicy, Run, RunError, Simulation, WorkflowContext, WorkflowError,
};

const SECOND: Duration = Duration::from_secs(1);

/// A workflow of one activity.
fn simulation(dialect: Dialect, options: ActivityOptions, activity: impl ActivityFn<(), u32>) -> Simulation {
    Simulation::of(dialect).activity("work", activity).workflow("job", async move |ctx: &WorkflowContext, _: ()| {
        ctx.execute_activity::<u32>("work", &(), options.clone()).await
    })
}

fn run(dialect: Dialect, options: ActivityOptions, activity: impl ActivityFn<(), u32>) -> Run {
    simulation(dialect, options, activity).run("job", &()).unwrap()
}

/// Temporal's run and Cadence's.
fn both(options: &ActivityOptions, activity: impl ActivityFn<(), u32> + Clone) -> [Run; 2] {
    [Dialect::Temporal, Dialect::Cadence].map(|dialect| run(dialect, options.clone(), activity.clone()))
}

fn attempts(run: &Run) -> Vec<AttemptRecord> {
    run.activities().swap_remove(0).attempts
}

/// The milliseconds between the starts of attempts, without the time that handing them out takes.
fn gaps(run: &Run) -> Vec<u128> {
    let starts: Vec<_> = attempts(run).iter().map(|attempt| attempt.started_at).collect();
    starts.windows(2).map(|pair| (pair[1] - pair[0] - Duration::from_millis(1)).as_millis()).collect()
}

/// The reason why the activity was given up.
fn retry_state(run: &Run) -> Option<RetryState> {
    run.trace().events().iter().find_map(|event| match event.what {
        What::ActivityFailed { retry_state, .. } | What::ActivityTimedOut { retry_state, .. } => Some(retry_state),
        _ => None,
    })
}

/// Deadlines that passed, in order.
fn timeouts(run: &Run) -> Vec<TimeoutType> {
    let passed = run.trace().events().iter().filter_map(|event| match event.what {
        What::TimedOut(timeout) => Some(timeout),
        _ => None,
    });
    passed.collect()
}

fn options(seconds: u64, policy: RetryPolicy) -> ActivityOptions {
    ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(seconds),
        retry_policy: Some(policy),
        ..Default::default()
    }
}

fn limited(maximum_attempts: i32) -> RetryPolicy {
    RetryPolicy { maximum_attempts, ..Default::default() }
}

async fn fails(_ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
    Err(ActivityError::retryable("as always"))
}

/// Fails once, then returns the number of the attempt that it sees.
async fn fails_once(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
    if ctx.has_heartbeat_details() {
        return Ok(ctx.get_info().attempt);
    }
    ctx.record_heartbeat(Some(b"1"));
    Err(ActivityError::retryable("the first time"))
}

#[test]
fn without_a_policy_nothing_is_retried() {
    let options = ActivityOptions { schedule_to_close_timeout: 60 * SECOND, ..Default::default() };
    let [temporal, cadence] = both(&options, fails_once);
    assert_eq!((attempts(&temporal).len(), retry_state(&temporal)), (2, None));
    assert_eq!((attempts(&cadence).len(), retry_state(&cadence)), (1, Some(RetryState::RetryPolicyNotSet)));
}

#[test]
fn a_policy_with_neither_attempts_nor_expiration_retries_nothing() {
    let [temporal, cadence] = both(&options(60, RetryPolicy::default()), fails_once);
    assert_eq!([attempts(&temporal).len(), attempts(&cadence).len()], [2, 1]);
}

#[test]
fn activity_code_and_history_count_attempts_from_zero() {
    let runs = both(&options(60, limited(3)), fails_once);
    assert_eq!(runs.each_ref().map(|run| run.result::<u32>().unwrap()), [2, 1]);
    let started = |run: &Run| {
        run.history().iter().find_map(|event| match event.kind {
            EventKind::ActivityTaskStarted { attempt, .. } => Some(attempt),
            _ => None,
        })
    };
    assert_eq!(runs.each_ref().map(started), [Some(2), Some(1)]);
    for run in &runs {
        let numbers: Vec<u32> = attempts(run).iter().map(|attempt| attempt.number).collect();
        assert_eq!(numbers, [1, 2], "records count from 1 in both");
    }
}

#[test]
fn backoffs_are_whole_seconds() {
    let policy = RetryPolicy { backoff_coefficient: 1.5, ..limited(5) };
    let [temporal, cadence] = both(&options(60, policy), fails);
    assert_eq!(gaps(&temporal), [1000, 1500, 2250, 3375]);
    assert_eq!(gaps(&cadence), [1000, 1000, 2000, 3000]);
}

#[test]
fn options_are_rounded_up_to_whole_seconds() {
    let policy = RetryPolicy { initial_interval: Duration::from_millis(200), ..limited(3) };
    let [temporal, cadence] = both(&options(60, policy), fails);
    assert_eq!(gaps(&temporal), [200, 400]);
    assert_eq!(gaps(&cadence), [1000, 2000]);

    let options = ActivityOptions { start_to_close_timeout: Duration::from_millis(1200), ..options(60, limited(1)) };
    let [temporal, cadence] = both(&options, async |_: &ActivityContext, _: ()| {
        durasim::time::sleep(Duration::from_millis(1500)).await;
        Ok(7)
    });
    assert!(temporal.result::<u32>().is_err(), "{}", temporal.timeline());
    assert_eq!(cadence.result::<u32>().unwrap(), 7);
}

#[test]
fn retrying_ends_with_the_expiration_and_not_with_schedule_to_close() {
    let steady = RetryPolicy { initial_interval: 2 * SECOND, backoff_coefficient: 1.0, ..Default::default() };
    let policy = RetryPolicy { expiration_interval: 7 * SECOND, ..steady.clone() };
    for schedule_to_close in [3, 20] {
        let cadence = run(Dialect::Cadence, options(schedule_to_close, policy.clone()), fails);
        // Due after 0, 2, 4 and 6 seconds; the next would be after 8.
        assert_eq!((gaps(&cadence), retry_state(&cadence)), (vec![2000; 3], Some(RetryState::Timeout)));
    }

    let temporal = run(Dialect::Temporal, options(3, steady), fails);
    assert_eq!((gaps(&temporal), retry_state(&temporal)), (vec![2000], Some(RetryState::Timeout)));
}

#[test]
fn each_attempt_has_its_own_schedule_to_close() {
    /// Fails after 5 seconds, then succeeds after 8: longer than 10 seconds in all.
    async fn slow(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
        if ctx.has_heartbeat_details() {
            durasim::time::sleep(8 * SECOND).await;
            return Ok(7);
        }
        ctx.record_heartbeat(Some(b"1"));
        durasim::time::sleep(5 * SECOND).await;
        Err(ActivityError::retryable("the first time"))
    }
    let temporal = run(Dialect::Temporal, options(10, RetryPolicy::default()), slow);
    assert_eq!((timeouts(&temporal), attempts(&temporal).len()), (vec![TimeoutType::ScheduleToClose], 2));
    let policy = RetryPolicy { expiration_interval: 10 * SECOND, ..Default::default() };
    let cadence = run(Dialect::Cadence, options(10, policy), slow);
    assert_eq!((cadence.result::<u32>().unwrap(), timeouts(&cadence)), (7, vec![]));
}

#[test]
fn timeouts_of_attempts_are_retried_unless_their_reason_is_listed() {
    async fn hangs_once(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
        if !ctx.has_heartbeat_details() {
            ctx.record_heartbeat(Some(b"1"));
            durasim::time::sleep(20 * SECOND).await;
        }
        Ok(7)
    }
    for (timeout, reason, options) in [
        (
            TimeoutType::StartToClose,
            "cadenceInternal:Timeout START_TO_CLOSE",
            ActivityOptions { start_to_close_timeout: 5 * SECOND, ..options(60, limited(2)) },
        ),
        (
            TimeoutType::Heartbeat,
            "cadenceInternal:Timeout HEARTBEAT",
            ActivityOptions { heartbeat_timeout: 5 * SECOND, ..options(60, limited(2)) },
        ),
    ] {
        let retried = run(Dialect::Cadence, options.clone(), hangs_once);
        assert_eq!((retried.result::<u32>().unwrap(), timeouts(&retried)), (7, vec![timeout]));

        let listed = RetryPolicy { non_retryable_error_types: vec![reason.to_owned()], ..limited(2) };
        let given_up = run(Dialect::Cadence, ActivityOptions { retry_policy: Some(listed), ..options }, hangs_once);
        assert_eq!(retry_state(&given_up), Some(RetryState::NonRetryableFailure), "{reason}");
    }
}

#[test]
fn an_attempt_that_no_worker_takes_is_retried() {
    /// It dies with its worker, which comes back too late for schedule-to-start.
    async fn waits(_ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
        durasim::time::sleep(SECOND).await;
        Ok(7)
    }
    let run = |dialect, policy| {
        let options = ActivityOptions {
            start_to_close_timeout: 5 * SECOND,
            schedule_to_start_timeout: 1800 * SECOND,
            ..options(7200, policy)
        };
        simulation(dialect, options, waits)
            .restart_delay(2000 * SECOND)
            .plan("v1; work#1@1:await1=crash".parse().unwrap())
            .run("job", &())
            .unwrap()
    };
    let cadence = run(Dialect::Cadence, RetryPolicy { expiration_interval: 3600 * SECOND, ..Default::default() });
    let numbers: Vec<u32> = attempts(&cadence).iter().map(|attempt| attempt.number).collect();
    assert_eq!((cadence.result::<u32>().unwrap(), numbers), (7, vec![1, 3]), "{}", cadence.timeline());

    let temporal = run(Dialect::Temporal, RetryPolicy::default());
    assert_eq!((attempts(&temporal).len(), retry_state(&temporal)), (1, Some(RetryState::Timeout)));
}

#[test]
fn only_the_listed_reason_stops_retrying() {
    async fn says_no(_ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
        Err(ActivityError::non_retryable("no use"))
    }
    async fn asks_for_a_delay(_ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
        Err(ApplicationFailure::new("Busy", "later").next_retry_delay(9 * SECOND).into())
    }
    let [temporal, cadence] = both(&options(60, limited(3)), says_no);
    assert_eq!([attempts(&temporal).len(), attempts(&cadence).len()], [1, 3]);

    let listed = RetryPolicy { non_retryable_error_types: vec!["NonRetryable".to_owned()], ..limited(3) };
    let cadence = run(Dialect::Cadence, options(60, listed), says_no);
    assert_eq!(retry_state(&cadence), Some(RetryState::NonRetryableFailure));

    let [temporal, cadence] = both(&options(60, limited(3)), asks_for_a_delay);
    assert_eq!([gaps(&temporal), gaps(&cadence)], [[9000, 9000], [1000, 2000]]);
}

#[test]
fn heartbeats_are_held_back_for_whole_seconds_and_without_limit() {
    /// The times at which heartbeats left the worker, in milliseconds from the start. The activity records one every
    /// 500 ms, or every 10 s if its heartbeat timeout is over a minute.
    fn sent(dialect: Dialect, heartbeat_timeout: Duration) -> Vec<u128> {
        let options = ActivityOptions { heartbeat_timeout, ..options(600, limited(1)) };
        let step = if heartbeat_timeout > 60 * SECOND { 10 * SECOND } else { Duration::from_millis(500) };
        let run = run(dialect, options, async move |ctx: &ActivityContext, _: ()| {
            for beat in 0..10_u32 {
                ctx.heartbeat(&beat)?;
                durasim::time::sleep(step).await;
            }
            Ok(7)
        });
        let [attempt] = &attempts(&run)[..] else { panic!("{}", run.timeline()) };
        let sent = attempt.heartbeats.iter().filter_map(|heartbeat| heartbeat.sent_at);
        sent.map(|at| (at - attempt.started_at).as_millis()).collect()
    }
    assert_eq!(sent(Dialect::Temporal, SECOND), [0, 800, 1600, 2400, 3200, 4000, 4800]);
    assert_eq!(sent(Dialect::Cadence, SECOND), [0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500]);
    assert_eq!(sent(Dialect::Temporal, 2 * SECOND), [0, 1600, 3200, 4800]);
    assert_eq!(sent(Dialect::Cadence, 2 * SECOND), [0, 1000, 2000, 3000, 4000, 5000]);
    assert_eq!(sent(Dialect::Temporal, 100 * SECOND), [0, 60_000]);
    assert_eq!(sent(Dialect::Cadence, 100 * SECOND), [0, 80_000]);
}

/// Temporal's worker sends the pending heartbeat with the failure and loses both; Cadence's sends it beforehand.
#[test]
fn a_pending_heartbeat_outlives_a_lost_report_of_a_failure() {
    async fn counts(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
        if let Some(count) = ctx.heartbeat_details()? {
            return Ok(count);
        }
        ctx.heartbeat(&1)?;
        ctx.heartbeat(&2)?;
        Err(ActivityError::retryable("the first time"))
    }
    let lost = "v1; work#1@1:completion=request_lost";
    for (dialect, plan, resumes_from) in [
        (Dialect::Temporal, "v1", 2),
        (Dialect::Cadence, "v1", 2),
        (Dialect::Temporal, lost, 1),
        (Dialect::Cadence, lost, 2),
    ] {
        let options = ActivityOptions { start_to_close_timeout: 5 * SECOND, ..options(60, limited(2)) };
        let run = simulation(dialect, options, counts).plan(plan.parse().unwrap()).run("job", &()).unwrap();
        assert_eq!(run.result::<u32>().unwrap(), resumes_from, "{dialect}, {plan}");
    }
}

/// The message with which the workflow task is refused.
fn refusal(dialect: Dialect, options: ActivityOptions) -> String {
    match simulation(dialect, options, fails).run("job", &()) {
        Err(RunError::WorkflowTask { message, .. }) => message,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn schedule_to_close_has_to_be_known() {
    let start_to_close = ActivityOptions { start_to_close_timeout: SECOND, ..Default::default() };
    let message = refusal(Dialect::Cadence, start_to_close.clone());
    assert!(message.ends_with("A valid ScheduleToCloseTimeout is not set on decision."), "{message}");
    let both = ActivityOptions { schedule_to_start_timeout: SECOND, ..start_to_close };
    assert_eq!(attempts(&run(Dialect::Cadence, both, fails)).len(), 1);
}

#[test]
fn temporal_refuses_an_expiration() {
    let policy = RetryPolicy { expiration_interval: 60 * SECOND, ..Default::default() };
    let message = refusal(Dialect::Temporal, options(60, policy));
    assert!(message.contains("which only Cadence has"), "{message}");
}

#[test]
fn timelines_say_where_the_rules_come_from() {
    let [temporal, cadence] = both(&options(60, limited(1)), fails);
    assert_eq!([temporal.trace().dialect(), cadence.trace().dialect()], [Dialect::Temporal, Dialect::Cadence]);
    let label = "dialect cadence (from sources, not recorded)\n";
    assert!(cadence.timeline().to_string().starts_with(label));
    assert!(cadence.timeline().header("v1").to_string().starts_with(&format!("v1\n{label}")));
    assert!(!temporal.timeline().to_string().contains("dialect"));
}

#[test]
fn a_run_leaves_no_dialect_behind() {
    let options = ActivityOptions { schedule_to_close_timeout: 60 * SECOND, ..Default::default() };
    for (dialect, made) in [(Dialect::Cadence, 1), (Dialect::Temporal, 2), (Dialect::Cadence, 1)] {
        assert_eq!(attempts(&run(dialect, options.clone(), fails_once)).len(), made, "{dialect}");
    }
}

#[test]
fn every_fault_is_survived_or_over_budget() {
    /// It resumes from its checkpoint.
    async fn counts(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
        for step in ctx.heartbeat_details()?.unwrap_or(0)..5_u32 {
            durasim::time::sleep(2 * SECOND).await;
            ctx.heartbeat(&(step + 1))?;
        }
        Ok(5)
    }
    for policy in [None, Some(limited(3)), Some(RetryPolicy { expiration_interval: 60 * SECOND, ..Default::default() })]
    {
        let protected = ActivityOptions {
            schedule_to_close_timeout: 60 * SECOND,
            start_to_close_timeout: 30 * SECOND,
            heartbeat_timeout: 5 * SECOND,
            retry_policy: policy,
            ..Default::default()
        };
        let report = simulation(Dialect::Cadence, protected, counts)
            .explore("job", &())
            .every_fault()
            .seeds(0..200)
            .check(durasim::check::same_result())
            .check(durasim::check::progress("work", |done: &u32| *done))
            .report();
        assert!(report.failures().is_empty(), "{report}");
        assert!(report.error().is_none(), "{report}");
    }
}

/// The workflow takes its error as the code gives it, so that both dialects are told alike.
#[test]
fn workflow_code_sees_the_same_failure() {
    let runs = [Dialect::Temporal, Dialect::Cadence].map(|dialect| {
        simulation(dialect, options(60, limited(2)), fails)
            .workflow("told", async |ctx: &WorkflowContext, _: ()| {
                match ctx.execute_activity::<u32>("work", &(), options(60, limited(2))).await {
                    Ok(_) => Ok(String::new()),
                    Err(error) => Ok::<_, WorkflowError>(error.to_string()),
                }
            })
            .run("told", &())
            .unwrap()
            .result::<String>()
            .unwrap()
    });
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains("as always"), "{}", runs[0]);
}
