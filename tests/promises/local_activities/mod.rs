//! Local activities run within the workflow task, leave one marker, and are run again where that is lost.

mod bad_input;
mod cancellation;
mod faults;

use std::time::Duration;

use durasim::program::{CancellationType, FailureKind, Marker};
use durasim::service::{EventKind, WorkflowOutcome};
use durasim::{
    ActivityContext, ActivityError, LocalActivityOptions, Outcome, RetryPolicy, Run, Simulation, Time, WorkflowContext,
    WorkflowError,
};
use serde::{Deserialize, Serialize};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The milliseconds of virtual time.
fn millis(at: Time) -> u64 {
    (at - Time::ZERO).as_millis() as u64
}

/// The work that an activity has to do.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Work {
    /// Each attempt takes so many seconds.
    takes: u64,
    /// So many attempts fail.
    fails: u32,
}

/// The numbers of the attempts, as the code has seen them.
#[derive(Default)]
struct Seen(std::cell::RefCell<Vec<u32>>);

impl Seen {
    fn attempts(run: &Run) -> Vec<u32> {
        run.state::<Seen>().0.borrow().clone()
    }
}

/// Works, and gives the number of its attempt.
async fn work(ctx: &ActivityContext, work: Work) -> Result<u32, ActivityError> {
    let info = ctx.get_info();
    assert!(info.is_local);
    let attempt = info.attempt;
    durasim::state::<Seen>().0.borrow_mut().push(attempt);
    durasim::time::sleep(secs(work.takes)).await;
    if attempt <= work.fails { Err(ActivityError::application("no luck")) } else { Ok(attempt) }
}

/// Options of which all that a test does not say is usual.
fn usual() -> LocalActivityOptions {
    LocalActivityOptions { start_to_close_timeout: secs(60), ..Default::default() }
}

fn retries(initial_interval: Duration) -> Option<RetryPolicy> {
    Some(RetryPolicy { initial_interval, ..Default::default() })
}

/// A workflow that does nothing but this work.
fn simulation(options: LocalActivityOptions) -> Simulation {
    let only = move |ctx: WorkflowContext, work: Work| {
        let options = options.clone();
        async move { ctx.execute_local_activity::<u32>("work", &work, options).await }
    };
    let workflow = move |ctx: &WorkflowContext, work: Work| only(ctx.clone(), work);
    Simulation::temporal().state(Seen::default).activity("work", work).workflow("only", workflow)
}

fn run(options: LocalActivityOptions, work: &Work) -> Run {
    simulation(options).run("only", work).unwrap()
}

/// The markers of local activities in the history, each as its number and its attempt.
fn markers(run: &Run) -> Vec<(u32, u32)> {
    let marker = |kind: &EventKind| match kind {
        EventKind::MarkerRecorded { marker: Marker::LocalActivity(local) } => Some((local.seq, local.attempt)),
        _ => None,
    };
    run.history().iter().filter_map(|event| marker(&event.kind)).collect()
}

fn tasks(run: &Run) -> usize {
    run.executions().workflows().values().map(|workflow| workflow.tasks.len()).sum()
}

fn ended_at(run: &Run) -> Duration {
    let workflow = run.executions().workflows().values().next().expect("a workflow");
    workflow.closed.expect("an end").0.at - workflow.started.at
}

/// One hand-over of the workflow task.
const LATENCY: Duration = Duration::from_millis(1);

#[test]
fn a_workflow_gets_the_result_within_its_task() {
    let run = run(usual(), &Work::default());
    assert_eq!(run.result::<u32>(), Ok(1));
    assert_eq!((tasks(&run), ended_at(&run), markers(&run)), (1, LATENCY, vec![(1, 1)]));
}

/// `local_retry_success_3`
#[test]
fn attempts_follow_each_other_within_the_task_and_leave_one_marker() {
    let options = LocalActivityOptions { retry_policy: retries(secs(1)), ..usual() };
    let run = run(options, &Work { fails: 2, ..Work::default() });
    assert_eq!(run.result::<u32>(), Ok(3));
    assert_eq!((tasks(&run), ended_at(&run)), (1, secs(3) + LATENCY));
    assert_eq!((Seen::attempts(&run), markers(&run)), (vec![1, 2, 3], vec![(1, 3)]));
}

