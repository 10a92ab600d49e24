//! [`PerProcess`]: a value in the memory of each worker's process.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::activity::ActivityLink;

/// A value that each worker's process of each run has for itself, such as the fields of a type whose methods are
/// activities. It is made when an attempt in that process first asks for it, which is after the
/// [state](crate::Simulation::state) of the run was made. It is lost when the process crashes, and dropped when the process
/// stops. Clones are the same value.
///
/// ```
/// use std::cell::Cell;
/// use std::sync::Arc;
/// use durasim::Simulation;
/// use durasim::program::{ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, Attempt, Payload, PerProcess};
///
/// struct Counting { count: PerProcess<Cell<u32>> }
///
/// impl ActivityProgram for Counting {
///     fn activity_type(&self) -> &str { "count" }
///
///     fn start(&self, _task: ActivityTask, link: Arc<dyn ActivityLink>) -> Attempt {
///         let count = self.count.get(&*link);
///         count.set(count.get() + 1);
///         Attempt::new(async move { ActivityOutcome::Completed(Payload::from_json(&count.get()).unwrap()) }, |_| {})
///     }
/// }
///
/// let simulation = Simulation::temporal().activity_program(Counting { count: PerProcess::new(|| Cell::new(0)) });
/// ```
pub struct PerProcess<T>(Arc<dyn Fn() -> T + Send + Sync>);

impl<T: 'static> PerProcess<T> {
    /// Makes a value that each process makes with this function.
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> PerProcess<T> {
        PerProcess(Arc::new(make))
    }

    /// Gives the value of the process that runs this attempt. A function that panics ends the run with an error.
    ///
    /// # Panics
    /// It panics if the link gives a value of another type than it was told to make.
    pub fn get(&self, link: &dyn ActivityLink) -> Rc<T> {
        let key = Arc::as_ptr(&self.0).cast::<()>() as usize;
        let value = link.process_value(key, &mut || Rc::new((self.0)()));
        value.downcast().expect("a key belongs to one value")
    }
}

impl<T> Clone for PerProcess<T> {
    fn clone(&self) -> PerProcess<T> {
        PerProcess(self.0.clone())
    }
}

impl<T> fmt::Debug for PerProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PerProcess<{}>", std::any::type_name::<T>())
    }
}
