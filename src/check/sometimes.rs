//! [`sometimes`]: a thing that at least one run has to show.

use std::fmt;

use super::Check;
use super::reference::Reference;
use super::violation::Violation;
use crate::world::Run;

/// At least one run of the exploration satisfies this: a compensation that is never reached is not tested. The exploration
/// has an error if no run does, and its report says in how many runs of each part it was so.
///
/// Runs of all parts count, the one without faults and those of all inputs too. It says nothing where a variable of the
/// environment decides which runs are made, or where an exploration was stopped. Two of one name are an error.
///
/// ```
/// use durasim::{Ledger, Run, check};
/// #[derive(Default)]
/// struct Bank { refunds: Ledger<u32> }
/// let check = check::sometimes("a payment is given back", |run: &Run| !run.state::<Bank>().refunds.is_empty());
/// ```
pub fn sometimes<F>(name: impl Into<String>, is_so: F) -> Sometimes<F>
where
    F: Fn(&Run) -> bool + Send + Sync,
{
    Sometimes { name: format!("{PREFIX}{}", name.into()), is_so }
}

/// The beginning of the names of such checks, by which a report knows them.
pub(crate) const PREFIX: &str = "sometimes: ";

/// The check that [`sometimes`] makes.
pub struct Sometimes<F> {
    name: String,
    is_so: F,
}

impl<F: Fn(&Run) -> bool + Send + Sync> Check for Sometimes<F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        // One that panics fails.
        let _ = (self.is_so)(run);
        Ok(())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        (self.is_so)(run)
    }

    fn is_sometimes(&self) -> bool {
        true
    }
}

impl<F> fmt::Debug for Sometimes<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sometimes").field("name", &self.name).finish_non_exhaustive()
    }
}
