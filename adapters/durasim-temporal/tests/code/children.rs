//! Child workflows, as code of the SDK asks for them.

mod cancellation;

use durasim::{ClientError, Ledger, Run, Simulation, check};
use durasim_temporal::SimulationExt;
use temporalio_common::RetryPolicy;
use temporalio_common::error::IncomingError;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, ChildWorkflowExecutionError, ChildWorkflowOptions, ChildWorkflowStartError,
    ParentClosePolicy, StartChildWorkflowExecutionFailedCause, TimerOptions, WorkflowCancellationToken,
    WorkflowContext, WorkflowIdReusePolicy, WorkflowResult, WorkflowTermination,
};

use crate::{contains, seconds, unfolded};

#[derive(Default)]
struct Dock {
    shipped: Ledger<u32>,
}

struct Crane;

#[activities]
impl Crane {
    /// Takes a second delivery of the same thing for the first.
    #[activity]
    async fn load(_ctx: ActivityContext, item: u32) -> Result<(), ActivityError> {
        tokio::time::sleep(seconds(2)).await;
        let dock = durasim::handle::<Dock>();
        if dock.with(|dock| dock.shipped.count(&item)) == 0 {
            durasim::effect("load", || dock.with(|dock| dock.shipped.record(item)))?;
        }
        Ok(())
    }
}

/// Ships one item; there is no item 13.
#[workflow]
#[derive(Default)]
struct Ship;

#[workflow_methods]
impl Ship {
    #[run(name = "ship")]
    async fn run(ctx: &mut WorkflowContext<Self>, item: u32) -> WorkflowResult<u32> {
        if item == 13 {
            let failure = ApplicationFailure::builder(anyhow::anyhow!("no luck")).type_name("NoLuck".to_owned());
            return Err(failure.build().into());
        }
        ctx.execute_activity(Crane::load, item, ActivityOptions::start_to_close_timeout(seconds(60))).await?;
        Ok(item * 10)
    }
}

/// Sleeps for ten seconds. Once it is cancelled, it needs five more to go.
#[workflow]
#[derive(Default)]
struct Nap;

#[workflow_methods]
impl Nap {
    #[run(name = "nap")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        temporalio_sdk::workflows::select! {
            _ = ctx.cancelled() => {
                let token = WorkflowCancellationToken::new();
                ctx.timer(TimerOptions::builder(seconds(5)).cancellation_token(token).build()).await;
                Err(WorkflowTermination::cancelled())
            }
            _ = ctx.timer(seconds(10)) => Ok(()),
        }
    }
}

/// Ships all items at the same time, by a child for each.
#[workflow]
#[derive(Default)]
struct Order;

#[workflow_methods]
impl Order {
    #[run(name = "order")]
    async fn run(ctx: &mut WorkflowContext<Self>, items: Vec<u32>) -> WorkflowResult<u32> {
        let starting: Vec<_> = items
            .iter()
            .map(|item| ctx.start_child_workflow(Ship::run, *item, named(&format!("ship-{item}"))))
            .collect();
        let mut results = Vec::new();
        for start in starting {
            results.push(start.await?.result());
        }
        let mut sum = 0;
        for result in results {
            sum += result.await?;
        }
        Ok(sum)
    }
}

fn named(id: &str) -> ChildWorkflowOptions {
    ChildWorkflowOptions::workflow_id(id.to_owned())
}

fn simulation() -> Simulation {
    Simulation::temporal()
        .state(Dock::default)
        .sdk_activity(Crane::load, || Crane)
        .sdk_workflow::<Ship>()
        .sdk_workflow::<Nap>()
        .sdk_workflow::<Order>()
}

/// The timeline of a run, as words between single spaces.
fn told(run: &Run) -> String {
    unfolded(&run.timeline().to_string())
}

#[test]
fn a_parent_gets_the_results_of_its_children() {
    let run = simulation().run("order", &[1, 2]).unwrap();
    assert_eq!(run.result::<u32>(), Ok(30), "{}", run.timeline());
    assert_eq!(run.state::<Dock>().shipped.total(), 2);
    assert_eq!(run.virtual_time().since_epoch().as_secs(), 2, "they run at the same time");
    for line in ["order#1 child 1 asked for: ship-1", "order#1 child 2 has closed"] {
        contains(&told(&run), line);
    }
}

#[test]
fn children_live_through_each_fault_and_deploy() {
    let shipped = |run: &Run| {
        let shipped = &run.state::<Dock>().shipped;
        match (shipped.count(&1), shipped.count(&2)) {
            (1, 1) => Ok(()),
            other => Err(format!("shipped {other:?} times")),
        }
    };
    let exploration = simulation().deploy(|same| same).rollback().explore("order", &[1, 2]);
    let exploration = exploration.check(check::named("shipped", shipped)).check(check::same_result());
    exploration.every_fault().every_order().every_pair().budget(100).seeds(0..200).check(check::replays()).assert();
}

