//! The state of a run: the outside world as fakes model it.

use std::any::{TypeId, type_name};
use std::rc::Rc;

use crate::world::RunError;
use crate::world::core::{World, current};

/// A piece of the run's state, made by [`Simulation::state`](crate::Simulation::state): fresh for each run, and untouched
/// by crashes of workers.
///
/// For activities and for fakes that are given no context. `T` needs no `Send`; methods that take `&self`, with `Cell` and
/// `RefCell` inside, serve best, since the `Rc` may be held across awaits while another attempt uses the same state.
///
/// ```
/// use std::cell::Cell;
/// # use durasim::{ActivityContext, ActivityError};
/// #[derive(Default)]
/// struct Mailbox { sent: Cell<u32> }
///
/// async fn send(_ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
///     let mailbox = durasim::state::<Mailbox>();
///     mailbox.sent.set(mailbox.sent.get() + 1);
///     Ok(mailbox.sent.get())
/// }
/// ```
///
/// # Panics
/// Outside a simulation. A type that is not registered, and a call from workflow code (whose replay would see another
/// world), end the run with an error.
#[track_caller]
pub fn state<T: 'static>() -> Rc<T> {
    let Some(world) = current() else {
        panic!(
            "`durasim::state::<{}>` was called outside a simulation: it works in activities and in the fakes they use, \
             on the thread that runs the simulation",
            type_name::<T>()
        )
    };
    if world.core.borrow().in_workflow() {
        world.misuse(format!(
            "workflow code asked for the state `{}`: a workflow changes the world through activities only",
            type_name::<T>()
        ));
    }
    match world.state::<T>() {
        Some(state) => state,
        None => world.end_with(unknown::<T>()),
    }
}

impl World {
    pub(crate) fn state<T: 'static>(&self) -> Option<Rc<T>> {
        let states = self.states.borrow();
        let (_, state) = states.iter().find(|(key, _)| *key == TypeId::of::<T>())?;
        state.clone().downcast::<T>().ok()
    }
}

/// For a type that was not registered.
pub(crate) fn unknown<T: 'static>() -> RunError {
    let wanted = type_name::<T>();
    RunError::UnknownState { wanted, short: wanted.rsplit("::").next().unwrap_or(wanted).to_owned() }
}
