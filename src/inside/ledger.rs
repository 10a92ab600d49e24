//! [`Ledger`]: the effects that were done, how often, and by which attempt.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use super::{called, enter};
use crate::program::Time;
use crate::program::places::{self, Called};
use crate::trace::AttemptKey;
use crate::world::core::World;

/// One effect in a [`Ledger`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LedgerEntry {
    /// The time at which it was done.
    pub at: Time,
    /// The attempt that did it, from 1; 0 outside activities.
    pub attempt: u32,
    /// The key of that attempt in the trace, where its number alone could mean several.
    pub(crate) hosted: Option<AttemptKey>,
    pub(crate) recorded: Recorded,
}

/// The call that recorded an entry. It tells no entry from another, nor shows it.
#[derive(Clone, Copy)]
pub(crate) struct Recorded(pub(crate) Option<Called>);

impl PartialEq for Recorded {
    fn eq(&self, _: &Recorded) -> bool {
        true
    }
}

impl Eq for Recorded {}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// Counts effects by key. A ledger is part of a fake, and so of the state of the run.
///
/// The check [`effects`](crate::check::effects) compares it with the fault-free run: nothing lost, nothing invented,
/// repeats within the bound you give.
///
/// ```
/// use durasim::{EffectError, Ledger};
///
/// #[derive(Default)]
/// struct Store { chunks: Ledger<u32> }
///
/// impl Store {
///     fn write(&self, chunk: u32) -> Result<(), EffectError> {
///         durasim::effect("write", || self.chunks.record(chunk))
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Ledger<K> {
    entries: RefCell<BTreeMap<K, Vec<LedgerEntry>>>,
}

impl<K> Default for Ledger<K> {
    fn default() -> Ledger<K> {
        Ledger { entries: RefCell::new(BTreeMap::new()) }
    }
}

impl<K: Ord> Ledger<K> {
    /// An empty ledger.
    pub fn new() -> Ledger<K> {
        Ledger::default()
    }

    /// Notes that the effect of this key was done. Code of a crashed attempt notes nothing.
    #[track_caller]
    pub fn record(&self, key: K) {
        places::called("ledger.record");
        let world = enter(|| "wrote into a ledger: a workflow changes the world through activities only".to_owned());
        let (at, hosted, attempt) = match &world {
            Some(world) => match world.doer() {
                Some((attempt, number)) => (world.now(), attempt, number),
                None => return,
            },
            None => (Time::ZERO, None, 0),
        };
        let recorded = Recorded(places::present().call());
        let Ok(mut entries) = self.entries.try_borrow_mut() else { return writes_while_it_is_read(world.as_deref()) };
        entries.entry(key).or_default().push(LedgerEntry { at, attempt, hosted, recorded });
    }

    /// Counts how often the effect of this key was done.
    #[track_caller]
    pub fn count(&self, key: &K) -> usize {
        places::called("ledger.count");
        called();
        self.entries.borrow().get(key).map_or(0, Vec::len)
    }

    /// Counts how many effects were done in all.
    #[track_caller]
    pub fn total(&self) -> usize {
        places::called("ledger.total");
        called();
        self.entries.borrow().values().map(Vec::len).sum()
    }

    /// Counts the different keys.
    #[track_caller]
    pub fn len(&self) -> usize {
        places::called("ledger.len");
        called();
        self.entries.borrow().len()
    }

    /// Says whether nothing was done.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        places::called("ledger.is_empty");
        called();
        self.entries.borrow().is_empty()
    }

    /// Calls `see` with each key, in order, and the effects that were done under it.
    #[track_caller]
    pub fn each(&self, mut see: impl FnMut(&K, &[LedgerEntry])) {
        places::called("ledger.each");
        called();
        self.entries.borrow().iter().for_each(|(key, entries)| see(key, entries));
    }
}

/// Ends the run, or the test outside of one: the closure of [`Ledger::each`] has recorded.
#[track_caller]
fn writes_while_it_is_read(world: Option<&World>) {
    let mistake = "`Ledger::record` was called in the closure of `Ledger::each` of the same ledger, which is reading it: collect \
                   the keys first, and record them afterwards";
    match world {
        Some(world) => world.misuse(mistake.to_owned()),
        None => panic!("{mistake}"),
    }
}

impl<K: fmt::Debug> fmt::Debug for Ledger<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.borrow();
        f.debug_map().entries(entries.iter().map(|(key, entries)| (key, entries.len()))).finish()
    }
}
