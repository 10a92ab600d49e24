//! [`WakeFlag`]: the one waker of a workflow instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

/// The one waker of a workflow instance. It knows whether the instance is being activated, and so tells its own wakes
/// from foreign ones.
///
/// Atomics because wakers are `Send + Sync`, not because a run has more than one thread.
#[derive(Debug, Default)]
pub(super) struct WakeFlag {
    active: AtomicBool,
    woken: AtomicBool,
    foreign: AtomicBool,
}

/// While it lives the instance is active.
#[derive(Debug)]
pub(super) struct Active<'a>(&'a WakeFlag);

impl WakeFlag {
    /// Begins an activation.
    pub fn enter(&self) -> Active<'_> {
        self.active.store(true, Ordering::Relaxed);
        self.foreign.store(false, Ordering::Relaxed);
        Active(self)
    }

    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Says whether the code is to be polled. Asking resets it.
    pub fn take(&self) -> bool {
        let woken = self.woken.load(Ordering::Relaxed);
        if woken {
            self.woken.store(false, Ordering::Relaxed);
        }
        woken
    }

    pub fn wake_own(&self) {
        self.woken.store(true, Ordering::Relaxed);
    }

    /// As its waker does.
    pub fn wake(&self) {
        self.wake_own();
        if !self.is_active() {
            self.foreign.store(true, Ordering::Relaxed);
        }
    }

    /// Notes such a wake again, after an activation in which the code had no turn.
    pub fn keep_foreign(&self, foreign: bool) {
        self.foreign.fetch_or(foreign, Ordering::Relaxed);
    }

    /// Says whether a wake came from outside any activation since the last one began.
    pub fn foreign(&self) -> bool {
        self.foreign.load(Ordering::Relaxed)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.active.store(false, Ordering::Relaxed);
    }
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        WakeFlag::wake(&self);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        WakeFlag::wake(self);
    }
}
