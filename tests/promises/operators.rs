//! A script acts as operators do: it pauses, unpauses and resets activities, completes them by id, and stops workers.

use std::time::Duration;

use durasim::service::{Reset, Unpause};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ClientError, ReportEnd, RetryPolicy, Simulation, WorkerOptions,
    WorkflowContext, WorkflowError,
};

const SECOND: Duration = Duration::from_secs(1);

/// Fails at once until its third attempt, which says how it was numbered.
async fn third_time(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
    match ctx.get_info().attempt {
        attempt @ ..3 => Err(ActivityError::retryable(format!("attempt {attempt}"))),
        attempt => Ok(attempt),
    }
}

/// Takes a minute, unless its worker stops before.
async fn slow(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
    for _ in 0..60 {
        durasim::time::sleep(SECOND).await;
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
    }
    Ok(ctx.get_info().attempt)
}

async fn one(ctx: &WorkflowContext, activity: String) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        activity_id: Some("a".into()),
        start_to_close_timeout: 100 * SECOND,
        retry_policy: Some(RetryPolicy {
            initial_interval: 10 * SECOND,
            backoff_coefficient: 1.0,
            ..Default::default()
        }),
        ..Default::default()
    };
    ctx.execute_activity(&activity, &(), options).await
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("third_time", third_time).activity("slow", slow).workflow("one", one)
}

#[test]
fn a_paused_activity_waits_until_it_is_unpaused() {
    let (closed_at, run) = simulation()
        .drive(|client| async move {
            let workflow = client.start::<u32>("one", "w", "third_time").await.unwrap();
            client.sleep(SECOND).await;
            workflow.pause_activity("a").await.unwrap();
            client.sleep(100 * SECOND).await;
            workflow.unpause_activity("a", Unpause::default()).await.unwrap();
            assert_eq!(workflow.result().await.unwrap(), 3);
            client.now().since_epoch().as_secs()
        })
        .unwrap();
    // The second attempt at once, the third after its backoff.
    assert_eq!(closed_at, 111);
    assert_eq!(run.activities()[0].attempts.len(), 3);
}

#[test]
fn a_reset_activity_begins_again() {
    let (numbers, _) = simulation()
        .drive(|client| async move {
            let workflow = client.start::<u32>("one", "w", "third_time").await.unwrap();
            client.sleep(15 * SECOND).await;
            let attempt = || workflow.inspect(|service, _| service.activities().next().unwrap().1.attempt());
            let before = attempt();
            workflow.reset_activity("a", Reset::default()).await.unwrap();
            (before, attempt())
        })
        .unwrap();
    assert_eq!(numbers, (3, 1));
}

#[test]
fn an_activity_is_completed_by_its_id_only_while_it_is_open() {
    simulation()
        .drive(|client| async move {
            let workflow = client.start::<u32>("one", "w", "third_time").await.unwrap();
            client.sleep(SECOND).await;
            workflow.complete_activity("a", &7).await.unwrap();
            assert_eq!(workflow.result().await.unwrap(), 7);
            let refused = workflow.complete_activity("a", &7).await;
            assert!(matches!(refused, Err(ClientError::Refused(_))), "{refused:?}");
            let refused = workflow.pause_activity("b").await;
            assert!(matches!(refused, Err(ClientError::Refused(_))), "{refused:?}");
        })
        .unwrap();
}

#[test]
fn an_activity_without_a_chosen_id_is_known_by_its_number() {
    let simulation = Simulation::temporal()
        .activity("wait", async |_: &ActivityContext, (): ()| -> Result<u32, ActivityError> {
            durasim::time::sleep(10 * SECOND).await;
            Ok(1)
        })
        .workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            let options = ActivityOptions { start_to_close_timeout: 60 * SECOND, ..Default::default() };
            ctx.execute_activity("wait", &(), options).await
        });
    simulation
        .drive(|client| async move {
            let workflow = client.start::<u32>("main", "w", &()).await.unwrap();
            client.sleep(SECOND).await;
            for other in ["01", "2", "+1", ""] {
                let refused = workflow.complete_activity(other, &7).await;
                assert!(matches!(refused, Err(ClientError::Refused(_))), "{other}: {refused:?}");
            }
            workflow.complete_activity("1", &7).await.unwrap();
            assert_eq!(workflow.result().await.unwrap(), 7);
        })
        .unwrap();
}

#[test]
fn a_stopped_worker_comes_back_when_the_script_says_so() {
    let (attempt, run) = simulation()
        .worker(WorkerOptions::default())
        .graceful_shutdown_period(Duration::ZERO)
        .restart_delay(1000 * SECOND)
        .drive(|client| async move {
            let workflow = client.start::<u32>("one", "w", "slow").await.unwrap();
            client.sleep(5 * SECOND).await;
            client.stop_worker(1);
            client.sleep(25 * SECOND).await;
            client.start_worker(1);
            workflow.result().await.unwrap()
        })
        .unwrap();
    assert_eq!(attempt, 2);
    let attempts = &run.activities()[0].attempts;
    assert_eq!(attempts[1].started_at.since_epoch().as_secs(), 30);
}

/// Fails at once, and then takes a minute for each attempt.
async fn late(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
    let attempt = ctx.get_info().attempt;
    if attempt == 1 {
        return Err(ActivityError::retryable("first"));
    }
    durasim::time::sleep(60 * SECOND).await;
    Ok(attempt)
}

#[test]
fn a_reset_gives_up_a_later_attempt_that_runs() {
    let (result, run) = simulation()
        .activity("late", late)
        .drive(|client| async move {
            let workflow = client.start::<u32>("one", "w", "late").await.unwrap();
            client.sleep(20 * SECOND).await;
            workflow.reset_activity("a", Reset::default()).await.unwrap();
            workflow.result().await.unwrap()
        })
        .unwrap();
    assert_eq!(result, 2);
    let attempts = &run.activities()[0].attempts;
    let seconds = |time: Option<durasim::Time>| time.map(|time| time.since_epoch().as_secs());
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3]);
    // The code of the third was told that it is attempt 2.
    // The second runs on without a token; its timeout of 100 s is awaited, and a backoff of 10 s.
    assert_eq!(seconds(attempts[1].zombie_at), Some(20));
    assert_eq!(attempts[1].report, ReportEnd::Refused);
    assert_eq!(seconds(Some(attempts[2].started_at)), Some(120));
}
