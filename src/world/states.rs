//! [`States`]: the outside world of a run, as its fakes model it.

use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::error::RunError;
use crate::program::panics;

/// Makes one piece of state, fresh for each run.
#[derive(Clone)]
pub(crate) struct StateMaker {
    pub(crate) key: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) make: Arc<dyn Fn() -> Rc<dyn Any> + Send + Sync>,
}

/// The pieces of the state of a run, one of each type. They know nothing of crashes.
#[derive(Default)]
pub(crate) struct States(RefCell<Vec<(TypeId, Rc<dyn Any>)>>);

impl States {
    /// Makes the pieces.
    ///
    /// # Errors
    /// [`RunError::Setup`] if a constructor panics.
    pub(super) fn make(&self, makers: &[StateMaker]) -> Result<(), RunError> {
        for maker in makers {
            match panics::catch(|| (maker.make)()) {
                Ok(made) => self.0.borrow_mut().push((maker.key, made)),
                Err(unwound) => {
                    let why = unwound.words();
                    return Err(RunError::Setup(format!("making the state `{}` panicked: {why}", maker.type_name)));
                }
            }
        }
        Ok(())
    }

    /// The piece of this type.
    pub(super) fn get<T: 'static>(&self) -> Option<Rc<T>> {
        let states = self.0.borrow();
        let (_, state) = states.iter().find(|(key, _)| *key == TypeId::of::<T>())?;
        state.clone().downcast::<T>().ok()
    }

    /// Takes them out, to be dropped.
    pub(super) fn take(&self) -> impl Iterator<Item = Rc<dyn Any>> {
        self.0.take().into_iter().map(|(_, state)| state)
    }
}

/// For a type that was not registered.
pub(crate) fn unknown_state<T: 'static>() -> RunError {
    let wanted = type_name::<T>();
    RunError::UnknownState { wanted, short: wanted.rsplit("::").next().unwrap_or(wanted).to_owned() }
}
