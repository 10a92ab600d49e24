//! A heartbeat is recorded, then sent, then visible: the worker sends the first at once and then one for each 0.8 of the
//! timeout, the newest; a crash loses what was not sent; one in flight is never overtaken.

use std::time::Duration;

use durasim::program::CancellationType;
use durasim::service::WorkflowOutcome;
use durasim::time::sleep;
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, HeartbeatRecord, Outcome, RetryPolicy, Run,
    Simulation, WorkflowContext, WorkflowError,
};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A simulation of one activity with a heartbeat timeout of 10 s: one send in 8 s.
fn simulation(work: impl ActivityFn<(), String>) -> Simulation {
    Simulation::temporal()
        .activity("work", work)
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
            let options = ActivityOptions {
                start_to_close_timeout: seconds(300),
                heartbeat_timeout: seconds(10),
                retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
                cancellation_type: CancellationType::WaitCancellationCompleted,
                ..Default::default()
            };
            ctx.execute_activity("work", &(), options).await
        })
        .graceful_shutdown_period(seconds(2))
}

#[track_caller]
fn run(plan: &str, work: impl ActivityFn<(), String>) -> Run {
    let run = simulation(work).plan(plan.parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

/// Takes twenty seconds with a heartbeat each, then ends as the first attempt is to end. The result is the checkpoint
/// from which it started.
async fn steps(ctx: &ActivityContext, end: Option<ActivityError>) -> Result<String, ActivityError> {
    let seen = ctx.get_heartbeat_details().map_or("nothing".to_owned(), |seen| String::from_utf8_lossy(seen).into());
    let mut step: u32 = seen.parse().unwrap_or(0);
    while step < 20 {
        sleep(seconds(1)).await;
        step += 1;
        ctx.heartbeat(&step)?;
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
    }
    match end {
        Some(error) if ctx.get_info().attempt == 1 => Err(error),
        _ => Ok(seen),
    }
}

async fn ends_well(ctx: &ActivityContext, (): ()) -> Result<String, ActivityError> {
    steps(ctx, None).await
}

async fn fails_once(ctx: &ActivityContext, (): ()) -> Result<String, ActivityError> {
    steps(ctx, Some(ActivityError::retryable("once"))).await
}

/// The heartbeats of an attempt: details, and the seconds after its start at which they were recorded, sent and visible.
fn heartbeats(run: &Run, attempt: usize) -> Vec<(String, u64, Option<u64>, Option<u64>)> {
    let attempts = &run.activities()[0].attempts;
    let start = attempts[attempt].started_at;
    let row = |heartbeat: &HeartbeatRecord| {
        let text = heartbeat.details.as_deref().map_or("none".into(), String::from_utf8_lossy).into_owned();
        let after = |at: durasim::Time| (at - start).as_secs();
        (text, after(heartbeat.recorded_at), heartbeat.sent_at.map(after), heartbeat.visible_at.map(after))
    };
    attempts[attempt].heartbeats.iter().map(row).collect()
}

fn sent(run: &Run, attempt: usize) -> Vec<(String, u64, Option<u64>)> {
    heartbeats(run, attempt).into_iter().filter_map(|(text, _, sent, visible)| Some((text, sent?, visible))).collect()
}

fn row(text: &str, sent: u64, visible: impl Into<Option<u64>>) -> (String, u64, Option<u64>) {
    (text.to_owned(), sent, visible.into())
}

#[test]
fn the_first_at_once_then_the_newest_once_an_interval() {
    let run = run("v1", ends_well);
    assert_eq!(heartbeats(&run, 0).len(), 20, "all are recorded");
    // This is eight seconds after the one before it. The flush and the heartbeat have one moment: whichever timer
    // started first goes first.
    let visible = sent(&run, 0);
    assert_eq!(visible[0], row("1", 1, 1));
    assert_eq!(visible.iter().map(|(_, sent, _)| *sent).collect::<Vec<_>>(), [1, 9, 17]);
    assert!(["8", "9"].contains(&visible[1].0.as_str()), "{visible:?}");
    assert!(["16", "17"].contains(&visible[2].0.as_str()), "{visible:?}");
}

#[test]
fn without_a_throttle_each_is_sent() {
    let run = simulation(ends_well).no_heartbeat_throttle().run("main", &()).unwrap();
    let expected: Vec<_> = (1..=20).map(|step| row(&step.to_string(), step, step)).collect();
    assert_eq!(sent(&run, 0), expected);
}

#[test]
fn the_interval_can_be_set() {
    // At most 3 s between two, whatever the timeout.
    let run = simulation(ends_well).heartbeat_throttle(seconds(30), seconds(3)).run("main", &()).unwrap();
    assert_eq!(sent(&run, 0).iter().map(|(_, sent, _)| *sent).collect::<Vec<_>>(), [1, 4, 7, 10, 13, 16, 19]);
}

#[test]
fn a_crash_loses_what_was_not_sent() {
    let run = run("work#1@1:await13=crash", ends_well);
    let details = run.activities()[0].attempts[1].details_at_start.clone().unwrap();
    let last = sent(&run, 0).last().unwrap().0.clone();
    assert_eq!(String::from_utf8(details).unwrap(), last);
    assert!(["8", "9"].contains(&last.as_str()), "12 were recorded, {last} is what remains");
    assert_eq!(run.result::<String>().unwrap(), last);
}

#[test]
fn a_failure_carries_the_newest() {
    let run = run("v1", fails_once);
    assert_eq!(run.result::<String>().unwrap(), "20");
    assert_eq!(sent(&run, 0).last().unwrap(), &row("20", 20, 20));
}

/// Without anything recorded since the last send, the failure carries nothing and erases nothing.
#[test]
fn a_failure_with_nothing_pending_keeps_the_checkpoint() {
    let run = run("v1", async |ctx: &ActivityContext, (): ()| {
        if let Some(seen) = ctx.get_heartbeat_details() {
            return Ok(String::from_utf8_lossy(seen).into_owned());
        }
        ctx.record_heartbeat(Some(b"first"));
        sleep(seconds(1)).await;
        Err(ActivityError::retryable("at once"))
    });
    assert_eq!(run.result::<String>().unwrap(), "first");
}

#[test]
fn a_heartbeat_without_details_erases() {
    let run = run("v1", async |ctx: &ActivityContext, (): ()| {
        let info = ctx.get_info();
        match info.attempt {
            1 => {
                ctx.record_heartbeat(Some(b"first"));
                sleep(seconds(9)).await;
                ctx.record_heartbeat(None);
                Err(ActivityError::retryable("once"))
            }
            _ => Ok(format!("{:?}", ctx.get_heartbeat_details())),
        }
    });
    assert_eq!(run.result::<String>().unwrap(), "None");
}

#[test]
fn crashes_inside_a_heartbeat() {
    for (fault, seen) in [("crash_before", "1"), ("crash_after_unsent", "1"), ("crash_after_sent", "5")] {
        let run = run(&format!("work#1@1:heartbeat5={fault}"), ends_well);
        assert_eq!(run.result::<String>().unwrap(), seen, "{fault}");
        let recorded = if fault == "crash_before" { 4 } else { 5 };
        assert_eq!(heartbeats(&run, 0).len(), recorded, "{fault}");
    }
}

/// The first is not heard of; the clock of the service has not been set back either.
#[test]
fn a_lost_request() {
    let run = run("work#1@1:heartbeat1=request_lost; work#1@1:await4=crash", ends_well);
    assert_eq!(sent(&run, 0), [row("1", 1, None)]);
    assert_eq!(run.result::<String>().unwrap(), "nothing");
    let timed_out = run.activities()[0].attempts[0].started_at + seconds(10);
    // This is ten seconds after the start, not after the heartbeat: the retry comes a second later.
    assert_eq!(run.activities()[0].attempts[1].started_at, timed_out + Duration::from_millis(1_001));
}

/// The service has it, but the attempt does not hear of the cancel in the answer, and hears of it in the next.
#[test]
fn a_lost_answer() {
    let heard = |plan: &str| {
        let run = run(plan, ends_well);
        let attempt = run.activities()[0].attempts[0].clone();
        (attempt.cancelled_at.map(|at| (at - attempt.started_at).as_secs()), sent(&run, 0))
    };
    // Cancel requested at 3 s; the second send is at 9 s.
    let (cancelled, _) = heard("work#1@1:await4=cancel");
    assert_eq!(cancelled, Some(9));
    let (cancelled, visible) = heard("work#1@1:await4=cancel; work#1@1:heartbeat5=answer_lost");
    assert_eq!(cancelled, Some(17));
    assert_eq!(visible[1].2, Some(9));
}

/// The first takes 8.5 s. Heartbeats that are recorded meanwhile wait behind it, and only the newest follows.
#[test]
fn a_delayed_one_is_not_overtaken() {
    let run = run("work#1@1:heartbeat1=delayed(8500ms)", ends_well);
    // It is 9.5 s after the start when the line is free.
    assert_eq!(sent(&run, 0)[..2], [row("1", 1, 9), row("9", 9, 9)], "{}", run.timeline());
    assert_eq!(sent(&run, 0)[2].1, 17);
}

/// The attempt ends after 3 s, while its first heartbeat is still under way.
async fn ends_early(ctx: &ActivityContext, end: ActivityError) -> Result<String, ActivityError> {
    if let Some(seen) = ctx.get_heartbeat_details() {
        return Ok(String::from_utf8_lossy(seen).into_owned());
    }
    for step in 1..=3 {
        sleep(seconds(1)).await;
        ctx.heartbeat(&step)?;
    }
    Err(end)
}

/// The report, with the newest details, waits for the heartbeat in flight.
#[test]
fn a_failure_does_not_overtake_either() {
    let run = run("work#1@1:heartbeat1=delayed(6s)", async |ctx: &ActivityContext, (): ()| {
        ends_early(ctx, ActivityError::retryable("once")).await
    });
    assert_eq!(run.result::<String>().unwrap(), "3", "{}", run.timeline());
    let [first, second] = &run.activities()[0].attempts[..] else { panic!("{}", run.timeline()) };
    assert_eq!((first.ended_at.unwrap() - first.started_at).as_secs(), 3);
    assert_eq!((second.started_at - first.started_at).as_secs(), 8, "1 s after the heartbeat has arrived");
}

/// A cancelled attempt's newest heartbeat goes before its report, and behind the one in flight.
#[test]
fn a_cancelled_attempts_last_heartbeat_waits_its_turn() {
    let run = run("work#1@1:await3=cancel; work#1@1:heartbeat1=delayed(6s)", async |ctx: &ActivityContext, (): ()| {
        ends_early(ctx, ActivityError::Cancelled).await
    });
    assert_eq!(sent(&run, 0), [row("1", 1, 7), row("3", 7, 7)], "{}", run.timeline());
    let closed = run.activities()[0].closed_at.unwrap();
    assert_eq!((closed - run.activities()[0].attempts[0].started_at).as_secs(), 7);
    assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Canceled(_))), "{:?}", run.outcome());
}
