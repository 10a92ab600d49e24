//! Showing the state to the watches of a simulation.

use std::sync::Arc;

use super::core::World;
use super::run::Run;
use super::watch::{Found, Watch};
use crate::trace::AttemptKey;

impl World {
    /// Shows the state to the watches, after an attempt has ended and its destructors have run.
    pub(super) fn show_to_watches(&self, attempt: AttemptKey) {
        if self.setup.watches().is_empty() || self.core.borrow().error.is_some() {
            return;
        }
        let shown = self.core.borrow().shown.clone();
        for (index, watch) in self.setup.watches().iter().enumerate() {
            match shown.checking(|| watch.look(&self.states)) {
                Ok(Some(what)) => self.found.borrow_mut().push(Found::new(index, attempt, what)),
                Ok(None) => {}
                Err(error) => self.core.borrow_mut().fail(error),
            }
        }
    }
}

impl Run {
    /// The findings of this watch, with the attempt that had just ended.
    pub(crate) fn found_by<F: Clone + 'static>(&self, watch: &Arc<Watch>) -> Vec<(AttemptKey, F)> {
        let world = self.world();
        let index = world.setup.watches().iter().position(|known| Arc::ptr_eq(known, watch));
        let Some(index) = index else { return Vec::new() };
        world.found.borrow().iter().filter_map(|found| found.by(index)).collect()
    }
}
