//! [`Tasks`]: the futures of a run.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{RawWakerVTable, Waker};

pub(crate) use super::ready::TaskId;
use super::ready::{self, Executor, TaskWaker};
use super::slab::Slab;

/// A future as the executor keeps it.
pub(crate) type TaskFuture<T> = Pin<Box<dyn Future<Output = T>>>;

struct Task<T, G> {
    /// Its code with the waker for the next poll, which borrows it: a clone for each would be two atomic operations. `None`
    /// while it is being polled.
    parked: Option<(TaskFuture<T>, Waker)>,
    tag: G,
    hold: Hold,
    task_waker: Arc<TaskWaker>,
    /// This tells the task's own waker from others.
    own: WakerIdentity,
}

/// Two wakers that do the same have this in common, as [`Waker::will_wake`] compares them.
type WakerIdentity = (*const (), *const RawWakerVTable);

fn identity(waker: &Waker) -> WakerIdentity {
    (waker.data(), ptr::from_ref(waker.vtable()))
}

/// Says whether a task may be polled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Free,
    Held,
    /// Held, and woken meanwhile: to be polled on release.
    Woken,
}

/// Tasks whose futures end in `T`, each with a tag `G` that says what it is.
pub(crate) struct Tasks<T, G> {
    /// Makes wakers for new tasks, and has the list of those that are ready.
    executor: Executor,
    tasks: Slab<Task<T, G>>,
    /// The task that was taken last for a poll has been removed since.
    gone: bool,
}

/// A task that was taken for a poll, to be given back after it.
pub(crate) struct Taken<T, G> {
    pub(crate) id: TaskId,
    pub(crate) tag: G,
    pub(crate) future: TaskFuture<T>,
    pub(crate) waker: Waker,
    /// It has woken itself in its last poll: no timer and no other task did.
    pub(crate) by_itself: bool,
}

impl<T, G: Copy> Tasks<T, G> {
    pub(crate) fn new(executor: &Executor) -> Tasks<T, G> {
        Tasks { executor: executor.clone(), tasks: Slab::default(), gone: false }
    }

    /// Adds a task and makes it ready.
    pub(crate) fn spawn(&mut self, future: TaskFuture<T>, tag: G) -> TaskId {
        let Tasks { executor, tasks, .. } = self;
        let id = tasks.add(|id| {
            let task_waker = Arc::new(executor.waker(TaskId(id)));
            let waker = Waker::from(task_waker.clone());
            let own = identity(&waker);
            Task { parked: Some((future, waker)), tag, hold: Hold::Free, task_waker, own }
        });
        self.wake(TaskId(id));
        TaskId(id)
    }

    /// The next ready task, which is ready no more: `pick` chooses among several. `None` when nothing is ready.
    pub(crate) fn next_ready(&mut self, pick: impl FnOnce(&VecDeque<TaskId>) -> usize) -> Option<TaskId> {
        let id = self.executor.take(pick)?;
        if let Some(task) = self.tasks.get(id.0) {
            task.task_waker.taken();
        }
        Some(id)
    }

    /// Takes a task that was ready, or is due while none is, for a poll. `None` if it is gone or held back.
    pub(crate) fn take(&mut self, id: TaskId) -> Option<Taken<T, G>> {
        let task = self.tasks.get_mut(id.0)?;
        match task.hold {
            Hold::Free => {}
            Hold::Held => {
                task.hold = Hold::Woken;
                return None;
            }
            Hold::Woken => {
                ready::note_race();
                return None;
            }
        }
        let (future, waker) = task.parked.take()?;
        self.gone = false;
        Some(Taken { id, tag: task.tag, future, waker, by_itself: task.task_waker.begin_poll() })
    }

    /// Takes back a task that was polled and waits. One that has been removed meanwhile is not taken: its future is the answer.
    pub(crate) fn park(&mut self, id: TaskId, future: TaskFuture<T>, waker: Waker) -> Option<TaskFuture<T>> {
        match self.tasks.get_mut(id.0) {
            Some(task) => {
                task.parked = Some((future, waker));
                task.task_waker.end_poll();
                None
            }
            None => Some(future),
        }
    }

    /// Forgets a task, whose wakes mean nothing from now on, and hands its future over unless it is being polled.
    pub(crate) fn remove(&mut self, id: TaskId) -> Option<TaskFuture<T>> {
        let task = self.tasks.remove(id.0)?;
        task.task_waker.make_void();
        // Only one that is being polled has none.
        self.gone |= task.parked.is_none();
        task.parked.map(|(future, _)| future)
    }

