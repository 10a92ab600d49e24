//! Activities without a workflow: a script starts them, and a simulation may have nothing else.

use std::time::Duration;

use durasim::program::{Failure, IdConflictPolicy, IdReusePolicy};
use durasim::service::{ActivityStatus, WorkflowOutcome};
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ClientError, Outcome, RetryPolicy, RunError, Simulation,
    StartActivityOptions, WorkflowContext, WorkflowError,
};

const SECOND: Duration = Duration::from_secs(1);

/// Copies a file each second, and goes on where it has stopped.
async fn copy(ctx: &ActivityContext, files: u32) -> Result<u32, ActivityError> {
    for file in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..files {
        durasim::time::sleep(SECOND).await;
        ctx.heartbeat(&(file + 1))?;
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
    }
    Ok(files)
}

async fn fails(_: &ActivityContext, _: ()) -> Result<u32, ActivityError> {
    Err(ActivityError::non_retryable("no"))
}

async fn says(ctx: &ActivityContext, _: ()) -> Result<(String, String, String), ActivityError> {
    let info = ctx.get_info();
    Ok((info.workflow_id().to_owned(), info.activity_id.to_string(), info.run_id().to_owned()))
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("copy", copy).activity("fails", fails).activity("says", says)
}

fn options() -> StartActivityOptions {
    StartActivityOptions {
        start_to_close_timeout: 100 * SECOND,
        heartbeat_timeout: 5 * SECOND,
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }.into()),
        ..Default::default()
    }
}

#[test]
fn a_script_starts_one_and_waits_for_its_result() {
    let (result, run) = simulation()
        .drive(async |client| {
            let copy = client.start_activity::<u32>("copy", "copy-1", &3, options()).await?;
            assert_eq!((copy.id(), copy.is_open()), ("copy-1", true));
            client.sleep(SECOND * 3 / 2).await;
            let seen = copy.describe();
            assert_eq!((seen.status, seen.attempt, seen.heartbeats), (ActivityStatus::Started, 1, 1));
            assert_eq!((&*seen.activity_id, &*seen.activity_type), ("copy-1", "copy"));
            let result = copy.result().await;
            let seen = copy.describe();
            assert_eq!((seen.status, copy.is_open()), (ActivityStatus::Completed, false));
            assert!(matches!(seen.outcome, Some(WorkflowOutcome::Completed(_))) && seen.status.is_closed());
            result
        })
        .unwrap();
    assert_eq!(result, Ok(3));
    assert_eq!(run.executions().workflows().len(), 1);
    let timeline = run.timeline().to_string();
    assert!(timeline.contains("activity without a workflow started: 3"), "{timeline}");
    assert!(timeline.contains("activity without a workflow completed: 3"), "{timeline}");
    assert!(!timeline.contains("  workflow "), "{timeline}");
    // It has no history to write out.
    let error = run.history_json("copy-1").unwrap_err().to_string();
    assert!(error.contains("no workflow of the id `copy-1` (it has none)"), "{error}");
}

#[test]
fn its_code_sees_no_workflow() {
    let (said, _) = simulation()
        .drive(async |client| {
            client.start_activity::<(String, String, String)>("says", "x", &(), options()).await?.result().await
        })
        .unwrap();
    assert_eq!(said.unwrap(), (String::new(), "x".to_owned(), "x".to_owned()));
}

#[test]
fn it_is_cancelled_and_terminated_by_its_client() {
    let (ends, _) = simulation()
        .drive(async |client| {
            let mut ends = Vec::new();
            for (id, at) in [("before", Duration::ZERO), ("midst", 3 * SECOND)] {
                let copy = client.start_activity::<u32>("copy", id, &30, options()).await.unwrap();
                client.sleep(at).await;
                copy.cancel("enough").await.unwrap();
                ends.push(copy.result().await.unwrap_err().to_string());
                assert_eq!(copy.describe().status, ActivityStatus::Canceled);
                assert_eq!(copy.describe().cancel_reason.as_deref(), Some("enough"));
                let again = copy.cancel("enough").await.unwrap_err().to_string();
                assert_eq!(again, "FAILED_PRECONDITION: activity is in terminal state: cancelled");
            }
            let copy = client.start_activity::<u32>("copy", "ended", &30, options()).await.unwrap();
            client.sleep(3 * SECOND).await;
            copy.terminate("stop").await.unwrap();
            assert_eq!(copy.describe().status, ActivityStatus::Terminated);
            ends.push(copy.result().await.unwrap_err().to_string());
            ends
        })
        .unwrap();
    assert_eq!(ends, ["the activity cancelled", "the activity cancelled", "the activity terminated: stop"]);
}

