//! [`EffectCounts`]: the number of times that each effect was done, by the keys that are compared.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::inside::{Ledger, LedgerEntry};

/// Makes of a key the key that is compared and counted.
pub(super) type KeyNormalizer<K> = Box<dyn Fn(&mut K) + Send + Sync>;

/// A ledger's entries, by the keys that are compared.
pub(super) enum EffectCounts<'a, K> {
    /// The keys as they were recorded.
    Recorded(&'a Ledger<K>),
    Normalized(BTreeMap<K, KeyEntries<K>>),
}

/// The entries of one key.
#[derive(Clone)]
pub(super) struct KeyEntries<K> {
    pub(super) entries: Vec<LedgerEntry>,
    /// The keys under which the entries were recorded; none where keys are compared as they are.
    keys: Vec<K>,
}

impl<'a, K: Ord + Clone> EffectCounts<'a, K> {
    /// Counts the entries of a ledger, those of each key in order of time.
    pub(super) fn new(ledger: &'a Ledger<K>, normalizers: &[KeyNormalizer<K>]) -> EffectCounts<'a, K> {
        if normalizers.is_empty() {
            return EffectCounts::Recorded(ledger);
        }
        let mut found: BTreeMap<K, Vec<(LedgerEntry, K)>> = BTreeMap::new();
        ledger.each(|key, entries| {
            let mut normal = key.clone();
            normalizers.iter().for_each(|normalize| normalize(&mut normal));
            found.entry(normal).or_default().extend(entries.iter().map(|entry| (*entry, key.clone())));
        });
        let sorted = found.into_iter().map(|(key, mut done)| {
            done.sort_by_key(|(entry, _)| entry.at);
            let (entries, keys) = done.into_iter().unzip();
            (key, KeyEntries { entries, keys })
        });
        EffectCounts::Normalized(sorted.collect())
    }

    /// Makes a copy to be kept.
    pub(super) fn to_map(&self) -> BTreeMap<K, KeyEntries<K>> {
        match self {
            EffectCounts::Recorded(ledger) => {
                let mut all = BTreeMap::new();
                ledger.each(|key, entries| {
                    all.insert(key.clone(), KeyEntries { entries: entries.to_vec(), keys: Vec::new() });
                });
                all
            }
            EffectCounts::Normalized(done) => done.clone(),
        }
    }

    /// Counts how often the effect of this key was done.
    pub(super) fn count(&self, key: &K) -> usize {
        match self {
            EffectCounts::Recorded(ledger) => ledger.count(key),
            EffectCounts::Normalized(done) => done.get(key).map_or(0, |done| done.entries.len()),
        }
    }

    /// Gives the first finding of `find`, which looks at each key in order: at its entries, and at the keys under which
    /// they were recorded.
    pub(super) fn first<T>(&self, mut find: impl FnMut(&K, &[LedgerEntry], &[K]) -> Option<T>) -> Option<T> {
        match self {
            EffectCounts::Recorded(ledger) => {
                let mut found = None;
                ledger.each(|key, entries| {
                    if found.is_none() {
                        found = find(key, entries, &[]);
                    }
                });
                found
            }
            EffectCounts::Normalized(done) => done.iter().find_map(|(key, done)| find(key, &done.entries, &done.keys)),
        }
    }
}

impl<K: Debug> KeyEntries<K> {
    /// Gives the entries in words, as [`when`] does.
    pub(super) fn when(&self) -> String {
        when(&self.entries, &self.keys)
    }
}

/// Gives the entries in words: `at 5.002s by attempt 1, at 41.003s by attempt 2`. The words name the recorded key too
/// if it is not the key that is compared.
pub(super) fn when<K: Debug>(entries: &[LedgerEntry], keys: &[K]) -> String {
    let mut words = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let key = keys.get(index).map(|key| format!(" as {key:?}")).unwrap_or_default();
        words.push(format!("at {} by attempt {}{key}", entry.at, entry.attempt));
    }
    words.join(", ")
}
