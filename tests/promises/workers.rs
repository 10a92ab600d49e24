//! Several workers share the tasks of their queues, within their slots, and take over from one that dies.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Run, RunError, Simulation, Time, WorkerOptions,
    WorkflowContext, WorkflowError, check,
};
use futures::future::try_join_all;

async fn work(ctx: &ActivityContext, seconds: u64) -> Result<u32, ActivityError> {
    for _ in 0..seconds {
        durasim::time::sleep(Duration::from_secs(1)).await;
        ctx.record_heartbeat(None);
    }
    Ok(ctx.get_info().attempt)
}

fn options(task_queue: Option<&str>) -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        heartbeat_timeout: Duration::from_secs(5),
        retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
        task_queue: task_queue.map(str::to_owned),
        ..Default::default()
    }
}

/// Runs so many activities of 10 s at once.
async fn fan_out(ctx: &WorkflowContext, count: u32) -> Result<u32, WorkflowError> {
    let all = (0..count).map(|_| ctx.execute_activity::<u32>("work", &10u64, options(None)));
    Ok(try_join_all(all).await?.len() as u32)
}

async fn elsewhere(ctx: &WorkflowContext, queue: String) -> Result<u32, WorkflowError> {
    ctx.execute_activity("work", &3u64, options(Some(&queue))).await
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("work", work).workflow("fan_out", fan_out).workflow("elsewhere", elsewhere)
}

fn on(task_queue: &str, max_concurrent_activities: u32) -> WorkerOptions {
    WorkerOptions { task_queue: task_queue.to_owned(), max_concurrent_activities, ..Default::default() }
}

/// The most attempts that one worker ran at once.
fn most_at_once(run: &Run, worker: usize) -> usize {
    let attempts: Vec<_> = run
        .activities()
        .into_iter()
        .flat_map(|activity| activity.attempts)
        .filter(|attempt| attempt.worker.number() == worker)
        .collect();
    let running = |at| attempts.iter().filter(|other| other.started_at <= at && other.ended_at > Some(at)).count();
    attempts.iter().map(|attempt| running(attempt.started_at)).max().unwrap_or(0)
}

#[test]
fn slots_are_a_limit_and_what_waits_is_taken_as_they_become_free() {
    let run = simulation().worker(on("default", 2)).worker(on("default", 1)).run("fan_out", &7u32).unwrap();
    assert_eq!(run.result::<u32>().unwrap(), 7);
    assert_eq!((most_at_once(&run, 1), most_at_once(&run, 2)), (2, 1));
    // Seven activities of 10 s, three at a time.
    assert_eq!(run.virtual_time().as_nanos() / 1_000_000_000, 30);
}

#[test]
fn without_limits_the_workers_take_turns() {
    let run = simulation().workers(3).run("fan_out", &6u32).unwrap();
    assert_eq!([1, 2, 3].map(|worker| most_at_once(&run, worker)), [2, 2, 2]);
}

#[test]
fn a_task_goes_to_a_worker_of_its_queue() {
    let world = simulation().worker(on("default", 0)).worker(on("gpu", 0));
    let run = world.run("elsewhere", "gpu").unwrap();
    assert_eq!(run.activities()[0].attempts[0].worker.number(), 2);
    let error = world.run("elsewhere", "gqu").unwrap_err();
    assert!(matches!(error, RunError::UnknownTaskQueue { .. }), "{error}");
    assert!(error.to_string().contains("`gqu`") && error.to_string().contains("`gpu`"), "{error}");
    let error = simulation().worker(on("gpu", 0)).run("elsewhere", "gpu").unwrap_err();
    assert!(matches!(error, RunError::Setup(_)), "{error}");
}

