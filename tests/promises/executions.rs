//! A finished run is read once: the end of each workflow, activity, attempt and worker is told, with its moment and the
//! events of the trace that say so.

use std::time::Duration;

use durasim::time::sleep;
use durasim::trace::What;
use durasim::trace::attempts::{ActivityEnd, AttemptExecution, Moment};
use durasim::{
    ActivityContext, ActivityError, ActivityFn, ActivityOptions, AttemptEnd, Client, ReportEnd, RetryPolicy, Run,
    Simulation, WorkflowContext, WorkflowError,
};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Heartbeat timeout 10 s, which means a message in 8 s; three attempts, one second apart.
fn options() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: seconds(300),
        heartbeat_timeout: seconds(10),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, backoff_coefficient: 1.0, ..Default::default() }),
        ..Default::default()
    }
}

#[track_caller]
fn run(plan: &str, work: impl ActivityFn<(), ()>) -> Run {
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity("work", &(), options()).await
    };
    let simulation = Simulation::temporal().activity("work", work).workflow("main", main);
    let run = simulation.plan(plan.parse().unwrap()).run("main", &()).unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

fn attempts(run: &Run) -> Vec<&AttemptExecution> {
    run.executions().attempts().values().collect()
}

/// Three steps of 4 s with a heartbeat after each.
async fn steps(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
    for step in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..3 {
        sleep(seconds(4)).await;
        ctx.heartbeat(&(step + 1))?;
    }
    Ok(())
}

/// The event of a moment.
#[track_caller]
fn event(run: &Run, moment: Option<Moment>) -> What {
    let moment = moment.expect("it happened");
    let event = run.trace().events()[moment.event];
    assert_eq!(event.at, moment.at);
    event.what
}

#[test]
fn every_step_of_an_attempt_names_its_event() {
    let run = run("work#1@1:await3=crash", steps);
    let [first, second] = attempts(&run)[..] else { panic!("two attempts") };
    assert!(matches!(event(&run, Some(first.started)), What::AttemptStarted(None)));
    assert!(matches!(event(&run, Some(first.awaits[2])), What::Awaited(3)));
    assert!(matches!(event(&run, first.ended), What::Died));
    assert_eq!((first.end, first.report), (AttemptEnd::Died, ReportEnd::None));
    let heartbeat = first.heartbeats[0];
    assert!(matches!(event(&run, Some(heartbeat.recorded)), What::HeartbeatRecorded(_)));
    assert!(matches!(event(&run, heartbeat.sent), What::HeartbeatSent(_)));
    assert!(matches!(event(&run, heartbeat.visible), What::HeartbeatVisible(_)));
    assert_eq!(first.heartbeats[1].sent, None, "the worker died with it");

    assert_eq!(second.details.map(|details| run.trace().bytes(details)), Some(&b"1"[..]));
    assert!(matches!(event(&run, second.details_read), What::DetailsRead));
    assert!(matches!(event(&run, second.ended), What::Ended { .. }));
    assert_eq!(run.executions().successor(first).map(|next| next.key), Some(second.key));
    assert!(run.executions().successor(second).is_none());
}

#[test]
fn a_heartbeat_without_details_becomes_visible_as_the_one_that_was_sent() {
    async fn signs_of_life(ctx: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        for _ in 0..2 {
            sleep(seconds(1)).await;
            ctx.record_heartbeat(None);
        }
        sleep(seconds(10)).await;
        Ok(())
    }
    let run = run("work#1@1:heartbeat1=delayed(3s)", signs_of_life);
    let seen = |moment: Option<durasim::Time>| moment.map(|at| at.as_nanos() / 1_000_000_000);
    let heartbeats: Vec<_> = run.activities()[0].attempts[0]
        .heartbeats
        .iter()
        .map(|heartbeat| (seen(Some(heartbeat.recorded_at)), seen(heartbeat.sent_at), seen(heartbeat.visible_at)))
        .collect();
    // The second is recorded while the first is on its way.
    assert_eq!(heartbeats, [(Some(1), Some(1), Some(4)), (Some(2), Some(9), Some(9))]);
}

#[test]
fn the_service_takes_refuses_or_never_gets_a_report() {
    let report = |plan: &str| attempts(&run(plan, steps))[0].report;
    assert_eq!(report("v1"), ReportEnd::Taken);
    assert_eq!(report("work#1@1:completion=answer_lost"), ReportEnd::Taken);
    assert_eq!(report("work#1@1:completion=request_lost"), ReportEnd::Lost);
    assert_eq!(report("work#1@1:completion=delayed(12s); work#1@2:await1=stall(9s)"), ReportEnd::Refused);
    assert_eq!(report("work#1@1:completion=crash"), ReportEnd::Lost);
    assert_eq!(report("work#1@1:await1=crash"), ReportEnd::None);
    assert_eq!(report("work#1@1:await1=fail"), ReportEnd::Taken);
    // Its heartbeat after the stall is refused, so that its worker knows.
    assert_eq!(report("work#1@1:await1=stall(30s)"), ReportEnd::Dropped);
}

