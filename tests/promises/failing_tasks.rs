//! A workflow task that fails is tried again as on a server: the first failure is told, later ones run into their timeout. A
//! deploy heals it, a timeout of the workflow ends it, and a run that nothing can help ends with the words of the first.

use std::cell::Cell;
use std::time::Duration;

use durasim::fault::Plan;
use durasim::service::{EventKind, HistoryEvent, WorkflowOutcome};
use durasim::trace::What;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Outcome, Run, RunError, Settings, Simulation, StartOptions,
    WorkflowContext, WorkflowError, WorkflowTaskErrorKind, check,
};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

async fn work(_ctx: &ActivityContext, (): ()) -> Result<String, ActivityError> {
    durasim::time::sleep(seconds(2)).await;
    Ok("done".into())
}

async fn works(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let options = ActivityOptions { start_to_close_timeout: seconds(30), ..Default::default() };
    ctx.execute_activity("work", &(), options).await
}

/// Panics at its second task.
async fn panics(ctx: &WorkflowContext, (): ()) -> Result<String, WorkflowError> {
    let done = works(ctx, ()).await?;
    assert_eq!(done, "undone", "the books do not balance");
    Ok(done)
}

fn panicking() -> Simulation {
    Simulation::temporal().workflow("order", panics).activity("work", work)
}

/// The times, in seconds, at which tasks failed.
fn failures(run: &Run) -> Vec<u64> {
    let events = run.trace().events().iter();
    events
        .filter(|event| matches!(event.what, What::TaskFailed(_)))
        .map(|event| event.at.since_epoch().as_secs())
        .collect()
}

thread_local! {
    /// A value that no workflow may look at: it is another at each replay.
    static LOOKS: Cell<u32> = const { Cell::new(0) };
}

#[test]
fn a_run_that_nothing_can_help_ends_with_the_first_failure() {
    let error = panicking().run("order", &()).unwrap_err();
    let RunError::WorkflowTask { workflow, task: 2, cause, message, kind, failures: 10, is_stuck: true } = &error
    else {
        panic!("{error}");
    };
    assert_eq!((&**workflow, &**cause), ("order", "WORKFLOW_WORKER_UNHANDLED_FAILURE"));
    assert_eq!(*kind, WorkflowTaskErrorKind::Panicked);
    assert!(message.contains("the books do not balance"), "{message}");
    assert!(message.contains("failing_tasks.rs:"), "{message}");
    let words = error.to_string();
    assert!(words.starts_with("workflow `order` is stuck on a failing task: "), "{words}");
    assert!(
        words.ends_with("(workflow task 2 failed 10 times in a row, WORKFLOW_WORKER_UNHANDLED_FAILURE)"),
        "{words}"
    );
}

/// The failure on the worker's own queue does not count, and the first one on the normal queue is told too: another attempt
/// follows each at once. Later failures are not told: an attempt ends when its timeout
/// has passed, which grows from the fourth on.
#[test]
fn later_failures_run_into_their_timeout() {
    let error = panicking().workflow_task_failures(0).horizon(seconds(80)).run("order", &()).unwrap_err();
    // At 2, 2, 2, 12, 22, 37 and 57 s.
    assert!(matches!(error, RunError::WorkflowTask { failures: 7, is_stuck: true, .. }), "{error}");
}

#[test]
fn a_timeout_of_the_workflow_ends_it() {
    let options = StartOptions { run_timeout: seconds(50), ..Default::default() };
    let (result, run) = panicking()
        .drive(async |client| {
            client.start_with::<String>("order", "order-1", &(), options.clone()).await?.result().await
        })
        .unwrap();
    assert!(result.unwrap_err().to_string().contains("timed out"), "{}", run.timeline());
    assert_eq!(failures(&run), [2, 2, 2, 12, 22, 37]);
    let error = run.failed_task().unwrap();
    assert!(matches!(error, RunError::WorkflowTask { failures: 6, is_stuck: false, .. }), "{error}");
    // The history has those that were told.
    let failed = |event: &&HistoryEvent| matches!(event.kind, EventKind::WorkflowTaskFailed { .. });
    assert_eq!(run.history().iter().filter(failed).count(), 2);
}

#[test]
fn a_deploy_heals_it() {
    let deployed = panicking().deploy(|simulation| simulation.workflow("order", works));
    let run = deployed.plan("order#1:task2=deploy".parse().unwrap()).run("order", &()).unwrap().strict().unwrap();
    assert_eq!(run.result::<String>().unwrap(), "done", "{}", run.timeline());
    assert_eq!(failures(&run), [2]);
    let error = run.failed_task().unwrap().to_string();
    assert!(error.contains("the books do not balance") && !error.contains("stuck"), "{error}");
}

/// A fault of the plan that has not struck may help, as far as anybody knows.
#[test]
fn a_fault_that_is_ahead_is_waited_for() {
    let plan: Plan = "order#1:task9=deploy".parse().unwrap();
    let failures = |simulation: Simulation| match simulation.plan(plan.clone()).run("order", &()) {
        Err(RunError::WorkflowTask { failures, is_stuck: true, .. }) => failures,
        other => panic!("{:?}", other.err()),
    };
    let deployed = panicking().horizon(seconds(24 * 3600)).deploy(|simulation| simulation.workflow("order", works));
    assert!(failures(deployed) > 100);
    // Without another version there is nothing to deploy.
    assert_eq!(failures(panicking().horizon(seconds(24 * 3600))), 10);
}

