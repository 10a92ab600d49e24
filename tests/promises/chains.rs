//! A workflow that goes on as another run lives through faults in each of its runs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durasim::fault::Plan;
use durasim::program::{ContinueAsNew, IdConflictPolicy, IdReusePolicy, Payload, Span};
use durasim::service::WorkflowOutcome;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ClientError, Ledger, Outcome, RetryPolicy, Run, Simulation,
    StartOptions, WorkflowContext, WorkflowError, check,
};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[derive(Default)]
struct Post {
    letters: Ledger<u32>,
}

async fn remind(_: &ActivityContext, day: u32) -> Result<(), ActivityError> {
    durasim::time::sleep(secs(1)).await;
    durasim::state::<Post>().letters.record(day);
    Ok(())
}

fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: secs(60), ..Default::default() }
}

/// Reminds once a day, with a history for each day.
async fn subscription(ctx: &WorkflowContext, day: u32) -> Result<u32, WorkflowError> {
    ctx.sleep(secs(24 * 3_600)).await?;
    let () = ctx.execute_activity("remind", &day, options()).await?;
    if day < 3 { Err(ctx.continue_as_new(&(day + 1))) } else { Ok(day) }
}

fn simulation() -> Simulation {
    Simulation::temporal().state(Post::default).activity("remind", remind).workflow("subscription", subscription)
}

fn replay(plan: &str) -> Run {
    simulation().plan(plan.parse::<Plan>().unwrap()).run("subscription", &1).unwrap()
}

#[test]
fn the_result_is_that_of_the_last_run() {
    let run = replay("v1 seed=0 order=fifo");
    assert_eq!(run.result::<u32>(), Ok(3));
    assert_eq!(run.state::<Post>().letters.total(), 3);
    let runs: Vec<u32> = run.activities().iter().map(|activity| activity.run).collect();
    assert_eq!(runs, [1, 2, 3]);
}

/// Runs of one id are told apart in timelines and plans.
#[test]
fn a_plan_strikes_the_run_that_it_names() {
    let plan = "v1 seed=0 order=fifo; /2:remind#1@1:await1=crash; subscription#1@3:task2=evicted";
    let run = replay(plan);
    let timeline = run.timeline().to_string();
    for line in
        ["subscription#1@3  workflow started: 3", "/2:remind#1@2", "subscription#1    workflow continued as new"]
    {
        assert!(timeline.contains(line), "{line}: {timeline}");
    }
    let struck: Vec<String> = run.trace().faults().values().map(|(point, _)| point.to_string()).collect();
    assert_eq!(struck, ["/2:remind#1@1:await1", "subscription#1@3:task2"]);
    assert_eq!(run.result::<u32>(), Ok(3));
}

#[test]
fn a_chain_lives_through_each_fault() {
    simulation().explore("subscription", &1).every_fault().every_order().seeds(0..200).assert();
}

/// A workflow that is retried is another run, with its number; activities of a failed run are not there for the next.
#[test]
fn a_script_follows_a_chain_to_its_end() {
    let (result, run) = simulation()
        .drive(async |client| {
            let handle = client.start::<u32>("subscription", "sub-1", &1).await.unwrap();
            client.sleep(secs(40 * 3_600)).await;
            // The second run is open.
            assert!(handle.is_open());
            let before = handle.inspect(|service, key| service.workflow(key).number());
            (before, handle.result().await)
        })
        .unwrap();
    assert_eq!(result, (2, Ok(3)));
    assert!(
        run.timeline().to_string().contains("sub-1/3:remind#1@1") || run.timeline().to_string().contains("/3:remind")
    );
}

/// The next run begins later than it need, if the code says so.
#[test]
fn the_first_task_of_the_next_run_may_be_put_off() {
    let twice = async |ctx: &WorkflowContext, day: u32| -> Result<String, WorkflowError> {
        let next = ContinueAsNew::new(Payload::new("2")).backoff(Span::from_secs(30));
        if day == 1 { Err(WorkflowError::ContinueAsNew(next.into())) } else { Ok(ctx.now().to_string()) }
    };
    let run = Simulation::temporal().workflow("twice", twice).run("twice", &1).unwrap();
    assert_eq!(run.result::<String>().as_deref(), Ok("30.002s"), "{}", run.timeline());
    let never = async |_: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let next = ContinueAsNew::new(Payload::new("2")).backoff(Span::from_secs(-1));
        Err(WorkflowError::ContinueAsNew(next.into()))
    };
    let error = Simulation::temporal().workflow("never", never).run("never", &()).expect_err("no time").to_string();
    assert!(error.contains("invalid BackoffStartInterval"), "{error}");
}

/// A run that never ends its chain is told by the horizon.
#[test]
fn a_chain_without_end_is_told() {
    let endless =
        async |ctx: &WorkflowContext, day: u32| -> Result<(), WorkflowError> { Err(ctx.continue_as_new(&(day + 1))) };
    let simulation = Simulation::temporal().workflow("endless", endless).horizon(secs(100));
    let error = simulation.run("endless", &1).expect_err("no end").to_string();
    assert!(error.contains("100s") && error.contains("`endless`") && error.contains("run 10"), "{error}");
}