#[test]
fn it_is_spoken_for_by_its_id() {
    let (results, _) = simulation()
        .drive(async |client| {
            let first = client.start_activity::<u32>("copy", "first", &30, options()).await.unwrap();
            client.sleep(3 * SECOND).await;
            let found = client.activity::<u32>("first").await.unwrap();
            found.heartbeat(&20).await.unwrap();
            found.fail(Failure::application("E", "by hand")).await.unwrap();
            assert_eq!(first.describe().last_failure.unwrap().to_string(), "E: by hand");
            assert_eq!(first.describe().status, ActivityStatus::Backoff);
            let late = found.fail(Failure::application("E", "late")).await.unwrap_err().to_string();
            assert_eq!(late, "NOT_FOUND: activity not found for ID: first");
            let early = found.report_cancelled(&1).await.unwrap_err().to_string();
            assert_eq!(early, "NOT_FOUND: activity not found for ID: first");
            let resumed = first.result().await.unwrap();
            let second = client.start_activity::<u32>("copy", "second", &30, options()).await.unwrap();
            second.complete(&7).await.unwrap();
            let third = client.start_activity::<u32>("copy", "third", &30, options()).await.unwrap();
            client.sleep(SECOND / 2).await;
            third.cancel("").await.unwrap();
            third.report_cancelled(&1).await.unwrap();
            (resumed, second.result().await.unwrap(), third.result().await.unwrap_err().to_string())
        })
        .unwrap();
    assert_eq!(results, (30, 7, "the activity cancelled".to_owned()));
}

#[test]
fn an_id_is_used_again_as_the_policies_say() {
    simulation()
        .drive(async |client| {
            let with = |id_reuse_policy, id_conflict_policy| StartActivityOptions {
                id_reuse_policy,
                id_conflict_policy,
                ..options()
            };
            let allow = IdReusePolicy::AllowDuplicate;
            let first = client.start_activity::<u32>("copy", "x", &1, options()).await.unwrap();
            let taken = client.start_activity::<u32>("copy", "x", &1, options()).await.unwrap_err();
            assert_eq!(taken, ClientError::ActivityAlreadyStarted("x".into()));
            let existing = with(allow, IdConflictPolicy::UseExisting);
            let same = client.start_activity::<u32>("copy", "x", &9, existing).await.unwrap();
            assert_eq!((first.result().await, same.result().await), (Ok(1), Ok(1)));
            let rejected = with(IdReusePolicy::RejectDuplicate, IdConflictPolicy::Fail);
            let taken = client.start_activity::<u32>("copy", "x", &1, rejected).await.unwrap_err();
            assert_eq!(taken, ClientError::ActivityAlreadyStarted("x".into()));
            let again = client.start_activity::<u32>("copy", "x", &2, options()).await.unwrap();
            assert_eq!((again.result().await, first.result().await), (Ok(2), Ok(1)));
            let newest = client.activity::<u32>("x").await.unwrap();
            assert_eq!(newest.describe().run_id.as_ref(), "x:2");
        })
        .unwrap();
}

