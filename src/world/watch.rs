//! [`Watch`]: looks at a piece of the state whenever an attempt has ended otherwise than by a crash.
//!
//! A run keeps only what a watch finds. A check says which attempt is to blame, since it knows the whole trace.

use std::any::Any;
use std::fmt;

use super::error::RunError;
use super::states::{States, unknown_state};
use crate::trace::AttemptKey;

/// Says what it finds in the state, if anything.
type Look = Box<dyn Fn(&States) -> Result<Option<Box<dyn Any>>, RunError> + Send + Sync>;

/// Looks at a piece of the state whenever an attempt has ended by its own code, or was dropped by its worker.
pub struct Watch {
    look: Look,
}

impl Watch {
    /// `find` says what is wrong with this piece of the state, if anything.
    pub(crate) fn new<S: 'static, F: 'static>(find: impl Fn(&S) -> Option<F> + Send + Sync + 'static) -> Watch {
        Watch {
            look: Box::new(move |states| {
                let state = states.get::<S>().ok_or_else(|| unknown_state::<S>(None))?;
                Ok(find(&state).map(|found| Box::new(found) as Box<dyn Any>))
            }),
        }
    }

    /// Looks at the state.
    ///
    /// # Errors
    /// [`RunError::UnknownState`].
    pub(super) fn look(&self, states: &States) -> Result<Option<Box<dyn Any>>, RunError> {
        (self.look)(states)
    }
}

/// A watch's finding when this attempt had ended.
pub(super) struct Found {
    watch: usize,
    attempt: AttemptKey,
    what: Box<dyn Any>,
}

impl Found {
    /// The watch of this index has found something.
    pub(super) fn new(watch: usize, attempt: AttemptKey, what: Box<dyn Any>) -> Found {
        Found { watch, attempt, what }
    }

    /// The attempt with what was found, if the watch of this index has found it.
    pub(super) fn by<F: Clone + 'static>(&self, watch: usize) -> Option<(AttemptKey, F)> {
        let what = self.what.downcast_ref::<F>().filter(|_| self.watch == watch)?;
        Some((self.attempt, what.clone()))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
