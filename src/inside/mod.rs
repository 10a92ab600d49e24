//! The calls that code inside a run makes: activities, the fakes they use, and scripts.
//!
//! Workflow code makes none of these calls, since its replay would see another world. [`enter`] refuses them, in one
//! place for all.

pub mod ambient;
mod effect;
mod ledger;
mod random;
mod state;
pub mod task;
pub mod time;
mod violation;
mod worker_state;

use std::fmt::Display;
use std::rc::Rc;

use crate::world::core::{Core, World, current, with_current};

pub use effect::{EffectError, effect};
pub use ledger::{Ledger, LedgerEntry};
pub use random::random;
pub use state::{Handle, handle, state};
pub use violation::violation;
pub use worker_state::{WorkerHandle, worker_handle, worker_state};

/// Gives the run in progress, for a call that also works outside of a run. A call from a workflow's code is misuse,
/// which ends the run with `workflow code {what}`.
fn enter(what: impl FnOnce() -> String) -> Option<Rc<World>> {
    let world = current()?;
    if world.in_workflow() {
        refuse(&world, what);
    }
    world.count_call();
    Some(world)
}

/// Counts a call that asks the run nothing, and that anybody may make, also outside of a run.
fn called() {
    with_current(World::count_call);
}

/// Ends the run for a call that is misuse from a workflow's code. It returns only to a destructor while the thread
/// unwinds.
fn refuse(world: &World, what: impl FnOnce() -> String) {
    world.misuse(format!("workflow code {}", what()));
}

/// Gives the run in progress, for a call that means nothing outside of a run.
///
/// # Panics
/// It panics outside a simulation.
#[track_caller]
pub(crate) fn enter_run(function: impl Display, what: impl FnOnce() -> String) -> Rc<World> {
    match enter(what) {
        Some(world) => world,
        None => outside(function),
    }
}

/// Asks the run in progress, as [`enter_run`] enters it. The question runs no code of the user's before it is answered.
///
/// # Panics
/// It panics outside a simulation.
#[track_caller]
fn ask_run<R>(function: &str, what: impl FnOnce() -> String, question: impl FnOnce(&mut Core) -> R) -> R {
    let answer = with_current(|world| world.ask_core(|| refuse(world, what), question));
    match answer {
        Some(answer) => answer,
        None => outside(function),
    }
}

#[track_caller]
fn outside(function: impl Display) -> ! {
    panic!(
        "`durasim::{function}` was called outside a simulation: it works in activities and in the fakes they use, on the \
         thread that runs the simulation, not on a `std::thread` of your own"
    )
}
