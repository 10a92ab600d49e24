//! [`Table`]: a list whose items are found by keys of a type of their own.
//!
//! Everything that a run numbers (its workflows, activities, attempts, workers, ..) has a key type, so that the key of one
//! cannot be used where another is meant, and no number is turned into an index where it is used.

use std::fmt;
use std::iter::{Enumerate, Map};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A number that names one of a run's things of one sort, counted from 0.
pub trait Key: Copy + Eq + fmt::Debug {
    /// The key of the thing at this position.
    fn at(index: usize) -> Self;
    /// The position of the thing of this key.
    fn index(self) -> usize;
}

/// Defines a [`Key`], which is shown as its number, from 0 if nothing else is said.
macro_rules! key {
    ($(#[$doc:meta])* $visibility:vis struct $name:ident;) => {
        $crate::program::key! { $(#[$doc])* $visibility struct $name; shown from 0 }
    };
    ($(#[$doc:meta])* $visibility:vis struct $name:ident; shown from $first:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility struct $name(u32);

        impl $name {
            /// The key of the thing at this position, from 0.
            $visibility const fn at(index: usize) -> $name {
                $name(index as u32)
            }

            /// The position of the thing among those of its sort, from 0.
            $visibility const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl $crate::program::Key for $name {
            fn at(index: usize) -> $name {
                <$name>::at(index)
            }

            fn index(self) -> usize {
                <$name>::index(self)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&(self.0 + $first), f)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&(self.0 + $first), f)
            }
        }
    };
}
pub(crate) use key;

/// Items in the order in which they came, each found by its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Table<K, T> {
    items: Vec<T>,
    keys: PhantomData<fn() -> K>,
}

/// The iterator that [`Table::iter`] makes.
pub type Entries<'a, K, T> = Map<Enumerate<std::slice::Iter<'a, T>>, fn((usize, &'a T)) -> (K, &'a T)>;

impl<K: Key, T> Table<K, T> {
    /// An empty table.
    pub const fn new() -> Table<K, T> {
        Table { items: Vec::new(), keys: PhantomData }
    }

    /// Adds an item and gives its key.
    pub fn push(&mut self, item: T) -> K {
        self.items.push(item);
        K::at(self.items.len() - 1)
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Says whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item of this key, if there is one.
    pub fn get(&self, key: K) -> Option<&T> {
        self.items.get(key.index())
    }

    /// The item of this key, to be changed, if there is one.
    pub fn get_mut(&mut self, key: K) -> Option<&mut T> {
        self.items.get_mut(key.index())
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator + use<K, T> {
        (0..self.items.len()).map(K::at)
    }

    /// The items, in order.
    pub fn values(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The items, in order, to be changed.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// The items with their keys, in order.
    pub fn iter(&self) -> Entries<'_, K, T> {
        self.items.iter().enumerate().map(|(index, item)| (K::at(index), item))
    }

    /// The items with their keys, in order, to be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (K, &mut T)> + ExactSizeIterator {
        self.items.iter_mut().enumerate().map(|(index, item)| (K::at(index), item))
    }

    /// Makes a table of the same keys, with the value that `make` makes of each item.
    pub fn map<U>(&self, make: impl FnMut(&T) -> U) -> Table<K, U> {
        self.items.iter().map(make).collect()
    }

    /// The key of the item that is added next.
    pub fn next_key(&self) -> K {
        K::at(self.items.len())
    }

    /// Takes all items out, in order. The memory stays.
    pub fn drain(&mut self) -> std::vec::Drain<'_, T> {
        self.items.drain(..)
    }

    /// The items, without their keys.
    pub fn into_values(self) -> Vec<T> {
        self.items
    }

    /// Forgets all items. The memory stays.
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// An empty table in the memory of this one.
    pub(crate) fn emptied(mut self) -> Table<K, T> {
        self.items.clear();
        self
    }
}

impl<K: Key, T> Default for Table<K, T> {
    fn default() -> Table<K, T> {
        Table::new()
    }
}

impl<'a, K: Key, T> IntoIterator for &'a Table<K, T> {
    type Item = (K, &'a T);
    type IntoIter = Entries<'a, K, T>;

    fn into_iter(self) -> Entries<'a, K, T> {
        self.iter()
    }
}

impl<K, T> FromIterator<T> for Table<K, T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Table<K, T> {
        Table { items: items.into_iter().collect(), keys: PhantomData }
    }
}

impl<K: Key, T> Index<K> for Table<K, T> {
    type Output = T;

    fn index(&self, key: K) -> &T {
        &self.items[key.index()]
    }
}

impl<K: Key, T> IndexMut<K> for Table<K, T> {
    fn index_mut(&mut self, key: K) -> &mut T {
        &mut self.items[key.index()]
    }
}

impl<K, T: fmt::Debug> fmt::Debug for Table<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    key! {
        /// The key of a letter.
        struct LetterKey;
    }

    #[test]
    fn an_item_is_found_by_its_key() {
        let mut letters = Table::<LetterKey, char>::new();
        let (a, b) = (letters.push('a'), letters.push('b'));
        letters[a] = 'A';
        assert_eq!((letters[a], letters[b], letters.len()), ('A', 'b', 2));
        assert_eq!(letters.iter().collect::<Vec<_>>(), [(a, &'A'), (b, &'b')]);
        assert_eq!(letters.keys().rev().collect::<Vec<_>>(), [b, a]);
        assert!(letters.map(|letter| letter.is_uppercase())[a]);
        assert_eq!(format!("{a} {b:?} {letters:?}"), "0 1 ['A', 'b']");
        letters.clear();
        assert!(letters.is_empty());
        assert_eq!(letters.get(a), None);
    }
}
