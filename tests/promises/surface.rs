//! Errors that durasim gives out convert where they are used: `?` needs no `map_err` in activities and scripts.

use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use durasim::time::Elapsed;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, ClientError, EffectError, Exploration, Handle, Simulation,
    WorkflowContext, WorkflowError, check,
};
use futures::future::FusedFuture;
use futures::select_biased;
use thiserror::Error;

/// Each `?` of it is the conversion of another error.
async fn asks_much(ctx: &ActivityContext, number: u32) -> Result<u32, ActivityError> {
    durasim::effect("count", || ())?;
    let () = durasim::time::timeout(Duration::from_secs(1), async {}).await?;
    let number = io::read_to_string(number.to_string().as_bytes())?;
    ctx.heartbeat(&number)?;
    Ok(serde_json::from_str(&number)?)
}

async fn twice(ctx: &WorkflowContext, number: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions { schedule_to_close_timeout: Duration::from_secs(60), ..Default::default() };
    Ok(2 * ctx.execute_activity::<u32>("asks_much", &number, options).await?)
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("asks_much", asks_much).workflow("twice", twice)
}

#[test]
fn what_fails_in_the_outside_world_is_worth_a_retry() {
    let effect = EffectError { name: "put".to_owned() };
    assert_eq!(ActivityError::from(effect), ActivityError::retryable("injected failure of the effect `put`"));
    assert_eq!(ActivityError::from(io::Error::other("disk full")), ActivityError::retryable("disk full"));
    assert_eq!(ActivityError::from(Elapsed), ActivityError::retryable("the time given is over"));
}

#[test]
fn an_activity_asks_without_translating_errors() {
    assert_eq!(simulation().run("twice", &21u32).unwrap().result(), Ok(42));
    simulation().explore("twice", &21u32).every_fault().check(check::same_result()).assert();
}

async fn plain(client: &Client) -> Result<u32, ClientError> {
    client.start::<u32>("twice", "twice-1", &21u32).await?.result().await
}

async fn in_words(client: &Client) -> Result<u32, String> {
    Ok(client.start::<u32>("twice", "twice-1", &21u32).await?.result().await?)
}

async fn boxed(client: &Client) -> Result<u32, Box<dyn Error>> {
    Ok(client.start::<u32>("twice", "twice-1", &21u32).await?.result().await?)
}

async fn boxed_for_threads(client: &Client) -> Result<u32, Box<dyn Error + Send + Sync>> {
    Ok(client.start::<u32>("twice", "twice-1", &21u32).await?.result().await?)
}

/// A script's own error, which is compared in a form of its own.
#[derive(Debug, Error, serde::Serialize)]
enum Own {
    #[error("the client says {0}")]
    Client(#[from] ClientError),
}

async fn own(client: &Client) -> Result<u32, Own> {
    Ok(client.start::<u32>("twice", "twice-1", &21u32).await?.result().await?)
}

#[test]
fn a_script_asks_without_translating_errors() {
    assert_eq!(simulation().drive(async |client| plain(&client).await).unwrap().0, Ok(42));
    assert_eq!(simulation().drive(async |client| in_words(&client).await).unwrap().0, Ok(42));
    assert_eq!(simulation().drive(async |client| boxed(&client).await).unwrap().0.unwrap(), 42);

    let passes = |exploration: Exploration| exploration.every_fault().check(check::same_result()).assert();
    passes(simulation().explore_script(async |client| plain(&client).await));
    passes(simulation().explore_script(async |client| in_words(&client).await));
    passes(simulation().explore_script(async |client| boxed(&client).await));
    passes(simulation().explore_script(async |client| boxed_for_threads(&client).await));
    passes(simulation().explore_script(async |client| own(&client).await));
}

/// Starts two workflows under one id.
async fn starts_twice(client: &Client) -> Result<(), ClientError> {
    client.start::<u32>("twice", "twice-1", &21u32).await?;
    client.start::<u32>("twice", "twice-1", &21u32).await?;
    Ok(())
}

#[test]
fn an_error_of_a_script_is_its_text_whatever_carries_it() {
    let message = "the workflow id `twice-1` is taken: a workflow of this id was started before";
    let result = |exploration: Exploration| {
        let report = exploration
            .named("scripts")
            .every_fault()
            .check(check::named("text", |run: &durasim::Run| Err::<(), _>(format!("{:?}", run.outcome()))));
        report.report().failures()[0].text.clone()
    };
    let plain = result(simulation().explore_script(async |client| starts_twice(&client).await));
    let boxed = result(
        simulation().explore_script(async |client| -> Result<(), Box<dyn Error>> { Ok(starts_twice(&client).await?) }),
    );
    let words =
        result(simulation().explore_script(async |client| -> Result<(), String> { Ok(starts_twice(&client).await?) }));
    assert!(plain.contains(message), "{plain}");
    assert_eq!(plain, boxed);
    assert_eq!(plain, words);
}

/// What code under test asks of its object store. `async_trait` writes its methods in this form.
trait Store: Send + Sync {
    fn put(&self, part: u32) -> Pin<Box<dyn Future<Output = Result<(), EffectError>> + Send + '_>>;
}

/// Not `Send` in use, and not `Sync`.
#[derive(Default)]
struct Bucket {
    parts: RefCell<Vec<u32>>,
}

struct FakeStore {
    bucket: Handle<Bucket>,
}

impl Store for FakeStore {
    fn put(&self, part: u32) -> Pin<Box<dyn Future<Output = Result<(), EffectError>> + Send + '_>> {
        Box::pin(async move {
            durasim::time::sleep(Duration::from_secs(1)).await;
            durasim::effect("put", || self.bucket.with(|bucket| bucket.parts.borrow_mut().push(part)))?;
            assert_eq!(self.bucket.get().parts.borrow().last(), Some(&part));
            let beside = durasim::time::timeout(Duration::from_secs(1), durasim::time::sleep(Duration::from_secs(2)));
            assert_eq!(beside.await, Err(Elapsed));
            Ok(())
        })
    }
}