#[test]
fn wrong_calls_are_told() {
    simulation()
        .drive(async |client| {
            let unknown = client.start_activity::<u32>("cpy", "x", &1, options()).await.unwrap_err().to_string();
            assert_eq!(unknown, "no activity `cpy` is registered (registered: `copy`, `fails`, `says`)");
            let nowhere = StartActivityOptions { task_queue: Some("nowhere".into()), ..options() };
            let unknown = client.start_activity::<u32>("copy", "x", &1, nowhere).await.unwrap_err().to_string();
            assert_eq!(unknown, "no worker polls the task queue `nowhere` (polled: `default`)");
            let none = client.start_activity::<u32>("copy", "x", &1, StartActivityOptions::default()).await;
            let refused = none.unwrap_err().to_string();
            assert!(refused.starts_with("INVALID_ARGUMENT: a valid StartToCloseTimeout or"), "{refused}");
            let refused = client.start_activity::<u32>("copy", "", &1, options()).await.unwrap_err().to_string();
            assert_eq!(refused, "INVALID_ARGUMENT: activity ID is required");
            let unknown = client.activity::<u32>("x").await.unwrap_err();
            assert_eq!(unknown, ClientError::UnknownActivityId("x".into()));
            assert_eq!(client.workflow::<u32>("x").await.unwrap_err(), ClientError::UnknownId("x".into()));
            let other = client.start_activity::<String>("copy", "x", &1, options()).await.unwrap();
            assert!(matches!(other.result().await, Err(ClientError::Decode { .. })));
            let failed = client.start_activity::<u32>("fails", "y", &(), options()).await.unwrap();
            let error = failed.result().await.unwrap_err().to_string();
            assert_eq!(error, "the activity failed: NonRetryable: no");
            assert_eq!(failed.describe().status, ActivityStatus::Failed);
        })
        .unwrap();
    let cadence = Simulation::cadence().activity("copy", copy);
    let (error, _) = cadence
        .drive(async |client| client.start_activity::<u32>("copy", "x", &1, options()).await.unwrap_err().to_string())
        .unwrap();
    assert_eq!(error, "INVALID_ARGUMENT: Cadence has no activities without a workflow");
}

/// A workflow and an activity may have the same id: the second run is named by its number.
#[test]
fn an_id_of_a_workflow_is_another_one() {
    let simulation =
        simulation().workflow("main", async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
            let options = ActivityOptions { start_to_close_timeout: 60 * SECOND, ..Default::default() };
            ctx.execute_activity("copy", &1, options).await
        });
    let (results, run) = simulation
        .drive(async |client| {
            let workflow = client.start::<u32>("main", "x", &()).await.unwrap();
            let activity = client.start_activity::<u32>("copy", "x", &2, options()).await.unwrap();
            (workflow.result().await, activity.result().await)
        })
        .unwrap();
    assert_eq!(results, (Ok(1), Ok(2)));
    let names: Vec<String> = run.trace().activities().iter().map(|(key, _)| run.trace().activity_words(key)).collect();
    assert_eq!(names, ["/2:copy#1", "copy#1"]);
    assert!(run.history_json("x").unwrap().contains("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"));
}

#[test]
fn a_run_may_have_nothing_else() {
    let run = simulation().run_activity("copy", &3, options()).unwrap();
    assert_eq!(run.result::<u32>().unwrap(), 3);
    assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Completed(_))));
    let from_workflows = ActivityOptions { start_to_close_timeout: 60 * SECOND, ..Default::default() };
    let run = simulation().run_activity("fails", &(), from_workflows).unwrap();
    assert_eq!(run.result::<u32>().unwrap_err().to_string(), "the workflow did not complete: failed: NonRetryable: no");
}

#[test]
fn mistakes_of_such_a_run_are_told() {
    let told = |simulation: &Simulation, activity: &str, options: StartActivityOptions| match simulation
        .run_activity(activity, &1, options)
    {
        Err(RunError::Setup(words)) => words,
        other => panic!("{other:?}"),
    };
    let words = told(&simulation(), "cpy", options());
    assert!(
        words.starts_with("no activity `cpy` is registered (registered: `copy`, `fails`, `says`): add `.activity("),
        "{words}"
    );
    let words = told(&simulation(), "copy", StartActivityOptions::default());
    assert!(
        words.starts_with("the activity `copy` cannot start without a workflow: INVALID_ARGUMENT: a valid"),
        "{words}"
    );
    let cadence = Simulation::cadence().activity("copy", copy);
    let words = told(&cadence, "copy", options());
    assert!(words.ends_with("Cadence has no activities without a workflow"), "{words}");
}
