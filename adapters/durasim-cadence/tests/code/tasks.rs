//! Tasks that a workflow spawns, channels, timers, and what is left of them.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crabdance_activity::ActivityContext;
use crabdance_core::ActivityOptions;
use crabdance_worker::registry::Registry;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError, workflow};
use durasim::{Exploration, Run, Simulation, check};
use durasim_cadence::CadenceExt;
use serde::Serialize;

use super::{call, failure_of, millis, options, secs};

async fn add(ctx: &ActivityContext, n: u32) -> Result<u32, ActivityError> {
    tokio::time::sleep(millis(300)).await;
    ctx.record_heartbeat(None);
    Ok(n + 1)
}

/// Every fault, every order, deploys of the same code and some seeds: the same result whatever strikes.
fn explored(register: fn(&dyn Registry), workflow: &str, input: &impl Serialize) -> Exploration {
    simulation(register)
        .explore(workflow, input)
        .every_fault()
        .every_order()
        .deploys_itself()
        .seeds(0..200)
        .check(check::same_result())
        .check(check::replays())
}

fn simulation(register: fn(&dyn Registry)) -> Simulation {
    Simulation::cadence().registered(register).cadence_activity("add", add)
}

/// Spawned tasks, a channel, a timer and a join.
#[workflow(name = "fan_out")]
async fn fan_out(ctx: WorkflowContext, n: u32) -> Result<Vec<u32>, WorkflowError> {
    let (sender, receiver) = ctx.new_channel::<Result<u32, WorkflowError>>(4);
    for i in 0..3 {
        let (inner, sender) = (ctx.clone(), sender.clone());
        ctx.spawn(async move {
            let _ = sender.send(call(&inner, "add", n + i, options()).await).await;
        });
    }
    drop(sender);
    let mut sums = Vec::new();
    while let Some(sum) = receiver.recv().await {
        sums.push(sum?);
    }
    sums.sort();
    ctx.sleep(millis(500)).await;
    let inner = ctx.clone();
    let late = ctx.spawn(async move {
        inner.sleep(secs(1)).await;
        7
    });
    sums.push(late.join().await.map_err(WorkflowError::execution_failed_error)?);
    Ok(sums)
}

#[test]
fn spawned_tasks_survive_every_fault() {
    let run = simulation(fan_out_cadence::register).run("fan_out", &10).unwrap();
    assert_eq!(run.result::<Vec<u32>>(), Ok(vec![11, 12, 13, 7]));
    explored(fan_out_cadence::register, "fan_out", &10).assert();
}

/// Returns with the first answer, while tasks that hold the channel's other end go on.
#[workflow(name = "first_of")]
async fn first_of(ctx: WorkflowContext, n: u32) -> Result<bool, WorkflowError> {
    let (sender, receiver) = ctx.new_channel::<Result<u32, WorkflowError>>(4);
    for i in 0..3 {
        let (inner, sender) = (ctx.clone(), sender.clone());
        ctx.spawn(async move {
            inner.sleep(secs(10 * u64::from(i))).await;
            let _ = sender.send(call(&inner, "add", n + i, options()).await).await;
        });
    }
    drop(sender);
    // It depends on the faults which of them is first.
    Ok(receiver.recv().await.unwrap_or(Ok(0))? > n)
}

#[test]
fn a_workflow_may_return_while_its_tasks_hold_channels() {
    let run = simulation(first_of_cadence::register).run("first_of", &10).unwrap();
    assert_eq!(run.result::<bool>(), Ok(true));
    explored(first_of_cadence::register, "first_of", &10).assert();
}

/// One of the answers ends the workflow early.
#[test]
fn a_workflow_may_fail_while_its_tasks_hold_channels() {
    async fn refuses(_: &ActivityContext, n: u32) -> Result<u32, ActivityError> {
        if n == 10 { Err(ActivityError::non_retryable("10 is too many")) } else { add_up(n).await }
    }
    async fn add_up(n: u32) -> Result<u32, ActivityError> {
        tokio::time::sleep(secs(2)).await;
        Ok(n + 1)
    }
    let once = ActivityOptions { retry_policy: None, ..options() };
    let main = async move |ctx: &mut WorkflowContext, n: u32| -> Result<Vec<u32>, WorkflowError> {
        let (sender, receiver) = ctx.new_channel::<Result<u32, WorkflowError>>(4);
        for i in 0..3 {
            let (inner, sender, once) = (ctx.clone(), sender.clone(), once.clone());
            ctx.spawn(async move {
                let _ = sender.send(call(&inner, "refuses", n + i, once).await).await;
            });
        }
        drop(sender);
        let mut sums = Vec::new();
        while let Some(sum) = receiver.recv().await {
            sums.push(sum?);
        }
        Ok(sums)
    };
    let simulation = Simulation::cadence().cadence_activity("refuses", refuses).cadence_workflow("main", main);
    let run = simulation.run("main", &10).unwrap();
    assert!(failure_of(&run).contains("10 is too many"), "{}", failure_of(&run));
}

/// An answer, or a timer that is over earlier.
#[workflow(name = "race")]
async fn race(ctx: WorkflowContext, patience: u64) -> Result<String, WorkflowError> {
    let answer = call::<_, u32>(&ctx, "add", 1, options());
    tokio::pin!(answer);
    Ok(tokio::select! {
        biased;
        answer = &mut answer => format!("answer {}", answer?),
        () = ctx.new_timer(millis(patience)) => "too late".to_owned(),
    })
}

