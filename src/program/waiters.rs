//! [`Waiters`]: the wakers of all who wait for one event.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::task::Waker;

/// The wakers of the futures that wait for one event, each at an index of its own. A future that is polled again
/// replaces its waker, and a future that is dropped leaves nothing behind.
///
/// Wakers run foreign code when they are called or dropped. So the wakers that go are returned, to be woken or dropped
/// outside any borrow or lock of the list.
///
/// ```
/// use std::task::Waker;
/// use durasim::program::Waiters;
///
/// let mut waiters = Waiters::default();
/// let (mut first, mut second) = (None, None);
/// waiters.register(&mut first, Waker::noop());
/// waiters.register(&mut second, Waker::noop());
/// waiters.leave(first);
/// waiters.take().for_each(Waker::wake);
/// ```
#[derive(Debug, Default)]
pub struct Waiters {
    wakers: Vec<Option<Waker>>,
    /// The indexes that are free, the least first. They are a heap of their own, since a search for each of many waiters
    /// would be quadratic.
    free: BinaryHeap<Reverse<usize>>,
}

/// A future's index among the [`Waiters`]; `None` before its first poll.
pub type WaiterIndex = Option<usize>;

impl Waiters {
    /// Puts `waker` at the future's index, and gives the waker that it replaces.
    pub fn register(&mut self, index: &mut WaiterIndex, waker: &Waker) -> Option<Waker> {
        let index = *index.get_or_insert_with(|| {
            self.free.pop().map_or_else(
                || {
                    self.wakers.push(None);
                    self.wakers.len() - 1
                },
                |Reverse(index)| index,
            )
        });
        let slot = &mut self.wakers[index];
        match slot {
            Some(old) if old.will_wake(waker) => None,
            _ => slot.replace(waker.clone()),
        }
    }

    /// Gives an index up, and gives its waker.
    pub fn leave(&mut self, index: WaiterIndex) -> Option<Waker> {
        let waker = self.wakers.get_mut(index?)?.take()?;
        self.free.extend(index.map(Reverse));
        Some(waker)
    }

    /// The wakers of all futures, which stay at their indexes: for an event that may come again.
    pub fn wakers(&self) -> impl Iterator<Item = Waker> + '_ {
        self.wakers.iter().flatten().cloned()
    }

    /// Empties the list and gives the wakers: for an event that comes once.
    pub fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        self.free.clear();
        mem::take(&mut self.wakers).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_kept_by_its_future_and_used_again_after_it() {
        let mut waiters = Waiters::default();
        let (mut first, mut second, mut third) = (None, None, None);
        waiters.register(&mut first, Waker::noop());
        waiters.register(&mut first, Waker::noop());
        waiters.register(&mut second, Waker::noop());
        assert_eq!((first, second), (Some(0), Some(1)));
        waiters.leave(first);
        waiters.register(&mut third, Waker::noop());
        assert_eq!(third, Some(0));
        assert_eq!(waiters.take().count(), 2);
        assert_eq!(waiters.take().count(), 0);
    }
}