    /// Says whether the task that is being polled has been removed meanwhile.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Says whether the task is still there.
    pub(crate) fn contains(&self, id: TaskId) -> bool {
        self.tasks.get(id.0).is_some()
    }

    /// Makes a task ready.
    pub(crate) fn wake(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get(id.0) {
            task.task_waker.signal();
        }
    }

    /// Says whether this waker does nothing but wake the task.
    pub(crate) fn is_own_waker(&self, id: TaskId, waker: &Waker) -> bool {
        self.tasks.get(id.0).is_some_and(|task| task.own == identity(waker))
    }

    /// Keeps a task from being polled until [`Tasks::release`].
    pub(crate) fn hold(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id.0)
            && task.hold == Hold::Free
        {
            task.hold = Hold::Held;
        }
    }

    /// Lets it go on, at once if it was woken meanwhile.
    pub(crate) fn release(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(id.0)
            && std::mem::replace(&mut task.hold, Hold::Free) == Hold::Woken
        {
            task.task_waker.signal();
        }
    }

    /// The tasks that somebody else holds a waker of: only they can be woken by other than the run's own calls.
    pub(crate) fn awaited_elsewhere(&self) -> impl Iterator<Item = G> {
        // The task has one itself, and the waker that is parked with its future another.
        self.tasks.iter().filter(|task| Arc::strong_count(&task.task_waker) > 2).map(|task| task.tag)
    }

    /// A task that something outside the run has woken.
    pub(crate) fn woken_from_outside(&self) -> Option<G> {
        self.tasks.iter().find(|task| task.task_waker.is_foreign()).map(|task| task.tag)
    }

    /// Removes all tasks and returns their futures, in the order of their slots.
    pub(crate) fn drain(&mut self) -> Vec<TaskFuture<T>> {
        let tasks = self.tasks.drain();
        tasks
            .filter_map(|task| {
                task.task_waker.make_void();
                task.parked.map(|(future, _)| future)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_knows_its_own_waker() {
        let executor = Executor::default();
        let mut tasks = Tasks::new(&executor);
        let [first, second] = ["first", "second"].map(|tag| tasks.spawn(Box::pin(async {}), tag));
        let [own, other] = [first, second].map(|id| tasks.take(id).expect("it was spawned").waker);
        assert!(tasks.is_own_waker(first, &own) && tasks.is_own_waker(first, &own.clone()));
        assert!(!tasks.is_own_waker(first, &other) && !tasks.is_own_waker(first, Waker::noop()));
        tasks.remove(first);
        assert!(!tasks.is_own_waker(first, &own));
    }

    /// A waker may outlive its task: in a channel, in a list of a lock.
    #[test]
    fn wakes_of_a_task_that_is_gone_mean_nothing() {
        let executor = Executor::default();
        let mut tasks = Tasks::new(&executor);
        executor.enter();
        let removed = tasks.spawn(Box::pin(async {}), "removed");
        assert_eq!(tasks.next_ready(|_| 0), Some(removed));
        let taken = tasks.take(removed).expect("it was spawned");
        tasks.remove(removed);
        assert!(tasks.is_gone());
        taken.waker.wake_by_ref();
        assert_eq!(tasks.next_ready(|_| 0), None);
        assert!(tasks.park(removed, taken.future, taken.waker).is_some());

        let drained = tasks.spawn(Box::pin(async {}), "drained");
        assert_eq!(tasks.next_ready(|_| 0), Some(drained));
        let waker =
            tasks.tasks.get(drained.0).and_then(|task| Some(task.parked.as_ref()?.1.clone())).expect("it was spawned");
        assert_eq!(tasks.drain().len(), 1);
        waker.wake();
        assert_eq!(tasks.next_ready(|_| 0), None);
        executor.leave();
    }

    #[test]
    fn a_task_that_is_held_is_polled_after_its_release_if_it_was_woken() {
        let executor = Executor::default();
        let mut tasks = Tasks::new(&executor);
        executor.enter();
        let task = tasks.spawn(Box::pin(async {}), ());
        tasks.hold(task);
        assert_eq!(tasks.next_ready(|_| 0), Some(task));
        assert!(tasks.take(task).is_none());
        tasks.release(task);
        assert_eq!(tasks.next_ready(|_| 0), Some(task));
        let taken = tasks.take(task).expect("it was released");
        assert!(tasks.park(task, taken.future, taken.waker).is_none());
        tasks.hold(task);
        tasks.release(task);
        assert_eq!(tasks.next_ready(|_| 0), None);
        tasks.drain();
        executor.leave();
    }
}
