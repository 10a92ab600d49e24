//! [`Sleepers`]: the tasks that wait for a moment.

use std::task::Waker;

use super::slab::{Slab, SlabId};
use super::tasks::TaskId;

/// One wait. The id of a wait that is over finds nothing, so waits are cancelled without a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SleeperId(SlabId);

/// Whom to wake.
#[derive(Clone, Debug)]
pub(crate) enum Sleeper {
    /// The task that waits, directly: the common case costs no waker.
    Task(TaskId),
    /// Code that waits with a waker of its own making, inside this task if inside any.
    Inside(Option<TaskId>, Waker),
}

impl Sleeper {
    /// The task that waits or whose code waits.
    pub(crate) fn task(&self) -> Option<TaskId> {
        match self {
            Sleeper::Task(task) => Some(*task),
            Sleeper::Inside(task, _) => *task,
        }
    }
}

/// The waits of a run.
#[derive(Debug, Default)]
pub(crate) struct Sleepers(Slab<Sleeper>);

impl Sleepers {
    pub(crate) fn add(&mut self, sleeper: Sleeper) -> SleeperId {
        SleeperId(self.0.add(|_| sleeper))
    }

    /// The wait was polled again, maybe by other code.
    pub(crate) fn renew(&mut self, id: SleeperId, sleeper: Sleeper) {
        if let Some(present) = self.0.get_mut(id.0) {
            *present = sleeper;
        }
    }

    /// Gives the waiter, unless the wait is over.
    pub(crate) fn get(&self, id: SleeperId) -> Option<&Sleeper> {
        self.0.get(id.0)
    }

    /// Says whether this task, or code inside it, waits for a moment.
    pub(crate) fn are_of(&self, task: TaskId) -> bool {
        self.0.iter().any(|sleeper| sleeper.task() == Some(task))
    }

    /// Ends the wait and says who waited.
    pub(crate) fn remove(&mut self, id: SleeperId) -> Option<Sleeper> {
        self.0.remove(id.0)
    }

    /// Ends all waits. Keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.0.drain().for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_polls_a_wait_last_is_woken() {
        let mut tasks = Slab::default();
        let [first, last] = [(); 2].map(|()| TaskId(tasks.add(|_| ())));
        let mut sleepers = Sleepers::default();
        let id = sleepers.add(Sleeper::Task(first));
        sleepers.renew(id, Sleeper::Inside(Some(last), Waker::noop().clone()));
        assert!(!sleepers.are_of(first) && sleepers.are_of(last));
        assert_eq!(sleepers.get(id).and_then(Sleeper::task), Some(last));
        assert!(matches!(sleepers.remove(id), Some(Sleeper::Inside(..))));
        // A wait that is over stays over.
        sleepers.renew(id, Sleeper::Task(first));
        assert!(sleepers.get(id).is_none() && !sleepers.are_of(first));
    }
}