#[test]
fn the_earlier_of_an_answer_and_a_timer_is_taken() {
    let result = |patience: u64| {
        let run = simulation(race_cadence::register).run("race", &patience).unwrap();
        run.result::<String>().unwrap()
    };
    assert_eq!((result(200), result(400)), ("too late".to_owned(), "answer 2".to_owned()));
    // An answer that a fault holds up is too late, and rightly so.
    let is_either = |run: &Run| run.result::<String>().is_ok_and(|told| ["too late", "answer 2"].contains(&&*told));
    for patience in [200, 400] {
        simulation(race_cadence::register)
            .explore("race", &patience)
            .every_fault()
            .every_order()
            .deploys_itself()
            .seeds(0..100)
            .check(check::same_result().outcomes(is_either))
            .assert();
    }
}

/// Those of Go's client have whole seconds, and it begins none for 0 s.
#[test]
fn a_timer_has_its_parts_of_a_second() {
    async fn main(ctx: &mut WorkflowContext, lengths: Vec<u64>) -> Result<Vec<i64>, WorkflowError> {
        let mut took = Vec::new();
        for length in lengths {
            let began = ctx.now();
            ctx.sleep(millis(length)).await;
            took.push((ctx.now() - began).num_milliseconds());
        }
        Ok(took)
    }
    let simulation = Simulation::cadence().dispatch_latency(secs(0)).cadence_workflow("main", main);
    let run = simulation.run("main", &[1_250, 0, 1]).unwrap();
    let fired = run.timeline().to_string().matches("fired").count();
    assert_eq!((run.result::<Vec<i64>>(), fired), (Ok(vec![1_250, 0, 1]), 3), "{}", run.timeline());
}

/// A workflow that returns is over: what it has spawned does not hold it back.
#[test]
fn a_workflow_ends_with_its_own_code() {
    async fn main(ctx: &mut WorkflowContext, _: ()) -> Result<u32, WorkflowError> {
        let inner = ctx.clone();
        ctx.spawn(async move { inner.sleep(secs(3_600)).await });
        Ok(1)
    }
    let simulation = Simulation::cadence().cadence_workflow("main", main);
    let run = simulation.dispatch_latency(secs(0)).run("main", &()).unwrap();
    assert_eq!((run.result::<u32>(), run.virtual_time().since_epoch()), (Ok(1), secs(0)));
}

/// Counts those that are alive.
struct Alive(Arc<AtomicU32>);

impl Alive {
    fn new(count: &Arc<AtomicU32>) -> Alive {
        count.fetch_add(1, Ordering::Relaxed);
        Alive(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The client's context holds its dispatcher, which holds tasks, which hold the context.
#[test]
fn nothing_of_an_instance_is_left_behind() {
    let alive = Arc::new(AtomicU32::new(0));
    let counted = alive.clone();
    let main = async move |ctx: &mut WorkflowContext, _: ()| -> Result<u32, WorkflowError> {
        let (root, task, handler) = (Alive::new(&counted), Alive::new(&counted), Alive::new(&counted));
        let inner = ctx.clone();
        ctx.spawn(async move {
            inner.sleep(secs(3_600)).await;
            drop(task);
        });
        let asked = ctx.clone();
        ctx.set_query_handler("now", move |_| {
            let _alive = &handler;
            asked.now().to_rfc3339().into_bytes()
        });
        ctx.sleep(secs(1)).await;
        // This one is never polled.
        let (late, inner) = (Alive::new(&counted), ctx.clone());
        ctx.spawn(async move {
            inner.sleep(secs(1)).await;
            drop(late);
        });
        drop(root);
        Ok(1)
    };
    let simulation = Simulation::cadence().cadence_workflow("main", main);
    for plan in ["v1", "main#1:task2=evicted", "main#1:task2=crash"] {
        let run = simulation.clone().plan(plan.parse().unwrap()).run("main", &()).unwrap();
        assert_eq!(run.result::<u32>(), Ok(1));
        drop(run);
        assert_eq!(alive.load(Ordering::Relaxed), 0, "{plan}");
    }
}

/// A workflow that is dropped in the middle runs its destructors, and they ask for nothing.
#[test]
fn destructors_of_a_workflow_ask_for_nothing() {
    struct Asks(WorkflowContext);
    impl Drop for Asks {
        fn drop(&mut self) {
            drop(self.0.new_timer(secs(1)));
        }
    }
    thread_local!(static ENDED: Cell<u32> = const { Cell::new(0) });
    async fn main(ctx: &mut WorkflowContext, _: ()) -> Result<u32, WorkflowError> {
        let _asks = Asks(ctx.clone());
        ctx.sleep(secs(1)).await;
        ENDED.set(ENDED.get() + 1);
        Ok(1)
    }
    let simulation = Simulation::cadence().cadence_workflow("main", main);
    let run = simulation.dispatch_latency(secs(0)).run("main", &()).unwrap();
    assert_eq!((run.result::<u32>(), ENDED.get(), run.virtual_time().since_epoch()), (Ok(1), 1, secs(1)));
}
