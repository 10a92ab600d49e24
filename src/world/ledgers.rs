//! [`Ledgers`]: the ledgers that the states of a run have, for checks that nobody has asked for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::program::Time;
use crate::trace::AttemptKey;

/// A ledger, whatever its keys are.
pub(crate) trait AnyLedger {
    /// The name that the user has given to it.
    fn name(&self) -> Option<Arc<str>>;

    /// The number of different keys.
    fn len(&self) -> usize;

    /// The effects that were done, by key, in the order of the keys.
    fn entries(&self) -> Vec<Vec<Done>>;

    /// The keys in words, in their order.
    fn keys(&self) -> Vec<String>;
}

/// One effect of a ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Done {
    pub(crate) at: Time,
    /// The number of events that the trace had by then.
    pub(crate) event: usize,
    /// The attempt that did it, if one did.
    pub(crate) attempt: Option<AttemptKey>,
}

/// A ledger that the constructor of a state has made.
#[derive(Clone)]
pub(crate) struct Known {
    /// The type of that state.
    pub(crate) state: &'static str,
    pub(crate) ledger: Rc<dyn AnyLedger>,
}

impl Known {
    /// The effects that were done, by their keys in words. Keys that read the same are one. A run that passes needs no
    /// words: it has its keys counted.
    pub(crate) fn done(&self) -> BTreeMap<String, Vec<Done>> {
        let mut done: BTreeMap<String, Vec<Done>> = BTreeMap::new();
        for (key, entries) in self.ledger.keys().into_iter().zip(self.ledger.entries()) {
            done.entry(key).or_default().extend(entries);
        }
        done
    }

    /// The address of the ledger, which tells it from every other one.
    pub(crate) fn address(&self) -> usize {
        Rc::as_ptr(&self.ledger).addr()
    }
}

/// The ledgers of a run, in the order in which they were made.
#[derive(Default)]
pub(crate) struct Ledgers {
    known: RefCell<Vec<Known>>,
    /// The type of the state whose constructor runs now.
    making: Cell<Option<&'static str>>,
}

impl Ledgers {
    /// Says of which state the constructor runs from now on, if of any. Ledgers that it has dropped again are none.
    pub(super) fn set_making(&self, state: Option<&'static str>) {
        self.making.set(state);
        self.known.borrow_mut().retain(|known| Rc::strong_count(&known.ledger) > 1);
    }

    /// Keeps a ledger that is made now, if the constructor of a state makes it.
    pub(super) fn note(&self, ledger: Rc<dyn AnyLedger>) {
        if let Some(state) = self.making.get() {
            self.known.borrow_mut().push(Known { state, ledger });
        }
    }

    /// All that are known.
    pub(super) fn all(&self) -> Vec<Known> {
        self.known.borrow().clone()
    }
}
