//! [`Watch`]: looks at a piece of the state whenever an attempt has ended otherwise than by a crash.
//!
//! A run keeps only what a watch minds; whose doing it was is for checks to say, which know the whole trace.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::core::World;
use super::run::Run;
use super::states::unknown_state;
use crate::trace::AttemptKey;

/// Says what it minds of the state, if anything.
type Look = Box<dyn Fn(&World) -> Option<Box<dyn Any>> + Send + Sync>;

/// Looks at a piece of the state whenever an attempt has ended by its own code, or was dropped by its worker.
pub struct Watch {
    look: Look,
}

impl Watch {
    /// `mind` says what is wrong with this piece of the state, if anything.
    pub(crate) fn new<S: 'static, M: 'static>(mind: impl Fn(&S) -> Option<M> + Send + Sync + 'static) -> Watch {
        Watch {
            look: Box::new(move |world| {
                let Some(state) = world.state::<S>() else {
                    world.core.borrow_mut().fail(unknown_state::<S>());
                    return None;
                };
                mind(&state).map(|minded| Box::new(minded) as Box<dyn Any>)
            }),
        }
    }
}

/// What a watch minded when this attempt had ended.
pub(crate) struct Minded {
    watch: usize,
    attempt: AttemptKey,
    what: Box<dyn Any>,
}

impl World {
    /// Shows the state to the watches, after an attempt has ended and its destructors have run.
    pub(super) fn look_after(&self, attempt: AttemptKey) {
        if self.setup.watches.is_empty() || self.core.borrow().error.is_some() {
            return;
        }
        for (watch, Watch { look }) in self.setup.watches.iter().map(Arc::as_ref).enumerate() {
            if let Some(what) = look(self) {
                self.minded.borrow_mut().push(Minded { watch, attempt, what });
            }
        }
    }
}

impl Run {
    /// What this watch minded, with the attempt that had just ended.
    pub(crate) fn minded<M: Clone + 'static>(&self, watch: &Arc<Watch>) -> Vec<(AttemptKey, M)> {
        let world = self.world();
        let place = world.setup.watches.iter().position(|known| Arc::ptr_eq(known, watch));
        let minded = world.minded.borrow();
        let own = minded.iter().filter(|minded| Some(minded.watch) == place);
        own.filter_map(|minded| Some((minded.attempt, minded.what.downcast_ref::<M>()?.clone()))).collect()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
