//! Errors that durasim gives out convert where they are used: `?` needs no `map_err` in activities and scripts.

use std::error::Error;
use std::io;
use std::time::Duration;

use crate::snapshot::unfolded;
use durasim::time::Elapsed;
use durasim::{ActivityContext, ActivityError, Client, ClientError, EffectError, Exploration, Run, Simulation, check};
use thiserror::Error;

use super::asking;

/// Each `?` of it is the conversion of another error.
async fn asks_much(ctx: &ActivityContext, number: u32) -> Result<u32, ActivityError> {
    durasim::effect("count", || ())?;
    let () = durasim::time::timeout(Duration::from_secs(1), async {}).await?;
    let number = io::read_to_string(number.to_string().as_bytes())?;
    ctx.heartbeat(&())?;
    Ok(serde_json::from_str(&number)?)
}

fn simulation() -> Simulation {
    asking(asks_much)
}

#[test]
fn what_fails_in_the_outside_world_is_worth_a_retry() {
    let effect = EffectError::new("put");
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
    let message = "the workflow id `twice-1` is taken: a workflow of this id is open";
    let result = |exploration: Exploration| {
        let report = exploration
            .named("scripts")
            .every_fault()
            .check(check::named("text", |run: &Run| Err::<(), _>(format!("{:?}", run.outcome()))));
        report.report().failures()[0].text.clone()
    };
    let plain = result(simulation().explore_script(async |client| starts_twice(&client).await));
    let boxed = result(
        simulation().explore_script(async |client| -> Result<(), Box<dyn Error>> { Ok(starts_twice(&client).await?) }),
    );
    let words =
        result(simulation().explore_script(async |client| -> Result<(), String> { Ok(starts_twice(&client).await?) }));
    assert!(unfolded(&plain).contains(message), "{plain}");
    assert_eq!(plain, boxed);
    assert_eq!(plain, words);
}
