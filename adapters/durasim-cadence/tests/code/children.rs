//! Children, and messages to other workflows, as the client's code asks for them.

use crabdance_activity::ActivityContext;
use crabdance_core::{ChildWorkflowOptions, ParentClosePolicy, RetryPolicy, WorkflowIdReusePolicy};
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError};
use durasim::service::WorkflowOutcome;
use durasim::{Client, ClientError, Ledger, Outcome, Run, Simulation, check};
use durasim_cadence::CadenceExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{call, failure_of, is_silent, options, secs};

#[derive(Default)]
struct Shop {
    shipped: Ledger<u32>,
}

/// Takes a second delivery of the same thing for the first.
async fn ship(_: &ActivityContext, item: u32) -> Result<(), ActivityError> {
    tokio::time::sleep(secs(2)).await;
    let shop = durasim::state::<Shop>();
    if shop.shipped.count(&item) == 0 {
        let shipped = durasim::effect("ship", || shop.shipped.record(item));
        shipped.map_err(ActivityError::execution_failed_error)?;
    }
    Ok(())
}

/// Ships one item; there is no item 13.
async fn shipping(ctx: &mut WorkflowContext, item: u32) -> Result<u32, WorkflowError> {
    if item == 13 {
        return Err(WorkflowError::execution_failed("no luck"));
    }
    let options = crabdance_core::ActivityOptions { heartbeat_timeout: secs(0), ..options() };
    call::<_, ()>(ctx, "ship", item, options).await?;
    Ok(item * 10)
}

/// Sleeps for ten seconds. Once it is cancelled, it needs five more to go.
async fn nap(ctx: &mut WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    let mut cancel = ctx.get_cancellation_channel();
    tokio::select! {
        biased;
        () = cancel.recv() => {
            ctx.sleep(secs(5)).await;
            Err(WorkflowError::Cancelled)
        }
        () = ctx.sleep(secs(10)) => Ok(()),
    }
}

fn named(id: impl Into<String>) -> ChildWorkflowOptions {
    ChildWorkflowOptions { workflow_id: id.into(), ..Default::default() }
}

async fn child<O: DeserializeOwned>(
    ctx: &WorkflowContext,
    workflow: &str,
    input: impl Serialize,
    options: ChildWorkflowOptions,
) -> Result<O, WorkflowError> {
    let input = serde_json::to_vec(&input).map_err(WorkflowError::execution_failed_error)?;
    let output = ctx.execute_child_workflow(workflow, Some(input), options).await?;
    serde_json::from_slice(&output).map_err(WorkflowError::execution_failed_error)
}

/// Ships all items at the same time, by a child for each.
async fn order(ctx: &mut WorkflowContext, items: Vec<u32>) -> Result<u32, WorkflowError> {
    let children: Vec<_> = items
        .into_iter()
        .map(|item| {
            let own = ctx.clone();
            ctx.spawn(async move { child::<u32>(&own, "shipping", item, named(format!("shipping-{item}"))).await })
        })
        .collect();
    let mut sum = 0;
    for child in children {
        sum += child.join().await.map_err(WorkflowError::execution_failed_error)??;
    }
    Ok(sum)
}

fn simulation() -> Simulation {
    Simulation::cadence()
        .state(Shop::default)
        .cadence_activity("ship", ship)
        .cadence_workflow("shipping", shipping)
        .cadence_workflow("order", order)
        .cadence_workflow("nap", nap)
}

/// The result of a workflow beside the others.
fn run<O, F>(main: F) -> (O, String)
where
    O: Serialize + DeserializeOwned + 'static,
    F: AsyncFn(&mut WorkflowContext, ()) -> Result<O, WorkflowError> + Send + Sync + 'static,
{
    let run = simulation().cadence_workflow("main", main).run("main", &()).unwrap();
    let told = run.timeline().to_string();
    (run.result().unwrap_or_else(|why| panic!("{why}\n{told}")), told)
}

