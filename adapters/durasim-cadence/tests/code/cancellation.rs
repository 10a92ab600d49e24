//! A workflow that is cancelled: its channel, its activities, and how it closes.

use crabdance_activity::ActivityContext;
use crabdance_core::ActivityOptions;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError};
use durasim::Simulation;
use durasim_cadence::CadenceExt;

use super::{call, failure_of, millis, options, secs};

/// Works until it is told to stop, which it hears of in the answer to a heartbeat.
async fn work(ctx: &ActivityContext, steps: u32) -> Result<u32, ActivityError> {
    for _ in 0..steps {
        if ctx.is_cancelled() {
            return Err(ActivityError::Cancelled);
        }
        tokio::time::sleep(secs(1)).await;
        ctx.record_heartbeat(None);
    }
    Ok(steps)
}

/// Starts a workflow `main`, cancels it after 3 s, and looks at how it ended, and after how many seconds.
fn cancelled<F>(main: F) -> (String, u64)
where
    F: AsyncFn(&mut WorkflowContext, ()) -> Result<String, WorkflowError> + Send + Sync + 'static,
{
    cancelled_under("v1", main)
}

/// The same under this plan.
fn cancelled_under<F>(plan: &str, main: F) -> (String, u64)
where
    F: AsyncFn(&mut WorkflowContext, ()) -> Result<String, WorkflowError> + Send + Sync + 'static,
{
    let simulation = Simulation::cadence().cadence_activity("work", work).cadence_workflow("main", main);
    let simulation = simulation.plan(plan.parse().unwrap());
    let (ended, _) = simulation
        .drive(|client| async move {
            let main = client.start::<String>("main", "main-1", &()).await.unwrap();
            client.sleep(secs(3)).await;
            main.cancel().await.unwrap();
            let ended = main.result().await.unwrap_or_else(|why| why.to_string());
            (ended, client.now().since_epoch().as_secs())
        })
        .unwrap();
    ended
}

/// The words of the script's client.
const CANCELLED: &str = "the workflow cancelled";

#[test]
fn an_activity_is_cancelled_with_its_workflow() {
    let (outcome, at) = cancelled(async |ctx, ()| {
        let steps: u32 = call(ctx, "work", 60, options()).await?;
        Ok(steps.to_string())
    });
    assert_eq!((&*outcome, at), (CANCELLED, 3));
}

#[test]
fn a_workflow_may_wait_for_the_end_of_the_activity() {
    let (outcome, at) = cancelled(async |ctx, ()| {
        let options = ActivityOptions { wait_for_cancellation: true, ..options() };
        match call::<_, u32>(ctx, "work", 60, options).await {
            Err(WorkflowError::ActivityFailed(info)) => Ok(format!("{:?}: {}", info.failure_type, info.message)),
            other => Ok(format!("{other:?}")),
        }
    });
    assert_eq!(outcome, "Cancelled: Activity cancelled");
    assert!(at > 3, "it hears of the cancel with its next heartbeat that is sent: {at}");
}

#[test]
fn a_workflow_hears_of_it_and_cleans_up() {
    let (outcome, at) = cancelled(async |ctx, ()| {
        let mut cancel = ctx.get_cancellation_channel();
        assert!(!ctx.is_cancelled());
        cancel.recv().await;
        assert!(ctx.is_cancelled());
        // An activity that is begun from here on is not cancelled.
        let steps: u32 = call(ctx, "work", 2, options()).await?;
        ctx.sleep(secs(1)).await;
        Ok(format!("cleaned up in {steps} steps"))
    });
    assert_eq!((&*outcome, at), ("cleaned up in 2 steps", 6));
}

#[test]
fn a_timer_goes_on() {
    // The client's `sleep` could not say that it was cancelled.
    let (outcome, at) = cancelled(async |ctx, ()| {
        ctx.sleep(secs(10)).await;
        Err(WorkflowError::Cancelled)
    });
    assert_eq!((&*outcome, at), (CANCELLED, 10));
}

/// The code hears of its activity's end in a second activation of the same task, and decides something there.
#[test]
fn a_replay_decides_the_same_after_a_cancel() {
    let ended = |plan: &str| {
        cancelled_under(plan, async |ctx, ()| {
            let before = ctx.side_effect(|| 1).await;
            match call::<_, u32>(ctx, "work", 60, options()).await {
                Err(WorkflowError::ActivityFailed(_)) => {}
                other => return Ok(format!("{other:?}")),
            }
            let after = ctx.side_effect(|| 2).await;
            let steps: u32 = call(ctx, "work", 2, options()).await?;
            let last = ctx.side_effect(|| 3).await;
            Ok(format!("cleaned up in {before} {after} {steps} {last}"))
        })
    };
    let (outcome, at) = ended("v1");
    assert_eq!((&*outcome, at), ("cleaned up in 1 2 2 3", 5));
    for plan in ["main#1:task2=evicted", "main#1:task3=evicted", "main#1:task2=evicted; main#1:task3=evicted"] {
        assert_eq!(ended(plan), (outcome.clone(), at), "{plan}");
    }
}

/// Nobody has asked for it.
#[test]
fn a_workflow_that_says_cancelled_by_itself_has_failed() {
    async fn main(_: &mut WorkflowContext, (): ()) -> Result<(), WorkflowError> {
        Err(WorkflowError::Cancelled)
    }
    let run = Simulation::cadence().cadence_workflow("main", main).run("main", &()).unwrap();
    assert_eq!(failure_of(&run), "Cancelled: Workflow cancelled");
}

#[test]
fn an_attempt_that_says_cancelled_by_itself_is_not_taken_for_the_workflows_word() {
    async fn code(_: &ActivityContext, (): ()) -> Result<(), ActivityError> {
        Err(ActivityError::Cancelled)
    }
    async fn main(ctx: &mut WorkflowContext, (): ()) -> Result<String, WorkflowError> {
        let options = ActivityOptions { schedule_to_close_timeout: secs(20), ..Default::default() };
        match call::<_, ()>(ctx, "code", (), options).await {
            Err(WorkflowError::ActivityFailed(info)) => Ok(format!("{:?}: {}", info.failure_type, info.message)),
            other => Ok(format!("{other:?}")),
        }
    }
    let simulation = Simulation::cadence().cadence_activity("code", code).cadence_workflow("main", main);
    let run = simulation.run("main", &()).unwrap();
    // The service refuses that report, and hears no other.
    assert_eq!(
        (run.result::<String>().as_deref(), run.virtual_time().since_epoch()),
        (Ok("Timeout(ScheduleToClose): Activity timed out: ScheduleToClose"), millis(20_002)),
        "{}",
        run.timeline()
    );
}
