//! Bug 19: the compensation is asked for in the scope that was cancelled, and never runs.

use std::cell::Cell;
use std::time::Duration;

use durasim::program::CancellationType;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

/// An airline. Each seat is reserved at most once, and given back at most once.
#[derive(Default)]
struct Airline {
    reserved: Ledger<String>,
    given_back: Ledger<String>,
    is_called_off: Cell<bool>,
}

async fn reserve(ctx: &ActivityContext, seat: String) -> Result<(), ActivityError> {
    let airline = durasim::state::<Airline>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    ctx.heartbeat(&())?;
    // An attempt that was given up may come too late.
    if airline.is_called_off.get() {
        return Err(ActivityError::non_retryable("the trip is called off"));
    }
    if airline.reserved.count(&seat) == 0 {
        durasim::effect("reserve", || airline.reserved.record(seat))?;
    }
    Ok(())
}

async fn give_back(_: &ActivityContext, seats: Vec<String>) -> Result<(), ActivityError> {
    let airline = durasim::state::<Airline>();
    airline.is_called_off.set(true);
    for seat in seats {
        if airline.reserved.count(&seat) > airline.given_back.count(&seat) {
            durasim::effect("give back", || airline.given_back.record(seat))?;
        }
    }
    Ok(())
}

/// The options of an activity that is tried for ever.
fn unlimited() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: Duration::from_secs(60),
        cancellation_type: CancellationType::WaitCancellationCompleted,
        ..Default::default()
    }
}

async fn travel(ctx: &WorkflowContext, seats: Vec<String>, detached: bool) -> Result<usize, WorkflowError> {
    for seat in &seats {
        let retry_policy = Some(RetryPolicy { maximum_attempts: 4, ..Default::default() });
        let heartbeat_timeout = Duration::from_secs(20);
        let options = ActivityOptions { heartbeat_timeout, retry_policy, ..unlimited() };
        let reserved: Result<(), WorkflowError> = ctx.execute_activity("reserve", seat, options).await;
        if let Err(error) = reserved {
            let scope = if detached { ctx.detached() } else { ctx.clone() };
            let _ = scope.execute_activity::<()>("give_back", &seats, unlimited()).await;
            return Err(error);
        }
    }
    Ok(seats.len())
}

fn explored(detached: bool) -> Exploration {
    let travelling = async move |ctx: &WorkflowContext, seats: Vec<String>| travel(ctx, seats, detached).await;
    Simulation::temporal()
        .activity("reserve", reserve)
        .activity("give_back", give_back)
        .workflow("travelling", travelling)
        .state(Airline::default)
        .explore("travelling", &["out", "back"])
        .check(check::kept_or_undone(|airline: &Airline| &airline.reserved, |airline: &Airline| &airline.given_back))
}

pub fn planted() -> Exploration {
    explored(false).named("compensation_in_the_cancelled_scope")
}

pub fn twin() -> Exploration {
    explored(true)
}
