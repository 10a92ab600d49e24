//! [`Tasks`]: the futures of a run, in slots that are used again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use super::ready::{self, Executor, TaskWaker};

/// A future as the executor keeps it.
pub(crate) type TaskFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// Which task. The slot moves on to its next generation when the task is removed, so an old id finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct TaskId {
    slot: u32,
    generation: u32,
}

struct Slot<T, G> {
    generation: u32,
    /// None while it is being polled, and in a vacant slot.
    future: Option<TaskFuture<T>>,
    tag: Option<G>,
    hold: Hold,
    task_waker: Arc<TaskWaker>,
    /// To tell this task's waker from others.
    own: Waker,
    /// For the next poll, which borrows it: a clone for each would be two atomic operations.
    spare: Option<Waker>,
}

/// Whether a task may be polled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Free,
    Held,
    /// Held, and woken meanwhile: to be polled on release.
    Woken,
}

/// Tasks whose futures end in `T`, each with a tag `G` that says what it is.
pub(crate) struct Tasks<T, G> {
    /// Makes wakers for new slots.
    executor: Executor,
    slots: Vec<Slot<T, G>>,
    /// How many slots this run has used; those behind them were left by a larger one.
    used: usize,
    vacant: Vec<u32>,
    /// The task that was taken last for a poll has been removed since.
    gone: bool,
}

/// A task that was taken for a poll, to be given back after it.
pub(crate) struct Taken<T, G> {
    pub(crate) id: TaskId,
    pub(crate) tag: G,
    pub(crate) future: TaskFuture<T>,
    pub(crate) waker: Waker,
}

impl<T, G: Copy> Tasks<T, G> {
    pub(crate) fn new(executor: &Executor) -> Tasks<T, G> {
        Tasks { executor: executor.clone(), slots: Vec::new(), used: 0, vacant: Vec::new(), gone: false }
    }

    /// Adds a task and makes it ready.
    #[inline]
    pub(crate) fn spawn(&mut self, future: TaskFuture<T>, tag: G) -> TaskId {
        let index = self.vacant.pop().unwrap_or_else(|| {
            let index = self.used as u32;
            if self.used == self.slots.len() {
                let task_waker = Arc::new(self.executor.waker(index));
                let own = Waker::from(task_waker.clone());
                let spare = Some(own.clone());
                let hold = Hold::Free;
                self.slots.push(Slot { generation: 0, future: None, tag: None, hold, task_waker, own, spare });
            }
            self.used += 1;
            index
        });
        let slot = &mut self.slots[index as usize];
        // Clones of the waker that outlived the slot's former task must not wake this one. Where there are any (besides
        // the slot's own), the slot gets a new waker and the old one stays void for good.
        if Arc::strong_count(&slot.task_waker) > 2 + usize::from(slot.spare.is_some()) {
            slot.task_waker = Arc::new(slot.task_waker.successor());
            slot.own = Waker::from(slot.task_waker.clone());
            slot.spare = Some(slot.own.clone());
        } else {
            slot.task_waker.reset();
        }
        slot.future = Some(future);
        slot.tag = Some(tag);
        slot.hold = Hold::Free;
        slot.task_waker.signal();
        TaskId { slot: index, generation: slot.generation }
    }

    /// Takes the next ready task for a poll: `pick` chooses among so many. `None` when nothing is ready.
    #[inline]
    pub(crate) fn take(&mut self, mut pick: impl FnMut(u32) -> u32) -> Option<Taken<T, G>> {
        loop {
            let index = ready::take(&mut pick)?;
            self.slots[index as usize].task_waker.taken();
            if let Some(taken) = self.take_slot(index) {
                return Some(taken);
            }
        }
    }

    /// Takes a task that is due while none is ready: as [`wake`](Tasks::wake) and [`take`](Tasks::take), without the list.
    /// `None` if it is gone or held back.
    #[inline]
    pub(crate) fn take_parked(&mut self, id: TaskId) -> Option<Taken<T, G>> {
        if self.contains(id) { self.take_slot(id.slot) } else { None }
    }

