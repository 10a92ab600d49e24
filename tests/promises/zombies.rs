//! An attempt that the service has given up runs on beside its successor: it is refused as stale, told to stop by the
//! service's answer or by its worker's own clock, and the run waits for it.

use std::time::Duration;

use durasim::program::CancelReason;
use durasim::time::sleep;
use durasim::trace::{AttemptKey, What, Who};
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, AttemptEnd, Ledger, Run, RunError, Simulation, Time,
    WorkflowContext, WorkflowError,
};

#[derive(Default)]
struct Store {
    chunks: Ledger<u32>,
}

fn ms(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// Ten chunks of one second, a heartbeat after each. Does not look whether it is told to stop.
async fn stubborn(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
    let start: u32 = ctx.heartbeat_details()?.unwrap_or(0);
    for chunk in start..10 {
        sleep(Duration::from_secs(1)).await;
        durasim::state::<Store>().chunks.record(chunk);
        ctx.heartbeat(&(chunk + 1))?;
    }
    Ok(ctx.get_info().attempt)
}

/// The same, but it stops when it is told.
async fn obedient(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
    tokio::select! {
        biased;
        _ = ctx.cancelled() => Err(ActivityError::Cancelled),
        result = stubborn(ctx, ()) => result,
    }
}

#[track_caller]
fn run(plan: &str, work: impl ActivityFn<(), u32>) -> Run {
    let run = Simulation::temporal()
        .activity("work", work)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            let options = ActivityOptions {
                start_to_close_timeout: Duration::from_secs(120),
                heartbeat_timeout: Duration::from_secs(10),
                ..Default::default()
            };
            ctx.execute_activity("work", &(), options).await
        })
        .state(Store::default)
        .plan(plan.parse().unwrap())
        .run("main", &())
        .unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

fn times(run: &Run, wanted: impl Fn(What) -> bool) -> Vec<Time> {
    let events = run.trace().events().iter();
    events
        .filter(|event| event.who == Who::Attempt(AttemptKey::at(0)) && wanted(event.what))
        .map(|event| event.at)
        .collect()
}

/// The first heartbeat is visible at 1.002 s; the attempt stands still from then on for a minute.
#[test]
fn told_by_the_workers_own_clock_five_seconds_after_its_timeout() {
    let run = run("work#1@1:await2=stall(60s)", stubborn);
    let activity = &run.activities()[0];
    let (first, second) = (&activity.attempts[0], &activity.attempts[1]);
    assert_eq!(first.zombie_at, Some(ms(11_002)), "{}", run.timeline());
    assert_eq!(second.started_at, ms(12_003));
    assert_eq!(second.details_at_start, Some(b"1".to_vec()));
    assert_eq!(first.cancelled_at, Some(ms(16_002)));
    let told = times(&run, |what| what == What::CancelDelivered(CancelReason::TimedOut));
    assert_eq!(told, [ms(16_002)]);
    // The successor's result is the activity's, and was there long before the zombie went on.
    assert_eq!(run.result::<u32>().unwrap(), 2);
    assert_eq!(activity.closed_at, second.ended_at);
    assert_eq!(second.ended_at, Some(ms(21_003)));
    // Its second is over when it is released at 61 s; eight more chunks are left then.
    assert_eq!((first.ended_at, first.end), (Some(ms(69_002)), AttemptEnd::Completed));
    assert_eq!(run.virtual_time(), ms(69_002), "the run waits for the zombie");
    // Its effects after the workflow has closed are seen, and its report is dropped by its worker.
    assert_eq!(run.state::<Store>().chunks.count(&1), 2);
    assert_eq!(times(&run, |what| what == What::ReportDropped), [ms(69_002)]);
}

/// An obedient one ends when its worker tells it, stalled or not.
#[test]
fn a_zombie_that_listens_ends_when_it_can() {
    let run = run("work#1@1:await2=stall(60s)", obedient);
    let activity = &run.activities()[0];
    let first = &activity.attempts[0];
    // It is not polled before the stall is over: told at 16 s, it ends at 61 s.
    assert_eq!((first.cancelled_at, first.ended_at), (Some(ms(16_002)), Some(ms(61_002))));
    assert_eq!(first.end, AttemptEnd::Cancelled);
    assert_eq!(times(&run, |what| what == What::ReportDropped), [ms(61_002)]);
    assert_eq!(times(&run, |what| what == What::Refused), []);
    assert_eq!(run.state::<Store>().chunks.total(), 10, "none twice");
}

