//! Local activities of the SDK's workflows run within the workflow task, with their retries, timers and cancellations.

use std::cell::RefCell;
use std::time::Duration;

use durasim::{Ledger, Run, Simulation, check};
use durasim_temporal::{SimulationExt, sdk_activities};
use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::workflow_replayer::WorkflowReplayerOptions;
use temporalio_sdk::{
    ActivityCancellationType, ActivityExecutionError, CancellableFuture, LocalActivityOptions, WorkflowContext,
    WorkflowResult,
};

use crate::{seconds, silent};

/// The numbers of the attempts, as their code has seen them.
#[derive(Default)]
struct Seen {
    attempts: RefCell<Vec<u32>>,
    done: Ledger<u32>,
}

struct Quick;

#[activities]
impl Quick {
    /// It takes a second, and fails so often.
    #[activity]
    async fn works(ctx: ActivityContext, fails: u32) -> Result<u32, ActivityError> {
        let info = ctx.info();
        assert!(info.is_local);
        let attempt = info.attempt;
        durasim::state::<Seen>().attempts.borrow_mut().push(attempt);
        tokio::time::sleep(seconds(1)).await;
        if attempt <= fails {
            return Err(anyhow::anyhow!("no luck").into());
        }
        durasim::effect("work", || durasim::state::<Seen>().done.record(fails))?;
        Ok(attempt)
    }

    /// It listens to a cancel.
    #[activity]
    async fn listens(ctx: ActivityContext) -> Result<u32, ActivityError> {
        ctx.cancelled().await;
        Err(ActivityError::cancelled())
    }
}

fn options(initial_interval: Duration) -> LocalActivityOptions {
    let retry_policy = RetryPolicy::builder().initial_interval(initial_interval).build();
    LocalActivityOptions::builder()
        .start_to_close_timeout(seconds(10))
        .schedule_to_close_timeout(seconds(1000))
        .retry_policy(retry_policy)
        .build()
}

/// It works twice, with a timer between; the first time it fails once, and waits so many seconds.
#[workflow]
#[derive(Default)]
struct Works;

#[workflow_methods]
impl Works {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, waits: u64) -> WorkflowResult<u32> {
        let first = ctx.execute_local_activity(Quick::works, 1u32, options(seconds(waits))).await?;
        ctx.timer(seconds(5)).await;
        let second = ctx.execute_local_activity(Quick::works, 0u32, options(seconds(1))).await?;
        Ok(10 * first + second)
    }
}

/// It cancels what listens.
#[workflow]
#[derive(Default)]
struct Cancels;

#[workflow_methods]
impl Cancels {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, waits: bool) -> WorkflowResult<bool> {
        let cancel_type = if waits {
            ActivityCancellationType::WaitCancellationCompleted
        } else {
            ActivityCancellationType::TryCancel
        };
        let options =
            LocalActivityOptions::builder().start_to_close_timeout(seconds(60)).cancel_type(cancel_type).build();
        let listens = ctx.execute_local_activity(Quick::listens, (), options);
        ctx.execute_local_activity(Quick::works, 0u32, self::options(seconds(1))).await?;
        listens.cancel();
        Ok(matches!(listens.await, Err(ActivityExecutionError::Cancelled(_))))
    }
}

fn simulation() -> Simulation {
    sdk_activities!(Simulation::temporal().state(Seen::default), || Quick, [Quick::works, Quick::listens])
        .sdk_workflow::<Works>()
        .sdk_workflow::<Cancels>()
}

fn with(plan: &str, waits: u64) -> Run {
    let simulation = simulation();
    let simulation = if plan.is_empty() { simulation } else { simulation.plan(plan.parse().unwrap()) };
    let run = simulation.run("Works", &waits).unwrap();
    assert_eq!(run.result::<u32>(), Ok(21), "{}", run.timeline());
    run
}

fn attempts(run: &Run) -> Vec<u32> {
    run.state::<Seen>().attempts.borrow().clone()
}

#[test]
fn attempts_follow_each_other_within_the_task_or_behind_a_timer() {
    for (waits, timers) in [(2, 1), (90, 2)] {
        let run = with("", waits);
        assert_eq!(attempts(&run), [1, 2, 1]);
        let workflow = run.executions().workflows().values().next().unwrap();
        assert_eq!(workflow.timers.len(), timers, "{}", run.timeline());
    }
}

#[test]
fn what_is_lost_with_its_marker_is_run_again_and_a_replay_runs_nothing() {
    assert_eq!(attempts(&with("Works#1:task1=completion_lost", 2)), [1, 2, 1, 2, 1]);
    assert_eq!(attempts(&with("Quick::works#1@2:await1=crash", 2)), [1, 2, 1, 2, 1]);
    assert_eq!(attempts(&with("Works#1:task2=evicted", 2)), [1, 2, 1]);
    // The failure is recorded, so that the second attempt comes next.
    assert_eq!(attempts(&with("Works#1:task2=evicted", 90)), [1, 2, 1]);
}

#[test]
fn the_replayer_of_the_sdk_takes_its_markers() {
    for waits in [2, 90] {
        let run = with("", waits);
        let id = run.trace().workflows().values().next().unwrap().workflow_id.clone();
        let options = WorkflowReplayerOptions::new().register_workflow::<Works>().unwrap().build();
        let json = run.history_json(&id).unwrap();
        crate::histories::replay(options, &json).unwrap_or_else(|why| panic!("{why}\n{json}"));
        assert!(simulation().replay_history(&json).unwrap().tasks > 1);
    }
}

#[test]
fn it_is_cancelled_as_its_type_says() {
    for waits in [false, true] {
        let run = simulation().run("Cancels", &waits).unwrap();
        assert_eq!(run.result::<bool>(), Ok(true), "{}", run.timeline());
    }
}

#[test]
fn correct_code_lives_through_every_fault() {
    // The result tells the numbers of the attempts. Seeds let a cancel and the timer come together, over which the SDK panics.
    silent(
        simulation()
            .explore("Works", &2u64)
            .without("same_result")
            .check(check::effects(|seen: &Seen| &seen.done).repeats_at_most(6))
            .every_fault()
            .every_order(),
    );
}