/// Asks for children that end in all ways, and says how.
#[workflow]
#[derive(Default)]
struct Ends;

#[workflow_methods]
impl Ends {
    #[run(name = "ends")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Vec<String>> {
        let mut words = Vec::new();
        let failed = ctx.start_child_workflow(Ship::run, 13_u32, named("fails")).await?;
        let run_id = failed.run_id.clone();
        let error = failed.result().await.expect_err("there is no such item");
        let ChildWorkflowExecutionError::Failed(failure) = &error else { panic!("{error}") };
        let Some(IncomingError::Application(cause)) = failure.cause() else { panic!("{failure:?}") };
        let execution = failure.workflow_execution().map(|child| (child.workflow_id(), child.run_id()));
        assert_eq!(execution, Some(("fails", run_id.as_str())));
        let state = failure.retry_state();
        words.push(format!("{error} {:?} {cause} {:?} {state:?}", failure.workflow_type(), cause.type_name()));

        let options = ChildWorkflowOptions::builder().workflow_id("late".to_owned()).run_timeout(seconds(4)).build();
        let error = ctx.start_child_workflow(Nap::run, (), options).await?.result().await.expect_err("it is late");
        assert!(error.as_timeout().is_some(), "{error:?}");
        words.push(error.to_string());

        let error = ctx.start_child_workflow(Nap::run, (), named("cancelled")).await?;
        error.cancel("enough".to_owned());
        let error = error.result().await.expect_err("it is cancelled");
        assert!(error.as_cancelled().is_some(), "{error:?}");
        words.push(error.to_string());

        let error = ctx.start_child_workflow(Nap::run, (), named("terminated")).await?.result().await;
        let error = error.expect_err("it is terminated");
        let ChildWorkflowExecutionError::Failed(failure) = &error else { panic!("{error}") };
        assert!(matches!(failure.cause(), Some(IncomingError::Terminated(_))), "{failure:?}");
        words.push(error.to_string());
        ctx.start_child_workflow(Ship::run, 13_u32, named("last")).await?.result().await?;
        Ok(words)
    }
}

#[test]
fn the_end_of_a_child_is_wrapped_as_by_the_sdk() {
    let script = async |client: durasim::Client| {
        let ends = client.start::<Vec<String>>("ends", "ends", &()).await?;
        client.sleep(seconds(12)).await;
        client.workflow::<()>("terminated").await?.terminate("no more").await?;
        Ok::<_, ClientError>(ends.result().await)
    };
    let (ended, run) = simulation().sdk_workflow::<Ends>().drive(script).unwrap();
    let error = ended.unwrap().expect_err("the last child fails").to_string();
    contains(&error, "no luck");
    // The words are those of the failures that the code has asserted on, and the last is that of the run.
    let told = told(&run);
    for words in
        ["ship#1 workflow failed", "nap#1 workflow timed out", "nap#2 workflow cancelled", "nap#3 workflow terminated"]
    {
        contains(&told, words);
    }
}

/// Starts children under one id, by several policies.
#[workflow]
#[derive(Default)]
struct Reuses;

#[workflow_methods]
impl Reuses {
    #[run(name = "reuses")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Vec<String>> {
        let by =
            |policy| ChildWorkflowOptions::builder().workflow_id("the nap".to_owned()).id_reuse_policy(policy).build();
        let first = ctx.start_child_workflow(Nap::run, (), by(WorkflowIdReusePolicy::Unspecified)).await?;
        let mut words = Vec::new();
        let mut note = |start: Result<(), ChildWorkflowStartError>| match start {
            Ok(()) => words.push("runs".to_owned()),
            Err(ChildWorkflowStartError::StartFailed { workflow_id, workflow_type, cause }) => {
                assert_eq!(cause, StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists);
                words.push(format!("{workflow_type} {workflow_id} is taken"));
            }
            Err(other) => panic!("{other}"),
        };
        note(ctx.start_child_workflow(Nap::run, (), by(WorkflowIdReusePolicy::AllowDuplicate)).await.map(|_| ()));
        first.result().await?;
        for policy in [WorkflowIdReusePolicy::RejectDuplicate, WorkflowIdReusePolicy::AllowDuplicateFailedOnly] {
            note(ctx.start_child_workflow(Nap::run, (), by(policy)).await.map(|_| ()));
        }
        let again = ctx.start_child_workflow(Nap::run, (), by(WorkflowIdReusePolicy::AllowDuplicate)).await;
        note(again.map(|_| ()));
        Ok(words)
    }
}

#[test]
fn a_child_whose_id_is_taken_does_not_start() {
    let run = simulation().sdk_workflow::<Reuses>().run("reuses", &()).unwrap();
    let taken = "nap the nap is taken";
    assert_eq!(run.result::<Vec<String>>().unwrap(), [taken, taken, taken, "runs"], "{}", run.timeline());
}

/// Ends after a second, while its child naps.
#[workflow]
#[derive(Default)]
struct Leaves;