#[test]
fn a_fake_behind_a_trait_of_send_futures_reaches_the_state() {
    let store: Arc<dyn Store> = Arc::new(FakeStore { bucket: durasim::handle() });
    let upload = async move |_: &ActivityContext, parts: u32| -> Result<u32, ActivityError> {
        for part in 0..parts {
            store.put(part).await?;
        }
        Ok(parts)
    };
    let simulation =
        Simulation::temporal().activity("asks_much", upload).workflow("twice", twice).state(Bucket::default);
    let run = simulation.run("twice", &3u32).unwrap();
    assert_eq!(*run.state::<Bucket>().parts.borrow(), [0, 1, 2]);
    // Each run has its own state, whichever thread it is on.
    simulation.explore("twice", &3u32).every_fault().check(check::same_result()).threads(2).assert();
}

#[test]
fn a_handle_is_of_the_run_that_uses_it() {
    let handle = durasim::handle::<Bucket>();
    let asks = async move |_: &ActivityContext, _: u32| -> Result<u32, ActivityError> {
        Ok(handle.with(|bucket| bucket.parts.borrow().len()) as u32)
    };
    let simulation = Simulation::temporal().activity("asks_much", asks).workflow("twice", twice);
    let error = simulation.run("twice", &0u32).unwrap_err().to_string();
    assert!(error.contains("no state of type `promises::surface::Bucket` is registered"), "{error}");
    let simulation = simulation.state(Bucket::default);
    assert_eq!(simulation.run("twice", &0u32).unwrap().result(), Ok(0));
    let outside = std::panic::catch_unwind(|| drop(handle.get())).unwrap_err();
    let outside = outside.downcast_ref::<String>().unwrap();
    assert!(outside.contains("was called outside a simulation"), "{outside}");
}

/// Can be given to `select_biased!` as it is, in a loop.
fn fused<F: FusedFuture + Unpin>(future: F) -> F {
    future
}

#[test]
fn every_future_is_fused_and_unpin() {
    let waits = async |ctx: &ActivityContext, _: u32| -> Result<u32, ActivityError> {
        let second = Duration::from_secs(1);
        let mut interval = durasim::time::interval(second);
        fused(interval.tick()).await;
        let mut sleep = fused(durasim::time::sleep(second));
        let mut until = fused(durasim::time::sleep_until(ctx.now() + 2 * second));
        let mut limited = fused(durasim::time::timeout(3 * second, ctx.cancelled()));
        let mut beside = fused(durasim::task::spawn(durasim::time::sleep(4 * second)));
        let (mut cancelled, mut stopping) = (fused(ctx.cancelled()), fused(ctx.worker_stopping()));
        let mut ended = String::new();
        loop {
            select_biased! {
                () = sleep => ended.push('s'),
                () = until => ended.push('u'),
                result = limited => ended.push_str(if result.is_err() { "l" } else { "cancelled" }),
                () = beside => ended.push('b'),
                _ = cancelled => ended.push_str("cancelled"),
                () = stopping => ended.push_str("stopping"),
                complete => unreachable!("nobody cancels"),
            }
            if beside.is_terminated() {
                break;
            }
        }
        assert_eq!(ended, "sulb");
        assert!(sleep.is_terminated() && until.is_terminated() && limited.is_terminated());
        Ok(interval.tick().await.as_nanos() as u32)
    };
    let workflow = async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
        fused(ctx.sleep(Duration::from_secs(1))).await?;
        drop((fused(ctx.cancelled()), fused(ctx.signals::<u32>("none").recv())));
        let options = ActivityOptions { schedule_to_close_timeout: Duration::from_secs(60), ..Default::default() };
        fused(ctx.execute_activity::<u32>("waits", &number, options)).await
    };
    let simulation = Simulation::temporal().activity("waits", waits).workflow("waiting", workflow);
    let script = async |client: Client| -> Result<bool, ClientError> {
        let handle = fused(client.start::<u32>("waiting", "w", &1u32)).await?;
        let (mut result, mut patience) = (fused(handle.result()), client.sleep(Duration::from_secs(3)));
        let patient = select_biased! {
            _ = result => true,
            () = patience => false,
        };
        result.await?;
        Ok(patient)
    };
    assert_eq!(simulation.drive(script).unwrap().0, Ok(false));
}

/// A trait's future may be `Send` and wait for a task beside it.
#[test]
fn a_spawned_task_can_be_awaited_where_futures_are_send() {
    fn beside() -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async { durasim::task::spawn(async { 42 }).await })
    }
    let spawns = async |_: &ActivityContext, _: u32| -> Result<u32, ActivityError> { Ok(beside().await) };
    let run =
        Simulation::temporal().activity("asks_much", spawns).workflow("twice", twice).run("twice", &0u32).unwrap();
    assert_eq!(run.result(), Ok(84));
}
