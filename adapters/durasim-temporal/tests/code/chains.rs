//! Runs that go on as others, as code of the SDK asks for it.

use durasim::{ClientError, HistoryLimits, Ledger, Run, Simulation, check};
use durasim_temporal::{SimulationExt, connect};
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError};
use temporalio_client::{
    WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowGetResultOptions,
    WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, ChildWorkflowOptions, ContinueAsNewOptions, SyncWorkflowContext,
    WorkflowContext, WorkflowContextView, WorkflowResult,
};

use crate::{contains, is_found, seconds, unfolded};

#[derive(Default)]
struct Post {
    letters: Ledger<u32>,
}

struct Desk;

#[activities]
impl Desk {
    /// Takes a second letter of the same day for the first.
    #[activity]
    async fn remind(_ctx: ActivityContext, day: u32) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(1)).await;
        let post = durasim::handle::<Post>();
        if post.with(|post| post.letters.count(&day)) == 0 {
            durasim::effect("letter", || post.with(|post| post.letters.record(day)))?;
        }
        Ok(())
    }

    #[activity]
    async fn waits(_ctx: ActivityContext) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(60)).await;
        Ok(())
    }
}

fn a_minute() -> ActivityOptions {
    ActivityOptions::start_to_close_timeout(seconds(90))
}

/// Reminds once a day, with a history for each day.
#[workflow]
#[derive(Default)]
struct Subscription {
    day: u32,
}

#[workflow_methods]
impl Subscription {
    #[run(name = "subscription")]
    async fn run(ctx: &mut WorkflowContext<Self>, day: u32) -> WorkflowResult<u32> {
        ctx.state_mut(|state| state.day = day);
        ctx.timer(seconds(24 * 3_600)).await;
        ctx.execute_activity(Desk::remind, day, ActivityOptions::start_to_close_timeout(seconds(60))).await?;
        if day < 3 {
            ctx.continue_as_new(day + 1, ContinueAsNewOptions::default())?;
        }
        Ok(day)
    }

    #[query]
    fn day(&self, _ctx: &WorkflowContextView) -> u32 {
        self.day
    }

