//! A script speaks for an activity by its id: it completes, fails and heartbeats, and says that it was cancelled.

use std::time::Duration;

use durasim::program::{Failure, FailureKind};
use durasim::service::{Reset, Unpause, UpdateOptions};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ApplicationFailure, ClientError, ReportEnd, RetryPolicy,
    Simulation, Span, WorkflowContext, WorkflowError,
};

const SECOND: Duration = Duration::from_secs(1);

/// Leaves its end to somebody else, and says what its attempt was given.
async fn waits(ctx: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
    let given = ctx.heartbeat_details::<u32>()?;
    durasim::state::<Given>().0.borrow_mut().push(given);
    durasim::time::sleep(600 * SECOND).await;
    Ok(0)
}

#[derive(Default)]
struct Given(std::cell::RefCell<Vec<Option<u32>>>);

async fn one(ctx: &WorkflowContext, _: ()) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        activity_id: Some("a".into()),
        start_to_close_timeout: 300 * SECOND,
        heartbeat_timeout: 20 * SECOND,
        retry_policy: Some(RetryPolicy { maximum_attempts: 2, ..Default::default() }),
        cancellation_type: durasim::program::CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    ctx.execute_activity("waits", &(), options).await
}

fn simulation() -> Simulation {
    Simulation::temporal().state(Given::default).activity("waits", waits).workflow("one", one)
}

