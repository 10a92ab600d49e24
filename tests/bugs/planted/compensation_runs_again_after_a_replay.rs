//! Bug 23: the workflow notes what is given back beside a line of its log, which it leaves out in a replay. After a replay it
//! gives back again what it has given back.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use durasim::program::CancellationType;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

/// An airline. It takes a seat back as often as it is asked to, but for a request that it knows.
#[derive(Default)]
struct Airline {
    reserved: Ledger<String>,
    given_back: Ledger<String>,
    requests: RefCell<BTreeSet<String>>,
    is_called_off: Cell<bool>,
}

async fn reserve(_: &ActivityContext, seat: String) -> Result<(), ActivityError> {
    let airline = durasim::state::<Airline>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    // An attempt that was given up may come too late.
    if airline.is_called_off.get() {
        return Err(ActivityError::non_retryable("the trip is called off"));
    }
    if airline.reserved.count(&seat) == 0 {
        durasim::effect("reserve", || airline.reserved.record(seat))?;
    }
    Ok(())
}

async fn give_back(ctx: &ActivityContext, seat: String) -> Result<(), ActivityError> {
    let airline = durasim::state::<Airline>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    airline.is_called_off.set(true);
    let request = ctx.get_info().activity_id.to_string();
    if airline.reserved.count(&seat) > 0 && !airline.requests.borrow().contains(&request) {
        durasim::effect("give back", || {
            airline.requests.borrow_mut().insert(request);
            airline.given_back.record(seat);
        })?;
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

async fn travel(ctx: &WorkflowContext, seats: Vec<String>, notes_always: bool) -> Result<usize, WorkflowError> {
    let retry_policy = Some(RetryPolicy { maximum_attempts: 4, ..Default::default() });
    let mut open = Vec::new();
    for seat in &seats {
        open.push(seat);
        let options = ActivityOptions { retry_policy: retry_policy.clone(), ..unlimited() };
        let reserved: Result<(), WorkflowError> = ctx.execute_activity("reserve", seat, options).await;
        if let Err(error) = reserved {
            while let Some(seat) = open.last() {
                let () = ctx.detached().execute_activity("give_back", seat, unlimited()).await?;
                if notes_always || !ctx.is_replaying() {
                    // Here it writes to the log that the seat is given back.
                    open.pop();
                }
            }
            return Err(error);
        }
    }
    Ok(seats.len())
}

fn explored(notes_always: bool) -> Exploration {
    let travelling = async move |ctx: &WorkflowContext, seats: Vec<String>| travel(ctx, seats, notes_always).await;
    Simulation::temporal()
        .activity("reserve", reserve)
        .activity("give_back", give_back)
        .workflow("travelling", travelling)
        .state(Airline::default)
        .explore("travelling", &["out", "back"])
        .check(check::kept_or_undone(|airline: &Airline| &airline.reserved, |airline: &Airline| &airline.given_back))
}

pub fn planted() -> Exploration {
    explored(false).named("compensation_runs_again_after_a_replay")
}

pub fn twin() -> Exploration {
    explored(true)
}