/// A failure that is made of it by hand is a failure; one that is returned continues.
#[test]
fn only_the_code_that_returns_it_goes_on() {
    let stays = async |ctx: &WorkflowContext, day: u32| -> Result<u32, WorkflowError> {
        let _ = ctx.continue_as_new(&(day + 1));
        Ok(day)
    };
    let run = Simulation::temporal().workflow("stays", stays).run("stays", &1).unwrap();
    assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Completed(_))));
    assert_eq!(run.trace().workflows().len(), 1);
}

/// Fails until its third run, and says in which run it completes.
async fn flaky(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    if ctx.info().attempt < 3 { Err(WorkflowError::application("not yet")) } else { Ok(ctx.info().attempt) }
}

fn retried() -> StartOptions {
    let retry_policy = Some(RetryPolicy { initial_interval: secs(5), ..Default::default() }.into());
    StartOptions { retry_policy, ..Default::default() }
}

/// A run that fails and is retried has not ended its chain: nothing is said of it, and its end is that of the last run.
#[test]
fn a_chain_that_completes_ends_well() {
    let flaky = |maximum_attempts: i32| {
        let policy = RetryPolicy { maximum_attempts, ..Default::default() };
        let exploration = Simulation::temporal().workflow("flaky", flaky).explore_script(async move |client| {
            let options = StartOptions { retry_policy: Some(policy.clone().into()), ..Default::default() };
            client.start_with::<u32>("flaky", "flaky-1", &(), options).await?.result().await
        });
        exploration.every_fault().seeds(0..50)
    };
    flaky(3).assert();
    let report = flaky(2).report();
    let failed = report.failures().first().unwrap_or_else(|| panic!("it fails twice\n{report}"));
    assert_eq!(failed.check, "ends well");
    assert!(failed.violation.message.contains("flaky#1@2 does not complete"), "{}", failed.text);
}

#[test]
fn a_workflow_is_retried_as_its_start_says() {
    let (result, run) = Simulation::temporal()
        .workflow("flaky", flaky)
        .drive(async |client| {
            let options = StartOptions { start_delay: secs(7), ..retried() };
            client.start_with::<u32>("flaky", "flaky-1", &(), options).await?.result().await
        })
        .unwrap();
    assert_eq!(result, Ok(3));
    let told = run.timeline().to_string();
    // The delay, the first backoff, and twice as long.
    for line in ["7.001s  flaky#1", "12.002s  flaky#1@2", "22.003s  flaky#1@3"] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn an_id_is_taken_as_the_options_say() {
    let nap = async |ctx: &WorkflowContext, (): ()| ctx.sleep(secs(100)).await;
    let (done, _) = Simulation::temporal()
        .workflow("nap", nap)
        .workflow("flaky", flaky)
        .drive(async |client| {
            let first = client.start::<()>("nap", "nap-1", &()).await?;
            let taken = client.start::<()>("nap", "nap-1", &()).await;
            assert!(matches!(taken, Err(ClientError::AlreadyStarted(_))));
            let existing = StartOptions { id_conflict_policy: IdConflictPolicy::UseExisting, ..Default::default() };
            client.start_with::<()>("nap", "nap-1", &(), existing).await?.cancel().await?;
            let cancelled = first.result().await;
            assert!(matches!(cancelled, Err(ClientError::NotCompleted(_))), "{cancelled:?}");
            // The id of a closed one may be used again, unless the options say otherwise.
            let once = StartOptions { id_reuse_policy: IdReusePolicy::RejectDuplicate, ..Default::default() };
            assert!(client.start_with::<()>("nap", "nap-1", &(), once).await.is_err());
            let second = client.start::<()>("nap", "nap-1", &()).await?;
            let terminates =
                StartOptions { id_conflict_policy: IdConflictPolicy::TerminateExisting, ..Default::default() };
            client.start_with::<()>("nap", "nap-1", &(), terminates).await?;
            assert!(second.result().await.is_err_and(|error| error.to_string().contains("terminated")));
            // The newest run of the id is open.
            assert!(client.workflow::<()>("nap-1").await?.is_open());
            let unknown = client.workflow::<()>("nap-2").await;
            assert!(matches!(unknown, Err(ClientError::UnknownId(id)) if id == "nap-2"));
            let far = StartOptions { task_queue: Some("far".to_owned()), ..Default::default() };
            let refused = client.start_with::<()>("nap", "nap-3", &(), far).await.expect_err("no worker polls it");
            assert_eq!(refused.to_string(), "no worker polls the task queue `far` (polled: `default`)");
            let bad = RetryPolicy { backoff_coefficient: 0.5, ..Default::default() };
            let bad = StartOptions { retry_policy: Some(bad.into()), ..Default::default() };
            let refused = client.start_with::<()>("nap", "nap-3", &(), bad).await.expect_err("it makes no sense");
            assert!(refused.to_string().contains("BackoffCoefficient"), "{refused}");
            Ok::<(), ClientError>(())
        })
        .unwrap();
    assert_eq!(done, Ok(()));
}

#[test]
fn a_signal_starts_the_workflow_that_is_not_there() {
    let takes = async |ctx: &WorkflowContext, first: u32| -> Result<u32, WorkflowError> {
        let numbers = ctx.signals::<u32>("number");
        Ok(first + numbers.recv().await? + numbers.recv().await?)
    };
    let (sum, run) = Simulation::temporal()
        .workflow("takes", takes)
        .drive(async |client| {
            let signal = async |number: u32| {
                let options = StartOptions::default();
                client.signal_with_start::<u32>("takes", "takes-1", &100, options, ("number", &number)).await
            };
            signal(1).await?;
            client.sleep(secs(3)).await;
            signal(20).await?.result().await
        })
        .unwrap();
    assert_eq!(sum, Ok(121));
    assert_eq!(run.trace().workflows().len(), 1);
}

/// The answer that continues as new is lost, late or never given: the task is given out again, and one run follows.
#[test]
fn a_run_has_one_successor_whatever_becomes_of_its_last_answer() {
    for run in ["", "@2"] {
        for fault in ["completion_lost", "answer_lost", "late(11s)", "late(9s)", "crash", "evicted"] {
            let plan = format!("v1 seed=0 order=fifo; subscription#1{run}:task3={fault}");
            let run = replay(&plan);
            assert_eq!(run.trace().workflows().len(), 3, "{plan}\n{}", run.timeline());
            assert_eq!(run.result::<u32>(), Ok(3), "{plan}");
            assert_eq!(run.state::<Post>().letters.total(), 3, "{plan}");
        }
    }
}

#[test]
fn every_fault_strikes_each_task_of_each_run() {
    let all = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&all);
    let check = check::named("collects the faults", move |run: &Run| {
        let faults = run.trace().faults().values().map(|(point, fault)| format!("{point}={fault}"));
        seen.lock().unwrap().extend(faults);
        Ok::<(), String>(())
    });
    let report = simulation().explore("subscription", &1).every_fault().check(check).report();
    assert!(report.holds(), "{report}");
    let of_workflow = |name: &str| report.coverage().unfilled().filter(|cell| cell.name == name).count();
    assert_eq!(of_workflow("subscription"), 0, "{report}");
    let all = all.lock().unwrap();
    for (task_run, activity_run) in [("", ""), ("@2", "/2:"), ("@3", "/3:")] {
        for task in 1..=3 {
            for fault in ["crash", "completion_lost", "evicted", "late(1s)"] {
                let entry = format!("subscription#1{task_run}:task{task}={fault}");
                assert!(all.contains(&entry), "{entry}: {all:?}");
            }
        }
        let entry = format!("subscription#1{task_run}:task3=answer_lost");
        assert_eq!(all.contains(&entry), task_run != "@3", "{entry}: {all:?}");
        for entry in ["dispatch=worker_dies", "await1=crash", "completion=request_lost"] {
            let entry = format!("{activity_run}remind#1@1:{entry}");
            assert!(all.contains(&entry), "{entry}: {all:?}");
        }
    }
}

