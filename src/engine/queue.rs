//! [`Queue`]: what happens next.

use std::collections::VecDeque;

use crate::program::Time;

/// Where an entry stands among those of the same time.
pub(crate) type Rank = u64;

/// A monotone radix queue: entries come out by time, and by rank among equal times.
///
/// Bucket 0 holds the entries of the time `floor`; bucket `i` those whose time differs from it first in bit `i - 1`.
/// A push is constant time whatever the size, and an entry moves at most 64 times, always to a lower bucket, which beats
/// a binary heap when thousands of timers are pending.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    /// All times in the queue are at or after it.
    floor: Time,
    next_rank: Rank,
    present: VecDeque<(Rank, E)>,
    buckets: Box<[Vec<(Time, Rank, E)>; 64]>,
    /// Bit `i` is set if `buckets[i]` has entries.
    filled: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Queue<E> {
        Queue {
            floor: Time::ZERO,
            next_rank: 0,
            present: VecDeque::new(),
            buckets: Box::new(std::array::from_fn(|_| Vec::new())),
            filled: 0,
        }
    }
}

impl<E: Copy> Queue<E> {
    /// The rank of an entry that will be pushed later but counts from now.
    pub(crate) fn reserve(&mut self) -> Rank {
        self.next_rank += 1;
        self.next_rank
    }

    /// Adds an entry behind those of the same time.
    pub(crate) fn push(&mut self, at: Time, entry: E) {
        let rank = self.reserve();
        self.push_at(at, rank, entry);
    }

    /// Adds an entry with a rank reserved before.
    pub(crate) fn push_at(&mut self, at: Time, rank: Rank, entry: E) {
        if at > self.floor {
            let bucket = bucket(self.floor, at);
            self.buckets[bucket].push((at, rank, entry));
            self.filled |= 1 << bucket;
        } else {
            self.push_present(at, rank, entry);
        }
    }

    fn push_present(&mut self, at: Time, rank: Rank, entry: E) {
        if at < self.floor {
            self.lower_floor(at);
        }
        // Mostly it is the last.
        let mut index = self.present.len();
        self.present.push_back((rank, entry));
        while index > 0 && self.present[index - 1].0 > rank {
            self.present.swap(index - 1, index);
            index -= 1;
        }
    }

    /// Takes the first entry.
    pub(crate) fn pop(&mut self) -> Option<(Time, E)> {
        if self.present.is_empty() {
            if self.filled == 0 {
                return None;
            }
            let lowest = self.filled.trailing_zeros() as usize;
            self.filled &= self.filled - 1;
            // Mostly one entry alone is next.
            if let [(at, _, entry)] = self.buckets[lowest][..] {
                self.buckets[lowest].clear();
                self.floor = at;
                return Some((at, entry));
            }
            self.refill(lowest);
        }
        let (_, entry) = self.present.pop_front()?;
        Some((self.floor, entry))
    }

    /// Takes the first entry with its rank, to be given back by [`push_at`](Queue::push_at) or not.
    pub(crate) fn pop_ranked(&mut self) -> Option<(Time, Rank, E)> {
        if self.present.is_empty() {
            if self.filled == 0 {
                return None;
            }
            let lowest = self.filled.trailing_zeros() as usize;
            self.filled &= self.filled - 1;
            self.refill(lowest);
        }
        let (rank, entry) = self.present.pop_front()?;
        Some((self.floor, rank, entry))
    }

    /// Takes the first entry if it is of the same time as the last one taken, and `fits`.
    pub(crate) fn pop_present(&mut self, fits: impl FnOnce(&E) -> bool) -> Option<E> {
        self.present.front().filter(|(_, entry)| fits(entry))?;
        self.present.pop_front().map(|(_, entry)| entry)
    }