/// Released before its worker's clock would tell it: its next heartbeat is refused, and the answer tells it.
#[test]
fn refused_as_stale_and_told_by_the_answer() {
    let run = run("work#1@1:await2=stall(12s)", stubborn);
    let activity = &run.activities()[0];
    let (first, second) = (&activity.attempts[0], &activity.attempts[1]);
    assert_eq!(first.zombie_at, Some(ms(11_002)));
    assert_eq!(second.started_at, ms(12_003));
    // Goes on at 13.002 s, beside its successor, with a heartbeat of chunk 2 that must not be seen.
    assert_eq!(times(&run, |what| what == What::Refused)[0], ms(13_002), "{}", run.timeline());
    assert_eq!(times(&run, |what| what == What::CancelDelivered(CancelReason::NotFound)), [ms(13_002)]);
    let visible: Vec<_> = first.heartbeats.iter().filter_map(|heartbeat| heartbeat.visible_at).collect();
    assert_eq!(visible, [ms(1_002)]);
    let (overlap, end) = (first.ended_at.unwrap(), second.ended_at.unwrap());
    assert!(second.started_at < overlap && overlap < end);
    assert_eq!(run.result::<u32>().unwrap(), 2);
    assert!(second.heartbeats.iter().all(|heartbeat| heartbeat.sent_at.is_none_or(|_| heartbeat.visible_at.is_some())));
}

/// The workflow closes while an attempt runs that nobody waits for: its heartbeat is refused, and the run waits for it.
#[test]
fn an_attempt_whose_workflow_has_closed() {
    let run = Simulation::temporal()
        .activity("work", obedient)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(120), ..Default::default() };
            let _nobody_waits = ctx.execute_activity::<u32>("work", &(), options);
            ctx.sleep(Duration::from_secs(3)).await?;
            Ok(7)
        })
        .state(Store::default)
        .no_heartbeat_throttle()
        .run("main", &())
        .unwrap();
    assert_eq!(run.result::<u32>().unwrap(), 7);
    // Closed at 3.002 s, behind the third heartbeat of that moment; the fourth tells.
    let first = &run.activities()[0].attempts[0];
    assert_eq!((first.cancelled_at, first.ended_at), (Some(ms(4_002)), Some(ms(4_002))), "{}", run.timeline());
    assert_eq!(run.virtual_time(), ms(4_002));
}

/// Goes on for ever, and heartbeats.
async fn deaf(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
    loop {
        sleep(Duration::from_secs(10)).await;
        ctx.record_heartbeat(None);
    }
}

fn given_up(schedule_to_close: Duration, activity: impl ActivityFn<(), u32>) -> Simulation {
    Simulation::temporal().activity("work", activity).workflow("main", async move |ctx: &WorkflowContext, (): ()| {
        let options = ActivityOptions {
            schedule_to_close_timeout: schedule_to_close,
            heartbeat_timeout: Duration::from_secs(30),
            ..Default::default()
        };
        let _: Result<u32, WorkflowError> = ctx.execute_activity("work", &(), options).await;
        Ok::<_, WorkflowError>(())
    })
}

/// The run ends some hours after the last close, and not at its horizon of 30 days.
#[test]
fn one_that_never_ends_is_named_soon_after_the_last_close() {
    for (timeout, least) in [(60, 3_600), (7_200, 7_200)] {
        let error = given_up(Duration::from_secs(timeout), deaf).run("main", &()).unwrap_err();
        let RunError::StillRunning { after, waiting } = &error else { panic!("{error}") };
        assert!((least..least + 3 * 3_600).contains(&after.as_secs()), "{error}");
        assert!(waiting.contains("work#1@1"), "{error}");
    }
}

/// It costs nothing to wait for its end.
#[test]
fn one_that_only_sleeps_for_long_is_waited_for() {
    let sleeps = async |_: &ActivityContext, (): ()| {
        sleep(Duration::from_secs(100_000)).await;
        Ok(1)
    };
    let run = given_up(Duration::from_secs(60), sleeps).run("main", &()).unwrap();
    assert!(run.virtual_time() > Time::from_millis(100_000_000), "{}", run.timeline());
}

/// A fault holds it for longer than that; then it ends by itself.
#[test]
fn one_that_a_fault_holds_is_waited_for() {
    let brief = async |_: &ActivityContext, (): ()| {
        sleep(Duration::from_secs(1)).await;
        sleep(Duration::from_secs(1)).await;
        Ok(1)
    };
    let plan = "work#1@1:await1=stall(36000s)".parse().unwrap();
    let run = given_up(Duration::from_secs(60), brief).plan(plan).run("main", &()).unwrap();
    assert!(run.virtual_time() > Time::from_millis(36_000_000), "{}", run.timeline());
}