    #[signal]
    fn pause(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {}
}

fn simulation() -> Simulation {
    Simulation::temporal().state(Post::default).sdk_activity(Desk::remind, || Desk).sdk_workflow::<Subscription>()
}

#[test]
fn the_result_is_that_of_the_last_run() {
    let run = simulation().run("subscription", &1).unwrap();
    assert_eq!(run.result::<u32>(), Ok(3), "{}", run.timeline());
    assert_eq!(run.state::<Post>().letters.total(), 3);
    assert_eq!(run.trace().workflows().len(), 3);
    contains(&run.timeline().to_string(), "workflow continued as new");
}

#[test]
fn a_chain_lives_through_each_fault_and_deploy() {
    let letters = |run: &Run| match run.state::<Post>().letters.total() {
        3 => Ok(()),
        other => Err(format!("{other} letters")),
    };
    let exploration = simulation().deploy(|same| same).rollback().explore("subscription", &1);
    let exploration = exploration.check(check::named("letters", letters)).check(check::same_result());
    exploration.every_fault().every_order().every_pair().budget(100).seeds(0..200).check(check::replays()).assert();
}

/// The SDK's client follows a chain for the result. Its handle of a start stays that of the first run.
#[test]
fn a_client_follows_a_chain_to_its_end() {
    let (_, run) = simulation()
        .drive(async |native| {
            let client = connect(&native);
            let options = WorkflowStartOptions::new("post", "sub").build();
            let first = client.start_workflow(Subscription::run, 1, options).await.unwrap();
            native.sleep(seconds(40 * 3_600)).await;
            let alone = WorkflowGetResultOptions::builder().follow_runs(false).build();
            let ended = first.get_result(alone).await.unwrap_err();
            assert!(matches!(ended, WorkflowGetResultError::ContinuedAsNew), "{ended}");
            let described = first.describe(WorkflowDescribeOptions::default()).await.unwrap();
            assert_eq!(described.status(), WorkflowExecutionStatus::ContinuedAsNew);
            let late = first.signal(Subscription::pause, (), WorkflowSignalOptions::default()).await.unwrap_err();
            assert!(matches!(late, WorkflowInteractionError::NotFound(_)), "{late}");
            first.cancel(WorkflowCancelOptions::default()).await.unwrap();

            let newest = client.get_workflow_handle::<subscription::Run>("sub");
            newest.signal(Subscription::pause, (), WorkflowSignalOptions::default()).await.unwrap();
            let described = newest.describe(WorkflowDescribeOptions::default()).await.unwrap();
            assert_eq!((described.run_id(), described.status()), ("sub:2", WorkflowExecutionStatus::Running));
            let info = described.raw().workflow_execution_info.clone().unwrap();
            assert_eq!(info.first_run_id, "sub");
            assert_eq!(newest.query(Subscription::day, (), Default::default()).await.unwrap(), 2);
            assert_eq!(first.get_result(WorkflowGetResultOptions::default()).await.unwrap(), 3);
            assert_eq!(newest.get_result(WorkflowGetResultOptions::default()).await.unwrap(), 3);
        })
        .unwrap();
    assert_eq!(run.trace().workflows().len(), 3);
}

/// A signal of a handle that is that of a run does not reach the next one, also where it is late. One by the workflow's id
/// does.
#[test]
fn a_late_signal_is_for_the_run_that_its_handle_names() {
    for by_id in [false, true] {
        let simulation = simulation().plan("v1; subscription#1:signal1=delayed(10s)".parse().unwrap());
        let (said, run) = simulation
            .drive(async move |native| {
                let client = connect(&native);
                let options = WorkflowStartOptions::new("post", "sub").build();
                let first = client.start_workflow(Subscription::run, 2, options).await.unwrap();
                native.sleep(seconds(24 * 3_600 - 2)).await;
                let newest = client.get_workflow_handle::<subscription::Run>("sub");
                let handle = if by_id { &newest } else { &first };
                let said = handle.signal(Subscription::pause, (), WorkflowSignalOptions::default()).await;
                first.get_result(WorkflowGetResultOptions::default()).await.unwrap();
                said
            })
            .unwrap();
        let told = unfolded(&run.timeline().to_string());
        assert_eq!(said.is_ok(), by_id, "{said:?}\n{told}");
        assert_eq!(told.contains("subscription#1@2 signal pause"), by_id, "{told}");
    }
}

/// Says with which options it runs.
#[workflow]
#[derive(Default)]
struct Tells;

#[workflow_methods]
impl Tells {
    #[run(name = "tells")]
    async fn run(ctx: &mut WorkflowContext<Self>, how: u32) -> WorkflowResult<String> {
        let info = ctx.info();
        let options = match (info.continued_from_run_id(), how) {
            (None, 0) => Some(ContinueAsNewOptions::default()),
            (None, _) => {
                let policy = RetryPolicy::builder().maximum_attempts(9).build();
                let options = ContinueAsNewOptions::builder()
                    .workflow_type("told".to_owned())
                    .run_timeout(seconds(50))
                    .task_timeout(seconds(3))
                    .backoff_start_interval(seconds(30))
                    .retry_policy(policy);
                Some(options.build())
            }
            _ => None,
        };
        if let Some(options) = options {
            ctx.continue_as_new(how, options)?;
        }
        Ok(options_of(&info))
    }
}

/// Another workflow, as which the first may go on.
#[workflow]
#[derive(Default)]
struct Told;

#[workflow_methods]
impl Told {
    #[run(name = "told")]
    async fn run(ctx: &mut WorkflowContext<Self>, _how: u32) -> WorkflowResult<String> {
        Ok(options_of(&ctx.info()))
    }
}

fn options_of(info: &WorkflowContextView) -> String {
    let attempts = info.retry_policy().map(|policy| policy.maximum_attempts());
    let timeouts = (info.execution_timeout(), info.run_timeout(), info.task_timeout());
    format!("{} {:?} {timeouts:?} {attempts:?}", info.workflow_type(), info.continued_from_run_id())
}

#[test]
fn the_next_run_has_the_options_of_the_one_before_or_those_it_is_given() {
    for (how, known, at) in [
        (0, "tells Some(\"t\") (Some(600s), Some(60s), Some(7s)) Some(2)", 1),
        (1, "told Some(\"t\") (Some(600s), Some(50s), Some(3s)) Some(9)", 30),
    ] {
        let (told, run) = Simulation::temporal()
            .sdk_workflow::<Tells>()
            .sdk_workflow::<Told>()
            .drive(async |native| {
                let options = WorkflowStartOptions::new("post", "t")
                    .execution_timeout(seconds(600))
                    .run_timeout(seconds(60))
                    .task_timeout(seconds(7))
                    .retry_policy(RetryPolicy::builder().maximum_attempts(2).build())
                    .build();
                let handle = connect(&native).start_workflow(Tells::run, how, options).await.unwrap();
                handle.get_result(WorkflowGetResultOptions::default()).await.unwrap()
            })
            .unwrap();
        assert_eq!(told, known, "{}", run.timeline());
        assert_eq!(run.virtual_time().since_epoch().as_secs(), at, "{}", run.timeline());
    }
}

/// Waits so often, and goes on in another run where it is told to. Gives the number of waits of the last run.
#[workflow]
#[derive(Default)]
struct Patient;

#[workflow_methods]
impl Patient {
    #[run(name = "patient")]
    async fn run(ctx: &mut WorkflowContext<Self>, waits: u32) -> WorkflowResult<u32> {
        for wait in 0..waits {
            if ctx.continue_as_new_suggested() {
                ctx.continue_as_new(waits - wait, ContinueAsNewOptions::default())?;
            }
            ctx.timer(seconds(10)).await;
        }
        Ok(waits)
    }
}

#[test]
fn a_long_history_suggests_to_go_on() {
    let limits = HistoryLimits { suggested_events: 23, ..HistoryLimits::TEMPORAL };
    let simulation = Simulation::temporal().sdk_workflow::<Patient>();
    let run = simulation.clone().history_limits(limits).run("patient", &10).unwrap();
    assert_eq!((run.result::<u32>(), run.trace().workflows().len()), (Ok(2), 3), "{}", run.timeline());
    let run = simulation.run("patient", &10).unwrap();
    assert_eq!((run.result::<u32>(), run.trace().workflows().len()), (Ok(10), 1), "{}", run.timeline());
}

/// Has a subscription as a child.
#[workflow]
#[derive(Default)]
struct Reader;

#[workflow_methods]
impl Reader {
    #[run(name = "reader")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        let options = ChildWorkflowOptions::workflow_id("sub".to_owned());
        Ok(ctx.start_child_workflow(Subscription::run, 2_u32, options).await?.result().await?)
    }
}

