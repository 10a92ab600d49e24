//! [`Ledger`]: the effects that were done, how often, and by which attempt.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::{called, enter};
use crate::program::Time;
use crate::program::places::{self, Called};
use crate::trace::AttemptKey;
use crate::world::core::{World, with_current};
use crate::world::ledgers::{AnyLedger, Done};

/// One effect in a [`Ledger`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LedgerEntry {
    /// The time at which it was done.
    pub at: Time,
    /// The attempt that did it, from 1; 0 outside activities.
    pub attempt: u32,
    /// The key of that attempt in the trace, where its number alone could mean several.
    pub(crate) hosted: Option<AttemptKey>,
    /// The number of events that the trace had by then.
    pub(crate) event: usize,
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
///
/// A ledger that the constructor of a state makes is compared unasked, by [`check::ledgers`](crate::check::ledgers), which
/// knows it by the order in which it was made, or by its [name](Ledger::named).
pub struct Ledger<K>(Rc<Entries<K>>);

struct Entries<K> {
    name: Option<Arc<str>>,
    entries: RefCell<BTreeMap<K, Vec<LedgerEntry>>>,
}

impl<K: Ord + fmt::Debug + 'static> Default for Ledger<K> {
    fn default() -> Ledger<K> {
        Ledger::of(None, BTreeMap::new())
    }
}

impl<K: Ord + fmt::Debug + 'static> Ledger<K> {
    /// An empty ledger.
    pub fn new() -> Ledger<K> {
        Ledger::default()
    }

    /// An empty ledger with a name of its own in messages. Without one, messages name the state whose constructor makes it.
    ///
    /// ```
    /// use durasim::Ledger;
    /// struct Store { files: Ledger<u32> }
    /// fn store() -> Store { Store { files: Ledger::named("files") } }
    /// ```
    pub fn named(name: impl Into<Arc<str>>) -> Ledger<K> {
        Ledger::of(Some(name.into()), BTreeMap::new())
    }

    fn of(name: Option<Arc<str>>, entries: BTreeMap<K, Vec<LedgerEntry>>) -> Ledger<K> {
        let entries = Rc::new(Entries { name, entries: RefCell::new(entries) });
        with_current(|world| world.note_ledger(Rc::clone(&entries) as Rc<dyn AnyLedger>));
        Ledger(entries)
    }
}

impl<K: Ord + fmt::Debug> AnyLedger for Entries<K> {
    fn name(&self) -> Option<Arc<str>> {
        self.name.clone()
    }

    fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    fn entries(&self) -> Vec<Vec<Done>> {
        let done = |entry: &LedgerEntry| Done { at: entry.at, event: entry.event, attempt: entry.hosted };
        self.entries.borrow().values().map(|entries| entries.iter().map(done).collect()).collect()
    }

    fn keys(&self) -> Vec<String> {
        self.entries.borrow().keys().map(|key| format!("{key:?}")).collect()
    }
}

/// A clone is a ledger of its own, with the entries that there are.
impl<K: Ord + fmt::Debug + Clone + 'static> Clone for Ledger<K> {
    fn clone(&self) -> Ledger<K> {
        Ledger::of(self.0.name.clone(), self.0.entries.borrow().clone())
    }
}

impl<K: Ord> Ledger<K> {
    /// Notes that the effect of this key was done. Code of a crashed attempt notes nothing.
    #[track_caller]
    pub fn record(&self, key: K) {
        places::called("ledger.record");
        let world = enter(|| "wrote into a ledger: a workflow changes the world through activities only".to_owned());
        let (at, event, hosted, attempt) = match &world {
            Some(world) => match world.doer() {
                Some((attempt, number)) => (world.now(), world.events(), attempt, number),
                None => return,
            },
            None => (Time::ZERO, 0, None, 0),
        };
        let recorded = Recorded(places::present().call());
        let Ok(mut entries) = self.0.entries.try_borrow_mut() else { return writes_while_it_is_read(world.as_deref()) };
        entries.entry(key).or_default().push(LedgerEntry { at, attempt, hosted, event, recorded });
    }

    /// The effects by the number of their key, for checks.
    pub(crate) fn entries(&self) -> Vec<Vec<Done>>
    where
        K: fmt::Debug,
    {
        AnyLedger::entries(&*self.0)
    }

    /// Its address, which tells it from every other one.
    pub(crate) fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }

    /// Counts how often the effect of this key was done.
    #[track_caller]
    pub fn count(&self, key: &K) -> usize {
        places::called("ledger.count");
        called();
        self.0.entries.borrow().get(key).map_or(0, Vec::len)
    }

    /// Counts how many effects were done in all.
    #[track_caller]
    pub fn total(&self) -> usize {
        places::called("ledger.total");
        called();
        self.0.entries.borrow().values().map(Vec::len).sum()
    }

    /// Counts the different keys.
    #[track_caller]
    pub fn len(&self) -> usize {
        places::called("ledger.len");
        called();
        self.0.entries.borrow().len()
    }

    /// Says whether nothing was done.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        places::called("ledger.is_empty");
        called();
        self.0.entries.borrow().is_empty()
    }

    /// Calls `see` with each key, in order, and the effects that were done under it.
    #[track_caller]
    pub fn each(&self, mut see: impl FnMut(&K, &[LedgerEntry])) {
        places::called("ledger.each");
        called();
        self.0.entries.borrow().iter().for_each(|(key, entries)| see(key, entries));
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
        let entries = self.0.entries.borrow();
        f.debug_map().entries(entries.iter().map(|(key, entries)| (key, entries.len()))).finish()
    }
}
