//! Which tasks have been woken, and the wakers that say so.
//!
//! The list of ready tasks is found through a thread-local, so that a waker needs no lock. A waker knows the executor it
//! belongs to: one that is called on another thread, or when its executor is not running, finds no list there.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Wake;

/// Tells executors apart. Not part of any result.
static NEXT_EXECUTOR: AtomicU32 = AtomicU32::new(1);

thread_local! {
    /// The executors that are running on this thread, the inner one last.
    static RUNNING: RefCell<Vec<Ready>> = const { RefCell::new(Vec::new()) };
    /// The memory of a list for the next executor that runs.
    static SPARE: Cell<Option<VecDeque<u32>>> = const { Cell::new(None) };
    /// Whether the inner executor's list may have something in it: the answer is mostly no, and cheaper from here.
    static ANY: Cell<bool> = const { Cell::new(false) };
}

/// An executor's list of woken tasks, oldest first.
#[derive(Debug)]
struct Ready {
    executor: u32,
    slots: VecDeque<u32>,
}

/// An executor's identity.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
    id: u32,
    /// Set by a waker that found no list.
    foreign: Arc<AtomicBool>,
}

impl Default for Executor {
    fn default() -> Executor {
        Executor { id: NEXT_EXECUTOR.fetch_add(1, Ordering::Relaxed), foreign: Arc::default() }
    }
}

impl Executor {
    /// Whether a task was woken by something other than the run.
    pub(crate) fn woken_from_outside(&self) -> bool {
        self.foreign.load(Ordering::Acquire)
    }

    /// A waker for the task in this slot.
    pub(crate) fn waker(&self, slot: u32) -> TaskWaker {
        TaskWaker {
            executor: self.id,
            slot,
            queued: AtomicBool::new(false),
            void: AtomicBool::new(false),
            foreign: AtomicBool::new(false),
            any_foreign: self.foreign.clone(),
        }
    }

    /// Puts this executor's list in reach of its wakers on this thread.
    pub(crate) fn enter(&self) {
        self.foreign.store(false, Ordering::Relaxed);
        with_running(|running| {
            let slots = SPARE.take().unwrap_or_default();
            running.push(Ready { executor: self.id, slots });
        });
        set_any(false);
    }

    /// Takes it away again and empties it.
    pub(crate) fn leave(&self) {
        if let Some(mut ready) = with_running(Vec::pop).flatten() {
            ready.slots.clear();
            SPARE.set(Some(ready.slots));
        }
        set_any(true);
    }
}

/// Takes a ready task of the running executor. Of several `pick` chooses one by its place; 0 has been ready longest.
#[inline]
pub(crate) fn take(mut pick: impl FnMut(u32) -> u32) -> Option<u32> {
    if !ANY.try_with(Cell::get).unwrap_or(false) {
        return None;
    }
    let taken = with_running(|running| {
        let slots = &mut running.last_mut()?.slots;
        set_any(slots.len() > 1);
        match slots.len() {
            0 => None,
            1 => slots.pop_front(),
            many => match pick(many as u32) {
                0 => slots.pop_front(),
                place => slots.remove(place as usize),
            },
        }
    });
    taken.flatten()
}

#[inline]
fn set_any(any: bool) {
    let _ = ANY.try_with(|cell| cell.set(any));
}

/// The list of running executors, unless the thread is ending. `LocalKey::with` would be a call.
#[inline]
fn with_running<R>(act: impl FnOnce(&mut Vec<Ready>) -> R) -> Option<R> {
    RUNNING.try_with(|running| act(&mut running.borrow_mut())).ok()
}

/// What a task's waker points to.
#[derive(Debug)]
pub(crate) struct TaskWaker {
    executor: u32,
    slot: u32,
    /// In the list already: a second wake adds nothing, or it would be an extra poll.
    queued: AtomicBool,
    /// Of a task that has ended or crashed: its wakes mean nothing any more.
    void: AtomicBool,
    /// Woken from outside its executor.
    foreign: AtomicBool,
    any_foreign: Arc<AtomicBool>,
}

impl TaskWaker {
    /// A waker for the next task of the slot, which may still be in the list because of the former one.
    pub(crate) fn successor(&self) -> TaskWaker {
        TaskWaker {
            executor: self.executor,
            slot: self.slot,
            queued: AtomicBool::new(self.queued.load(Ordering::Relaxed)),
            void: AtomicBool::new(false),
            foreign: AtomicBool::new(false),
            any_foreign: self.any_foreign.clone(),
        }
    }

    /// Makes this the waker of the slot's next task.
    pub(crate) fn reset(&self) {
        self.void.store(false, Ordering::Relaxed);
        self.foreign.store(false, Ordering::Relaxed);
    }

    pub(crate) fn make_void(&self) {
        self.void.store(true, Ordering::Relaxed);
    }

    /// To be called when the task has been taken from the list.
    pub(crate) fn taken(&self) {
        self.queued.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_foreign(&self) -> bool {
        self.foreign.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn signal(&self) {
        if self.void.load(Ordering::Relaxed) || self.queued.load(Ordering::Relaxed) {
            return;
        }
        // No exchange: only the executor's own thread finds a list to put the task into.
        self.queued.store(true, Ordering::Relaxed);
        let found = with_running(|running| {
            let ready = running.iter_mut().rev().find(|ready| ready.executor == self.executor)?;
            ready.slots.push_back(self.slot);
            set_any(true);
            Some(())
        });
        if found.flatten().is_none() {
            self.foreign.store(true, Ordering::Release);
            self.any_foreign.store(true, Ordering::Release);
        }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.signal();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.signal();
    }
}