#[test]
fn the_limit_is_a_setting() {
    let settings = Settings { workflow_task_failures: 3, ..Default::default() };
    let error = panicking().settings(settings).run("order", &()).unwrap_err();
    assert!(matches!(error, RunError::WorkflowTask { failures: 3, is_stuck: true, .. }), "{error}");
}

/// The service tells at once that it refuses an answer, so it is tried again at once.
#[test]
fn an_answer_that_is_refused_is_tried_again_at_once() {
    let twice = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let options = || ActivityOptions {
            activity_id: Some("same".into()),
            start_to_close_timeout: seconds(9),
            ..Default::default()
        };
        let one = ctx.execute_activity::<String>("work", &(), options());
        let two = ctx.execute_activity::<String>("work", &(), options());
        futures::join!(one, two).0.map(drop)
    };
    let simulation = Simulation::temporal().workflow("order", twice).activity("work", work);
    let error = simulation.horizon(seconds(1)).run("order", &()).unwrap_err();
    let RunError::WorkflowTask { cause, failures: 10, is_stuck: true, .. } = &error else { panic!("{error}") };
    assert_eq!(cause, "SCHEDULE_ACTIVITY_DUPLICATE_ID");
}

/// The second replay finds by luck what the history has.
#[test]
fn an_exploration_fails_where_a_task_failed_that_went_on() {
    let unlucky = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        if !ctx.is_replaying() {
            LOOKS.set(0);
        }
        ctx.sleep(seconds(1)).await?;
        LOOKS.set(LOOKS.get() + 1);
        let name = if LOOKS.get() == 2 { "other" } else { "work" };
        let options = ActivityOptions { start_to_close_timeout: seconds(30), ..Default::default() };
        let _: String = ctx.execute_activity(name, &(), options).await?;
        Ok(())
    };
    let simulation = Simulation::temporal().workflow("order", unlucky).activity("work", work).activity("other", work);
    let evicted: Plan = "order#1:task3=evicted".parse().unwrap();
    let run = simulation.clone().plan(evicted.clone()).run("order", &()).unwrap().strict().unwrap();
    assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Completed(_))), "{}", run.timeline());
    assert_eq!(failures(&run).len(), 1);
    // The code looks at something that is another in each run, so nothing but the plan is looked at.
    let report = simulation.explore("order", &()).without_repeats().without_standard_checks().check(check::completes());
    let failures = report.replay(&evicted).failures().to_vec();
    assert_eq!(failures.len(), 1);
    assert_eq!((&*failures[0].check, &*failures[0].violation.kind), ("finishes", "workflow not deterministic"));
}

/// A workflow whose worker dies while a signal is on its way, which it answers. Gives the time of its end.
#[track_caller]
fn ends_at(simulation: Simulation, plan: &str, signal_after: u64) -> u64 {
    let waits = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let _work = ctx.execute_activity::<String>(
            "long",
            &(),
            ActivityOptions { start_to_close_timeout: seconds(500), ..Default::default() },
        );
        ctx.signals::<()>("go").recv().await?;
        Ok(())
    };
    let long = async |_ctx: &ActivityContext, (): ()| -> Result<String, ActivityError> {
        for _ in 0..400 {
            durasim::time::sleep(seconds(1)).await;
        }
        Ok(String::new())
    };
    let (_, run) = simulation
        .workflow("waits", waits)
        .activity("long", long)
        .plan(plan.parse().unwrap())
        .drive(async move |client| {
            let waits = client.start::<()>("waits", "waits-1", &()).await.unwrap();
            client.sleep(seconds(signal_after)).await;
            waits.signal("go", &()).await.unwrap();
            waits.result().await.unwrap();
        })
        .unwrap();
    assert_eq!(run.not_fired(), [], "{}", run.timeline());
    let is_end = |what: &What| matches!(what, What::WorkflowCompleted(_));
    let end = run.trace().events().iter().find(|event| is_end(&event.what)).unwrap();
    end.at.since_epoch().as_secs()
}

/// The worker dies after a second, and another one is there a second later.
#[test]
fn a_task_waits_for_the_worker_that_has_the_workflow_cached() {
    let dies = "long#1@1:await2=crash";
    assert_eq!(ends_at(Simulation::temporal(), "v1", 5), 5);
    assert_eq!(ends_at(Simulation::temporal(), dies, 5), 15);
    // The attempt runs on the other one.
    assert_eq!(ends_at(Simulation::temporal().workers(2), dies, 5), 5);
    // The service knows by then.
    assert_eq!(ends_at(Simulation::temporal(), dies, 13), 13);
    // Nobody is there when it does.
    assert_eq!(ends_at(Simulation::temporal().restart_delay(seconds(60)), dies, 30), 61);
    // One that stops says so: the next process gets the task, also where it came within the grace period.
    assert_eq!(ends_at(Simulation::temporal(), "long#1@1:await2=stop", 5), 12);
    assert_eq!(ends_at(Simulation::temporal(), "long#1@1:await2=stop", 13), 13);
    assert_eq!(ends_at(Simulation::temporal().sticky_timeout(seconds(4)), dies, 5), 9);
    assert_eq!(ends_at(Simulation::temporal().sticky_timeout(Duration::ZERO), dies, 5), 5);
    assert_eq!(ends_at(Simulation::temporal().cached_workflows(0), dies, 5), 5);
}