/// A parent hears of the last run of its child.
#[test]
fn a_child_may_be_a_chain() {
    let simulation = simulation().sdk_workflow::<Reader>();
    let run = simulation.run("reader", &()).unwrap();
    assert_eq!(run.result::<u32>(), Ok(3), "{}", run.timeline());
    assert_eq!(run.trace().workflows().len(), 3);
    simulation.explore("reader", &()).every_fault().seeds(0..100).check(check::same_result()).assert();
}

/// Takes numbers until none has come for a minute, two for each run. One that `forgets` leaves those that it has not looked
/// at to the run that it ends.
#[workflow]
#[derive(Default)]
struct Takes {
    numbers: Vec<u32>,
}

#[workflow_methods]
impl Takes {
    #[run(name = "takes")]
    async fn run(ctx: &mut WorkflowContext<Self>, (forgets, sum): (bool, u32)) -> WorkflowResult<u32> {
        let mut sum = sum;
        for _ in 0..2 {
            temporalio_sdk::workflows::select! {
                given = ctx.wait_condition(|state: &Self| !state.numbers.is_empty()) => given?,
                waited = ctx.execute_activity(Desk::waits, (), a_minute()) => {
                    waited?;
                    return Ok(sum);
                }
            }
            sum += ctx.state_mut(|state| state.numbers.remove(0));
        }
        if !forgets {
            sum += ctx.state_mut(|state| state.numbers.drain(..).sum::<u32>());
        }
        ctx.continue_as_new((forgets, sum), ContinueAsNewOptions::default())?;
        Ok(sum)
    }

