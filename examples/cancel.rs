//! A user cancels a workflow. Its activity learns of that with its next heartbeat, cleans up and stops.
//!
//! `cargo run --example cancel`

use std::cell::Cell;
use std::time::Duration;

use durasim::program::CancellationType;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, Exploration, Simulation, WorkflowContext, WorkflowError,
    check,
};

/// The world outside: a hall that can be reserved.
#[derive(Default)]
struct Hall {
    is_reserved: Cell<bool>,
}

impl Hall {
    fn set_reserved(&self, is_reserved: bool) -> Result<(), ActivityError> {
        Ok(durasim::effect("reserve", || self.is_reserved.set(is_reserved))?)
    }
}

/// Reserves the hall for as long as a concert takes. It looks every 5 s whether the concert has been called off.
async fn play(ctx: &ActivityContext, songs: u32) -> Result<u32, ActivityError> {
    let hall = durasim::state::<Hall>();
    hall.set_reserved(true)?;
    let mut played = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    while played < songs && !ctx.is_cancelled() {
        durasim::time::sleep(Duration::from_secs(5)).await;
        played += 1;
        ctx.heartbeat(&played)?;
    }
    hall.set_reserved(false)?;
    if played < songs { Err(ActivityError::Cancelled) } else { Ok(played) }
}

/// Waits until the activity has stopped, also when it is cancelled: only then is the hall free.
async fn concert(ctx: &WorkflowContext, songs: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(3_600),
        heartbeat_timeout: Duration::from_secs(10),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    };
    ctx.execute_activity("play", &songs, options).await
}

/// The user, who changes their mind after 42 s.
async fn call_off(client: Client) -> Result<String, String> {
    let concert = client.start::<u32>("concert", "tonight", &20).await?;
    client.sleep(Duration::from_secs(42)).await;
    concert.cancel().await?;
    Ok(concert.result().await.expect_err("it has time for 20 songs only after 100 s").to_string())
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("play", play).workflow("concert", concert).state(Hall::default)
}

/// The exploration of it.
pub fn explored() -> Exploration {
    // A reservation that fails after it was made is for the next attempt to end.
    let is_free = |hall: &Hall| if hall.is_reserved.get() { Err("the hall is reserved") } else { Ok(()) };
    simulation()
        .explore_script(call_off)
        .named("call_off")
        .every_fault()
        // The user is told in other words where a fault strikes while the activity stops.
        .without("same_result")
        .check(check::stops_in_time(Duration::from_secs(6)).of("play").until_cancelled())
        .check(check::cleaned_up(is_free).of("play").unless_failed("reserve"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (end, run) = simulation().drive(call_off)?;
    println!("{}\nthe user sees: {}\n", run.timeline(), end?);
    assert!(!run.state::<Hall>().is_reserved.get(), "the hall is still reserved");

    let report = explored().report();
    println!("{report}");
    report.failures().iter().for_each(|failed| println!("{}", failed.text));
    assert!(report.holds());
    Ok(())
}
