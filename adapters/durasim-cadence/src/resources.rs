//! [`Shared`]: what the activities of one process of a worker share.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use durasim::Simulation;
use durasim::program::{panics, places};

/// Resources as the client's context gives them to the code.
pub(crate) type Given = Arc<dyn Any + Send + Sync>;

/// The source of an attempt's resources.
pub(crate) trait Resources: Clone + Send + Sync + 'static {
    /// The resources of this worker's process. To be called as code of an attempt on it.
    fn of(&self, worker: u32) -> Option<Given>;

    /// The type of the resources, for messages.
    fn type_name(&self) -> Option<&'static str>;
}

/// There are none.
#[derive(Clone)]
pub(crate) struct No;

impl Resources for No {
    fn of(&self, _: u32) -> Option<Given> {
        None
    }

    fn type_name(&self) -> Option<&'static str> {
        None
    }
}

/// Resources that are made for each process of a worker.
pub(crate) struct Shared<R> {
    make: Arc<dyn Fn() -> R + Send + Sync>,
}

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Shared<R> {
        Shared { make: self.make.clone() }
    }
}

/// The state of a run that holds them.
struct Processes<R> {
    present: RefCell<BTreeMap<u32, Given>>,
    /// They are those of processes that are gone. No destructor runs for a crashed one before the run is over.
    gone: RefCell<Vec<Given>>,
    of: PhantomData<R>,
}

/// The run is over, and so is its world: a destructor that asks for a state finds none, and is left there.
impl<R> Drop for Processes<R> {
    fn drop(&mut self) {
        for (_, given) in self.present.take() {
            let _ = panics::catch_drop(given);
        }
        for given in self.gone.take() {
            let _ = panics::catch_drop(given);
        }
    }
}

impl<R: Send + Sync + 'static> Shared<R> {
    pub(crate) fn new(make: impl Fn() -> R + Send + Sync + 'static) -> Shared<R> {
        Shared { make: Arc::new(make) }
    }

    /// Gives the simulation the state that holds the resources.
    pub(crate) fn prepare(self, simulation: Simulation) -> Simulation {
        simulation
            .state(|| Processes::<R> { present: RefCell::default(), gone: RefCell::default(), of: PhantomData })
            .on_worker_gone(|worker| {
                let processes = durasim::state::<Processes<R>>();
                let gone = processes.present.borrow_mut().remove(&worker);
                processes.gone.borrow_mut().extend(gone);
            })
    }
}

impl<R: Send + Sync + 'static> Resources for Shared<R> {
    fn of(&self, worker: u32) -> Option<Given> {
        let processes = places::aside(durasim::state::<Processes<R>>);
        let present = processes.present.borrow().get(&worker).cloned();
        if present.is_some() {
            return present;
        }
        // It is code of the user's: nothing is borrowed meanwhile.
        let made: Given = Arc::new((self.make)());
        processes.present.borrow_mut().insert(worker, made.clone());
        Some(made)
    }

    fn type_name(&self) -> Option<&'static str> {
        Some(std::any::type_name::<R>())
    }
}
