//! Workflows of the SDK do what they do in production, and the same in each replay.

use std::time::Duration;

use durasim::{Simulation, check};
use durasim_temporal::{SimulationExt, sdk_activities};
use temporalio_common::search_attributes::SearchAttributeKey;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityCancellationType, ActivityExecutionError, ActivityOptions, CancellableFuture, MemoValue, TimerResult,
    WorkflowCancellationToken, WorkflowContext, WorkflowContextView, WorkflowResult,
};

use crate::seconds;

struct Steps;

#[activities]
impl Steps {
    #[activity]
    async fn double(_ctx: ActivityContext, number: u32) -> Result<u32, ActivityError> {
        tokio::time::sleep(seconds(1)).await;
        Ok(2 * number)
    }

    /// It takes 3 s to stop.
    #[activity]
    async fn stops_slowly(ctx: ActivityContext) -> Result<String, ActivityError> {
        while !ctx.is_cancelled() {
            tokio::time::sleep(seconds(1)).await;
            ctx.record_heartbeat(true).await?;
        }
        tokio::time::sleep(seconds(3)).await;
        Err(ActivityError::cancelled())
    }
}

fn options() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(seconds(60)).heartbeat_timeout(seconds(5)).build()
}

/// It starts with a state that `#[init]` makes of its input.
#[workflow]
struct Begins {
    number: u32,
}

#[workflow_methods]
impl Begins {
    #[init]
    fn new(_ctx: &WorkflowContextView, number: u32) -> Self {
        Begins { number: number + 1 }
    }

    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        let number = ctx.state(|state| state.number);
        Ok(ctx.execute_activity(Steps::double, number, options()).await?)
    }
}

/// It joins two activities, and lets a timer race with another.
#[workflow]
#[derive(Default)]
struct Joins;

#[workflow_methods]
impl Joins {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, number: u32) -> WorkflowResult<(u32, u32, Vec<u32>, bool)> {
        let one = ctx.execute_activity(Steps::double, number, options());
        let two = ctx.execute_activity(Steps::double, number + 1, options());
        let (one, two) = temporalio_sdk::workflows::join!(one, two);
        let many = (0..3_u32).map(|number| ctx.execute_activity(Steps::double, number, options()));
        let many = temporalio_sdk::workflows::join_all(many).await;
        let timer = ctx.timer(seconds(600));
        timer.cancel();
        let was_cancelled = timer.await == TimerResult::Cancelled;
        Ok((one?, two?, many.into_iter().collect::<Result<_, _>>()?, was_cancelled))
    }
}

/// All that a workflow may draw or read, before and after a wait. None of it may differ in a replay.
#[workflow]
#[derive(Default)]
struct Draws;

#[workflow_methods]
impl Draws {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Vec<String>> {
        let mut drawn = Vec::new();
        for _ in 0..2 {
            drawn.push(ctx.random::<u64>().to_string());
            drawn.push(ctx.uuid4());
            let time = ctx.workflow_time().expect("it has begun");
            drawn.push(format!("{:?}", time.duration_since(durasim::Time::ZERO.to_system_time()).unwrap()));
            ctx.timer(seconds(10)).await;
        }
        drawn.push(format!("{} {} {}", ctx.workflow_id(), ctx.namespace(), ctx.task_queue()));
        Ok(drawn)
    }
}

/// It has been changed twice; only the new way is left of the second change.
#[workflow]
#[derive(Default)]
struct Changed;

#[workflow_methods]
impl Changed {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        let number: u32 = if ctx.patched("larger-number") { 20 } else { 10 };
        ctx.deprecate_patch("no-second-activity");
        let doubled = ctx.execute_activity(Steps::double, number, options()).await?;
        assert!(ctx.patched("larger-number"), "as before");
        Ok(doubled)
    }
}

const STATE: SearchAttributeKey<String> = SearchAttributeKey::keyword("State");

/// It says what it does where people look.
#[workflow]
#[derive(Default)]
struct Shows;

#[workflow_methods]
impl Shows {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<String> {
        ctx.upsert_search_attributes([STATE.value_set("packing".into())]);
        ctx.upsert_memo([("parcel", Some(MemoValue::new(7_u32)))])?;
        ctx.set_current_details("packs the parcel");
        ctx.execute_activity(Steps::double, 1_u32, options()).await?;
        Ok(ctx.search_attributes().get(&STATE).unwrap_or_default())
    }
}

/// It cancels its activity after 2 s, and says how that ended and when.
#[workflow]
#[derive(Default)]
struct Cancels;

