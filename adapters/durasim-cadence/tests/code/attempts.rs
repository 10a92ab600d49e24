//! An attempt's context: the things that it says and does.

use std::sync::Arc;
use std::time::Instant;

use crabdance_activity::{ActivityContext, ErrResultPending};
use crabdance_core::ActivityOptions;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError};
use durasim::{Ledger, Simulation, check};
use durasim_cadence::CadenceExt;
use tokio::task::JoinHandle;

use super::{call, millis, options, secs};

/// A workflow `main` with an activity `code`, whose input is the number of rows.
async fn main(ctx: &mut WorkflowContext, rows: u32) -> Result<String, WorkflowError> {
    call(ctx, "code", rows, options()).await
}

#[test]
fn the_info_is_that_of_the_attempt() {
    async fn code(ctx: &ActivityContext, _: u32) -> Result<String, ActivityError> {
        let info = ctx.get_info();
        if info.attempt == 0 {
            tokio::time::sleep(millis(1_500)).await;
            return Err(ActivityError::retryable("again"));
        }
        let now = durasim::time::now().to_system_time();
        assert_eq!(info.started_time, chrono::DateTime::<chrono::Utc>::from(now));
        let since = (info.started_time - info.scheduled_time).num_milliseconds();
        let id = &info.workflow_execution;
        let own = (&info.activity_type, &info.activity_id, info.attempt, info.heartbeat_timeout.as_secs());
        Ok(format!("{own:?} {:?} {} after {since} ms", id.workflow_id.is_empty(), id.run_id.is_empty()))
    }
    let simulation = Simulation::cadence().cadence_activity("code", code).cadence_workflow("main", main);
    let run = simulation.dispatch_latency(millis(1)).run("main", &0).unwrap();
    // 1.5 s of work, a backoff of 1 s, and two ways to a worker.
    assert_eq!(run.result::<String>().unwrap(), "(\"code\", \"1\", 1, 5) false false after 2502 ms");
}

#[test]
fn the_deadline_is_as_far_away_as_the_timeout() {
    async fn code(ctx: &ActivityContext, _: u32) -> Result<String, ActivityError> {
        let remaining = ctx.get_remaining_time().unwrap();
        // std's clock runs on meanwhile.
        assert!(remaining <= secs(600) && remaining > secs(590), "{remaining:?}");
        assert!(ctx.get_deadline().unwrap() > Instant::now());
        Ok(String::new())
    }
    let simulation = Simulation::cadence().cadence_activity("code", code).cadence_workflow("main", main);
    assert_eq!(simulation.run("main", &0).unwrap().result::<String>(), Ok(String::new()));
}

#[test]
fn the_stop_channel_tells_of_a_worker_that_stops() {
    async fn code(ctx: &ActivityContext, _: u32) -> Result<String, ActivityError> {
        if ctx.get_info().attempt > 0 {
            return Ok("elsewhere".to_owned());
        }
        let mut stop = ctx.get_worker_stop_channel().unwrap().clone();
        assert!(!*stop.borrow());
        tokio::time::sleep(secs(1)).await;
        let began = tokio::time::Instant::now();
        stop.changed().await.unwrap();
        assert!(*stop.borrow());
        Err(ActivityError::retryable(format!("the worker stops after {:?}", began.elapsed())))
    }
    let plan = "code#1@1:await2=stop".parse().unwrap();
    let simulation = Simulation::cadence().cadence_activity("code", code).cadence_workflow("main", main);
    let run = simulation.plan(plan).run("main", &0).unwrap();
    assert_eq!(run.result::<String>(), Ok("elsewhere".to_owned()));
    assert!(run.timeline().to_string().contains("the worker stops after 0ns"), "{}", run.timeline());
}

#[test]
fn the_script_completes_a_result_that_is_pending() {
    async fn code(ctx: &ActivityContext, _: u32) -> Result<String, ActivityError> {
        let tasks = durasim::handle::<Ledger<String>>();
        tasks.with(|tasks| tasks.record(ctx.get_info().activity_id.clone()));
        Err(ActivityError::ExecutionFailed(Arc::new(ErrResultPending)))
    }
    let simulation = Simulation::cadence()
        .cadence_activity("code", code)
        .cadence_workflow("main", main)
        .state(Ledger::<String>::default);
    let (result, run) = simulation
        .drive(|client| async move {
            let main = client.start::<String>("main", "main-1", &0).await.unwrap();
            client.sleep(secs(3)).await;
            main.complete_activity("1", "by hand").await.unwrap();
            (main.result().await.unwrap(), client.now().since_epoch())
        })
        .unwrap();
    assert_eq!(result, ("by hand".to_owned(), millis(3_001)));
    // It has not failed meanwhile, which would bring another attempt.
    assert_eq!(run.activities()[0].attempts.len(), 1, "{}", run.timeline());
}

/// The helper that a real activity spawns, on tokio. It ends with the attempt, however that ends.
#[test]
fn a_spawned_task_heartbeats_and_dies_with_its_worker() {
    struct Beats(JoinHandle<()>);
    impl Drop for Beats {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    async fn code(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
        let helper = ctx.clone();
        let _beats = Beats(tokio::spawn(async move {
            loop {
                tokio::time::sleep(secs(2)).await;
                helper.record_heartbeat(None);
            }
        }));
        tokio::time::sleep(secs(u64::from(rows))).await;
        Ok(format!("{rows} rows"))
    }
    Simulation::cadence()
        .cadence_activity("code", code)
        .cadence_workflow("main", main)
        .explore("main", &20)
        .every_fault()
        .every_order()
        .deploys_itself()
        .seeds(0..100)
        .check(check::same_result())
        .check(check::heartbeats_in_time())
        .assert();
}

#[test]
fn the_deadline_is_the_earlier_of_both_timeouts() {
    async fn code(ctx: &ActivityContext, _: u32) -> Result<String, ActivityError> {
        Ok(format!("{} s", ctx.get_remaining_time().unwrap().as_secs_f64().round()))
    }
    async fn main(ctx: &mut WorkflowContext, timeouts: [u64; 3]) -> Result<String, WorkflowError> {
        let [schedule_to_close, schedule_to_start, start_to_close] = timeouts.map(secs);
        let options = ActivityOptions {
            schedule_to_close_timeout: schedule_to_close,
            schedule_to_start_timeout: schedule_to_start,
            start_to_close_timeout: start_to_close,
            ..Default::default()
        };
        call(ctx, "code", 0, options).await
    }
    let simulation = Simulation::cadence().cadence_activity("code", code).cadence_workflow("main", main);
    // The way to the worker counts for one of them.
    let simulation = simulation.dispatch_latency(secs(10));
    for (timeouts, left) in [([60, 0, 40], "40 s"), ([60, 0, 55], "50 s"), ([0, 50, 100], "100 s")] {
        assert_eq!(simulation.run("main", &timeouts).unwrap().result::<String>().as_deref(), Ok(left), "{timeouts:?}");
    }
}
