//! [`WakeFlag`]: the waker of a workflow's code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

/// The waker of a workflow's code. It tells wakes of an activation from those of somebody outside.
#[derive(Default)]
pub(crate) struct WakeFlag {
    is_active: AtomicBool,
    is_woken: AtomicBool,
    is_foreign: AtomicBool,
}

impl WakeFlag {
    /// An activation begins.
    pub(crate) fn begin(&self) {
        self.is_active.store(true, Ordering::Relaxed);
    }

    /// The activation is over.
    pub(crate) fn end(&self) {
        self.is_active.store(false, Ordering::Relaxed);
        self.take();
    }

    /// Says whether the code was woken. Asking resets it.
    pub(crate) fn take(&self) -> bool {
        self.is_woken.swap(false, Ordering::Relaxed)
    }

    /// Says whether a wake came from outside any activation.
    pub(crate) fn is_foreign(&self) -> bool {
        self.is_foreign.load(Ordering::Relaxed)
    }
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Relaxed);
        if !self.is_active.load(Ordering::Relaxed) {
            self.is_foreign.store(true, Ordering::Relaxed);
        }
    }
}
