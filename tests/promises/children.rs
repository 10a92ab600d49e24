//! Children start, end, fail and are cancelled as on a server, and live through the faults of both workflows.

use std::time::Duration;

use durasim::program::{ChildCancellation, ContinueAsNew, FailureKind, ParentClosePolicy, Payload, RetryState};
use durasim::service::WorkflowOutcome;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ChildOptions, Ledger, Outcome, Run, Simulation, Span,
    StartOptions, WorkflowContext, WorkflowError,
};
use futures::{FutureExt, select_biased};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[derive(Default)]
struct Shop {
    shipped: Ledger<u32>,
}

async fn ship(_: &ActivityContext, item: u32) -> Result<(), ActivityError> {
    durasim::time::sleep(secs(2)).await;
    durasim::state::<Shop>().shipped.record(item);
    Ok(())
}

/// Ships one item; item 13 has no luck.
async fn shipping(ctx: &WorkflowContext, item: u32) -> Result<u32, WorkflowError> {
    if item == 13 {
        return Err(WorkflowError::application("no luck"));
    }
    let options = ActivityOptions { start_to_close_timeout: secs(60), ..Default::default() };
    let () = ctx.execute_activity("ship", &item, options).await?;
    Ok(item * 10)
}

/// Ships all items at the same time, by a child for each.
async fn order(ctx: &WorkflowContext, items: Vec<u32>) -> Result<u32, WorkflowError> {
    let children: Vec<_> =
        items.iter().map(|item| ctx.start_child::<u32>("shipping", item, ChildOptions::default())).collect();
    let mut sum = 0;
    for child in children {
        child.started().await?;
        sum += child.result().await?;
    }
    Ok(sum)
}

fn simulation() -> Simulation {
    Simulation::temporal()
        .state(Shop::default)
        .activity("ship", ship)
        .workflow("order", order)
        .workflow("shipping", shipping)
}

fn timeline(run: &Run) -> String {
    run.timeline().to_string()
}

#[test]
fn a_parent_gets_the_results_of_its_children() {
    let run = simulation().run("order", &[1, 2]).unwrap();
    assert_eq!(run.result::<u32>(), Ok(30));
    let told = timeline(&run);
    for line in [
        "order#1        child 1 asked for: order_1",
        "order#1        child 2 has started",
        "shipping#2     workflow started: 2",
        "order_2:ship#1 scheduled: 2",
        "order#1        child 1 has closed",
    ] {
        let spaces = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(spaces(&told).contains(&spaces(line)), "{line}\n{told}");
    }
}

#[test]
fn children_live_through_each_fault() {
    simulation().explore("order", &[1, 2]).every_fault().every_order().seeds(0..200).assert();
}

/// `wf_child_fails`
#[test]
fn the_failure_of_a_child_is_the_cause_of_its_parents() {
    let run = simulation().run("order", &[13]).unwrap();
    let Outcome::Closed(WorkflowOutcome::Failed { failure, .. }) = run.outcome() else { panic!("{}", timeline(&run)) };
    let FailureKind::ChildWorkflow {
        workflow_type,
        workflow_id,
        run_id,
        initiated_event_id,
        started_event_id,
        retry_state,
    } = &failure.kind
    else {
        panic!("{failure:?}")
    };
    assert_eq!((&**workflow_type, &**workflow_id, &**run_id), ("shipping", "order_1", "order_1"));
    assert_eq!((*initiated_event_id, *started_event_id, *retry_state), (5, 6, RetryState::RetryPolicyNotSet));
    assert_eq!(
        failure.to_string(),
        "Child Workflow execution failed (shipping, RETRY_POLICY_NOT_SET): Application: no luck"
    );
}

/// Starts a child that sleeps, and closes after a second.
fn closing(policy: ParentClosePolicy) -> Run {
    let nap = async |ctx: &WorkflowContext, (): ()| ctx.sleep(secs(10)).await;
    let parent = async |ctx: &WorkflowContext, policy: u32| -> Result<(), WorkflowError> {
        let parent_close_policy =
            [ParentClosePolicy::Terminate, ParentClosePolicy::RequestCancel, ParentClosePolicy::Abandon]
                [policy as usize];
        let child = ctx.start_child::<()>("nap", &(), ChildOptions { parent_close_policy, ..Default::default() });
        child.started().await?;
        ctx.sleep(secs(1)).await
    };
    let simulation = Simulation::temporal().workflow("nap", nap).workflow("parent", parent);
    let number = match policy {
        ParentClosePolicy::Terminate => 0u32,
        ParentClosePolicy::RequestCancel => 1,
        _ => 2,
    };
    simulation.run("parent", &number).unwrap()
}

/// `wf_child_pcp_terminate_parent_terminated`, `wf_child_pcp_request_cancel`, `wf_child_pcp_abandon`
#[test]
fn a_child_shares_the_fate_of_its_parent_as_its_policy_says() {
    for (policy, end) in [
        (ParentClosePolicy::Terminate, "workflow terminated: by parent close policy"),
        (ParentClosePolicy::RequestCancel, "workflow cancelled"),
        (ParentClosePolicy::Abandon, "workflow completed: null"),
    ] {
        let told = timeline(&closing(policy));
        let line = told.lines().find(|line| line.contains("nap#1") && line.contains(end));
        assert!(line.is_some(), "{policy:?}\n{told}");
        assert!(!told.contains("child 1 has closed"), "{told}");
    }
}

