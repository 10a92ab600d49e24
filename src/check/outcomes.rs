//! [`Outcomes`]: the ends that code may choose, besides the one of the fault-free run.

use std::fmt;
use std::sync::Arc;

use crate::world::Run;

/// Says of a run whether its end is one of those that its code may choose.
#[derive(Clone)]
pub(super) struct Outcomes(Arc<dyn Fn(&Run) -> bool + Send + Sync>);

impl Outcomes {
    pub(super) fn new(are_allowed: impl Fn(&Run) -> bool + Send + Sync + 'static) -> Outcomes {
        Outcomes(Arc::new(are_allowed))
    }

    /// Allows the same ends, and those that another allows.
    pub(super) fn or(self, other: Option<Outcomes>) -> Outcomes {
        match other {
            Some(other) => Outcomes::new(move |run| self.allow(run) || other.allow(run)),
            None => self,
        }
    }

    pub(super) fn allow(&self, run: &Run) -> bool {
        (self.0)(run)
    }
}

impl fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes").finish_non_exhaustive()
    }
}