#[workflow_methods]
impl Cancels {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, how: ActivityCancellationType) -> WorkflowResult<(String, u64)> {
        let token = WorkflowCancellationToken::new();
        let options = ActivityOptions::with_start_to_close_timeout(seconds(60))
            .heartbeat_timeout(seconds(5))
            .cancellation_type(how)
            .cancellation_token(token.clone())
            .build();
        let stops = ctx.execute_activity(Steps::stops_slowly, (), options);
        let cancels = async {
            ctx.timer(seconds(2)).await;
            token.cancel_with_reason("no use");
        };
        let (ended, ()) = temporalio_sdk::workflows::join!(stops, cancels);
        let took = ctx.workflow_time().unwrap().duration_since(durasim::Time::ZERO.to_system_time()).unwrap();
        let ended = match ended {
            Err(ActivityExecutionError::Cancelled(_)) => format!("cancelled: {}", token.reason().unwrap_or_default()),
            other => format!("{other:?}"),
        };
        Ok((ended, took.as_secs()))
    }
}

fn simulation() -> Simulation {
    sdk_activities!(Simulation::temporal(), || Steps, [Steps::double, Steps::stops_slowly])
        .sdk_workflow::<Begins>()
        .sdk_workflow::<Joins>()
        .sdk_workflow::<Draws>()
        .sdk_workflow::<Changed>()
        .sdk_workflow::<Shows>()
        .sdk_workflow::<Cancels>()
}

/// Explores it, with a replay at every task.
#[track_caller]
fn holds(workflow: &str, input: serde_json::Value) {
    simulation()
        .explore(workflow, &input)
        .every_fault()
        .seeds(0..100)
        .check(check::same_result())
        .check(check::replays())
        .assert();
}

#[test]
fn an_initial_state_is_made_of_the_input() {
    assert_eq!(simulation().run("Begins", &20).unwrap().result::<u32>().unwrap(), 42);
    holds("Begins", 20.into());
}

#[test]
fn joins_and_cancelled_timers() {
    let run = simulation().run("Joins", &5).unwrap();
    assert_eq!(
        run.result::<(u32, u32, Vec<u32>, bool)>().unwrap(),
        (10, 12, vec![0, 2, 4], true),
        "{}",
        run.timeline()
    );
    holds("Joins", 5.into());
}

/// Numbers and times are the workflow's. Times differ with faults, so only the draws are compared between runs.
#[test]
fn what_a_workflow_draws_is_the_same_in_each_replay() {
    let drawn: Vec<String> = simulation().run("Draws", &()).unwrap().result().unwrap();
    let [number, uuid, at, other, uuid_2, at_2, names] = &drawn[..] else { panic!("{drawn:?}") };
    assert!(number != other && uuid != uuid_2, "{drawn:?}");
    assert_eq!((at.as_str(), at_2.as_str(), names.as_str()), ("1ms", "10.002s", "Draws default default"));
    simulation()
        .explore("Draws", &())
        .every_fault()
        .check(check::same_result().normalize(|drawn: &mut Vec<String>| {
            drawn.remove(5);
            drawn.remove(2);
        }))
        .check(check::replays())
        .assert();
}

#[test]
fn patches_are_written_down_and_replayed() {
    let run = simulation().run("Changed", &()).unwrap();
    assert_eq!(run.result::<u32>().unwrap(), 40);
    let timeline = run.timeline().to_string();
    assert!(timeline.contains("patch larger-number recorded"), "{timeline}");
    assert!(timeline.contains("deprecated patch no-second-activity recorded"), "{timeline}");
    holds("Changed", ().into());
}

#[test]
fn memo_and_search_attributes_are_written_down_and_replayed() {
    let run = simulation().run("Shows", &()).unwrap();
    assert_eq!(run.result::<String>().unwrap(), "packing");
    let timeline = run.timeline().to_string();
    assert!(timeline.contains("search attributes upserted: {\"State\":\"packing\"}"), "{timeline}");
    assert!(timeline.contains("memo upserted: {\"parcel\":7}"), "{timeline}");
    holds("Shows", ().into());
}

/// The activity hears of the cancel with its third heartbeat, and takes 3 s to stop.
#[test]
fn each_type_of_cancellation() {
    let cancelled = |how: &str| simulation().run("Cancels", &how).unwrap().result::<(String, u64)>().unwrap();
    assert_eq!(cancelled("TryCancel"), ("cancelled: no use".to_owned(), 2));
    assert_eq!(cancelled("Abandon"), ("cancelled: no use".to_owned(), 2));
    let (ended, took) = cancelled("WaitCancellationCompleted");
    assert_eq!(ended, "cancelled: no use");
    assert!(took > 5, "{took}");
    for how in ["TryCancel", "WaitCancellationCompleted", "Abandon"] {
        // How long it takes to stop is part of the result, and another with faults.
        let exploration = simulation().explore("Cancels", &how).every_fault().seeds(0..50).without("same_result");
        exploration.check(check::replays()).assert();
    }
}

#[test]
fn a_run_takes_no_real_time() {
    let began = std::time::Instant::now();
    let run = simulation().run("Joins", &5).unwrap();
    assert!(run.virtual_time() >= durasim::Time::from_millis(2_000));
    assert!(began.elapsed() < Duration::from_secs(2));
}
