//! The cancellation of children: by their parent's, by their handles, and while they start.

use durasim::Outcome;
use durasim::service::WorkflowOutcome;
use durasim_temporal::SimulationExt;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ChildWorkflowCancellationType as Cancellation, ChildWorkflowOptions, ParentClosePolicy, TimerOptions,
    WorkflowCancellationToken, WorkflowContext, WorkflowResult,
};

use super::{Nap, named, simulation, told};
use crate::{contains, seconds};

/// Gives the reason for which it is cancelled.
#[workflow]
#[derive(Default)]
struct Listens;

#[workflow_methods]
impl Listens {
    #[run(name = "listens")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<String> {
        Ok(ctx.cancelled().await.unwrap_or_default())
    }
}

/// Has a nap as a child, which it waits for. It goes a second later, so that a request leaves.
#[workflow]
#[derive(Default)]
struct Sitter;

#[workflow_methods]
impl Sitter {
    #[run(name = "sitter")]
    async fn run(ctx: &mut WorkflowContext<Self>, how: u32) -> WorkflowResult<()> {
        let options = ChildWorkflowOptions::builder()
            .workflow_id("child".to_owned())
            .parent_close_policy(ParentClosePolicy::Abandon)
            .cancel_type(kind(how))
            .build();
        let ended = ctx.start_child_workflow(Nap::run, (), options).await?.result().await;
        let token = WorkflowCancellationToken::new();
        ctx.timer(TimerOptions::builder(seconds(1)).cancellation_token(token).build()).await;
        Ok(ended?)
    }
}

fn kind(how: u32) -> Cancellation {
    match how {
        0 => Cancellation::WaitCancellationCompleted,
        1 => Cancellation::WaitCancellationRequested,
        2 => Cancellation::TryCancel,
        _ => Cancellation::Abandon,
    }
}

#[test]
fn a_child_is_cancelled_with_its_parent_as_its_type_says() {
    // The SDK takes both waits for one.
    for (how, seconds_later, childs_end) in [
        (0, 9, "nap#1 workflow cancelled"),
        (1, 9, "nap#1 workflow cancelled"),
        (2, 4, "nap#1 workflow cancelled"),
        (3, 4, "nap#1 workflow completed"),
    ] {
        let script = async |client: durasim::Client| {
            let sitter = client.start::<()>("sitter", "sitter", &how).await.unwrap();
            client.sleep(seconds(3)).await;
            sitter.cancel().await.unwrap();
            let ended = sitter.result().await.expect_err("it is cancelled").to_string();
            let at = client.now().since_epoch().as_secs();
            client.sleep(seconds(20)).await;
            (ended, at)
        };
        let (ended, run) = simulation().sdk_workflow::<Sitter>().drive(script).unwrap();
        assert_eq!(ended, ("the workflow cancelled".to_owned(), seconds_later), "{:?}\n{}", kind(how), run.timeline());
        contains(&told(&run), childs_end);
    }
}

/// Cancels children by their handles: one in the breath that asks for it, and one that runs.
#[workflow]
#[derive(Default)]
struct Recalls;

#[workflow_methods]
impl Recalls {
    #[run(name = "recalls")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<(String, String)> {
        let starting = ctx.start_child_workflow(Listens::run, (), named("never"));
        temporalio_sdk::CancellableFutureWithReason::cancel_with_reason(&starting, "changed my mind".to_owned());
        let error = starting.await.expect_err("it never starts");
        assert!(error.as_cancelled().is_some(), "{error:?}");
        let started = ctx.start_child_workflow(Listens::run, (), named("hears")).await?;
        started.cancel("time is up".to_owned());
        Ok((error.to_string(), started.result().await?))
    }
}

#[test]
fn a_child_hears_the_reason_and_one_that_is_cancelled_at_once_never_starts() {
    let run = simulation().sdk_workflow::<Listens>().sdk_workflow::<Recalls>().run("recalls", &()).unwrap();
    let (never, heard) = run.result::<(String, String)>().unwrap();
    let words = "Child workflow start cancelled: Child Workflow Execution cancelled before scheduled: changed my mind";
    assert_eq!((never.as_str(), heard.as_str()), (words, "time is up"), "{}", run.timeline());
    assert_eq!(run.trace().workflows().len(), 2);
}

/// A cancel that comes while the worker has the task which asks for the child reaches the child as soon as it has started.
#[test]
fn a_cancelled_parent_never_leaves_a_child_behind() {
    for how in [0, 1, 2] {
        let simulation = simulation().sdk_workflow::<Sitter>().plan("v1; sitter#1:task1=cancel".parse().unwrap());
        let run = simulation.run("sitter", &how).unwrap();
        assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Canceled(_))), "{how}: {}", run.timeline());
        contains(&told(&run), "nap#1 workflow cancelled");
    }
}

/// The service starts the child while its parent is cancelled. Where the parent waits for the end of the child, it hears of its
/// start, too. Where it is not to wait, the SDK's worker tells the end of the child alone, and the code, which waits for the
/// start, goes on waiting: a bug of the SDK, which the run shows.
#[test]
fn a_child_that_is_cancelled_on_its_way_is_told_as_by_the_sdk() {
    let simulation = simulation().sdk_workflow::<Sitter>();
    let on_its_way = |how: u32| {
        let plan = "v1; sitter#1:child1=delayed(5s); sitter#1:task1=cancel".parse().unwrap();
        simulation.clone().plan(plan).run("sitter", &how)
    };
    for how in [0, 1] {
        let run = on_its_way(how).unwrap();
        assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Canceled(_))), "{how}: {}", run.timeline());
        contains(&told(&run), "nap#1 workflow cancelled");
    }
    for how in [2, 3] {
        let error = on_its_way(how).expect_err("it waits for ever").to_string();
        contains(&error, "`sitter`");
    }
}
