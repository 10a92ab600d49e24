//! A saga: a trip is booked piece by piece, or not at all. Where a booking fails, or the traveller cancels, each piece is given
//! back by an activity, last first and exactly once.
//!
//! `cargo run --example saga`

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, RetryPolicy, Run, Simulation,
    WorkflowContext, WorkflowError, check,
};

/// The world outside: an agency that books as often as it is asked to, and gives back as often.
#[derive(Default)]
struct Agency {
    booked: Ledger<String>,
    given_back: Ledger<String>,
    called_off: RefCell<BTreeSet<String>>,
}

/// Books a piece of the trip. The agency is asked first whether an earlier attempt has done so, or the piece was called off:
/// an attempt that its worker has kept for long may come after all is given back.
async fn book(_ctx: &ActivityContext, piece: String) -> Result<(), ActivityError> {
    let agency = durasim::state::<Agency>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    if piece == "sold out" || agency.called_off.borrow().contains(&piece) {
        return Err(ActivityError::non_retryable(format!("no booking of `{piece}`")));
    }
    if agency.booked.count(&piece) == 0 {
        durasim::effect("book", || agency.booked.record(piece))?;
    }
    Ok(())
}

/// Gives a piece back that may be booked, or not, or may be given back already.
async fn give_back(_ctx: &ActivityContext, piece: String) -> Result<(), ActivityError> {
    let agency = durasim::state::<Agency>();
    durasim::time::sleep(Duration::from_secs(5)).await;
    agency.called_off.borrow_mut().insert(piece.clone());
    if agency.booked.count(&piece) > agency.given_back.count(&piece) {
        durasim::effect("give back", || agency.given_back.record(piece))?;
    }
    Ok(())
}

async fn trip(ctx: &WorkflowContext, pieces: Vec<String>) -> Result<usize, WorkflowError> {
    // Retried for ever: a compensation has no other way out.
    let always = ActivityOptions { start_to_close_timeout: Duration::from_secs(30), ..Default::default() };
    let retry_policy = Some(RetryPolicy { maximum_attempts: 3, ..Default::default() });
    let thrice = ActivityOptions { retry_policy, ..always.clone() };
    let mut begun = Vec::new();
    for piece in &pieces {
        // Before it is booked: it may be booked although the activity fails.
        begun.push(piece);
        let booked: Result<(), WorkflowError> = ctx.execute_activity("book", piece, thrice.clone()).await;
        if let Err(error) = booked {
            // In a scope of its own: that of the workflow may be cancelled.
            let scope = ctx.detached();
            for piece in begun.iter().rev() {
                let () = scope.execute_activity("give_back", piece, always.clone()).await?;
            }
            return Err(error);
        }
    }
    Ok(pieces.len())
}

fn simulation() -> Simulation {
    Simulation::temporal()
        .activity("book", book)
        .activity("give_back", give_back)
        .workflow("trip", trip)
        .state(Agency::default)
}

/// Every fault and every pair of them, for a trip that can be booked and for one that cannot.
pub fn explored() -> Exploration {
    let gives_back = |run: &Run| !run.state::<Agency>().given_back.is_empty();
    simulation()
        .explore("trip", &["flight", "hotel", "car"])
        .inputs([["flight", "hotel", "sold out"]])
        .named("trip")
        .reference_may_fail()
        .every_fault()
        .every_pair()
        .seeds(0..2_000)
        .over_budget(0.25)
        // All of it is kept where the trip is booked, and none where it is not.
        .check(check::kept_or_undone(|agency: &Agency| &agency.booked, |agency: &Agency| &agency.given_back))
        // No piece is given back twice, however the trip ends.
        .check(
            check::effects(|agency: &Agency| &agency.given_back)
                .named("given_back_once")
                .may_be_new()
                .repeats_at_most(0),
        )
        .check(check::sometimes("gives_back", gives_back))
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    // The hotel says no, although it has booked, and the traveller cancels before it is asked again.
    let plan = "book#2@1:effect1=fail_applied; book#2@1:backoff=cancel".parse()?;
    println!("{}\n", simulation().plan(plan).run("trip", &["flight", "hotel", "car"])?.timeline());
    let report = explored().report();
    println!("{report}");
    report.failures().iter().for_each(|failed| println!("{}", failed.text));
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