/// `local_backoff_timer`
#[test]
fn a_backoff_over_the_threshold_is_a_marker_and_a_timer() {
    let with = |initial, threshold| {
        let options =
            LocalActivityOptions { retry_policy: retries(initial), local_retry_threshold: threshold, ..usual() };
        run(options, &Work { fails: 1, ..Work::default() })
    };
    for (initial, threshold, timers) in
        [(secs(60), secs(0), 0), (secs(61), secs(0), 1), (secs(61), secs(61), 0), (secs(3), secs(2), 1)]
    {
        let run = with(initial, threshold);
        assert_eq!(run.result::<u32>(), Ok(2));
        let workflow = run.executions().workflows().values().next().unwrap();
        assert_eq!(workflow.timers.len(), timers, "{initial:?} over {threshold:?}");
        let expected = if timers == 0 { vec![(1, 2)] } else { vec![(1, 1), (2, 2)] };
        assert_eq!((markers(&run), Seen::attempts(&run)), (expected, vec![1, 2]));
    }
}

/// `local_long_wft_heartbeat`
#[test]
fn a_long_task_is_renewed() {
    let run = run(usual(), &Work { takes: 25, ..Work::default() });
    assert_eq!(run.result::<u32>(), Ok(1));
    assert_eq!((tasks(&run), ended_at(&run), markers(&run)), (4, secs(25) + LATENCY, vec![(1, 1)]));
    assert_eq!(Seen::attempts(&run), [1]);
}

fn failure_of(run: &Run) -> String {
    match run.outcome() {
        Outcome::Closed(WorkflowOutcome::Failed { failure, .. }) => failure.to_string(),
        other => panic!("{other:?}\n{}", run.timeline()),
    }
}

/// `local_max_attempts_2`
#[test]
fn a_failure_is_the_codes_own() {
    let retry_policy = Some(RetryPolicy { maximum_attempts: 2, ..Default::default() });
    let run = run(LocalActivityOptions { retry_policy, ..usual() }, &Work { fails: 9, ..Work::default() });
    let Outcome::Closed(WorkflowOutcome::Failed { failure, .. }) = run.outcome() else { panic!("{}", run.timeline()) };
    assert!(matches!(failure.kind, FailureKind::Application { .. }), "{failure:?}");
    assert_eq!((&*failure.message, Seen::attempts(&run)), ("no luck", vec![1, 2]));
}

/// `x_local_nonretryable_listed`
#[test]
fn a_type_that_is_not_retried_is_known_without_regard_to_case() {
    let fails = async |_: &ActivityContext, _: Work| -> Result<u32, ActivityError> {
        durasim::state::<Seen>().0.borrow_mut().push(1);
        Err(ActivityError::ExecutionFailed("no".to_owned()))
    };
    let fails_only = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = LocalActivityOptions {
            retry_policy: Some(RetryPolicy {
                non_retryable_error_types: vec!["EXECUTIONfailed".to_owned()],
                ..Default::default()
            }),
            ..usual()
        };
        ctx.execute_local_activity("fails", &Work::default(), options).await
    };
    let simulation = simulation(usual()).activity("fails", fails).workflow("fails_only", fails_only);
    let run = simulation.run("fails_only", &()).unwrap();
    assert_eq!(Seen::attempts(&run), [1]);
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up_and_tried_again() {
    let retry_policy = Some(RetryPolicy { maximum_attempts: 2, ..Default::default() });
    let options = LocalActivityOptions { start_to_close_timeout: secs(3), retry_policy, ..Default::default() };
    let run = run(options, &Work { takes: 5, ..Work::default() });
    assert_eq!(ended_at(&run), secs(3 + 1 + 3) + LATENCY);
    assert_eq!(failure_of(&run), "Local Activity timed out (work, TIMEOUT): Activity timed out");
}

#[test]
fn the_whole_ends_with_its_schedule_to_close_timeout() {
    for (work, attempts) in [
        // While an attempt runs, and between two.
        (Work { takes: 9, fails: 0 }, vec![1]),
        (Work { takes: 0, fails: 9 }, vec![1, 2, 3]),
    ] {
        let options = LocalActivityOptions { schedule_to_close_timeout: secs(5), ..Default::default() };
        let run = run(options, &work);
        assert_eq!((ended_at(&run), Seen::attempts(&run)), (secs(5) + LATENCY, attempts));
        assert_eq!(failure_of(&run), "Local Activity timed out (work, TIMEOUT): Activity timed out");
    }
}

#[test]
fn it_counts_through_a_timer() {
    let options = LocalActivityOptions {
        schedule_to_close_timeout: secs(100),
        retry_policy: retries(secs(80)),
        ..Default::default()
    };
    let run = run(options, &Work { takes: 30, fails: 1 });
    assert_eq!(Seen::attempts(&run), [1, 2]);
    assert_eq!(ended_at(&run).as_secs(), 110);
}

