//! Which tasks have been woken, and the wakers that say so.
//!
//! The list of ready tasks is found through a thread-local, so that a waker needs no lock. A waker knows the executor it
//! belongs to: one that is called on another thread, or when its executor is not running, finds no list there.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Wake, Waker};

use super::outside::{self, Outside, Pause};
use super::slab::SlabId;

/// Tells executors apart. Not part of any result.
static NEXT_EXECUTOR: AtomicU32 = AtomicU32::new(1);

/// Which task. Once it is removed, its id finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct TaskId(pub(super) SlabId);

thread_local! {
    /// The executors that are running on this thread, the inner one last.
    static RUNNING: RefCell<Vec<Rc<ReadyList>>> = const { RefCell::new(Vec::new()) };
}

/// An executor's list of woken tasks.
#[derive(Debug)]
struct ReadyList {
    executor: u32,
    /// The list begins with the oldest.
    tasks: RefCell<VecDeque<TaskId>>,
    /// Two things have woken one task before it was polled.
    raced: Cell<bool>,
}

/// An executor's identity and its list, which wakers find only while it is running.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    outside: Arc<Outside>,
    ready: Rc<ReadyList>,
}

impl Default for Executor {
    fn default() -> Executor {
        let executor = NEXT_EXECUTOR.fetch_add(1, Ordering::Relaxed);
        let ready = ReadyList { executor, tasks: RefCell::default(), raced: Cell::default() };
        Executor { outside: Arc::default(), ready: Rc::new(ready) }
    }
}

impl Executor {
    /// Says whether a task was woken by something other than the run.
    pub(crate) fn woken_from_outside(&self) -> bool {
        self.outside.is_foreign()
    }

    /// The part of it that other threads reach.
    pub(crate) fn outside(&self) -> &Arc<Outside> {
        &self.outside
    }

    /// A waker for this task.
    pub(crate) fn waker(&self, task: TaskId) -> TaskWaker {
        TaskWaker {
            executor: self.ready.executor,
            task,
            queued: AtomicBool::new(false),
            void: AtomicBool::new(false),
            is_polled: AtomicBool::new(false),
            by_itself: AtomicBool::new(false),
            foreign: AtomicBool::new(false),
            outside: self.outside.clone(),
        }
    }

    /// Puts its list in reach of its wakers on this thread.
    pub(crate) fn enter(&self) {
        self.outside.begin();
        self.ready.raced.set(false);
        with_running(|running| running.push(self.ready.clone()));
    }

    /// Takes it away again.
    pub(crate) fn leave(&self) {
        with_running(Vec::pop);
        self.ready.tasks.borrow_mut().clear();
    }

    /// Says whether a task is ready.
    pub(crate) fn is_any(&self) -> bool {
        !self.ready.tasks.borrow().is_empty()
    }

    /// Takes a ready task. Among several `pick` chooses one by its index; 0 has been ready longest.
    pub(super) fn take(&self, pick: impl FnOnce(&VecDeque<TaskId>) -> usize) -> Option<TaskId> {
        let mut tasks = self.ready.tasks.borrow_mut();
        match tasks.len() {
            0 => None,
            1 => tasks.pop_front(),
            _ => {
                let index = pick(&tasks);
                tasks.remove(index)
            }
        }
    }

    /// Says whether two things have woken one task before it was polled, since the executor last entered. Code that waits for
    /// either, such as a `select!`, may take any of them.
    pub(crate) fn has_raced(&self) -> bool {
        self.ready.raced.get()
    }
}

/// Notes that two things have woken one task of the running executor before it was polled.
pub(crate) fn note_race() {
    with_running(|running| {
        if let Some(list) = running.last() {
            list.raced.set(true);
        }
    });
}

/// Looks at the list of running executors, unless the thread is ending.
fn with_running<R>(act: impl FnOnce(&mut Vec<Rc<ReadyList>>) -> R) -> Option<R> {
    RUNNING.try_with(|running| act(&mut running.borrow_mut())).ok()
}

/// The record that a task's waker points to.
#[derive(Debug)]
pub(crate) struct TaskWaker {
    executor: u32,
    task: TaskId,
    /// In the list already: a second wake adds nothing, or it would be an extra poll.
    queued: AtomicBool,
    /// Set when the task has ended or crashed: its wakes mean nothing any more.
    void: AtomicBool,
    /// Its task is being polled.
    is_polled: AtomicBool,
    /// Woken by its own task, in a poll, since it was last asked.
    by_itself: AtomicBool,
    /// Woken from outside its executor.
    foreign: AtomicBool,
    outside: Arc<Outside>,
}

impl TaskWaker {
    pub(crate) fn make_void(&self) {
        self.void.store(true, Ordering::Relaxed);
    }