    /// Forgets everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.floor = Time::ZERO;
        self.next_rank = 0;
        self.present.clear();
        while self.filled != 0 {
            let bucket = self.filled.trailing_zeros() as usize;
            self.buckets[bucket].clear();
            self.filled &= self.filled - 1;
        }
    }

    /// Moves the entries of the earliest time, which is in this bucket, into `present`.
    fn refill(&mut self, lowest: usize) {
        let mut moved = std::mem::take(&mut self.buckets[lowest]);
        self.floor = moved.iter().map(|&(at, ..)| at).min().unwrap_or(self.floor);
        for &(at, rank, entry) in &moved {
            self.push_at(at, rank, entry);
        }
        moved.clear();
        self.buckets[lowest] = moved;
    }

    /// Only stale entries were taken since the clock last moved, and the clock stayed behind them.
    fn lower_floor(&mut self, floor: Time) {
        let mut all = Vec::new();
        while let Some((rank, entry)) = self.present.pop_front() {
            all.push((self.floor, rank, entry));
        }
        for bucket in self.buckets.iter_mut() {
            all.append(bucket);
        }
        self.filled = 0;
        self.floor = floor;
        for (at, rank, entry) in all {
            self.push_at(at, rank, entry);
        }
    }
}

fn bucket(floor: Time, at: Time) -> usize {
    63 - (floor.as_nanos() ^ at.as_nanos()).leading_zeros() as usize
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_times_come_out_in_order_and_reserved_orders_count_from_their_reservation() {
        let mut queue = Queue::default();
        let at = Time::from_millis(5);
        let early = queue.reserve();
        queue.push(at, "second");
        queue.push(at, "third");
        queue.push_at(at, early, "first");
        assert_eq!(queue.pop(), Some((at, "first")));
        queue.push(at, "fourth");
        assert_eq!(queue.pop(), Some((at, "second")));
        assert_eq!(queue.pop(), Some((at, "third")));
        assert_eq!(queue.pop(), Some((at, "fourth")));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn the_present_is_what_has_the_time_of_the_last_taken() {
        let mut queue = Queue::default();
        for (at, entry) in [(5, 1), (5, 2), (5, 30), (6, 4)] {
            queue.push(Time::from_millis(at), entry);
        }
        let small = |entry: &i32| *entry < 10;
        assert_eq!(queue.pop_present(small), None, "nothing is present before the first is taken");
        assert_eq!(queue.pop(), Some((Time::from_millis(5), 1)));
        assert_eq!(queue.pop_present(small), Some(2));
        assert_eq!(queue.pop_present(small), None, "the first decides");
        assert_eq!(queue.pop(), Some((Time::from_millis(5), 30)));
        assert_eq!(queue.pop_present(small), None, "a later time is not the present");
    }

    proptest! {
        /// Against a binary heap, with pushes after pops, never before the last popped time.
        #[test]
        fn agrees_with_a_heap(steps in vec((any::<bool>(), 0u64..5_000), 1..300)) {
            let mut queue = Queue::default();
            let mut heap = BinaryHeap::new();
            let (mut now, mut count) = (0, 0u64);
            for (pop, after) in steps {
                if pop {
                    let expected = heap.pop().map(|Reverse((at, id))| (Time::from_nanos(at), id));
                    prop_assert_eq!(queue.pop(), expected);
                    if let Some((at, _)) = expected { now = at.as_nanos(); }
                } else {
                    queue.push(Time::from_nanos(now + after), count);
                    heap.push(Reverse((now + after, count)));
                    count += 1;
                }
            }
        }

        /// Times before those of popped (stale) entries.
        #[test]
        fn takes_entries_earlier_than_the_last_popped(times in vec(0u64..100, 2..60)) {
            let mut queue = Queue::default();
            queue.push(Time::from_nanos(50), 1_000);
            queue.pop();
            for (id, &at) in times.iter().enumerate() { queue.push(Time::from_nanos(at), id); }
            let mut expected: Vec<_> = times.iter().copied().enumerate().map(|(id, at)| (at, id)).collect();
            expected.sort_unstable();
            let found: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(at, id)| (at.as_nanos(), id)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
