//! A cancelled scope cancels its local activities as their cancellation type says.

use super::*;
use durasim::AttemptEnd;

/// Cancels a local activity that takes 6 s, after 2 s of another one, and tells how its future ended and when.
fn cancelled(cancellation_type: CancellationType, listens: bool) -> (Run, String, u64) {
    let waits = async move |ctx: &ActivityContext, listens: bool| -> Result<u32, ActivityError> {
        for _ in 0..4 {
            durasim::time::sleep(Duration::from_millis(1500)).await;
            if listens && ctx.is_cancelled() {
                return Err(ActivityError::Cancelled);
            }
        }
        Ok(7)
    };
    let workflow =
        async |ctx: &WorkflowContext, (which, listens): (u8, bool)| -> Result<(String, u64), WorkflowError> {
            let types =
                [CancellationType::TryCancel, CancellationType::WaitCancellationCompleted, CancellationType::Abandon];
            let options = LocalActivityOptions { cancellation_type: types[usize::from(which)], ..usual() };
            let scope = ctx.child_scope();
            let waits = scope.execute_local_activity::<u32>("waits", &listens, options);
            let _: u32 = ctx.execute_local_activity("work", &Work { takes: 2, fails: 0 }, usual()).await?;
            scope.cancel();
            let end = match waits.await {
                Ok(result) => format!("{result}"),
                Err(WorkflowError::Cancelled(_)) => "cancelled".to_owned(),
                Err(other) => other.to_string(),
            };
            let at = millis(ctx.now());
            // The task stays open for longer.
            ctx.execute_local_activity::<u32>("work", &Work { takes: 5, fails: 0 }, usual()).await?;
            Ok((end, at))
        };
    let which = match cancellation_type {
        CancellationType::TryCancel => 0u8,
        CancellationType::WaitCancellationCompleted => 1,
        _ => 2,
    };
    let simulation = Simulation::temporal()
        .state(Seen::default)
        .activity("work", work)
        .activity("waits", waits)
        .workflow("workflow", workflow);
    let run = simulation.run("workflow", &(which, listens)).unwrap();
    let (end, at) = run.result().unwrap_or_else(|why| panic!("{why}\n{}", run.timeline()));
    (run, end, at)
}

fn end_of_first(run: &Run) -> (AttemptEnd, Option<durasim::program::CancelReason>) {
    let first = run.executions().attempts().values().next().expect("an attempt");
    (first.end, first.cancelled.map(|(_, reason)| reason))
}

/// `local_cancel_try`
#[test]
fn one_that_is_not_waited_for_ends_at_once_and_is_told() {
    let (run, end, at) = cancelled(CancellationType::TryCancel, true);
    assert_eq!(end, "cancelled");
    assert_eq!(at, 2001);
    assert_eq!(end_of_first(&run), (AttemptEnd::Cancelled, Some(durasim::program::CancelReason::Requested)));
    assert_eq!(markers(&run), [(2, 1), (1, 0), (3, 1)]);
}

/// `local_cancel_wait`
#[test]
fn one_that_is_waited_for_ends_as_it_ends() {
    let (run, end, at) = cancelled(CancellationType::WaitCancellationCompleted, true);
    assert_eq!(end, "cancelled");
    assert_eq!((at, markers(&run)), (3001, vec![(2, 1), (1, 1), (3, 1)]));
    let (run, end, at) = cancelled(CancellationType::WaitCancellationCompleted, false);
    assert_eq!((&*end, at, markers(&run)), ("7", 6001, vec![(2, 1), (1, 1), (3, 1)]));
}

#[test]
fn one_that_is_abandoned_is_not_told() {
    let (run, end, at) = cancelled(CancellationType::Abandon, true);
    assert_eq!(end, "cancelled");
    assert_eq!((at, end_of_first(&run)), (2001, (AttemptEnd::Completed, None)));
    assert_eq!(markers(&run), [(2, 1), (1, 0), (3, 1)]);
}

#[test]
fn one_that_waits_to_be_tried_again_ends_at_once() {
    // Within the task, and behind a timer.
    for (initial, timers) in [(secs(30), 0), (secs(90), 1)] {
        let workflow = async |ctx: &WorkflowContext, initial: u64| -> Result<u64, WorkflowError> {
            let options = LocalActivityOptions {
                retry_policy: retries(secs(initial)),
                cancellation_type: CancellationType::WaitCancellationCompleted,
                ..usual()
            };
            let scope = ctx.child_scope();
            let fails = scope.execute_local_activity::<u32>("work", &Work { takes: 0, fails: 9 }, options);
            if initial < 60 {
                let _: u32 = ctx.execute_local_activity("work", &Work { takes: 2, fails: 0 }, usual()).await?;
            } else {
                ctx.sleep(secs(2)).await?;
            }
            scope.cancel();
            assert!(matches!(fails.await, Err(WorkflowError::Cancelled(_))));
            Ok(millis(ctx.now()) / 1000)
        };
        let simulation =
            Simulation::temporal().state(Seen::default).activity("work", work).workflow("workflow", workflow);
        let run = simulation.run("workflow", &initial.as_secs()).unwrap();
        assert_eq!(run.result::<u64>(), Ok(2), "{}", run.timeline());
        let workflow = run.executions().workflows().values().next().unwrap();
        assert_eq!(workflow.timers.iter().filter(|timer| timer.cancelled.is_some()).count(), timers);
    }
}

#[test]
fn one_that_is_taken_back_in_the_same_breath_never_runs() {
    let workflow = async |ctx: &WorkflowContext, (): ()| -> Result<bool, WorkflowError> {
        let scope = ctx.child_scope();
        let work = scope.execute_local_activity::<u32>("work", &Work::default(), usual());
        scope.cancel();
        Ok(matches!(work.await, Err(WorkflowError::Cancelled(_))))
    };
    let simulation = Simulation::temporal().state(Seen::default).activity("work", work).workflow("workflow", workflow);
    let run = simulation.run("workflow", &()).unwrap();
    assert_eq!((run.result::<bool>(), Seen::attempts(&run), markers(&run)), (Ok(true), vec![], vec![]));
}

/// `local_cancel_try`: a request to cancel the workflow comes with the renewed task.
#[test]
fn a_request_to_cancel_the_workflow_comes_with_the_renewed_task() {
    let waits = async |ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        ctx.cancelled().await;
        Err(ActivityError::Cancelled)
    };
    let simulation =
        simulation(usual()).activity("waits", waits).workflow("w", async |ctx: &WorkflowContext, (): ()| {
            ctx.execute_local_activity::<()>("waits", &(), usual()).await
        });
    let script = async |client: durasim::Client| {
        let workflow = client.start::<()>("w", "a", &()).await.unwrap();
        client.sleep(secs(1)).await;
        workflow.cancel().await.unwrap();
        let _ = workflow.result().await;
        millis(client.now())
    };
    let (closed_at, run) = simulation.drive(script).unwrap();
    assert_eq!(closed_at, 8001, "{}", run.timeline());
    assert!(matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Canceled(_))), "{}", run.timeline());
}