/// Words between single spaces.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_parent_gets_the_results_of_its_children() {
    let run = simulation().run("order", &[1, 2]).unwrap();
    assert_eq!(run.result::<u32>(), Ok(30), "{}", run.timeline());
    assert_eq!(run.state::<Shop>().shipped.total(), 2);
    assert_eq!(run.virtual_time().since_epoch().as_secs(), 2, "they run at the same time");
    let told = plain(&run.timeline().to_string());
    for line in ["order#1 child 1 asked for: shipping-1", "order#1 child 2 has closed"] {
        assert!(told.contains(line), "{line}: {}", run.timeline());
    }
}

fn shipped_once() -> impl Fn(&Run) -> Result<(), String> {
    |run| {
        let shipped = &run.state::<Shop>().shipped;
        match (shipped.count(&1), shipped.count(&2)) {
            (1, 1) => Ok(()),
            other => Err(format!("shipped {other:?} times")),
        }
    }
}

#[test]
fn children_live_through_each_fault() {
    is_silent(
        simulation()
            .explore("order", &[1, 2])
            .check(check::named("shipped", shipped_once()))
            .check(check::same_result()),
        100,
    );
}

/// Its children have ids of their own only as long as the orders have: the client's numbers are the same in each workflow.
#[test]
fn ids_that_the_client_makes_are_those_of_other_workflows_too() {
    let (ids, _) = run(async |ctx, ()| {
        let unnamed = ChildWorkflowOptions::default;
        let first = child::<()>(ctx, "nap", (), unnamed());
        let second = child::<()>(ctx, "nap", (), unnamed());
        let taken = child::<()>(ctx, "nap", (), named("1"));
        let (first, second, taken) = tokio::join!(first, second, taken);
        Ok((first.is_ok(), second.is_ok(), taken.is_ok()))
    });
    assert_eq!(ids, (true, true, false));
}

#[test]
fn the_failure_of_a_child_is_wrapped_as_by_the_client() {
    let run = simulation().run("order", &[13]).unwrap();
    assert_eq!(
        failure_of(&run),
        "ChildWorkflowFailed: Child workflow failed: GenericError: message=Activity execution failed: GenericError: \
         message=Child Workflow Failed: Workflow execution failed: Workflow execution failed: no luck: []"
    );
    let (late, _) = self::run(async |ctx, ()| {
        let options = ChildWorkflowOptions { execution_start_to_close_timeout: secs(4), ..named("late") };
        let late = child::<()>(ctx, "nap", (), options).await.expect_err("it naps for longer");
        Ok(late.to_string())
    });
    assert_eq!(late, "Child workflow failed: GenericError: message=Activity timed out: StartToClose");
}

#[test]
fn a_child_whose_id_is_taken_does_not_start() {
    let (taken, told) = run(async |ctx, ()| {
        let reuse = |policy| ChildWorkflowOptions { workflow_id_reuse_policy: policy, ..named("the nap") };
        let any = || reuse(WorkflowIdReusePolicy::AllowDuplicate);
        let (first, second) = tokio::join!(child::<()>(ctx, "nap", (), any()), child::<()>(ctx, "nap", (), any()));
        first?;
        // The first has completed: the default lets a failed one be followed only.
        let third = child::<()>(ctx, "nap", (), reuse(WorkflowIdReusePolicy::default())).await;
        let fourth = child::<()>(ctx, "nap", (), any()).await;
        let words =
            |result: Result<(), WorkflowError>| result.map_or_else(|why| why.to_string(), |()| "ran".to_owned());
        Ok([second, third, fourth].map(words))
    });
    let already = "Child workflow failed: WorkflowExecutionAlreadyStartedError: Workflow execution already started";
    assert_eq!(taken, [already, already, "ran"], "{told}");
}

/// Cancels a parent after 3 s that has a child. Gives how the parent ended, after how many seconds, and the timeline.
fn cancelled(waits: bool, policy: ParentClosePolicy) -> (String, u64, String) {
    let main = async move |ctx: &mut WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let options =
            ChildWorkflowOptions { wait_for_cancellation: waits, parent_close_policy: policy, ..named("child") };
        let ended = child::<()>(ctx, "nap", (), options).await;
        // So that the request leaves.
        ctx.sleep(secs(1)).await;
        ended
    };
    let script = async |client: Client| {
        let main = client.start::<()>("main", "main-1", &()).await.unwrap();
        client.sleep(secs(3)).await;
        main.cancel().await.unwrap();
        let ended = main.result().await.map_or_else(|why| why.to_string(), |()| "completed".to_owned());
        let at = client.now().since_epoch().as_secs();
        client.sleep(secs(20)).await;
        (ended, at)
    };
    let ((ended, at), run) = simulation().cadence_workflow("main", main).drive(script).unwrap();
    (ended, at, plain(&run.timeline().to_string()))
}

