//! [`Sorted`]: a map of few entries, in the order of their keys.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;

/// A map kept as a sorted list. A `BTreeMap` of the same types takes ten times as long to compile, and is no faster with
/// the tens of entries of those that are kept here.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sorted<K, V> {
    entries: Vec<(K, V)>,
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Sorted<K, V> {
        Sorted { entries: Vec::new() }
    }
}

impl<K: Ord, V> Sorted<K, V> {
    /// As a slice's `binary_search_by`, which takes four times as long to compile.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = (low + high) / 2;
            match self.entries[middle].0.borrow().cmp(key) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    pub(crate) fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (key, value) = &self.entries[self.find(key).ok()?];
        Some((key, value))
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        Some(&self.entries[self.find(key).ok()?].1)
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Gives back the value that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(index) => Some(std::mem::replace(&mut self.entries[index].1, value)),
            Err(index) => {
                self.entries.insert(index, (key, value));
                None
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if let Ok(index) = self.find(key) {
            self.entries.remove(index);
        }
    }

    /// The value of this key, which is put there if there is none. The key is cloned only then.
    pub(crate) fn or_default(&mut self, key: &K) -> &mut V
    where
        K: Clone,
        V: Default,
    {
        let index = self.find(key).unwrap_or_else(|index| {
            self.entries.insert(index, (key.clone(), V::default()));
            index
        });
        &mut self.entries[index].1
    }
}

impl<K, V> Sorted<K, V> {
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Sorted<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn entries_come_in_the_order_of_their_keys_whenever_they_were_put_there() {
        let mut map: Sorted<Arc<str>, u32> = Sorted::default();
        assert_eq!(map.insert("b".into(), 2), None);
        assert_eq!(map.insert("c".into(), 3), None);
        assert_eq!(map.insert("a".into(), 1), None);
        assert_eq!(map.insert("b".into(), 5), Some(2));
        *map.or_default(&"d".into()) += 4;
        *map.or_default(&"a".into()) += 10;
        assert_eq!(format!("{map:?}"), r#"{"a": 11, "b": 5, "c": 3, "d": 4}"#);
        assert_eq!(map.get("b"), Some(&5));
        assert_eq!(map.get("e"), None);
        map.remove("e");
        map.remove("b");
        assert_eq!(map.keys().map(|key| &**key).collect::<Vec<_>>(), ["a", "c", "d"]);
        assert!(map.contains_key("d"));
        map.clear();
        assert_eq!(map.keys().count(), 0);
    }
}
