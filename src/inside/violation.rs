//! [`violation`]: a fake sees what must not be.

use super::enter_run;
use crate::program::places;

/// Says that something has happened which must not: for a fake that sees it. The code that called the fake goes on as if
/// nothing were wrong, and the run fails: in an exploration by the check `violation`, which is always there, and in
/// [`Simulation::run`](crate::Simulation::run) and [`drive`](crate::Simulation::drive) with
/// [`RunError::Violated`](crate::RunError::Violated).
///
/// A panic in a fake fails the attempt instead, which is retried, and a later attempt may not meet it again.
///
/// Messages that differ in their numbers alone are one failure. Code of a crashed attempt says nothing.
///
/// ```
/// use std::cell::Cell;
/// #[derive(Default)]
/// struct Account { balance: Cell<i64> }
/// impl Account {
///     fn pay(&self, cents: i64) {
///         self.balance.set(self.balance.get() - cents);
///         if self.balance.get() < 0 {
///             durasim::violation(format!("the account is overdrawn by {}", -self.balance.get()));
///         }
///     }
/// }
/// ```
///
/// # Panics
/// It panics outside a simulation. Workflow code that calls it ends the run with an error.
#[track_caller]
pub fn violation(message: impl Into<String>) {
    places::called("durasim::violation");
    let world =
        enter_run("violation", || "called `durasim::violation`, which is for the fakes that activities use".to_owned());
    world.note_violation(message.into());
}
