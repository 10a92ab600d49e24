//! State that lives and dies with a worker's process.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use super::enter_run;
use crate::program::places;

/// Gives a piece of the state of the worker's process that runs this code, made by
/// [`Simulation::worker_state`](crate::Simulation::worker_state): a cache, a connection, files on the worker's disk. Each
/// process of each worker has one of its own. It is made when code in that process first asks for it, and gone when the
/// process is.
///
/// It is for activities, for the tasks that they spawn (as long as the process lives), and for fakes that are given no context.
/// The outside world, which survives crashes, belongs in a [`state`](crate::state()). `T` needs no `Send`; its methods best
/// take `&self`, with `Cell` and `RefCell` inside, since attempts that run at the same time in one process share it. A fake
/// whose futures must be `Send` holds a [`worker_handle`] instead.
///
/// ```
/// use std::cell::RefCell;
/// use std::collections::BTreeSet;
/// use durasim::{ActivityContext, ActivityError, Simulation};
///
/// /// The files on the disk of a worker.
/// #[derive(Default)]
/// struct Disk { files: RefCell<BTreeSet<String>> }
///
/// async fn download(_ctx: &ActivityContext, file: String) -> Result<(), ActivityError> {
///     durasim::worker_state::<Disk>().files.borrow_mut().insert(file);
///     Ok(())
/// }
///
/// // An attempt that is tried again on the other worker, or after a crash, finds an empty disk.
/// let simulation = Simulation::temporal().activity("download", download).worker_state(Disk::default).workers(2);
/// ```
///
/// # Panics
/// It panics outside a simulation. A type that is not registered, a call from workflow code or from a script, and a
/// constructor that asks for what it is to make, end the run with an error.
#[track_caller]
pub fn worker_state<T: 'static>() -> Rc<T> {
    places::called("durasim::worker_state");
    find("worker_state", "")
}

/// A way to a piece of the state of a worker's process that is looked up at each use: `Send`, `Sync` and `Copy`, whatever
/// `T` is. It is to [`worker_state`] what [`handle`](crate::handle()) is to [`state`](crate::state()): for fakes behind a
/// trait of the code under test, whose futures must be `Send`. It may be made before the run begins and captured by an
/// activity. It means the process in which it is used.
///
/// ```
/// use std::cell::Cell;
///
/// #[derive(Default)]
/// struct Connection { calls: Cell<u32> }
///
/// struct Client { connection: durasim::WorkerHandle<Connection> }
///
/// impl Client {
///     async fn call(&self) {
///         durasim::time::sleep(std::time::Duration::from_secs(1)).await;
///         self.connection.with(|connection| connection.calls.set(connection.calls.get() + 1));
///     }
/// }
///
/// let client = Client { connection: durasim::worker_handle() };
/// ```
pub fn worker_handle<T: 'static>() -> WorkerHandle<T> {
    WorkerHandle(PhantomData)
}

/// The handle that [`worker_handle`] makes.
pub struct WorkerHandle<T>(PhantomData<fn() -> T>);

impl<T: 'static> WorkerHandle<T> {
    /// Uses the state of the process that runs this code.
    ///
    /// # Panics
    /// It panics where [`worker_state()`] does.
    #[track_caller]
    pub fn with<R>(self, use_it: impl FnOnce(&T) -> R) -> R {
        places::called("worker_handle.with");
        use_it(&find("WorkerHandle", "::with"))
    }

    /// Gives the state of the process that runs this code, for as long as nothing is awaited: the `Rc` is not `Send`.
    ///
    /// # Panics
    /// It panics where [`worker_state()`] does.
    #[track_caller]
    pub fn get(self) -> Rc<T> {
        places::called("worker_handle.get");
        find("WorkerHandle", "::get")
    }
}

impl<T> Clone for WorkerHandle<T> {
    fn clone(&self) -> WorkerHandle<T> {
        *self
    }
}

impl<T> Copy for WorkerHandle<T> {}

impl<T: 'static> Default for WorkerHandle<T> {
    fn default() -> WorkerHandle<T> {
        worker_handle()
    }
}

impl<T> fmt::Debug for WorkerHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkerHandle<{}>", type_name::<T>())
    }
}

#[track_caller]
fn find<T: 'static>(called: &str, method: &str) -> Rc<T> {
    let world = enter_run(format_args!("{called}::<{}>{method}", type_name::<T>()), || {
        let name = type_name::<T>();
        format!("asked for the worker state `{name}`: a replay runs in another process, use an activity")
    });
    match world.worker_state::<T>(places::present().call()) {
        Ok(state) => state,
        Err(error) => {
            let why = error.to_string();
            world.end_with(error);
            // This is a destructor while the thread unwinds: there is no state to give it.
            panic!("{why}")
        }
    }
}
