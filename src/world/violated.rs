//! [`Violations`]: what fakes have seen in a run that must not be.

use std::cell::RefCell;

/// A thing that must not be, as a fake saw it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) message: String,
    /// The call that said so, in words, if it is known.
    pub(crate) place: Option<String>,
    /// The event of the trace before it.
    pub(crate) event: Option<usize>,
}

/// The things that fakes saw in a run, in their order.
#[derive(Default)]
pub(crate) struct Violations(RefCell<Vec<Seen>>);

impl Violations {
    pub(super) fn note(&self, seen: Seen) {
        self.0.borrow_mut().push(seen);
    }

    pub(super) fn all(&self) -> Vec<Seen> {
        self.0.borrow().clone()
    }
}