/// A letter of the second day that is sent twice.
#[test]
fn a_failure_in_a_later_run_is_told_with_its_run_everywhere() {
    let twice = check::named("one letter a day", |run: &Run| {
        let runs = run.activities();
        let again = runs.iter().find(|activity| activity.run == 2 && activity.attempts.len() > 1);
        again.map_or(Ok(()), |activity| Err(format!("{} attempts on day 2", activity.attempts.len())))
    });
    let report = simulation().explore("subscription", &1).every_fault().check(twice).report();
    let [failed] = report.failures() else { panic!("{report}") };
    let plan = failed.plan.to_string();
    assert!(plan.contains("; /2:remind#1@1:"), "{report}");
    assert!(failed.text.contains("/2:remind#1@1"), "{}", failed.text);
    let words = failed.plan.words().to_string();
    assert!(words.contains("remind (run 2)"), "{words}");
    assert_eq!(plan.parse::<Plan>().unwrap().to_string(), plan);
    let data = serde_json::to_string(&report).unwrap();
    assert!(data.contains("/2:remind#1@1:"), "{data}");
}

#[test]
fn a_point_of_a_run_that_is_not_there_is_told_with_the_nearest() {
    let error = |plan: &str| {
        let plan = plan.parse::<Plan>().unwrap();
        simulation()
            .plan(plan)
            .run("subscription", &1)
            .and_then(Run::strict)
            .expect_err("it does not strike")
            .to_string()
    };
    let later = error("/2:remind#1@1:await9=crash");
    assert!(later.contains("the nearest point that it comes to is `/2:remind#1@1:await1`"), "{later}");
    let run = error("/4:remind#1@1:await1=crash");
    assert!(run.contains("there is no activity `/4:remind`; is it `/2:remind`?"), "{run}");
    let task = error("subscription#1@2:task9=evicted");
    assert!(task.contains("`subscription#1@2:task3`") && !task.contains("`subscription#1:"), "{task}");
    let task = error("subscription#1@4:task1=evicted");
    assert!(task.contains("`subscription#1:task1`") && task.contains("`subscription#1@3:task1`"), "{task}");
}