#[test]
fn another_worker_takes_over_what_a_dead_one_had() {
    let run = simulation()
        .workers(2)
        .restart_delay(Duration::from_secs(3600))
        .plan("work#1@1:await4=crash".parse().unwrap())
        .run("fan_out", &1u32)
        .unwrap();
    let workers: BTreeSet<usize> = run.activities()[0].attempts.iter().map(|attempt| attempt.worker.number()).collect();
    assert_eq!(workers, BTreeSet::from([1, 2]), "{}", run.timeline());
    assert!(run.virtual_time().as_nanos() / 1_000_000_000 < 60, "{}", run.timeline());
}

#[test]
fn faults_on_many_workers_lose_nothing() {
    let report = simulation()
        .worker(on("default", 1))
        .worker(on("default", 2))
        .explore("fan_out", &3u32)
        .every_fault()
        .seeds(0..500)
        .check(check::same_result())
        .report();
    let failures: String = report.failures().iter().map(|failed| failed.text.clone()).collect();
    assert!(report.holds(), "{report}\n{failures}");
    assert!(report.parts()[1].tally.survive > 100, "{report}");
}

/// A workflow that answers the signal `go` at once.
async fn waits_for_a_signal(ctx: &WorkflowContext, seconds: u64) -> Result<String, WorkflowError> {
    let mut work = ctx.execute_activity::<u32>("work", &seconds, options(None));
    let mut go = ctx.signals::<()>("go").recv();
    futures::select_biased! {
        _ = go => Ok(format!("went at {}", ctx.now())),
        worked = work => worked.map(|_| "worked".to_owned()),
    }
}

#[test]
fn a_task_that_a_frozen_worker_had_not_taken_goes_to_the_next_process_when_it_dies() {
    let (said, _): (String, _) = simulation()
        .workflow("waits", waits_for_a_signal)
        .plan("work#1@1:await1=freeze(1000s); work#1@1:backoff=worker_gone".parse().unwrap())
        .drive(async |client| {
            let waits = client.start("waits", "waits-1", &300u64).await.unwrap();
            client.sleep(Duration::from_secs(5)).await;
            waits.signal("go", &()).await.unwrap();
            waits.result().await.unwrap()
        })
        .unwrap();
    // The heartbeat timeout gives the attempt up, and its worker dies when the retry is due. The next one is there 1 s later, and
    // gets the task when it has waited on the queue of the dead one for 10 s.
    assert_eq!(said, "went at 15.001s");
}

/// A fake that notices when the process of a worker is gone: the lock that it held is free at once.
#[test]
fn a_fake_is_told_of_processes_that_are_gone() {
    #[derive(Default)]
    struct Peers(RefCell<Vec<(Duration, u32)>>);
    let run = |plan: &str| {
        let simulation = simulation().workers(2).state(Peers::default).on_worker_gone(|worker| {
            let at = durasim::time::now() - Time::ZERO;
            durasim::state::<Peers>().0.borrow_mut().push((at, worker));
        });
        let run = simulation.plan(plan.parse().unwrap()).run("fan_out", &2u32).unwrap();
        run.state::<Peers>().0.take()
    };
    let at = |millis| Duration::from_millis(millis);
    assert_eq!(run("v1"), []);
    // Worker 1 had the workflow's task, so the first activity is worker 2's.
    assert_eq!(run("work#2@1:await3=crash"), [(at(2_002), 1)]);
    // A worker that stops is gone once its attempts have ended.
    assert_eq!(run("work#1@1:await3=stop"), [(at(10_002), 2)]);
    let both = run("work#1@1:await3=crash; work#2@1:await3=crash");
    assert_eq!(both, [(at(2_002), 2), (at(2_002), 1)]);
}

#[test]
fn a_fake_that_panics_when_it_is_told_ends_the_run() {
    let simulation = simulation().on_worker_gone(|_| panic!("the lock is held by nobody"));
    let error =
        simulation.plan("work#1@1:await3=crash".parse().unwrap()).run("fan_out", &1u32).unwrap_err().to_string();
    assert!(error.contains("on_worker_gone") && error.contains("held by nobody"), "{error}");
}
