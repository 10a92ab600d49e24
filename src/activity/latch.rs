//! [`Latches`]: the two things an attempt is notified of.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::program::{CancelReason, WaiterIndex, Waiters};

/// Something that happens at most once and then stays. `0` is "not yet", any other value says what happened.
///
/// Atomics and a lock because contexts are `Send + Sync`, not because a run has more than one thread.
#[derive(Debug, Default)]
struct Latch {
    state: AtomicU8,
    waiters: Mutex<Waiters>,
}

impl Latch {
    fn get(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }

    /// Only the first value counts.
    fn set(&self, value: u8) {
        let woken = {
            let mut waiters = self.lock();
            if self.get() != 0 {
                return;
            }
            self.state.store(value, Ordering::Release);
            waiters.take()
        };
        // Outside the lock: a waker may run code that looks at the latch.
        woken.for_each(Waker::wake);
    }

    fn poll(&self, waiter: &mut WaiterIndex, cx: &Context<'_>) -> Poll<u8> {
        let value = self.get();
        if value != 0 {
            return Poll::Ready(value);
        }
        let replaced = self.lock().register(waiter, cx.waker());
        drop(replaced);
        Poll::Pending
    }

    fn leave(&self, waiter: WaiterIndex) {
        if waiter.is_some() && self.get() == 0 {
            let left = self.lock().leave(waiter);
            drop(left);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The two things an attempt can be notified of.
#[derive(Debug, Default)]
pub(super) struct Latches {
    cancel: Latch,
    stopping: Latch,
}

impl Latches {
    /// Why the attempt is to stop; `None` while it is not.
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        reason(self.cancel.get())
    }

    pub fn is_worker_stopping(&self) -> bool {
        self.stopping.get() != 0
    }

    /// Only the first reason counts.
    pub fn cancel(&self, reason: CancelReason) {
        self.cancel.set(code(reason));
    }

    pub fn stop_worker(&self) {
        self.stopping.set(1);
    }

    /// Waits until the attempt is to stop.
    pub fn poll_cancel(&self, waiter: &mut WaiterIndex, cx: &Context<'_>) -> Poll<CancelReason> {
        self.cancel.poll(waiter, cx).map(|code| reason(code).unwrap_or(CancelReason::Requested))
    }

    /// Nobody waits for that any more.
    pub fn leave_cancel(&self, waiter: WaiterIndex) {
        self.cancel.leave(waiter);
    }

    /// Waits until the worker begins to stop.
    pub fn poll_stopping(&self, waiter: &mut WaiterIndex, cx: &Context<'_>) -> Poll<()> {
        self.stopping.poll(waiter, cx).map(|_| ())
    }

    /// Nobody waits for that any more.
    pub fn leave_stopping(&self, waiter: WaiterIndex) {
        self.stopping.leave(waiter);
    }
}

/// The reasons in the order of their codes, from 1.
const REASONS: [CancelReason; 6] = [
    CancelReason::Requested,
    CancelReason::NotFound,
    CancelReason::TimedOut,
    CancelReason::WorkerShutdown,
    CancelReason::Paused,
    CancelReason::Reset,
];

fn code(reason: CancelReason) -> u8 {
    match reason {
        CancelReason::Requested => 1,
        CancelReason::NotFound => 2,
        CancelReason::TimedOut => 3,
        CancelReason::WorkerShutdown => 4,
        CancelReason::Paused => 5,
        CancelReason::Reset => 6,
    }
}

fn reason(code: u8) -> Option<CancelReason> {
    REASONS.get(usize::from(code).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_reasons_agree() {
        for (index, &wanted) in REASONS.iter().enumerate() {
            assert_eq!(usize::from(code(wanted)), index + 1);
            assert_eq!(reason(code(wanted)), Some(wanted));
        }
        assert_eq!(reason(0), None);
    }
}
