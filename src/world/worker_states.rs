//! State that lives and dies with a worker's process, as [`Simulation::worker_state`](crate::Simulation::worker_state)
//! makes it.

use std::any::type_name;
use std::rc::Rc;

use super::core::World;
use super::error::RunError;
use super::running::{Running, Tag};
use super::states::short_name;
use crate::program::list_names;
use crate::program::places::Called;

impl World {
    /// Gives the worker state of this type that the process has whose code runs.
    ///
    /// # Errors
    /// [`RunError::UnknownWorkerState`] if the simulation has none of this type, and [`RunError::Misuse`] where no code of a
    /// worker's process runs.
    pub(crate) fn worker_state<T: 'static>(&self, call: Option<Called>) -> Result<Rc<T>, RunError> {
        let place = call.map(|call| format!(" ({call})")).unwrap_or_default();
        let Some(maker) = self.setup.worker_states().iter().find(|maker| maker.makes::<T>()) else {
            return Err(self.unknown_worker_state::<T>(place));
        };
        let (process, running) = {
            let core = self.core.borrow();
            (core.running_process(), core.running())
        };
        let value = match (process, running) {
            (Some(process), _) if self.core.borrow().memories.is_dropped(process, maker.memory_key()) => {
                return Err(RunError::Misuse(format!(
                    "a destructor asked for the worker state `{}` when that was dropped already: the worker's process has \
                     stopped, and its values are dropped one after the other{place}",
                    type_name::<T>()
                )));
            }
            (Some(process), _) => {
                let what = format!("the worker state `{}`", maker.type_name());
                self.process_value(process, maker.memory_key(), &what, &mut || maker.make())
            }
            // A destructor of code that outlives its run: nothing comes of what it does.
            (None, Running::AfterTheEnd) => {
                let latest = self.core.borrow().memories.latest(maker.memory_key());
                latest.unwrap_or_else(|| maker.make())
            }
            (None, _) => {
                let who = match running {
                    Running::Task(_, Tag::Script) => "the script",
                    _ => "code outside of a worker's process",
                };
                let name = type_name::<T>();
                return Err(RunError::Misuse(format!(
                    "{who} asked for the worker state `{name}`, which activities and their tasks alone can reach: keep what \
                     others look at in a `.state(..)`{place}"
                )));
            }
        };
        value.downcast::<T>().map_err(|_| RunError::Misuse("a worker state has another type than its key".to_owned()))
    }

    fn unknown_worker_state<T: 'static>(&self, place: String) -> RunError {
        let wanted = type_name::<T>();
        let known = match self.setup.worker_states() {
            [] => "none".to_owned(),
            makers => list_names(makers.iter().map(|maker| maker.type_name())),
        };
        let hint = if self.setup.states().iter().any(|maker| maker.makes::<T>()) {
            "; a `.state(..)` of this type is there, which `durasim::state` gives"
        } else {
            ""
        };
        RunError::UnknownWorkerState { wanted, short: short_name(wanted), known, hint, place }
    }
}