#[test]
fn faults_belong_to_the_attempt_that_the_plan_names() {
    let run = run("work#1@1:dispatch=delayed(2s); work#1@1:await2=fail; work#1@1:backoff=worker_gone", steps);
    let [first, second] = attempts(&run)[..] else { panic!("two attempts") };
    let sites: Vec<String> = first.faults.iter().map(|fault| run.trace().faults()[fault.key].0.to_string()).collect();
    assert_eq!(sites, ["work#1@1:dispatch", "work#1@1:await2", "work#1@1:backoff"]);
    assert!(first.faults[0].moment < first.started && first.faults[2].moment > first.ended.unwrap());
    assert!(second.faults.is_empty());
    assert_eq!(run.executions().faults().len(), 3);
    let record = &run.activities()[0].attempts[0];
    assert_eq!(record.faults[1].entry.to_string(), "work#1@1:await2=fail");
}

#[test]
fn a_timeout_is_the_attempts_and_the_activitys() {
    let run = run("work#1@1:completion=request_lost", steps);
    let activity = run.executions().activities().values().next().unwrap();
    let (timed_out, timeout) = attempts(&run)[0].timed_out.unwrap();
    assert_eq!(
        (timeout.to_string().as_str(), activity.timeouts.as_slice()),
        ("Heartbeat", &[(timed_out, timeout)][..])
    );
    assert_eq!(activity.retries[0].0, attempts(&run)[0].retried.unwrap());
    let (closed, end) = activity.closed.unwrap();
    assert!(
        matches!(end, ActivityEnd::Completed(_)) && matches!(event(&run, Some(closed)), What::ActivityCompleted(_))
    );
}

#[test]
fn a_worker_that_dies_while_it_stands_still_does_so_no_longer() {
    async fn waits(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        sleep(Duration::from_millis(1_500)).await;
        sleep(seconds(1)).await;
        Ok(())
    }
    async fn fails(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        sleep(seconds(1)).await;
        Err(ActivityError::retryable("no"))
    }
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let waits = ctx.execute_activity::<()>("waits", &(), options());
        let fails = ctx.execute_activity::<()>("fails", &(), options());
        let _ = futures::join!(waits, fails);
        Ok(())
    };
    let plan = "fails#1@1:backoff=worker_gone; waits#1@1:await2=freeze(60s)".parse().unwrap();
    let simulation = Simulation::temporal().activity("waits", waits).activity("fails", fails).workflow("main", main);
    let run = simulation.plan(plan).run("main", &()).unwrap();
    let worker = run.executions().workers().values().next().unwrap();
    assert_eq!(worker.freezes[0].until, Some(worker.crashed[0]), "{}", run.timeline());
    let after = run.executions().attempts().values().filter(|attempt| attempt.started > worker.crashed[0]);
    assert!(after.clone().count() > 0);
    assert!(after.into_iter().all(|attempt| run.executions().freezes_of(attempt).is_empty()));
}

#[test]
fn timers_signals_and_tasks_are_the_workflows() {
    async fn waits(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        drop(ctx.sleep(seconds(9)));
        ctx.sleep(seconds(5)).await?;
        ctx.signals::<u32>("go").recv().await.ok();
        Ok(())
    }
    let script = |client: Client| async move {
        let handle = client.start::<()>("waits", "w", &()).await?;
        client.sleep(seconds(7)).await;
        handle.signal("go", &1).await?;
        handle.result().await
    };
    let (result, run) = Simulation::temporal().workflow("waits", waits).drive(script).unwrap();
    assert_eq!(result, Ok(()));
    let workflow = run.executions().workflows().values().next().unwrap();
    let [timer] = workflow.timers[..] else { panic!("{}", run.timeline()) };
    assert!(matches!(event(&run, Some(timer.started)), What::TimerStarted { .. }));
    assert!(matches!(event(&run, timer.fired), What::TimerFired(_)));
    assert!(matches!(event(&run, Some(workflow.signals[0].0)), What::SignalReceived(_)));
    let tasks: Vec<u32> = workflow.tasks.iter().map(|task| task.number).collect();
    assert_eq!(tasks, [1, 2, 3]);
    assert!(matches!(event(&run, Some(workflow.closed.unwrap().0)), What::WorkflowCompleted(_)));
}
