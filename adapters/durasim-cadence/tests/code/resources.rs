//! Things that activities of one process share.

use std::cell::Cell;

use async_trait::async_trait;
use crabdance_activity::{ActivityContext, FromResources, activity};
use crabdance_core::{ResourceContext, ResourceError};
use crabdance_worker::registry::Registry;
use crabdance_workflow::{ActivityError, WorkflowContext, WorkflowError, call_activity, workflow};
use durasim::{RunError, Simulation, WorkerOptions, check};
use durasim_cadence::CadenceExt;

use super::{call, millis, options, secs};

/// Counts what happens to pools, outside.
#[derive(Default)]
struct Pools {
    made: Cell<u32>,
    /// Those that were dropped while the run went on.
    dropped: Cell<u32>,
}

/// A pool of connections. Its number is that of the process, in the order in which they began.
struct Pool {
    number: u32,
}

impl Pool {
    fn new() -> Pool {
        let pools = durasim::state::<Pools>();
        pools.made.set(pools.made.get() + 1);
        Pool { number: pools.made.get() }
    }
}

struct Connection {
    pool: u32,
}

#[async_trait]
impl FromResources for Connection {
    async fn get(ctx: ResourceContext<'_>) -> Result<Connection, ResourceError> {
        let pool = ctx.resources::<Pool>().ok_or_else(|| ResourceError::new("there is no `Pool`"))?;
        Ok(Connection { pool: pool.number })
    }
}

#[activity(name = "ask")]
async fn ask(ctx: &ActivityContext, connection: Connection, _question: u32) -> Result<u32, ActivityError> {
    tokio::time::sleep(millis(100)).await;
    ctx.record_heartbeat(None);
    assert_eq!(ctx.resources::<Pool>().map(|pool| pool.number), Some(connection.pool));
    Ok(connection.pool)
}

#[workflow(name = "asking")]
async fn asking(ctx: WorkflowContext, questions: u32) -> Result<Vec<u32>, WorkflowError> {
    let mut answers = Vec::new();
    for question in 0..questions {
        answers.push(call_activity!(ctx, ask, question, options()).await?);
    }
    Ok(answers)
}

/// Two questions at once.
#[workflow(name = "at_once")]
async fn at_once(ctx: WorkflowContext, n: u32) -> Result<(u32, u32), WorkflowError> {
    let answers = tokio::join!(call(&ctx, "ask", n, options()), call(&ctx, "ask", n, options()));
    Ok((answers.0?, answers.1?))
}

/// The same with resources of its own.
#[activity(name = "ask_others")]
async fn ask_others(ctx: &ActivityContext, _question: u32) -> Result<u32, ActivityError> {
    Ok(ctx.resources::<Pool>().map_or(0, |pool| pool.number))
}

/// A question to both.
#[workflow(name = "asking_both")]
async fn asking_both(ctx: WorkflowContext, n: u32) -> Result<(u32, u32), WorkflowError> {
    Ok((call(&ctx, "ask", n, options()).await?, call(&ctx, "ask_others", n, options()).await?))
}

fn register_all(registry: &dyn Registry) {
    at_once_cadence::register(registry);
    ask_cadence::register(registry);
    asking_cadence::register(registry);
}

fn simulation() -> Simulation {
    Simulation::cadence().state(Pools::default).registered_with(Pool::new, register_all)
}

fn answers(plan: &str) -> Vec<u32> {
    simulation().plan(plan.parse().unwrap()).run("asking", &3).unwrap().result().unwrap()
}

#[test]
fn attempts_of_one_process_share_them() {
    assert_eq!(answers("v1"), [1, 1, 1]);
    // In the next run too, which has a world of its own.
    assert_eq!(answers("v1"), [1, 1, 1]);
}

#[test]
fn another_process_has_others() {
    assert_eq!(answers("ask#2@1:await1=crash"), [1, 2, 2]);
    assert_eq!(answers("ask#2@1:await1=stop"), [1, 1, 2]);
}

#[test]
fn another_worker_has_others() {
    let worker = || WorkerOptions { max_concurrent_activities: 1, ..Default::default() };
    let run = simulation().worker(worker()).worker(worker()).run("at_once", &0).unwrap();
    assert_eq!(run.result::<(u32, u32)>(), Ok((1, 2)));
}

#[test]
fn each_registration_has_its_own() {
    let simulation = simulation().registered(asking_both_cadence::register);
    let simulation = simulation.registered_with(Pool::new, ask_others_cadence::register);
    assert_eq!(simulation.run("asking_both", &0).unwrap().result::<(u32, u32)>(), Ok((1, 2)));
}

/// It would fail again with each attempt.
#[test]
fn resources_that_cannot_be_made_end_the_run() {
    let simulation = Simulation::cadence().registered_with(|| -> Pool { panic!("no address") }, register_all);
    let error = simulation.run("asking", &1).unwrap_err();
    assert!(matches!(error, RunError::Setup(_)), "{error}");
    assert!(error.to_string().contains("making the values of a worker's process panicked: no address"), "{error}");
}

#[test]
fn they_are_the_same_again_under_every_fault() {
    // The processes differ, but none comes back.
    let check =
        check::same_result().normalize(|answers: &mut Vec<u32>| *answers = vec![u32::from(answers.is_sorted())]);
    simulation().explore("asking", &3).every_fault().every_order().deploys_itself().seeds(0..100).check(check).assert();
}

#[test]
fn a_stop_drops_them_and_a_crash_runs_no_destructor() {
    struct Told(durasim::Handle<Pools>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.with(|pools| pools.dropped.set(pools.dropped.get() + 1));
        }
    }
    async fn code(_: &ActivityContext, _: u32) -> Result<u32, ActivityError> {
        tokio::time::sleep(millis(100)).await;
        Ok(durasim::handle::<Pools>().with(|pools| pools.dropped.get()))
    }
    #[derive(Clone)]
    struct Code;
    impl crabdance_worker::registry::Activity for Code {
        fn execute(
            &self,
            ctx: &ActivityContext,
            _: Option<Vec<u8>>,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<u8>, ActivityError>> + Send>> {
            let ctx = ctx.clone();
            Box::pin(async move { code(&ctx, 0).await.map(|dropped| dropped.to_string().into_bytes()) })
        }
    }
    let simulation = Simulation::cadence().state(Pools::default).registered_with(
        || Told(durasim::handle()),
        |registry| {
            registry.register_activity("ask", Box::new(Code));
            asking_cadence::register(registry);
        },
    );
    let dropped = |plan: &str| {
        let (told, _) = simulation
            .clone()
            .plan(plan.parse().unwrap())
            .drive(async |client| {
                let asking = client.start::<Vec<u32>>("asking", "asking-1", &3).await.unwrap();
                let seen = asking.result().await.unwrap();
                client.stop_worker(1);
                client.sleep(secs(60)).await;
                (seen, durasim::state::<Pools>().dropped.get())
            })
            .unwrap();
        told
    };
    assert_eq!(dropped("v1"), (vec![0, 0, 0], 1));
    // The second process has stopped in the end, the first is never dropped while the run goes on.
    assert_eq!(dropped("ask#2@1:await1=crash"), (vec![0, 0, 0], 1));
}