#[workflow_methods]
impl Leaves {
    #[run(name = "leaves")]
    async fn run(ctx: &mut WorkflowContext<Self>, policy: u32) -> WorkflowResult<()> {
        let policy = match policy {
            0 => ParentClosePolicy::Unspecified,
            1 => ParentClosePolicy::Terminate,
            2 => ParentClosePolicy::RequestCancel,
            _ => ParentClosePolicy::Abandon,
        };
        let options =
            ChildWorkflowOptions::builder().workflow_id("child".to_owned()).parent_close_policy(policy).build();
        let _child = ctx.start_child_workflow(Nap::run, (), options).await?;
        ctx.timer(seconds(1)).await;
        Ok(())
    }
}

#[test]
fn a_child_shares_the_fate_of_its_parent_as_its_policy_says() {
    for (policy, end) in [
        (0, "nap#1 workflow terminated: by parent close policy"),
        (1, "nap#1 workflow terminated: by parent close policy"),
        (2, "nap#1 workflow cancelled"),
        (3, "nap#1 workflow completed"),
    ] {
        let script = async |client: durasim::Client| {
            client.start::<()>("leaves", "leaves", &policy).await?.result().await?;
            client.sleep(seconds(20)).await;
            Ok::<_, ClientError>(())
        };
        let (result, run) = simulation().sdk_workflow::<Leaves>().drive(script).unwrap();
        result.unwrap();
        contains(&told(&run), end);
    }
}

/// Fails until its third attempt, and gives what it knows of itself.
#[workflow]
#[derive(Default)]
struct FailsTwice;

#[workflow_methods]
impl FailsTwice {
    #[run(name = "fails_twice")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<(u32, String, String, String)> {
        let info = ctx.info();
        if info.attempt() < 3 {
            let failure = ApplicationFailure::builder(anyhow::anyhow!("not yet")).type_name("NotYet".to_owned());
            return Err(failure.build().into());
        }
        let parent = info.parent().map(|parent| format!("{} {}", parent.workflow_id(), parent.namespace()));
        let runs = format!("{} {:?}", info.first_execution_run_id(), info.continued_from_run_id());
        let timeouts = (info.execution_timeout(), info.run_timeout(), info.task_timeout());
        Ok((info.attempt(), parent.unwrap_or_default(), runs, format!("{timeouts:?}")))
    }
}

/// Its child has options of all sorts.
#[workflow]
#[derive(Default)]
struct Insists;

#[workflow_methods]
impl Insists {
    #[run(name = "insists")]
    async fn run(ctx: &mut WorkflowContext<Self>, fatal: bool) -> WorkflowResult<(u32, String, String, String)> {
        let policy = RetryPolicy::builder().maximum_attempts(3);
        let policy = match fatal {
            true => policy.non_retryable_error_types(vec!["NotYet".to_owned()]).build(),
            false => policy.build(),
        };
        let options = ChildWorkflowOptions::builder()
            .workflow_id("child".to_owned())
            .retry_policy(policy)
            .execution_timeout(seconds(600))
            .run_timeout(seconds(60))
            .task_timeout(seconds(7))
            .build();
        Ok(ctx.start_child_workflow(FailsTwice::run, (), options).await?.result().await?)
    }
}

#[test]
fn a_child_is_retried_by_its_policy_and_knows_its_options() {
    let simulation = simulation().sdk_workflow::<FailsTwice>().sdk_workflow::<Insists>();
    let run = simulation.run("insists", &false).unwrap();
    let known = run.result::<(u32, String, String, String)>().unwrap_or_else(|why| panic!("{why}\n{}", run.timeline()));
    let expected = (
        3,
        "insists default".to_owned(),
        "child Some(\"child:2\")".to_owned(),
        "(Some(600s), Some(60s), Some(7s))".to_owned(),
    );
    assert_eq!(known, expected);
    // The backoffs are 1 s and 2 s.
    assert_eq!(run.virtual_time().since_epoch().as_secs(), 3, "{}", run.timeline());
    let run = simulation.run("insists", &true).unwrap();
    contains(&run.result::<(u32, String, String, String)>().unwrap_err().to_string(), "not yet");
    assert_eq!(run.trace().workflows().len(), 2);
}

/// Has two children without an id.
#[workflow]
#[derive(Default)]
struct Unnamed;

#[workflow_methods]
impl Unnamed {
    #[run(name = "unnamed")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        let unnamed = ChildWorkflowOptions::default;
        let (first, second) = (
            ctx.start_child_workflow(Ship::run, 1_u32, unnamed()),
            ctx.start_child_workflow(Ship::run, 2_u32, unnamed()),
        );
        let (first, second) = (first.await?, second.await?);
        Ok(first.result().await? + second.result().await?)
    }
}

#[test]
fn children_without_an_id_get_one_that_replays_repeat() {
    let exploration = simulation().sdk_workflow::<Unnamed>().explore("unnamed", &());
    exploration.every_fault().seeds(0..100).check(check::same_result()).check(check::replays()).assert();
}
