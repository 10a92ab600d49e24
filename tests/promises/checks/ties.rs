//! A time that equals a limit is judged as the service decides it: the timer goes first.

use std::time::Duration;

use durasim::check::{Budget, Class, Judged};
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, Exploration, RetryPolicy, Simulation, WorkflowContext,
    check,
};

fn calling(options: ActivityOptions, activity: impl ActivityFn<u32, u32>) -> Exploration {
    Simulation::temporal()
        .activity("job", activity)
        .no_heartbeat_throttle()
        .workflow("calling", async move |ctx: &WorkflowContext, n: u32| {
            ctx.execute_activity::<u32>("job", &n, options.clone()).await
        })
        .explore("calling", &10u32)
}

async fn pause(millis: u64) {
    durasim::time::sleep(Duration::from_millis(millis)).await;
}

/// The retry starts at 58.999 s, or a millisecond beside it, and needs 40 s; the activity has 100 s.
#[test]
fn a_retry_with_just_its_usual_time_is_over_budget() {
    async fn job(_: &ActivityContext, n: u32) -> Result<u32, ActivityError> {
        pause(40_000).await;
        Ok(n)
    }
    let class = |start_to_close: u64| {
        let options = ActivityOptions {
            schedule_to_close_timeout: Duration::from_secs(100),
            start_to_close_timeout: Duration::from_millis(start_to_close),
            ..Default::default()
        };
        let class = std::sync::Arc::new(std::sync::Mutex::new(None));
        let seen = class.clone();
        let look = check::judged("class", move |judged: &Judged<'_>| {
            *seen.lock().unwrap() = Some(judged.class());
        });
        let exploration = calling(options, job).check(check::same_result()).check(look);
        let report = exploration.replay(&"job#1@1:await1=stall(60s)".parse().unwrap());
        assert!(report.holds(), "{start_to_close}\n{report}");
        class.lock().unwrap().unwrap()
    };
    assert_eq!(class(58_997), Class::Survive);
    assert_eq!(class(58_998), Class::OverBudget(Budget::Time));
    assert_eq!(class(58_999), Class::OverBudget(Budget::Time));
}

/// The lengths of its faults are made from the timeouts, so that pairs meet the deadline exactly.
#[test]
fn every_pair_of_an_activity_that_resumes_holds() {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    let report = calling(options, async |ctx: &ActivityContext, n: u32| {
        for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..n {
            pause(5_000).await;
            ctx.heartbeat(&(step + 1))?;
        }
        Ok::<_, ActivityError>(n)
    })
    .every_pair()
    .check(check::same_result())
    .report();
    assert!(report.holds(), "{report}");
}

#[test]
fn a_silence_of_just_the_heartbeat_timeout_is_too_long() {
    let holds = |silence: u64| {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(60),
            heartbeat_timeout: Duration::from_secs(10),
            ..Default::default()
        };
        let job = async move |ctx: &ActivityContext, n: u32| {
            ctx.heartbeat(&n)?;
            pause(silence).await;
            ctx.heartbeat(&n)?;
            Ok::<_, ActivityError>(n)
        };
        let exploration = calling(options, job).without("progress").reference_may_fail().every_fault();
        exploration.check(check::heartbeats_in_time()).report().holds()
    };
    assert_eq!([9_999, 10_000, 10_001].map(holds), [true, false, false]);
}

/// The user's own bound is met at equality: no timer of the service competes with it.
#[test]
fn an_end_just_within_the_bound_after_a_cancel_is_in_time() {
    let holds = |after: u64| {
        let options = ActivityOptions {
            start_to_close_timeout: Duration::from_secs(60),
            heartbeat_timeout: Duration::from_secs(20),
            ..Default::default()
        };
        let job = async move |ctx: &ActivityContext, n: u32| {
            for _ in 0..4 {
                pause(1_000).await;
                ctx.heartbeat(&n)?;
                if ctx.is_cancelled() {
                    pause(after).await;
                    return Err(ActivityError::Cancelled);
                }
            }
            Ok::<_, ActivityError>(n)
        };
        let exploration = calling(options, job).check(check::stops_in_time(Duration::from_secs(5)));
        exploration.replay(&"job#1@1:await1=cancel".parse().unwrap()).holds()
    };
    // It looks a second after it was told.
    assert_eq!([3_999, 4_000, 4_001].map(holds), [true, true, false]);
}