/// Cancels a child that runs an activity which takes five seconds to stop.
fn cancelling(cancellation: ChildCancellation) -> (Run, String) {
    let slow = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let _ = ctx.sleep(secs(100)).await;
        ctx.detached().sleep(secs(5)).await?;
        Err(WorkflowError::cancelled())
    };
    let parent = async |ctx: &WorkflowContext, which: u32| -> Result<String, WorkflowError> {
        let cancellation = [
            ChildCancellation::WaitCancellationCompleted,
            ChildCancellation::WaitCancellationRequested,
            ChildCancellation::TryCancel,
            ChildCancellation::Abandon,
        ][which as usize];
        let options =
            ChildOptions { cancellation, parent_close_policy: ParentClosePolicy::Abandon, ..Default::default() };
        let child = ctx.start_child::<()>("slow", &(), options);
        child.started().await?;
        ctx.sleep(secs(1)).await?;
        child.cancel();
        let ended = child.result().await.expect_err("it was cancelled");
        assert!(ended.is_cancelled());
        let at = ctx.now();
        // So that the request leaves: with the end of the run it would not (`wf_child_cancel_try_cancel`).
        ctx.sleep(secs(1)).await?;
        Ok(format!("{at}"))
    };
    let simulation = Simulation::temporal().workflow("slow", slow).workflow("parent", parent);
    let number = match cancellation {
        ChildCancellation::WaitCancellationCompleted => 0u32,
        ChildCancellation::WaitCancellationRequested => 1,
        ChildCancellation::TryCancel => 2,
        _ => 3,
    };
    let run = simulation.run("parent", &number).unwrap();
    let at = run.result().unwrap();
    (run, at)
}

/// `wf_child_cancel_wait_cancellation_completed`, `wf_child_cancel_wait_cancellation_requested`,
/// `wf_child_cancel_try_cancel`, `wf_child_cancel_abandon`
#[test]
fn a_cancelled_child_ends_as_its_options_say() {
    for (cancellation, waits, is_cancelled) in [
        (ChildCancellation::WaitCancellationCompleted, true, true),
        (ChildCancellation::WaitCancellationRequested, false, true),
        (ChildCancellation::TryCancel, false, true),
        (ChildCancellation::Abandon, false, false),
    ] {
        let (run, at) = cancelling(cancellation);
        let told = timeline(&run);
        assert_eq!(at.starts_with("6."), waits, "{cancellation:?} {at}\n{told}");
        assert!(at.starts_with("1.") || waits, "{cancellation:?} {at}\n{told}");
        assert_eq!(told.contains("workflow cancelled"), is_cancelled, "{cancellation:?}\n{told}");
    }
}

/// A child that is cancelled in the breath that asks for it is never asked for.
#[test]
fn a_child_that_is_cancelled_at_once_never_starts() {
    let nap = async |ctx: &WorkflowContext, (): ()| ctx.sleep(secs(10)).await;
    let parent = async |ctx: &WorkflowContext, (): ()| -> Result<bool, WorkflowError> {
        let child = ctx.start_child::<()>("nap", &(), ChildOptions::default());
        child.cancel();
        let never_started = child.started().await.is_err_and(|error| error.is_cancelled());
        let ended = child.result().await.is_err_and(|error| error.is_cancelled());
        // With the end of its parent it would not start in any case.
        ctx.sleep(secs(1)).await?;
        Ok(never_started && ended)
    };
    let run = Simulation::temporal().workflow("nap", nap).workflow("parent", parent).run("parent", &()).unwrap();
    assert_eq!(run.result::<bool>(), Ok(true));
    assert_eq!(run.trace().workflows().len(), 1);
}

/// `wf_child_id_conflict`
#[test]
fn a_child_whose_id_is_taken_does_not_start() {
    let nap = async |ctx: &WorkflowContext, (): ()| ctx.sleep(secs(10)).await;
    let parent = async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        let named = || ChildOptions { workflow_id: Some("the nap".to_owned()), ..Default::default() };
        let first = ctx.start_child::<()>("nap", &(), named());
        first.started().await?;
        let error = ctx.start_child::<()>("nap", &(), named()).result().await.expect_err("taken");
        first.result().await?;
        // A closed one lets its id be used again.
        ctx.start_child::<()>("nap", &(), named()).result().await?;
        Ok(format!("{error}"))
    };
    let run = Simulation::temporal().workflow("nap", nap).workflow("parent", parent).run("parent", &()).unwrap();
    assert_eq!(run.result::<String>(), Ok("ChildAlreadyStarted: Workflow execution already started".to_owned()));
    assert!(timeline(&run).contains("child 2 cannot start: its id is taken"), "{}", timeline(&run));
}

