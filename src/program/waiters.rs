//! [`Waiters`]: the wakers of all who wait for one event.

use std::mem;
use std::task::Waker;

/// The wakers of the futures that wait for one event, each in a place of its own, so that a future which is polled
/// again replaces its waker and one which is dropped leaves nothing behind.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Vec<Option<Waker>>);

/// A future's place among the [`Waiters`]; `None` before its first poll.
pub(crate) type Place = Option<usize>;

impl Waiters {
    /// Forgets all of them, places and wakers.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Puts `waker` in the future's place. The waker it replaces is returned, to be dropped outside any lock.
    pub fn register(&mut self, place: &mut Place, waker: &Waker) -> Option<Waker> {
        let index = *place.get_or_insert_with(|| match self.0.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.0.push(None);
                self.0.len() - 1
            }
        });
        let slot = &mut self.0[index];
        match slot {
            Some(old) if old.will_wake(waker) => None,
            _ => slot.replace(waker.clone()),
        }
    }

    /// Gives up a place. Its waker is returned, to be dropped outside any lock.
    pub fn leave(&mut self, place: Place) -> Option<Waker> {
        self.0.get_mut(place?)?.take()
    }

    /// The wakers of all, who stay in their places: for an event that may come again.
    pub fn wakers(&self) -> impl Iterator<Item = Waker> + '_ {
        self.0.iter().flatten().cloned()
    }

    /// Empties all places; the caller wakes what it gets, outside any lock.
    pub fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        mem::take(&mut self.0).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_by_its_future_and_reused_after_it() {
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
