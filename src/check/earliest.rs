//! [`Earliest`]: the violation that shows first, among several.

use super::violation::Violation;
use crate::trace::attempts::Moment;

/// Keeps the violation that shows at the earliest event of a run, among those that a check finds attempt by attempt.
#[derive(Default)]
pub(super) struct Earliest {
    found: Option<(Moment, Violation)>,
}

impl Earliest {
    /// Takes a violation that shows at this moment.
    pub(super) fn take(&mut self, moment: Moment, violation: Violation) {
        if self.found.as_ref().is_none_or(|(known, _)| moment < *known) {
            self.found = Some((moment, violation));
        }
    }

    /// Gives the earliest violation as a verdict.
    pub(super) fn into_result(self) -> Result<(), Violation> {
        self.found.map_or(Ok(()), |(_, violation)| Err(violation))
    }
}