    /// To be called when the task has been taken from the list.
    pub(crate) fn taken(&self) {
        self.queued.store(false, Ordering::Relaxed);
    }

    /// A poll of its task begins. Says whether the task has woken itself for it.
    pub(crate) fn begin_poll(&self) -> bool {
        self.is_polled.store(true, Ordering::Relaxed);
        let by_itself = self.by_itself.load(Ordering::Relaxed);
        self.by_itself.store(false, Ordering::Relaxed);
        by_itself
    }

    /// The poll is over.
    pub(crate) fn end_poll(&self) {
        self.is_polled.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_foreign(&self) -> bool {
        self.foreign.load(Ordering::Acquire)
    }

    pub(crate) fn signal(self: &Arc<Self>) {
        if self.void.load(Ordering::Relaxed) {
            return;
        }
        let pause = outside::pause();
        if pause == Pause::Holds {
            return outside::hold(Waker::from(self.clone()));
        }
        if self.queued.load(Ordering::Relaxed) {
            return note_race();
        }
        // No exchange: only the run's own thread finds a list to put the task into.
        let found = with_running(|running| {
            let ready = running.iter().rev().find(|ready| ready.executor == self.executor)?;
            self.queued.store(true, Ordering::Relaxed);
            ready.tasks.borrow_mut().push_back(self.task);
            Some(())
        });
        if found.flatten().is_none() {
            if !self.outside.woken(|| Waker::from(self.clone())) {
                self.queued.store(true, Ordering::Relaxed);
                self.foreign.store(true, Ordering::Release);
            }
            return;
        }
        if self.is_polled.load(Ordering::Relaxed) {
            self.by_itself.store(true, Ordering::Relaxed);
        }
        if pause == Pause::Waits {
            outside::touch();
        }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        TaskWaker::signal(&self);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.signal();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::slab::Slab;

    fn ids() -> [TaskId; 2] {
        let mut slab = Slab::default();
        [(); 2].map(|()| TaskId(slab.add(|_| ())))
    }

    #[test]
    fn a_list_is_empty_when_its_executor_comes_back() {
        let executor = Executor::default();
        let [first, second] = ids();
        executor.enter();
        Arc::new(executor.waker(first)).signal();
        Arc::new(executor.waker(second)).signal();
        executor.leave();
        executor.enter();
        assert_eq!(executor.take(|_| 0), None);
        executor.leave();
    }

    /// A run inside a run, as a test makes that calls a simulation from an activity.
    #[test]
    fn a_wake_reaches_the_list_of_its_own_executor() {
        let (outer, inner) = (Executor::default(), Executor::default());
        let [task, _] = ids();
        outer.enter();
        inner.enter();
        let waker = Arc::new(outer.waker(task));
        waker.signal();
        assert!(!waker.is_foreign());
        assert_eq!(inner.take(|_| 0), None);
        inner.leave();
        assert_eq!(outer.take(|_| 0), Some(task));
        outer.leave();
        assert!(!outer.woken_from_outside() && !inner.woken_from_outside());
    }

    #[test]
    fn a_wake_while_its_executor_does_not_run_comes_from_outside() {
        let executor = Executor::default();
        let waker = Arc::new(executor.waker(ids()[0]));
        waker.signal();
        assert!(waker.is_foreign() && executor.woken_from_outside());
        executor.enter();
        assert!(!executor.woken_from_outside());
        executor.leave();
    }

    #[test]
    fn a_task_is_in_the_list_once_and_a_second_wake_is_a_race() {
        let executor = Executor::default();
        let [task, _] = ids();
        let waker = Arc::new(executor.waker(task));
        executor.enter();
        waker.signal();
        executor.leave();
        assert!(!executor.has_raced());
        let waker = Arc::new(executor.waker(task));
        executor.enter();
        waker.signal();
        waker.signal();
        assert_eq!((executor.take(|_| 0), executor.take(|_| 0)), (Some(task), None));
        waker.taken();
        waker.signal();
        assert_eq!(executor.take(|_| 0), Some(task));
        waker.taken();
        waker.make_void();
        waker.signal();
        assert_eq!(executor.take(|_| 0), None);
        executor.leave();
        assert!(executor.has_raced());
    }

    #[test]
    fn a_poll_knows_whether_its_task_has_woken_itself() {
        let executor = Executor::default();
        let waker = Arc::new(executor.waker(ids()[0]));
        executor.enter();
        waker.signal();
        waker.taken();
        assert!(!waker.begin_poll());
        waker.signal();
        waker.end_poll();
        waker.taken();
        assert!(waker.begin_poll());
        waker.end_poll();
        waker.signal();
        waker.taken();
        assert!(!waker.begin_poll());
        executor.leave();
    }
}