#[test]
fn a_child_is_cancelled_with_its_parent() {
    let (ended, at, told) = cancelled(false, ParentClosePolicy::Abandon);
    assert_eq!((&*ended, at), ("the workflow cancelled", 4), "{told}");
    assert!(told.contains("nap#1 workflow cancelled"), "{told}");
    let (ended, at, told) = cancelled(true, ParentClosePolicy::Abandon);
    assert_eq!((&*ended, at), ("the workflow cancelled", 9), "{told}");
    assert!(told.contains("main#1 child 1 has closed"), "{told}");
}

/// It is over before the child has gone.
#[test]
fn a_child_shares_the_fate_of_its_parent_as_its_policy_says() {
    for (policy, end) in [
        (ParentClosePolicy::Terminate, "nap#1 workflow terminated: by parent close policy"),
        (ParentClosePolicy::RequestCancel, "nap#1 workflow cancelled"),
        (ParentClosePolicy::Abandon, "nap#1 workflow completed"),
    ] {
        let main = async move |ctx: &mut WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            let options = ChildWorkflowOptions { parent_close_policy: policy, ..named("child") };
            tokio::select! {
                biased;
                _ = child::<()>(ctx, "nap", (), options) => {}
                () = ctx.sleep(secs(1)) => {}
            }
            Ok(())
        };
        let script = async |client: Client| {
            client.start::<()>("main", "main-1", &()).await?.result().await?;
            client.sleep(secs(20)).await;
            Ok::<_, ClientError>(())
        };
        let (result, run) = simulation().cadence_workflow("main", main).drive(script).unwrap();
        result.unwrap();
        let told = plain(&run.timeline().to_string());
        assert!(told.contains(end), "{policy:?}: {}", run.timeline());
    }
}

/// A cancel that comes while the worker has the task which asks for the child reaches the child as soon as it has started.
#[test]
fn a_cancelled_parent_never_leaves_a_child_behind() {
    let main = async |ctx: &mut WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.sleep(secs(3)).await;
        let options = ChildWorkflowOptions { wait_for_cancellation: true, ..named("child") };
        child::<()>(ctx, "nap", (), options).await
    };
    let simulation = simulation().cadence_workflow("main", main);
    let run = simulation.plan("v1; main#1:task2=cancel".parse().unwrap()).run("main", &()).unwrap();
    assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Canceled(_))), "{}", run.timeline());
    assert_eq!(run.virtual_time().since_epoch().as_secs(), 8, "{}", run.timeline());
}

/// The info of a child, and its runs: each failed one is followed by the next.
#[test]
fn a_child_is_retried_by_its_policy() {
    let fails_twice =
        async |ctx: &mut WorkflowContext, (): ()| -> Result<(i32, String, Option<String>), WorkflowError> {
            let info = ctx.workflow_info();
            if info.attempt < 2 {
                return Err(WorkflowError::execution_failed("not yet"));
            }
            let parent = info.parent_workflow_execution.as_ref().map(|parent| parent.workflow_id.clone());
            Ok((info.attempt, parent.unwrap_or_default(), info.continued_execution_run_id.clone()))
        };
    let main = async |ctx: &mut WorkflowContext, policy: u32| -> Result<(i32, String, Option<String>), WorkflowError> {
        let retry_policy = match policy {
            0 => RetryPolicy { maximum_attempts: 3, ..Default::default() },
            1 => RetryPolicy { expiration_interval: secs(60), ..Default::default() },
            2 => RetryPolicy { expiration_interval: secs(2), ..Default::default() },
            _ => RetryPolicy {
                maximum_attempts: 3,
                non_retryable_error_types: vec!["ExecutionFailed".to_owned()],
                ..Default::default()
            },
        };
        let options = ChildWorkflowOptions { retry_policy: Some(retry_policy), ..named("child") };
        child(ctx, "fails_twice", (), options).await
    };
    let simulation = Simulation::cadence().cadence_workflow("fails_twice", fails_twice).cadence_workflow("main", main);
    for policy in [0, 1] {
        let run = simulation.run("main", &policy).unwrap();
        let expected = (2, "main".to_owned(), Some("child:2".to_owned()));
        assert_eq!(run.result::<(i32, String, Option<String>)>(), Ok(expected), "{policy}: {}", run.timeline());
        // The backoffs are 1 s and 2 s.
        assert_eq!(run.virtual_time().since_epoch().as_secs(), 3, "{}", run.timeline());
    }
    for (policy, runs) in [(2, 2), (3, 1)] {
        let run = simulation.run("main", &policy).unwrap();
        assert!(failure_of(&run).contains("not yet"), "{policy}: {}", run.timeline());
        assert_eq!(run.trace().workflows().len(), 1 + runs, "{policy}: {}", run.timeline());
    }
}