/// `x_local_two_parallel_timer`
#[test]
fn several_run_at_the_same_time() {
    let both = async |ctx: &WorkflowContext, (): ()| -> Result<(u32, u32), WorkflowError> {
        let long = ctx.execute_local_activity::<u32>("work", &Work { takes: 4, fails: 0 }, usual());
        let short = ctx.execute_local_activity::<u32>("work", &Work { takes: 2, fails: 0 }, usual());
        let timer = ctx.sleep(secs(1));
        let ends = futures::join!(long, short, timer);
        ends.2?;
        Ok((ends.0?, ends.1?))
    };
    let simulation = Simulation::temporal().state(Seen::default).activity("work", work).workflow("both", both);
    let run = simulation.run("both", &()).unwrap();
    assert_eq!((run.result::<(u32, u32)>(), markers(&run)), (Ok((1, 1)), vec![(2, 1), (1, 1)]));
    // The timer begins with the answer to the task.
    assert_eq!((tasks(&run), ended_at(&run)), (2, secs(5) + LATENCY * 2));
}

/// The clock of the workflow goes on by the time that the last attempt took.
#[test]
fn the_workflows_clock_moves_and_a_replay_shows_the_same() {
    let clock = async |ctx: &WorkflowContext, (): ()| -> Result<Vec<u64>, WorkflowError> {
        let mut times = vec![millis(ctx.now())];
        let _: u32 = ctx.execute_local_activity("work", &Work { takes: 3, fails: 0 }, usual()).await?;
        times.push(millis(ctx.now()));
        ctx.sleep(secs(1)).await?;
        times.push(millis(ctx.now()));
        Ok(times)
    };
    let simulation = Simulation::temporal().state(Seen::default).activity("work", work).workflow("clock", clock);
    for plan in ["", "v1 seed=0 order=fifo; clock#1:task2=evicted"] {
        let simulation = simulation.clone();
        let simulation = if plan.is_empty() { simulation } else { simulation.plan(plan.parse().unwrap()) };
        let run = simulation.run("clock", &()).unwrap();
        assert_eq!(run.result::<Vec<u64>>(), Ok(vec![1, 3001, 4002]), "{}", run.timeline());
        assert_eq!(Seen::attempts(&run), [1]);
    }
}

#[test]
fn a_query_is_answered_when_the_task_is_renewed() {
    let asks = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        ctx.on_query("stage", |(): ()| Ok("works"));
        ctx.execute_local_activity::<u32>("work", &Work { takes: 12, fails: 0 }, usual()).await
    };
    let simulation = Simulation::temporal().state(Seen::default).activity("work", work).workflow("asks", asks);
    let script = async |client: durasim::Client| {
        let workflow = client.start::<u32>("asks", "a", &()).await.unwrap();
        client.sleep(secs(1)).await;
        let stage: String = workflow.query("stage", &()).await.unwrap();
        let asked = millis(client.now());
        (stage, asked, workflow.result().await.unwrap())
    };
    let ((stage, asked, result), run) = simulation.drive(script).unwrap();
    assert_eq!((&*stage, asked, result), ("works", 8001, 1), "{}", run.timeline());
    assert_eq!(Seen::attempts(&run), [1]);
}

/// A heartbeat of a local activity has no effect, as in the SDKs.
#[test]
fn a_heartbeat_has_no_effect() {
    let beats = async |ctx: &ActivityContext, (): ()| -> Result<bool, ActivityError> {
        ctx.heartbeat(&7)?;
        if ctx.get_info().attempt == 1 {
            return Err(ActivityError::application("again"));
        }
        Ok(ctx.heartbeat_details::<u32>()?.is_none())
    };
    let simulation =
        simulation(usual()).activity("beats", beats).workflow("w", async |ctx: &WorkflowContext, (): ()| {
            ctx.execute_local_activity::<bool>("beats", &(), usual()).await
        });
    let run = simulation.run("w", &()).unwrap();
    assert_eq!(run.result::<bool>(), Ok(true));
    assert!(run.executions().attempts().values().all(|attempt| attempt.heartbeats.is_empty()));
}

/// In the Cadence dialect, no policy is no retry.
#[test]
fn cadence_does_not_retry_without_a_policy() {
    let fails = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        ctx.execute_local_activity("work", &Work { takes: 0, fails: 1 }, usual()).await
    };
    let work = async |ctx: &ActivityContext, work: Work| -> Result<u32, ActivityError> {
        // Cadence counts from 0.
        durasim::state::<Seen>().0.borrow_mut().push(ctx.get_info().attempt);
        if work.fails > 0 { Err(ActivityError::application("no luck")) } else { Ok(1) }
    };
    let simulation = Simulation::cadence().state(Seen::default).activity("work", work).workflow("fails", fails);
    let run = simulation.run("fails", &()).unwrap();
    assert_eq!((Seen::attempts(&run).len(), &*failure_of(&run)), (1, "Application: no luck"));
}
