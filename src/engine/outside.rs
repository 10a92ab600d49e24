//! [`Outside`]: the way by which threads of a host, and whoever waits outside the loop, reach a run.
//!
//! A run may have a host: a runtime that keeps time for code of its own (`program/host.rs`). While nothing of the run is
//! ready the host waits, and a wake of one of the run's tasks ends that wait. The host's own threads may wake tasks too: they
//! stand in an inbox until the run looks.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::choice::{Draws, Stream};

thread_local! {
    /// Says whether somebody waits outside the loop of the run on this thread.
    static PAUSE: Cell<Pause> = const { Cell::new(Pause::Nobody) };
    /// Wakes that are kept back.
    static HELD: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
    /// Something is to be done in the run since then.
    static IS_TOUCHED: Cell<bool> = const { Cell::new(false) };
    /// The waker of whoever waits.
    static WAITER: RefCell<Option<Waker>> = const { RefCell::new(None) };
    /// The run that this thread works for, as a thread of its host, and for which worker.
    static DOOR: RefCell<Option<(Arc<Outside>, u32)>> = const { RefCell::new(None) };
}

/// How far the run of this thread is left to somebody else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pause {
    Nobody,
    /// Somebody waits outside the loop.
    Waits,
    /// Somebody waits, and lets a clock go ahead: wakes are kept back meanwhile.
    Holds,
}

/// The part of an executor that other threads reach.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// Set by a waker that was called outside the run, on a thread that is not the host's.
    is_foreign: AtomicBool,
    /// The host has threads.
    has_threads: AtomicBool,
    /// There is something in the inbox.
    has_mail: AtomicBool,
    /// The time of the run at which the host's threads work, in nanoseconds.
    now: AtomicU64,
    /// Their random bytes.
    random: Mutex<Option<Draws>>,
    inbox: Mutex<Inbox>,
}

/// The things that the host's threads have left for the run.
#[derive(Debug, Default)]
struct Inbox {
    /// Tasks that they have woken, each with the worker that the thread works for.
    woken: Vec<(u32, Waker)>,
    /// A call that does not belong on such a thread.
    misuse: Option<String>,
    /// The waker of whoever waits outside the loop.
    waiter: Option<Waker>,
}

impl Outside {
    /// A run begins: whatever reached an earlier one is forgotten.
    pub(super) fn begin(&self) {
        self.is_foreign.store(false, Ordering::Relaxed);
        if self.has_threads.swap(false, Ordering::Relaxed) {
            self.has_mail.store(false, Ordering::Relaxed);
            *self.inbox() = Inbox::default();
        }
    }

    /// Says from which seed the random bytes of the host's threads follow.
    pub(crate) fn seed(&self, seed: u64) {
        *self.random.lock().unwrap_or_else(PoisonError::into_inner) = Some(Draws::new(seed, Stream::Jobs));
    }

    /// Says at which moment of the run the host's threads work, in nanoseconds.
    pub(crate) fn set_now(&self, now: u64) {
        self.now.store(now, Ordering::Relaxed);
    }

    /// Makes this thread one of the host's: it may wake tasks of the run.
    pub(crate) fn open(self: &Arc<Outside>, worker: u32) {
        self.has_threads.store(true, Ordering::Release);
        DOOR.set(Some((self.clone(), worker)));
    }

    /// Says whether a task was woken by something that belongs neither to the run nor to its host.
    pub(super) fn is_foreign(&self) -> bool {
        self.is_foreign.load(Ordering::Acquire)
    }

