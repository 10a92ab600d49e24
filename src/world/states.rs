//! [`States`]: the outside world of a run, as its fakes model it.

use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::error::RunError;
use super::ledgers::Ledgers;
use crate::program::panics;
use crate::program::places::Called;

/// Makes one piece of state, fresh for each run.
#[derive(Clone)]
pub(crate) struct StateMaker {
    key: TypeId,
    type_name: &'static str,
    make: Arc<dyn Fn() -> Rc<dyn Any> + Send + Sync>,
}

impl StateMaker {
    /// A piece of state that this makes.
    pub(crate) fn new<T: 'static>(make: impl Fn() -> T + Send + Sync + 'static) -> StateMaker {
        let make = Arc::new(move || Rc::new(make()) as Rc<dyn Any>);
        StateMaker { key: TypeId::of::<T>(), type_name: type_name::<T>(), make }
    }

    /// Makes a piece.
    pub(super) fn make(&self) -> Rc<dyn Any> {
        (self.make)()
    }

    /// Says whether it makes pieces of this type.
    pub(super) fn makes<T: 'static>(&self) -> bool {
        self.key == TypeId::of::<T>()
    }

    /// The key of what it makes in the memory of a worker's process.
    pub(super) fn memory_key(&self) -> usize {
        Arc::as_ptr(&self.make).cast::<()>() as usize
    }

    /// The type of what it makes, in words.
    pub(super) fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// Says whether both make a piece of the same type.
    pub(super) fn is_of_type_of(&self, other: &StateMaker) -> bool {
        self.key == other.key
    }
}

/// The pieces of the state of a run, one of each type. They know nothing of crashes.
#[derive(Default)]
pub(crate) struct States {
    pieces: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
    ledgers: Ledgers,
}

impl States {
    /// Makes the pieces.
    ///
    /// # Errors
    /// [`RunError::Setup`] if a constructor panics.
    pub(super) fn make(&self, makers: &[StateMaker]) -> Result<(), RunError> {
        for maker in makers {
            self.ledgers.set_making(Some(maker.type_name));
            let made = panics::catch(|| maker.make());
            self.ledgers.set_making(None);
            match made {
                Ok(made) => self.pieces.borrow_mut().push((maker.key, made)),
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
        let states = self.pieces.borrow();
        let (_, state) = states.iter().find(|(key, _)| *key == TypeId::of::<T>())?;
        state.clone().downcast::<T>().ok()
    }

    /// The ledgers that the constructors have made.
    pub(super) fn ledgers(&self) -> &Ledgers {
        &self.ledgers
    }

    /// Takes them out, to be dropped.
    pub(super) fn take(&self) -> impl Iterator<Item = Rc<dyn Any>> {
        self.pieces.take().into_iter().map(|(_, state)| state)
    }
}

/// Makes the error for a type that was not registered, and is asked for by this call.
pub(crate) fn unknown_state<T: 'static>(call: Option<Called>) -> RunError {
    let wanted = type_name::<T>();
    let place = call.map(|call| format!(" ({call})")).unwrap_or_default();
    RunError::UnknownState { wanted, short: short_name(wanted), place }
}

/// Gives the last part of the name of a type.
pub(super) fn short_name(type_name: &str) -> String {
    type_name.rsplit("::").next().unwrap_or(type_name).to_owned()
}
