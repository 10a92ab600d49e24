//! The options of the SDK's worker mean what they mean in production.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use durasim::trace::What;
use durasim::{Run, RunError, Simulation, WorkflowContext, WorkflowError};
use durasim_temporal::{SimulationExt, sdk_activities};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::{WorkerOptions, WorkflowResult};

use crate::{options, seconds};

struct Work;

#[activities]
impl Work {
    /// A heartbeat each second, for 20 s.
    #[activity]
    async fn beats(ctx: ActivityContext) -> Result<u32, ActivityError> {
        for second in 0..20_u32 {
            tokio::time::sleep(seconds(1)).await;
            ctx.record_heartbeat(second).await?;
        }
        Ok(20)
    }

    /// It goes on until it is told to stop.
    #[activity]
    async fn watches(ctx: ActivityContext) -> Result<u32, ActivityError> {
        ctx.cancelled().await;
        Err(anyhow::anyhow!("told to stop").into())
    }
}

#[workflow]
#[derive(Default)]
struct Naps;

#[workflow_methods]
impl Naps {
    #[run]
    async fn run(ctx: &mut temporalio_sdk::WorkflowContext<Self>) -> WorkflowResult<u32> {
        for _ in 0..3 {
            ctx.timer(seconds(10)).await;
        }
        Ok(3)
    }
}

async fn beats(ctx: &WorkflowContext, times: u32) -> Result<u32, WorkflowError> {
    let options = durasim::ActivityOptions { heartbeat_timeout: Duration::ZERO, ..options() };
    let running: Vec<_> =
        (0..times).map(|_| ctx.execute_activity::<u32>("Work::beats", &(), options.clone())).collect();
    let mut beats = 0;
    for running in running {
        beats += running.await?;
    }
    Ok(beats)
}

fn simulation(worker: &WorkerOptions) -> Simulation {
    sdk_activities!(Simulation::temporal(), || Work, [Work::beats, Work::watches])
        .sdk_workflow::<Naps>()
        .workflow("beats", beats)
        .sdk_worker(worker)
}

fn count(run: &Run, is_counted: impl Fn(&What) -> bool) -> usize {
    run.trace().events().iter().filter(|event| is_counted(&event.what)).count()
}

/// The first is sent at once, and one after each interval.
#[test]
fn heartbeats_are_held_back_for_the_interval_of_the_worker() {
    let sent = |seconds: u64| {
        let interval = Duration::from_secs(seconds);
        let worker = WorkerOptions::new("any").default_heartbeat_throttle_interval(interval).build();
        let run = simulation(&worker).run("beats", &1).unwrap();
        count(&run, |what| matches!(what, What::HeartbeatSent(_)))
    };
    assert_eq!((sent(30), sent(5)), (1, 4));
}

#[test]
fn slots_are_the_activities_that_run_at_once() {
    let took = |slots: usize| {
        let supplier = FixedSizeSlotSupplier::new;
        let tuner = TunerHolder::builder()
            .workflow_task_slot_supplier(supplier(10))
            .activity_task_slot_supplier(supplier(slots))
            .local_activity_task_slot_supplier(supplier(10))
            .nexus_task_slot_supplier(supplier(10))
            .build();
        let worker = WorkerOptions::new("any").tuner(tuner).build();
        simulation(&worker).run("beats", &3).unwrap().virtual_time().since_epoch().as_secs()
    };
    assert_eq!((took(3), took(1)), (20, 60));
}

#[test]
fn without_a_cache_each_task_is_a_replay() {
    let replayed = |cached: usize| {
        let worker = WorkerOptions::new("any").max_cached_workflows(cached).build();
        let run = simulation(&worker).run("Naps", &()).unwrap();
        count(&run, |what| matches!(what, What::Replayed(_)))
    };
    assert_eq!((replayed(1_000), replayed(0)), (0, 3));
}

#[test]
fn activities_are_told_to_stop_after_the_graceful_period() {
    let watches = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = durasim::ActivityOptions {
            heartbeat_timeout: Duration::ZERO,
            retry_policy: crate::attempts(1),
            ..options()
        };
        ctx.execute_activity("Work::watches", &(), options).await
    };
    let worker = WorkerOptions::new("any").graceful_shutdown_period(seconds(7)).build();
    let (failed_at, run) = simulation(&worker)
        .workflow("watches", watches)
        .drive(async |client| {
            let handle = client.start::<u32>("watches", "w", &()).await.unwrap();
            client.sleep(seconds(2)).await;
            client.stop_worker(1);
            handle.result().await.unwrap_err();
            durasim::time::now()
        })
        .unwrap();
    assert!(failed_at >= durasim::Time::from_millis(9_000), "{}", run.timeline());
    assert!(failed_at < durasim::Time::from_millis(12_000), "{}", run.timeline());
}

/// Its destructor gives the last row to a task, as a buffer does that is flushed.
struct Buffer;

impl Drop for Buffer {
    fn drop(&mut self) {
        tokio::spawn(async {});
        durasim::handle::<Cell<u32>>().with(|flushed| flushed.set(flushed.get() + 1));
    }
}

#[activities]
impl Buffer {
    #[activity]
    async fn write(self: Arc<Self>, _ctx: ActivityContext) -> Result<u32, ActivityError> {
        Ok(7)
    }
}

async fn writes(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    ctx.execute_activity("Buffer::write", &(), options()).await
}

/// Stops the worker behind a write. Gives the number of buffers that were flushed.
fn stops(simulation: Simulation) -> Result<u32, RunError> {
    let simulation = simulation.graceful_shutdown_period(seconds(1));
    let stopped = simulation.state(|| Cell::new(0_u32)).workflow("writes", writes).drive(async |client| {
        client.start::<u32>("writes", "w", &()).await.unwrap().result().await.unwrap();
        client.stop_worker(1);
        client.sleep(seconds(10)).await;
        client.state::<Cell<u32>>().get()
    });
    stopped.map(|(flushed, _)| flushed)
}

#[test]
fn the_destructor_of_an_instance_finds_tokio_when_its_worker_stops() {
    assert_eq!(stops(Simulation::temporal().sdk_activity(Buffer::write, || Buffer)).unwrap(), 1);
}

/// An instance that does not want to end.
struct Stubborn;

impl Drop for Stubborn {
    fn drop(&mut self) {
        panic!("not yet");
    }
}

#[activities]
impl Stubborn {
    #[activity(name = "Buffer::write")]
    async fn write(self: Arc<Self>, _ctx: ActivityContext) -> Result<u32, ActivityError> {
        Ok(7)
    }
}

#[test]
fn a_destructor_that_panics_when_its_worker_stops_is_told() {
    let error = stops(Simulation::temporal().sdk_activity(Stubborn::write, || Stubborn)).unwrap_err().to_string();
    assert!(error.contains("dropping the values of a worker's process that stops panicked: not yet"), "{error}");
}