#[track_caller]
fn refusal<T: std::fmt::Debug>(answer: Result<T, ClientError>, words: &str) {
    match answer {
        Err(ClientError::Refused(refused)) => assert!(refused.contains(words), "{refused}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_heartbeat_by_id_keeps_it_alive_and_reaches_the_next_attempt() {
    let (failed, run) = simulation()
        .drive(async |client| {
            let workflow = client.start::<u32>("one", "w", &()).await.unwrap();
            for number in 1..=3 {
                client.sleep(15 * SECOND).await;
                let answer = workflow.heartbeat_activity("a", &number).await.unwrap();
                assert!(!answer.cancel_requested && !answer.activity_paused && !answer.activity_reset);
            }
            workflow.pause_activity("a").await.unwrap();
            assert!(workflow.heartbeat_activity("a", &4).await.unwrap().activity_paused);
            workflow.unpause_activity("a", Unpause::default()).await.unwrap();
            workflow.result().await.unwrap_err();
            client.now().since_epoch().as_secs()
        })
        .unwrap();
    // The heartbeat timeout after 45 s ends attempt 1, and attempt 2 hears nothing.
    assert_eq!(failed, 86);
    assert_eq!(*run.state::<Given>().0.borrow(), [None, Some(4)]);
}

#[test]
fn a_failure_by_id_is_retried_and_the_attempt_goes_on_in_vain() {
    let (result, run) = simulation()
        .drive(async |client| {
            let workflow = client.start::<u32>("one", "w", &()).await.unwrap();
            client.sleep(5 * SECOND).await;
            workflow.fail_activity("a", ApplicationFailure::new("Disk", "no disk")).await.unwrap();
            refusal(workflow.fail_activity("a", Failure::application("E", "late")).await, "NOT_FOUND");
            refusal(workflow.heartbeat_activity("a", &1).await, "NOT_FOUND");
            client.sleep(2 * SECOND).await;
            workflow.complete_activity("a", &7).await.unwrap();
            workflow.result().await
        })
        .unwrap();
    assert_eq!(result, Ok(7));
    let attempts = run.activities().swap_remove(0).attempts;
    assert_eq!(attempts.len(), 2);
    assert!(attempts[0].zombie_at.is_some());
    assert_eq!(attempts[0].report, ReportEnd::Dropped);
}

/// The failure is of a kind that no worker may report, and comes in the last attempt.
#[test]
fn a_failure_by_id_ends_the_activity() {
    let failure = Failure::new("gone", FailureKind::Terminated);
    let (result, _) = simulation()
        .drive(async |client| {
            let workflow = client.start::<u32>("one", "w", &()).await.unwrap();
            client.sleep(SECOND).await;
            let once = UpdateOptions { maximum_attempts: Some(1), ..Default::default() };
            workflow.update_activity_options("a", once).await.unwrap();
            client.sleep(5 * SECOND).await;
            workflow.fail_activity("a", failure.clone()).await.unwrap();
            workflow.result().await
        })
        .unwrap();
    let text = result.unwrap_err().to_string();
    assert!(text.contains("gone"), "{text}");
}

#[test]
fn a_cancelled_activity_is_reported_by_id() {
    let (outcome, _) = simulation()
        .drive(async |client| {
            let workflow = client.start::<u32>("one", "w", &()).await.unwrap();
            client.sleep(5 * SECOND).await;
            refusal(workflow.report_activity_cancelled("a", &1).await, "INVALID_ARGUMENT");
            workflow.cancel().await.unwrap();
            client.sleep(SECOND).await;
            assert!(workflow.heartbeat_activity("a", &1).await.unwrap().cancel_requested);
            workflow.report_activity_cancelled("a", &"by hand").await.unwrap();
            refusal(workflow.report_activity_cancelled("a", &1).await, "NOT_FOUND");
            workflow.result().await.unwrap_err().to_string()
        })
        .unwrap();
    assert_eq!(outcome, "the workflow cancelled");
}

#[test]
fn calls_for_what_is_not_there_are_refused() {
    simulation()
        .drive(async |client| {
            let workflow = client.start::<u32>("one", "w", &()).await.unwrap();
            client.sleep(SECOND).await;
            let words = "NOT_FOUND: cannot find pending activity with ActivityID b";
            refusal(workflow.complete_activity("b", &1).await, words);
            refusal(workflow.fail_activity("b", Failure::application("E", "x")).await, words);
            refusal(workflow.heartbeat_activity("b", &1).await, words);
            refusal(workflow.report_activity_cancelled("b", &1).await, words);
            let words = "NOT_FOUND: Can't find pending activity with such ID";
            let update = |how: UpdateOptions| workflow.update_activity_options("b", how);
            refusal(update(UpdateOptions { heartbeat: Some(Span::from_secs(1)), ..Default::default() }).await, words);
            refusal(workflow.reset_activity("b", Reset::default()).await, words);
            let nowhere = UpdateOptions { task_queue: Some("nowhere".into()), ..Default::default() };
            let answer = workflow.update_activity_options("a", nowhere).await;
            let known = "`default`".to_owned();
            assert_eq!(answer, Err(ClientError::UnknownTaskQueue { queue: "nowhere".into(), known }));
            refusal(workflow.update_activity_options("a", UpdateOptions::default()).await, "INVALID_ARGUMENT");
            workflow.terminate("").await.unwrap();
            let words = "NOT_FOUND: workflow execution already completed";
            refusal(workflow.complete_activity("a", &1).await, words);
            refusal(workflow.heartbeat_activity("a", &1).await, words);
        })
        .unwrap();
}

#[test]
fn cadence_has_no_operators() {
    let simulation = Simulation::cadence().state(Given::default).activity("waits", waits).workflow(
        "main",
        async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            let options = ActivityOptions {
                activity_id: Some("a".into()),
                schedule_to_start_timeout: 60 * SECOND,
                start_to_close_timeout: 900 * SECOND,
                heartbeat_timeout: 100 * SECOND,
                ..Default::default()
            };
            ctx.execute_activity("waits", &(), options).await
        },
    );
    let (result, _) = simulation
        .drive(async |client| {
            let workflow = client.start::<u32>("main", "w", &()).await.unwrap();
            client.sleep(SECOND).await;
            let words = "INVALID_ARGUMENT: Cadence has no operators' calls";
            refusal(workflow.pause_activity("a").await, words);
            refusal(workflow.unpause_activity("a", Unpause::default()).await, words);
            refusal(workflow.reset_activity("a", Reset::default()).await, words);
            let how = UpdateOptions { restore_original: true, ..Default::default() };
            refusal(workflow.update_activity_options("a", how).await, words);
            // It has calls by id.
            workflow.heartbeat_activity("a", &1).await.unwrap();
            workflow.complete_activity("a", &7).await.unwrap();
            workflow.result().await
        })
        .unwrap();
    assert_eq!(result, Ok(7));
}
