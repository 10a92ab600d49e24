//! The state of a run: the outside world as fakes model it.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use super::enter_run;
use crate::program::places;
use crate::world::states::unknown_state;

/// Gives a piece of the run's state, made by [`Simulation::state`](crate::Simulation::state): fresh for each run, and
/// untouched by crashes of workers.
///
/// It is for activities and for fakes that are given no context. `T` needs no `Send`. Its methods best take `&self`,
/// with `Cell` and `RefCell` inside: attempts that run at the same time use the same state.
///
/// The `Rc` makes a future that holds it across an await not `Send`. An activity may do that. A fake behind a trait whose
/// futures must be `Send`, such as one of `async_trait`, holds a [`handle`] instead.
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
/// It panics outside a simulation. A type that is not registered, and a call from workflow code (whose replay would see
/// another world), end the run with an error.
#[track_caller]
pub fn state<T: 'static>() -> Rc<T> {
    places::called("durasim::state");
    find("state", "")
}

/// A way to a piece of the run's state that is looked up at each use: `Send`, `Sync` and `Copy`, whatever `T` is.
/// It is for fakes that live behind a trait of the code under test, whose futures must be `Send`. The handle may be
/// made before the run begins and captured by an activity. It means the state of the run in which it is used.
///
/// ```
/// use std::{cell::Cell, pin::Pin, time::Duration};
///
/// // The interface of the object store that the code under test uses, as `async_trait` writes it.
/// trait Store: Send + Sync {
///     fn put(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
/// }
///
/// #[derive(Default)]
/// struct Bucket { parts: Cell<u32> }
///
/// struct FakeStore { bucket: durasim::Handle<Bucket> }
///
/// impl Store for FakeStore {
///     fn put(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
///         Box::pin(async {
///             durasim::time::sleep(Duration::from_secs(1)).await;
///             self.bucket.with(|bucket| bucket.parts.set(bucket.parts.get() + 1));
///         })
///     }
/// }
///
/// let store = FakeStore { bucket: durasim::handle() };
/// ```
pub fn handle<T: 'static>() -> Handle<T> {
    Handle(PhantomData)
}

/// The handle that [`handle`] makes.
pub struct Handle<T>(PhantomData<fn() -> T>);

impl<T: 'static> Handle<T> {
    /// Uses the state of the present run.
    ///
    /// # Panics
    /// It panics where [`state()`] does.
    #[track_caller]
    pub fn with<R>(self, use_it: impl FnOnce(&T) -> R) -> R {
        places::called("handle.with");
        use_it(&find("Handle", "::with"))
    }

    /// Gives the state of the present run, for as long as nothing is awaited: the `Rc` is not `Send`.
    ///
    /// # Panics
    /// It panics where [`state()`] does.
    #[track_caller]
    pub fn get(self) -> Rc<T> {
        places::called("handle.get");
        find("Handle", "::get")
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Handle<T> {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T: 'static> Default for Handle<T> {
    fn default() -> Handle<T> {
        handle()
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle<{}>", type_name::<T>())
    }
}

#[track_caller]
fn find<T: 'static>(called: &str, method: &str) -> Rc<T> {
    let world = enter_run(format_args!("{called}::<{}>{method}", type_name::<T>()), || {
        format!("asked for the state `{}`: a workflow changes the world through activities only", type_name::<T>())
    });
    match world.state::<T>() {
        Some(state) => state,
        None => {
            let error = unknown_state::<T>(places::present().call());
            let why = error.to_string();
            world.end_with(error);
            // This is a destructor while the thread unwinds: there is no state to give it.
            panic!("{why}")
        }
    }
}