    #[signal]
    fn number(&mut self, _ctx: &mut SyncWorkflowContext<Self>, number: u32) {
        self.numbers.push(number);
    }
}

/// A signal that comes while the run is about to go on is one of it: the service has its code look again. One that comes
/// before the next run has begun is one of that.
#[test]
fn signals_are_kept_where_the_code_looks_at_them() {
    let taken = |forgets: bool| {
        let script = async move |client: durasim::Client| {
            let takes = client.start::<u32>("takes", "takes", &(forgets, 0)).await?;
            for number in [1u32, 2, 4] {
                client.sleep(seconds(5)).await;
                takes.signal("number", &number).await?;
            }
            takes.result().await
        };
        let simulation = Simulation::temporal().sdk_activity(Desk::waits, || Desk).sdk_workflow::<Takes>();
        simulation.explore_script(script).check(check::same_result())
    };
    taken(false).every_fault().every_order().every_pair().budget(100).seeds(0..200).assert();
    is_found(taken(true).every_fault().every_order(), "same_result", "Desk::waits#1@1:dispatch=worker_dies");
}

/// Fails until its third attempt, which takes it to the third second.
#[workflow]
#[derive(Default)]
struct Flaky;

#[workflow_methods]
impl Flaky {
    #[run(name = "flaky")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        match ctx.info().attempt() {
            3 => Ok(3),
            _ => Err(ApplicationFailure::new(anyhow::anyhow!("not yet")).into()),
        }
    }
}

#[test]
fn a_workflow_is_retried_by_its_policy() {
    let script = async |native: durasim::Client| {
        let policy = RetryPolicy::builder().maximum_attempts(3).build();
        let options = WorkflowStartOptions::new("post", "flaky").retry_policy(policy).build();
        let client = connect(&native);
        let flaky = client.start_workflow(Flaky::run, (), options).await.map_err(|error| error.to_string())?;
        let alone = WorkflowGetResultOptions::builder().follow_runs(false).build();
        let first = flaky.get_result(alone).await.expect_err("the first run fails");
        let result = flaky.get_result(WorkflowGetResultOptions::default()).await;
        Ok::<_, String>((
            matches!(first, WorkflowGetResultError::Failed(_)),
            result.map_err(|error| error.to_string())?,
        ))
    };
    let simulation = Simulation::temporal().sdk_workflow::<Flaky>();
    let (result, run) = simulation.drive(script).unwrap();
    assert_eq!(result, Ok((true, 3)), "{}", run.timeline());
    assert_eq!(run.virtual_time().since_epoch().as_secs(), 3, "{}", run.timeline());
    let exploration = simulation.explore_script(script);
    let exploration = exploration.every_fault().seeds(0..100);
    exploration.check(check::same_result()).check(check::replays()).assert();
}

/// A script of durasim's follows the chains of SDK code.
#[test]
fn a_native_script_follows_a_chain() {
    let script = async |client: durasim::Client| {
        let sub = client.start::<u32>("subscription", "sub", &1).await?;
        client.sleep(seconds(40 * 3_600)).await;
        let day: u32 = sub.query("day", &()).await?;
        Ok::<_, ClientError>((day, sub.result().await?))
    };
    let (seen, run) = simulation().drive(script).unwrap();
    assert_eq!(seen, Ok((2, 3)), "{}", run.timeline());
}