    /// Says whether the host's threads have left something.
    pub(crate) fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Acquire)
    }

    /// Makes the tasks ready that the host's threads have woken: by worker, and in the order of their wakes. Gives what one of
    /// the threads should not have called.
    pub(crate) fn collect(&self) -> Option<String> {
        self.has_mail.store(false, Ordering::Release);
        let (mut woken, misuse) = {
            let mut inbox = self.inbox();
            (std::mem::take(&mut inbox.woken), inbox.misuse.take())
        };
        woken.sort_by_key(|(worker, _)| *worker);
        woken.into_iter().for_each(|(_, waker)| waker.wake());
        misuse
    }

    /// Looks whether there is something to do in the run, and has the waker called once there is.
    pub(crate) fn poll_news(&self, context: &mut Context<'_>) -> Poll<()> {
        if IS_TOUCHED.take() {
            return Poll::Ready(());
        }
        WAITER.set(Some(context.waker().clone()));
        if self.has_threads.load(Ordering::Acquire) {
            self.inbox().waiter = Some(context.waker().clone());
            if self.has_mail() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, write: impl FnOnce(&mut Inbox)) {
        let mut inbox = self.inbox();
        write(&mut inbox);
        self.has_mail.store(true, Ordering::Release);
        if let Some(waiter) = &inbox.waiter {
            waiter.wake_by_ref();
        }
    }

    /// A waker of this executor was called where its list is not. `false` if that was not on a thread of the host.
    pub(super) fn woken(self: &Arc<Outside>, waker: impl FnOnce() -> Waker) -> bool {
        match door().filter(|(outside, _)| Arc::ptr_eq(outside, self)) {
            Some((_, worker)) => {
                self.post(|inbox| inbox.woken.push((worker, waker())));
                true
            }
            None => {
                self.is_foreign.store(true, Ordering::Release);
                false
            }
        }
    }
}

/// The run whose host this thread works for.
fn door() -> Option<(Arc<Outside>, u32)> {
    DOOR.try_with(|door| door.borrow().clone()).ok().flatten()
}

/// The moment of the run that this thread works for as a thread of its host, in nanoseconds.
pub(crate) fn now_of_this_thread() -> Option<u64> {
    door().map(|(outside, _)| outside.now.load(Ordering::Relaxed))
}

/// Random bits for this thread of a host. Its threads work one after the other, so the bits follow from the seed.
pub(crate) fn bits_of_this_thread() -> Option<u64> {
    let (outside, _) = door()?;
    let mut random = outside.random.lock().unwrap_or_else(PoisonError::into_inner);
    random.as_mut().map(Draws::bits)
}

/// Tells the run that this thread works for of a call that does not belong here. `false` if it is no thread of a host.
pub(crate) fn post_misuse(misuse: impl FnOnce() -> String) -> bool {
    let Some((outside, _)) = door() else { return false };
    outside.post(|inbox| _ = inbox.misuse.get_or_insert_with(misuse));
    true
}

/// Says who waits outside the loop.
pub(super) fn pause() -> Pause {
    PAUSE.try_with(Cell::get).unwrap_or(Pause::Nobody)
}

/// Keeps a wake back.
pub(super) fn hold(waker: Waker) {
    let _ = HELD.try_with(|held| held.borrow_mut().push(waker));
}

/// Ends the wait of whoever waits outside the loop: there is something to do in the run.
pub(crate) fn touch() {
    let _ = IS_TOUCHED.try_with(|touched| touched.set(true));
    let _ = WAITER.try_with(|waiter| waiter.borrow().as_ref().map(Waker::wake_by_ref));
}

/// Calls this, and keeps back the wakes of tasks of the run meanwhile: gives the wakers to call later, in their order.
pub(crate) fn hold_wakes(call: &mut dyn FnMut()) -> Vec<Waker> {
    struct Back(Pause, Vec<Waker>);
    impl Drop for Back {
        fn drop(&mut self) {
            PAUSE.set(self.0);
            HELD.set(std::mem::take(&mut self.1));
        }
    }
    let _back = Back(PAUSE.replace(Pause::Holds), HELD.take());
    call();
    HELD.take()
}

/// Somebody waits outside the loop of the run on this thread, until it is dropped. Inside another's wait the two are apart.
#[derive(Debug)]
pub(crate) struct Waiting {
    outside: Arc<Outside>,
    /// The wait of a run around this one.
    outer: (Pause, bool, Option<Waker>),
}

impl Waiting {
    /// `is_ready`: there is something to do already.
    pub(crate) fn begin(outside: &Arc<Outside>, is_ready: bool) -> Waiting {
        let outer = (PAUSE.replace(Pause::Waits), IS_TOUCHED.replace(is_ready), WAITER.take());
        Waiting { outside: outside.clone(), outer }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let (pause, is_touched, waiter) = (self.outer.0, self.outer.1, self.outer.2.take());
        PAUSE.set(pause);
        IS_TOUCHED.set(is_touched);
        WAITER.set(waiter);
        if self.outside.has_threads.load(Ordering::Acquire) {
            self.outside.inbox().waiter = None;
        }
    }
}