/// A child that is retried and continues as new is one child: its parent hears of the last run.
#[test]
fn a_parent_hears_of_the_last_run_of_a_child() {
    let counts = async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        if ctx.info().attempt == 1 && number == 1 {
            return Err(WorkflowError::application("the first run fails"));
        }
        if number < 3 { Err(ctx.continue_as_new(&(number + 1))) } else { Ok(number) }
    };
    let parent = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = ChildOptions { retry_policy: Some(durasim::RetryPolicy::default()), ..Default::default() };
        ctx.start_child::<u32>("counts", &1, options).result().await
    };
    let run = Simulation::temporal().workflow("counts", counts).workflow("parent", parent).run("parent", &()).unwrap();
    assert_eq!(run.result::<u32>(), Ok(3));
    assert_eq!(run.trace().workflows().len(), 5);
}

/// Two workflows talk to each other.
#[test]
fn signals_and_cancels_reach_other_workflows() {
    let listens = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let numbers = ctx.signals::<u32>("number");
        let mut sum = 0;
        loop {
            select_biased! {
                number = numbers.recv() => match number {
                    Ok(number) => sum += number,
                    Err(_) => return Ok(sum),
                },
                () = ctx.cancelled().fuse() => return Ok(sum),
            }
        }
    };
    let talks = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = ChildOptions { workflow_id: Some("ear".to_owned()), ..Default::default() };
        let child = ctx.start_child::<u32>("listens", &(), options);
        child.signal("number", &1).await?;
        ctx.signal_workflow("ear", "number", &2).await?;
        let nobody = ctx.signal_workflow("nobody", "number", &2).await;
        assert!(matches!(nobody, Err(WorkflowError::NotDelivered(_))));
        let itself = ctx.signal_workflow(&ctx.info().workflow_id, "number", &2).await;
        assert!(matches!(itself, Err(WorkflowError::NotDelivered(_))));
        ctx.cancel_workflow("ear").await?;
        child.result().await
    };
    let simulation = Simulation::temporal().workflow("listens", listens).workflow("talks", talks);
    let run = simulation.run("talks", &()).unwrap();
    assert_eq!(run.result::<u32>(), Ok(3), "{}", timeline(&run));
}

/// A child or a next run that nobody can run is told with its name, and with those that there are.
#[test]
fn a_workflow_that_is_not_there_is_told() {
    let asks = async |ctx: &WorkflowContext, which: u32| -> Result<(), WorkflowError> {
        let far = ChildOptions { task_queue: Some("far".to_owned()), ..Default::default() };
        match which {
            0 => ctx.start_child("nap", &(), ChildOptions::default()).result().await,
            1 => ctx.start_child("asks", &2, far).result().await,
            _ => {
                let next = ContinueAsNew::new(Payload::new("1")).workflow_type("nap");
                Err(WorkflowError::ContinueAsNew(next.into()))
            }
        }
    };
    let simulation = Simulation::temporal().workflow("asks", asks);
    for (which, words) in [
        (
            0,
            "workflow `asks` asks for the workflow `nap`, which is not registered (registered: `asks`): add \
             `.workflow(\"nap\", ..)` to the simulation, or `.sdk_workflow::<W>()` or `.cadence_workflow(..)` of its adapter",
        ),
        (1, "workflow `asks` starts a workflow on the task queue `far`, which no worker polls (polled: `default`)"),
        (2, "workflow `asks` asks for the workflow `nap`, which is not registered"),
    ] {
        let error = simulation.run("asks", &which).expect_err("nobody can run it").to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_child_without_an_id_is_told() {
    let asks = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let nameless = ChildOptions { workflow_id: Some(String::new()), ..Default::default() };
        ctx.start_child("asks", &(), nameless).result().await
    };
    let error = Simulation::temporal().workflow("asks", asks).run("asks", &()).expect_err("no id").to_string();
    assert!(error.contains("WorkflowId is not set on StartChildWorkflowExecutionCommand"), "{error}");
}

/// The workflow task timeout of a parent is clipped to its run timeout, and that of its child is not.
#[test]
fn a_child_has_the_task_timeout_of_the_simulation() {
    let nap = async |ctx: &WorkflowContext, (): ()| ctx.sleep(secs(1)).await;
    let parent =
        async |ctx: &WorkflowContext, (): ()| ctx.start_child::<()>("nap", &(), ChildOptions::default()).result().await;
    let simulation = Simulation::temporal().workflow("nap", nap).workflow("parent", parent);
    let (timeouts, _) = simulation
        .workflow_task_timeout(secs(8))
        .drive(async |client| {
            let options = StartOptions { run_timeout: secs(5), ..Default::default() };
            let parent = client.start_with::<()>("parent", "p", &(), options).await.unwrap();
            client.sleep(secs(2)).await;
            parent.inspect(|service, _| {
                ["p", "p_1"].map(|id| service.workflow(service.newest_run(id).unwrap()).info().task_timeout)
            })
        })
        .unwrap();
    assert_eq!(timeouts, [Span::from_secs(5), Span::from_secs(8)]);
}