    #[inline]
    fn take_slot(&mut self, index: u32) -> Option<Taken<T, G>> {
        let slot = &mut self.slots[index as usize];
        if slot.hold != Hold::Free {
            slot.hold = Hold::Woken;
            return None;
        }
        let tag = slot.tag?;
        let future = slot.future.take()?;
        let id = TaskId { slot: index, generation: slot.generation };
        let waker = slot.spare.take().unwrap_or_else(|| slot.own.clone());
        self.gone = false;
        Some(Taken { id, tag, future, waker })
    }

    /// Takes the waker of a poll back, whatever has become of the task, and says whether the task is still there.
    #[inline]
    pub(crate) fn polled(&mut self, id: TaskId, waker: Waker) -> bool {
        let slot = &mut self.slots[id.slot as usize];
        if slot.own.will_wake(&waker) {
            slot.spare = Some(waker);
        }
        slot.generation == id.generation
    }

    /// Takes back the future of a task that was polled and is still there.
    #[inline]
    pub(crate) fn park(&mut self, id: TaskId, future: TaskFuture<T>) {
        debug_assert!(self.contains(id), "a future without its task");
        self.slots[id.slot as usize].future = Some(future);
    }

    /// Forgets a task, whose wakes mean nothing from now on, and hands its future over unless it is being polled.
    #[inline]
    pub(crate) fn remove(&mut self, id: TaskId) -> Option<TaskFuture<T>> {
        let slot = self.slot(id)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.task_waker.make_void();
        slot.tag = None;
        let future = slot.future.take();
        // Only one that is being polled has none.
        self.gone |= future.is_none();
        self.vacant.push(id.slot);
        future
    }

    /// Whether the task that is being polled has been removed meanwhile.
    #[inline]
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Whether the task is still there.
    #[inline]
    pub(crate) fn contains(&self, id: TaskId) -> bool {
        self.slots[id.slot as usize].generation == id.generation
    }

    /// Makes a task ready.
    #[inline]
    pub(crate) fn wake(&mut self, id: TaskId) {
        if let Some(slot) = self.slot(id) {
            slot.task_waker.signal();
        }
    }

    /// Whether this waker does nothing but wake the task.
    #[inline]
    pub(crate) fn is_own_waker(&self, id: TaskId, waker: &Waker) -> bool {
        self.slots.get(id.slot as usize).is_some_and(|slot| slot.own.will_wake(waker))
    }

    /// Keeps a task from being polled until [`Tasks::release`].
    pub(crate) fn hold(&mut self, id: TaskId) {
        if let Some(slot) = self.slot(id)
            && slot.hold == Hold::Free
        {
            slot.hold = Hold::Held;
        }
    }

    /// Lets it go on, at once if it was woken meanwhile.
    pub(crate) fn release(&mut self, id: TaskId) {
        if let Some(slot) = self.slot(id)
            && std::mem::replace(&mut slot.hold, Hold::Free) == Hold::Woken
        {
            slot.task_waker.signal();
        }
    }

    /// A task that something outside the run has woken.
    pub(crate) fn woken_from_outside(&self) -> Option<G> {
        self.slots[..self.used].iter().find(|slot| slot.task_waker.is_foreign()).and_then(|slot| slot.tag)
    }

    /// Removes all tasks and returns their futures, in the order of their slots. Keeps the slots.
    pub(crate) fn drain(&mut self) -> Vec<TaskFuture<T>> {
        let mut futures = Vec::new();
        for index in 0..self.used {
            let slot = &self.slots[index];
            slot.task_waker.taken();
            let id = TaskId { slot: index as u32, generation: slot.generation };
            futures.extend(self.remove(id));
        }
        // As in a new executor: the next run gets the same slots in the same order.
        self.used = 0;
        self.vacant.clear();
        futures
    }

    #[inline]
    fn slot(&mut self, id: TaskId) -> Option<&mut Slot<T, G>> {
        let slot = &mut self.slots[id.slot as usize];
        (slot.generation == id.generation).then_some(slot)
    }
}
