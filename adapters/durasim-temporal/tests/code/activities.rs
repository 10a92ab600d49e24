//! The instance and the context of an activity are what they are in production.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use durasim::{Run, Simulation, WorkflowContext, WorkflowError, check};
use durasim_temporal::{Instances, SimulationExt, sdk_activities};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::{options, seconds};

/// Its memory is that of the worker's process.
struct Counter {
    count: AtomicU32,
}

#[activities]
impl Counter {
    #[activity]
    async fn next(self: Arc<Self>, _ctx: ActivityContext) -> Result<u32, ActivityError> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::time::sleep(seconds(1)).await;
        Ok(count)
    }

    #[activity]
    async fn again(self: Arc<Self>, _ctx: ActivityContext) -> Result<u32, ActivityError> {
        Ok(self.count.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

fn counter() -> Counter {
    Counter { count: AtomicU32::new(*durasim::state::<u32>()) }
}

/// Runs these activities one after the other, and gives what they give.
async fn counts(ctx: &WorkflowContext, names: Vec<String>) -> Result<Vec<u32>, WorkflowError> {
    let mut counts = Vec::new();
    for name in names {
        counts.push(ctx.execute_activity::<u32>(&name, &(), options()).await?);
    }
    Ok(counts)
}

fn simulation() -> Simulation {
    Simulation::temporal().state(|| 100_u32).workflow("counts", counts)
}

#[track_caller]
fn counted(run: &Run) -> Vec<u32> {
    run.result().unwrap()
}

#[test]
fn the_memory_of_an_instance_is_lost_with_its_worker_and_with_the_run() {
    let simulation = simulation().sdk_activity(Counter::next, counter);
    let names = ["Counter::next"; 3];
    for _ in 0..2 {
        assert_eq!(counted(&simulation.run("counts", &names).unwrap()), [101, 102, 103]);
    }
    let crash = simulation.plan("Counter::next#2@1:await1=crash".parse().unwrap());
    let run = crash.run("counts", &names).unwrap();
    assert_eq!(run.not_fired(), []);
    assert_eq!(counted(&run), [101, 101, 102], "{}", run.timeline());
}

#[test]
fn activities_registered_together_share_their_instance() {
    let names = ["Counter::next", "Counter::again", "Counter::next"];
    let together = sdk_activities!(simulation(), counter, [Counter::next, Counter::again]);
    assert_eq!(counted(&together.run("counts", &names).unwrap()), [101, 102, 103]);
    let instances = Instances::new(counter);
    let by_hand = simulation().sdk_activity_of(Counter::next, &instances).sdk_activity_of(Counter::again, &instances);
    assert_eq!(counted(&by_hand.run("counts", &names).unwrap()), [101, 102, 103]);
    let apart = simulation().sdk_activity(Counter::next, counter).sdk_activity(Counter::again, counter);
    assert_eq!(counted(&apart.run("counts", &names).unwrap()), [101, 101, 102]);
}

/// Each result is a count that depends on what was lost, so only the runs without a crash have the same one. All hold.
#[test]
fn it_runs_on_several_workers_under_every_fault() {
    for workers in [1, 2, 3] {
        sdk_activities!(simulation(), counter, [Counter::next, Counter::again])
            .workers(workers)
            .explore("counts", &["Counter::next", "Counter::again"])
            .every_fault()
            .seeds(0..50)
            // How far a process counts depends on how long it lives.
            .without("same_result")
            .check(check::named("it counts", |run: &Run| {
                assert!(counted(run).iter().all(|count| (101..200).contains(count)));
            }))
            .assert();
    }
}

struct Facts;

#[activities]
impl Facts {
    /// Gives what the context says, times as milliseconds since the epoch of the run.
    #[activity]
    async fn tell(ctx: ActivityContext, text: String) -> Result<Vec<String>, ActivityError> {
        let info = ctx.info();
        let time = |time: Option<std::time::SystemTime>| {
            let epoch = durasim::Time::ZERO.to_system_time();
            time.map_or("none".to_owned(), |time| time.duration_since(epoch).unwrap().as_millis().to_string())
        };
        if info.attempt < 3 {
            return Err(anyhow::anyhow!("not yet").into());
        }
        Ok(vec![
            text,
            info.namespace.clone(),
            format!("{:?} {:?} {:?}", info.workflow_type, info.workflow_id, info.workflow_run_id),
            format!("{} {} {}", info.activity_id, info.activity_type, info.task_queue),
            format!("{:?} {} {}", info.heartbeat_timeout, info.attempt, info.is_local),
            format!(
                "{} {} {} {}",
                time(info.scheduled_time),
                time(info.current_attempt_scheduled_time),
                time(info.started_time),
                time(info.deadline)
            ),
            format!("{:?}", info.retry_policy.as_ref().map(|policy| policy.maximum_attempts())),
            format!("{} {}", ctx.headers().len(), ctx.is_cancelled()),
        ])
    }
}

#[test]
fn the_context_tells_the_facts_of_the_attempt() {
    let facts = async |ctx: &WorkflowContext, (): ()| -> Result<Vec<String>, WorkflowError> {
        let options = durasim::ActivityOptions { retry_policy: crate::attempts(7), ..options() };
        ctx.execute_activity("Facts::tell", &"hello", options).await
    };
    let run = Simulation::temporal()
        .dispatch_latency(std::time::Duration::from_millis(1))
        .sdk_activity(Facts::tell, || Facts)
        .workflow("facts", facts)
        .run("facts", &())
        .unwrap();
    assert_eq!(
        run.result::<Vec<String>>().unwrap(),
        [
            "hello",
            "default",
            "Some(\"facts\") Some(\"facts\") Some(\"facts\")",
            "1 Facts::tell default",
            "Some(5s) 3 false",
            "1 3003 3004 63004",
            "Some(7)",
            "0 false",
        ],
        "{}",
        run.timeline()
    );
}
