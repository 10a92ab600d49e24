//! Signals and queries.

use std::sync::{Arc, Mutex};

use crabdance_worker::registry::Registry;
use crabdance_workflow::{WorkflowContext, WorkflowError, workflow};
use durasim::{Client, ClientError, Simulation, check};
use durasim_cadence::CadenceExt;

use super::secs;

/// Collects what it is sent until it is told to stop, and tells how much that is.
#[workflow(name = "collects")]
async fn collects(ctx: WorkflowContext, _n: u32) -> Result<Vec<u32>, WorkflowError> {
    let items = Arc::new(Mutex::new(Vec::<u32>::new()));
    let shown = items.clone();
    ctx.set_query_handler("count", move |_| shown.lock().unwrap().len().to_string().into_bytes());
    ctx.set_query_handler("panics", |_| panic!("not now"));
    let asking = ctx.clone();
    ctx.set_query_handler("asks", move |_| {
        drop(asking.new_timer(secs(1)));
        b"1".to_vec()
    });
    ctx.set_query_handler("echo", |input| input);
    let (mut item, mut stop) = (ctx.get_signal_channel("item"), ctx.get_signal_channel("stop"));
    loop {
        let next = tokio::select! {
            biased;
            next = item.recv() => next,
            _ = stop.recv() => None,
        };
        match next {
            Some(next) => items
                .lock()
                .unwrap()
                .push(serde_json::from_slice(&next).map_err(WorkflowError::execution_failed_error)?),
            None => break,
        }
    }
    assert!(stop.try_recv().is_none());
    let items = items.lock().unwrap();
    Ok(items.clone())
}

fn register(registry: &dyn Registry) {
    collects_cadence::register(registry);
}

#[test]
fn signals_arrive_in_their_order_and_queries_are_answered() {
    let simulation = Simulation::cadence().registered(register);
    let (told, _) = simulation
        .drive(|client| async move {
            let collects = client.start::<Vec<u32>>("collects", "c-1", &0).await.unwrap();
            let mut told = vec![collects.query::<usize>("count", &()).await.unwrap()];
            for item in [3, 1, 2] {
                collects.signal("item", &item).await.unwrap();
            }
            client.sleep(secs(1)).await;
            told.push(collects.query("count", &()).await.unwrap());
            collects.signal("stop", &()).await.unwrap();
            assert_eq!(collects.result().await.unwrap(), [3, 1, 2]);
            // It has closed.
            told.push(collects.query("count", &()).await.unwrap());
            assert_eq!(collects.query::<String>("echo", "hello").await.unwrap(), "hello");
            told
        })
        .unwrap();
    assert_eq!(told, [0, 3, 3]);
}

#[test]
fn a_query_that_cannot_be_answered_says_why_and_leaves_the_workflow_as_it_is() {
    let simulation = Simulation::cadence().registered(register);
    let (_, run) = simulation
        .drive(|client| async move {
            let collects = client.start::<Vec<u32>>("collects", "c-1", &0).await.unwrap();
            client.sleep(secs(1)).await;
            for (query, words) in [
                ("sum", "workflow `collects` answers no query `sum`; the queries it answers now: `asks`, `count`, `echo`, `panics`"),
                ("panics", "not now at "),
                ("asks", "the handler of query `asks` asks its context for something: a query only reads"),
            ] {
                for _ in 0..2 {
                    let why = collects.query::<u32>(query, &()).await.unwrap_err();
                    assert!(matches!(why, ClientError::Query { .. }) && why.to_string().contains(words), "{why}");
                }
            }
            collects.signal("stop", &()).await.unwrap();
            assert!(collects.result().await.unwrap().is_empty());
        })
        .unwrap();
    assert_eq!(run.history().len(), 9, "{}", run.timeline());
}

#[test]
fn signals_survive_every_fault() {
    let simulation = Simulation::cadence().registered(register);
    simulation
        .explore_script(async |client: Client| -> Result<Vec<u32>, ClientError> {
            let collects = client.start::<Vec<u32>>("collects", "c-1", &0).await?;
            for item in [3, 1, 2] {
                client.sleep(secs(1)).await;
                collects.signal("item", &item).await?;
            }
            client.sleep(secs(1)).await;
            collects.signal("stop", &()).await?;
            collects.result().await
        })
        .every_fault()
        .seeds(0..100)
        .check(check::same_result())
        .check(check::replays())
        .assert();
}
