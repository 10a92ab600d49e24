//! Signals and queries.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

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

/// Its handlers do what a query may not. It decides something before and after them.
#[workflow(name = "careless")]
async fn careless(ctx: WorkflowContext, _n: u32) -> Result<(u32, u32, bool, Vec<u32>), WorkflowError> {
    let ran = Arc::new(Mutex::new(Vec::new()));
    let (inner, list) = (ctx.clone(), ran.clone());
    ctx.set_query_handler("spawns", move |_| {
        let list = list.clone();
        drop(inner.spawn(async move { list.lock().unwrap().push(1) }));
        b"1".to_vec()
    });
    let inner = ctx.clone();
    ctx.set_query_handler("asks", move |_| {
        drop(inner.new_timer(secs(1)));
        b"1".to_vec()
    });
    let inner = ctx.clone();
    ctx.set_query_handler("decides", move |_| {
        let mut decision = pin!(inner.side_effect(|| 5));
        let polled = decision.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        format!("{}", u32::from(polled.is_ready())).into_bytes()
    });
    let inner = ctx.clone();
    ctx.set_query_handler("looks up", move |_| {
        let mut rate = pin!(inner.mutable_side_effect("rate", || 5, None::<fn(&u32, &u32) -> bool>));
        let polled = rate.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        format!("{}", u32::from(polled.is_ready())).into_bytes()
    });
    let inner = ctx.clone();
    ctx.set_query_handler("changes", move |_| inner.get_version("query", -1, 1).to_string().into_bytes());
    ctx.set_query_handler("tokio", |_| {
        drop(tokio::spawn(async {}));
        b"1".to_vec()
    });
    let inner = ctx.clone();
    ctx.set_query_handler("takes", move |_| inner.get_signal_channel("kept").try_recv().unwrap_or_default());
    ctx.set_query_handler("blocks", |_| {
        drop(tokio::task::spawn_blocking(|| {}));
        b"1".to_vec()
    });
    let inner = ctx.clone();
    ctx.set_query_handler("version", move |_| inner.get_version("known", -1, 3).to_string().into_bytes());
    let inner = ctx.clone();
    ctx.set_query_handler("replaces itself", move |_| {
        inner.set_query_handler("replaces itself", |_| b"2".to_vec());
        b"1".to_vec()
    });
    ctx.get_version("known", -1, 3);
    let rate = ctx.mutable_side_effect("rate", || 1, None::<fn(&u32, &u32) -> bool>).await;
    let first = ctx.side_effect(|| 2).await;
    ctx.get_signal_channel("stop").recv().await;
    let rate = rate + ctx.mutable_side_effect("rate", || 1, None::<fn(&u32, &u32) -> bool>).await;
    let second = ctx.spawn(async move { first + 1 }).join().await.map_err(WorkflowError::execution_failed_error)?;
    let second = ctx.side_effect(|| second).await;
    ctx.sleep(secs(1)).await;
    let third = ctx.side_effect(|| second + 1).await;
    ctx.sleep(secs(1)).await;
    let is_kept = ctx.get_signal_channel("kept").try_recv().is_some();
    let ran = ran.lock().unwrap();
    Ok((rate, third, is_kept, ran.clone()))
}

#[test]
fn a_query_that_does_more_than_read_is_told_and_changes_nothing() {
    let ended = |plan: &'static str, queries: &'static [(&str, &str)]| {
        let simulation = Simulation::cadence().registered(careless_cadence::register).plan(plan.parse().unwrap());
        let (result, run) = simulation
            .drive(|client| async move {
                let careless = client.start::<(u32, u32, bool, Vec<u32>)>("careless", "c-1", &0).await.unwrap();
                careless.signal("kept", &1).await.unwrap();
                client.sleep(secs(1)).await;
                for (query, words) in queries {
                    let why = careless.query::<u32>(query, &()).await.unwrap_err().to_string();
                    assert!(why.contains(words) && why.contains("a query only reads"), "{query}: {why}");
                }
                // These only read.
                assert_eq!(careless.query::<u32>("version", &()).await, Ok(3));
                if !queries.is_empty() {
                    assert_eq!(careless.query::<u32>("replaces itself", &()).await, Ok(1));
                    assert_eq!(careless.query::<u32>("replaces itself", &()).await, Ok(2));
                }
                careless.signal("stop", &()).await.unwrap();
                careless.result().await.unwrap()
            })
            .unwrap_or_else(|why| panic!("{plan}: {why}"));
        (result, run.history().len())
    };
    let asked = &[
        ("spawns", "the handler of query `spawns` spawns a task"),
        ("takes", "the handler of query `takes` takes a signal"),
        ("asks", "the handler of query `asks` asks its context for something"),
        ("decides", "the handler of query `decides` asks its context for something"),
        ("looks up", "the handler of query `looks up` asks its context for something"),
        ("changes", "the handler of query `changes` asks its context for something"),
        ("tokio", "the handler of query `tokio` spawns a task"),
        ("blocks", "the handler of query `blocks` spawns a task"),
    ];
    let without = ended("v1", &[]);
    assert_eq!(without.0, (2, 4, true, vec![]));
    for plan in ["v1", "careless#1:task3=evicted", "careless#1:task4=evicted", "careless#1:task5=evicted"] {
        assert_eq!(ended(plan, asked), without, "{plan}");
    }
}

/// A handler wakes the workflow's code by the other end of its channel.
#[test]
fn a_query_that_wakes_the_workflow_is_told() {
    async fn main(ctx: &mut WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
        let (sender, receiver) = ctx.new_channel::<u32>(1);
        ctx.set_query_handler("sends", move |_| sender.try_send(7).is_ok().to_string().into_bytes());
        tokio::select! {
            biased;
            number = receiver.recv() => Ok(number.unwrap_or(0)),
            () = ctx.new_timer(secs(10)) => Ok(1),
        }
    }
    let (_, run) = Simulation::cadence()
        .cadence_workflow("main", main)
        .drive(|client| async move {
            let main = client.start::<u32>("main", "m-1", &()).await.unwrap();
            client.sleep(secs(1)).await;
            let why = main.query::<bool>("sends", &()).await.unwrap_err().to_string();
            assert!(why.contains("the handler of query `sends` woke the workflow's code: a query only reads"), "{why}");
            main.result().await.unwrap();
            // Nobody is left to be woken.
            assert_eq!(main.query::<bool>("sends", &()).await, Ok(true));
        })
        .unwrap();
    assert_eq!(run.history().len(), 10, "{}", run.timeline());
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
        .every_order()
        .deploys_itself()
        .seeds(0..100)
        .check(check::same_result())
        .check(check::replays())
        .assert();
}