/// Adds up numbers until it is cancelled.
async fn listens(ctx: &mut WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let (mut numbers, mut cancel) = (ctx.get_signal_channel("number"), ctx.get_cancellation_channel());
    let mut sum = 0;
    loop {
        tokio::select! {
            biased;
            number = numbers.recv() => sum += serde_json::from_slice::<u32>(&number.unwrap_or_default()).unwrap_or(0),
            () = cancel.recv() => return Ok(sum),
        }
    }
}

/// A cancel of its own reaches its child too, which nothing reaches then.
async fn talks(ctx: &mut WorkflowContext, (): ()) -> Result<(u32, String, String), WorkflowError> {
    talk(ctx).await.map_err(|why| if ctx.is_cancelled() { WorkflowError::Cancelled } else { why })
}

async fn talk(ctx: &WorkflowContext) -> Result<(u32, String, String), WorkflowError> {
    let own = ctx.clone();
    let ear = ctx.spawn(async move { child::<u32>(&own, "listens", (), named("ear")).await });
    ctx.sleep(secs(1)).await;
    let number = |number: u32| Some(number.to_string().into_bytes());
    ctx.signal_external_workflow("ear", None, "number", number(1)).await?;
    ctx.signal_external_workflow("ear", Some("ear"), "number", number(2)).await?;
    let signal = ctx.signal_external_workflow("nobody", None, "number", number(4)).await.expect_err("nobody");
    let other_run = ctx.signal_external_workflow("ear", Some("ear:2"), "number", number(8)).await;
    assert!(other_run.is_err(), "there is no such run");
    let cancel = ctx.request_cancel_external_workflow("nobody", None).await.expect_err("nobody");
    ctx.request_cancel_external_workflow("ear", None).await?;
    let heard = ear.join().await.map_err(WorkflowError::execution_failed_error)??;
    Ok((heard, signal.to_string(), cancel.to_string()))
}

fn talking() -> Simulation {
    Simulation::cadence().cadence_workflow("listens", listens).cadence_workflow("talks", talks)
}

#[test]
fn signals_and_cancels_reach_other_workflows() {
    let run = talking().run("talks", &()).unwrap();
    let (heard, signal, cancel) = run.result::<(u32, String, String)>().unwrap();
    assert_eq!(heard, 3);
    assert_eq!(
        signal,
        "Activity failed: GenericError: message=Signal External Workflow Failed: \
         Some(\"SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION\")"
    );
    assert!(cancel.contains("Request Cancel External Workflow Failed: Some(\"CANCEL_EXTERNAL_"), "{cancel}");
}

#[test]
fn messages_live_through_each_fault() {
    // A fault may cancel one of the two, and an order may start the child later than a second after it was asked for, which the
    // client's code cannot wait for: then the other finds nobody.
    let excuses = ["fault: the workflow is asked to cancel", "fault: child 1 of talks starts"];
    let heard = move |run: &Run| {
        let timeline = plain(&run.timeline().to_string());
        match run.result::<(u32, String, String)>() {
            Ok((3, ..)) => Ok(()),
            Err(_) if excuses.iter().any(|excuse| timeline.contains(excuse)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    let exploration = talking().explore("talks", &()).without("same_result");
    is_silent(exploration.check(check::named("all_is_heard", heard)), 100);
}
