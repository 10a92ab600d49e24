//! [`effects`]: what was done to the outside world, against the fault-free run.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::Arc;

use super::Check;
use super::class::{Class, classify};
use super::reference::{Memory, Reference};
use super::violation::Violation;
use crate::ledger::Ledger;
use crate::run::{Outcome, Run};
use crate::service::WorkflowOutcome;

/// Compares a ledger with the fault-free run's, key by key.
///
/// - *lost*: done less often than without faults, though the workflow completed. Always an error.
/// - *invented*: a key that the fault-free run does not have, though the workflow completed.
/// - *repeated*: done more often. At-least-once execution allows it, so only [`Effects::repeats_at_most`] makes it an
///   error.
///
/// ```
/// use durasim::{Ledger, check};
/// #[derive(Default)]
/// struct Store { written: Ledger<u32> }
/// let check = check::effects(|store: &Store| &store.written).repeats_at_most(1);
/// ```
pub fn effects<S, K, L>(ledger: L) -> Effects<S, K>
where
    S: 'static,
    K: Ord + Debug + Clone + Send + Sync + 'static,
    L: Fn(&S) -> &Ledger<K> + Send + Sync + 'static,
{
    Effects { ledger: Box::new(ledger), repeats: None }
}

/// Finds the ledger in the state of a run.
type LedgerOf<S, K> = Box<dyn Fn(&S) -> &Ledger<K> + Send + Sync>;

/// Made by [`effects`].
pub struct Effects<S, K> {
    ledger: LedgerOf<S, K>,
    repeats: Option<usize>,
}

impl<S, K> Effects<S, K> {
    /// How often an effect may be done beyond what the fault-free run does. Zero asks for exactly once.
    pub fn repeats_at_most(mut self, repeats: usize) -> Effects<S, K> {
        self.repeats = Some(repeats);
        self
    }
}

impl<S, K> Check for Effects<S, K>
where
    S: 'static,
    K: Ord + Debug + Clone + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        "effects"
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let state = reference.state::<S>();
        let mut counts: BTreeMap<K, usize> = BTreeMap::new();
        (self.ledger)(&state).each(|key, entries| {
            counts.insert(key.clone(), entries.len());
        });
        Some(Arc::new(counts))
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let Some(counts) = reference.memory::<BTreeMap<K, usize>>() else { return Ok(()) };
        let state = run.state::<S>();
        let ledger = (self.ledger)(&state);
        if is_complete(run, reference) {
            for (key, expected) in counts {
                let found = ledger.count(key);
                if found < *expected {
                    return Err(Violation::new("lost", format!("the effect {key:?} was lost"))
                        .expected(times(*expected), times(found)));
                }
            }
            if let Some(invented) = first(ledger, |key, _| !counts.contains_key(key)) {
                let found = times(ledger.count(&invented));
                return Err(Violation::new(
                    "invented",
                    format!("the effect {invented:?} was done, which the fault-free run does not do"),
                )
                .expected("never", found));
            }
        }
        let Some(repeats) = self.repeats else { return Ok(()) };
        let bound = |key: &K| counts.get(key).copied().unwrap_or(1) + repeats;
        match first(ledger, |key, found| found > bound(key)) {
            Some(key) => {
                let mut done = Vec::new();
                ledger.each(|other, entries| {
                    if *other == key {
                        done =
                            entries.iter().map(|entry| format!("{} by attempt {}", entry.at, entry.attempt)).collect();
                    }
                });
                Err(Violation::new(
                    "repeated",
                    format!("the effect {key:?} was done too often: at {}", done.join(", at ")),
                )
                .expected(format!("at most {}", times(bound(&key))), times(ledger.count(&key))))
            }
            None => Ok(()),
        }
    }
}

/// Whether everything should have been done: neither faults nor a cancel excuse an early end.
fn is_complete(run: &Run, reference: &Reference) -> bool {
    match classify(run, reference) {
        Class::Survive => true,
        Class::Different => matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Completed(_))),
        Class::OverBudget(_) | Class::Cancelled => false,
    }
}

fn first<K: Ord + Clone>(ledger: &Ledger<K>, is_wrong: impl Fn(&K, usize) -> bool) -> Option<K> {
    let mut wrong = None;
    ledger.each(|key, entries| {
        if wrong.is_none() && is_wrong(key, entries.len()) {
            wrong = Some(key.clone());
        }
    });
    wrong
}

fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    }
}

impl<S, K> fmt::Debug for Effects<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects").field("repeats", &self.repeats).finish_non_exhaustive()
    }
}
