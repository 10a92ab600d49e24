//! [`effects`]: what was done to the outside world, against the fault-free run.

use std::any::type_name;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::Check;
use super::class::Class;
use super::effect_counts::{EffectCounts, KeyEntries, KeyNormalizer, when};
use super::reference::{Memory, Reference};
use super::violation::Violation;
use crate::inside::{Ledger, LedgerEntry};
use crate::service::WorkflowOutcome;
use crate::trace::attempts::{AttemptExecution, Executions};
use crate::world::{Outcome, Run};

/// Compares a ledger with the fault-free run's, key by key.
///
/// - *lost*: done less often than without faults, though the run claims to have done all. Always an error.
/// - *invented*: a key that the fault-free run does not have, though the run claims to have done the usual. Allowed by
///   [`Effects::may_be_new`].
/// - *repeated*: done more often. At-least-once execution allows it, so only [`Effects::repeats_at_most`] makes it an
///   error.
/// - *redone*: done by an attempt whose checkpoint says that it is done. Only [`Effects::covered_by`] makes it an error.
///
/// A run claims to have done all if it ends as the fault-free run, with the same result as
/// [`same_result`](super::same_result) compares it, or if the workflow completes otherwise and nothing excuses that.
/// A run that ends otherwise because it is [over budget or cancelled](Class) does not claim it: a workflow that goes on
/// after an activity was given up, and returns "rejected" or how many rows it could do, may have done less. Repeats are
/// judged in all runs.
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
    Effects {
        name: "effects".to_owned(),
        ledger: Box::new(ledger),
        normalizers: Vec::new(),
        may_be_new: false,
        repeats: None,
        covered: None,
    }
}

/// Finds the ledger in the state of a run.
type LedgerOf<S, K> = Box<dyn Fn(&S) -> &Ledger<K> + Send + Sync>;

/// True if details say that the effect of a key is done; an error if they do not decode.
type Covers<K> = Box<dyn Fn(&[u8], &K) -> Result<bool, String> + Send + Sync>;

/// Made by [`effects`].
pub struct Effects<S, K> {
    name: String,
    ledger: LedgerOf<S, K>,
    normalizers: Vec<KeyNormalizer<K>>,
    may_be_new: bool,
    repeats: Option<usize>,
    covered: Option<(String, Covers<K>)>,
}

impl<S, K> Effects<S, K> {
    /// A name of its own in reports, for simulations with several ledgers. Default `effects`.
    pub fn named(mut self, name: impl Into<String>) -> Effects<S, K> {
        self.name = name.into();
        self
    }

    /// Says what a key means: `clear` removes from it what may differ from run to run, and keys that are the same then are
    /// one effect, compared and counted together. Several of them are applied one after the other.
    ///
    /// Idempotency keys are drawn anew in each run. Of those, it is the number that counts: two keys for one payment pay
    /// twice.
    ///
    /// ```
    /// use durasim::{Ledger, check};
    /// /// By order and idempotency key, which the workflow draws with `ctx.side_effect(durasim::random)`.
    /// #[derive(Default)]
    /// struct Bank { payments: Ledger<(String, u64)> }
    /// // Each order is paid exactly once, whatever the key.
    /// let check = check::effects(|bank: &Bank| &bank.payments)
    ///     .normalize(|(_order, key): &mut (String, u64)| *key = 0)
    ///     .repeats_at_most(0);
    /// ```
    ///
    /// A failure shows the keys as they were recorded, too. [`covered_by`](Effects::covered_by) is given those.
    pub fn normalize(mut self, clear: impl Fn(&mut K) + Send + Sync + 'static) -> Effects<S, K> {
        self.normalizers.push(Box::new(clear));
        self
    }

    /// Allows keys that the fault-free run does not have: what is done only when something has gone wrong, such as a
    /// compensation. With [`repeats_at_most`](Effects::repeats_at_most), each may be done once, and so often again.
    ///
    /// ```
    /// use durasim::{Ledger, check};
    /// #[derive(Default)]
    /// struct Bank { refunds: Ledger<String> }
    /// // No payment is given back twice.
    /// let check = check::effects(|bank: &Bank| &bank.refunds).may_be_new().repeats_at_most(0);
    /// ```
    pub fn may_be_new(mut self) -> Effects<S, K> {
        self.may_be_new = true;
        self
    }

    /// How often an effect may be done beyond what the fault-free run does. Zero asks for exactly once.
    pub fn repeats_at_most(mut self, repeats: usize) -> Effects<S, K> {
        self.repeats = Some(repeats);
        self
    }

    /// Allows no attempt of this activity to do an effect again that the checkpoint it was given says is done. What was
    /// done after the last *visible* heartbeat may still be repeated: nobody could know of it.
    ///
    /// ```
    /// use durasim::{Ledger, check};
    /// #[derive(Default)]
    /// struct Store { written: Ledger<u32> }
    /// // The details say how many rows are done, so they mean the rows before that one.
    /// let check = check::effects(|store: &Store| &store.written).covered_by("copy", |done: &u32, row: &u32| row < done);
    /// ```
    pub fn covered_by<D: DeserializeOwned + 'static>(
        mut self,
        activity: impl Into<String>,
        covers: impl Fn(&D, &K) -> bool + Send + Sync + 'static,
    ) -> Effects<S, K> {
        let covers = move |bytes: &[u8], key: &K| match serde_json::from_slice::<D>(bytes) {
            Ok(details) => Ok(covers(&details, key)),
            Err(why) => Err(format!("do not decode as `{}`: {why}", type_name::<D>())),
        };
        self.covered = Some((activity.into(), Box::new(covers)));
        self
    }
}

impl<S, K> Check for Effects<S, K>
where
    S: 'static,
    K: Ord + Debug + Clone + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn activity(&self) -> Option<&str> {
        self.covered.as_ref().map(|(activity, _)| activity.as_str())
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let state = reference.state::<S>();
        Some(Arc::new(EffectCounts::new((self.ledger)(&state), &self.normalizers).to_map()))
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        // An undo that only faults lead to is new, and may be bounded.
        let bounds_what_is_new = self.may_be_new && self.repeats.is_some();
        let state = reference.state::<S>();
        if (self.ledger)(&state).is_empty() && !bounds_what_is_new {
            return Some(
                "without faults, nothing is recorded in its ledger. Is it the field that the code records to? Where only \
                 faults lead to the effect, say `.may_be_new().repeats_at_most(0)`"
                    .to_owned(),
            );
        }
        let (activity, _) = self.covered.as_ref()?;
        (!records_details(reference, activity)).then(|| {
            format!(
                "without faults, `{activity}` records no heartbeat with details, so that `.covered_by(..)` is never asked"
            )
        })
    }

    fn has_something(&self, run: &Run, reference: &Reference) -> bool {
        is_complete(run, reference) || !(self.ledger)(&run.state::<S>()).is_empty()
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let Some(usual) = reference.memory::<BTreeMap<K, KeyEntries<K>>>() else { return Ok(()) };
        let state = run.state::<S>();
        let ledger = (self.ledger)(&state);
        let counts = EffectCounts::new(ledger, &self.normalizers);
        if is_complete(run, reference) {
            nothing_lost(&counts, usual)?;
            if !self.may_be_new {
                nothing_invented(&counts, usual, run.executions())?;
            }
        }
        if let Some((activity, covers)) = &self.covered {
            nothing_redone(ledger, activity, covers, run)?;
        }
        match self.repeats {
            Some(repeats) => repeated_within(&counts, usual, repeats, run.executions()),
            None => Ok(()),
        }
    }
}

/// Says whether an attempt of the activity records a heartbeat with details.
fn records_details(run: &Run, activity: &str) -> bool {
    let mut attempts = run.executions().attempts().values();
    attempts.any(|attempt| {
        run.trace().activity_type(attempt.activity) == activity
            && attempt.heartbeats.iter().any(|heartbeat| heartbeat.details.is_some())
    })
}

/// True if everything should have been done: it ended as usual, or neither faults nor a cancel excuse another end.
fn is_complete(run: &Run, reference: &Reference) -> bool {
    match reference.class_of(run) {
        Class::Survive => true,
        // A script may have returned that something failed.
        Class::Different => matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Completed(_))),
        Class::OverBudget(_) | Class::Cancelled => false,
    }
}

fn nothing_lost<K: Ord + Debug + Clone>(
    counts: &EffectCounts<'_, K>,
    usual: &BTreeMap<K, KeyEntries<K>>,
) -> Result<(), Violation> {
    for (key, expected) in usual {
        let (found, expected_times) = (counts.count(key), expected.entries.len());
        if found < expected_times {
            return Err(Violation::new("lost", format!("the effect {key:?} was lost"))
                .expected(format!("{}, as without faults: {}", times(expected_times), expected.when()), times(found)));
        }
    }
    Ok(())
}

fn nothing_invented<K: Ord + Debug + Clone>(
    counts: &EffectCounts<'_, K>,
    usual: &BTreeMap<K, KeyEntries<K>>,
    executions: &Executions,
) -> Result<(), Violation> {
    let violation = counts.first(|key, entries, keys| {
        (!usual.contains_key(key)).then(|| {
            let found = times(entries.len());
            let found = if keys.is_empty() { found } else { format!("{found}: {}", when(entries, keys)) };
            Violation::new("invented", format!("the effect {key:?} was done, which is never done without faults"))
                .expected("never", found)
                .proved_by(marks(executions, entries))
        })
    });
    violation.map_or(Ok(()), Err)
}

fn nothing_redone<K: Ord + Debug + Clone>(
    ledger: &Ledger<K>,
    activity: &str,
    covers: &Covers<K>,
    run: &Run,
) -> Result<(), Violation> {
    let (trace, executions) = (run.trace(), run.executions());
    let given =
        |attempt: &AttemptExecution| attempt.details.filter(|_| trace.activity_type(attempt.activity) == activity);
    if !executions.attempts().values().any(|attempt| given(attempt).is_some()) {
        return Ok(());
    }
    let violation = EffectCounts::Recorded(ledger).first(|key, entries, keys| {
        entries.iter().find_map(|entry| {
            let attempt = &executions.attempts()[entry.hosted?];
            let details = trace.bytes(given(attempt)?);
            let text = || String::from_utf8_lossy(details).into_owned();
            let words = trace.attempt_in_a_sentence(attempt.key);
            let violation = match covers(details, key) {
                Ok(false) => return None,
                Ok(true) => Violation::new(
                    "redone",
                    format!("{words} did the effect {key:?}, though the checkpoint it was given says that it is done"),
                )
                .expected(
                    format!("it resumes from {} and does not do {key:?} again", text()),
                    format!("{key:?} {}", when(entries, keys)),
                ),
                Err(why) => {
                    Violation::new("does not decode", format!("the details of {words} {why}; they are {}", text()))
                }
            };
            let mut proof = vec![attempt.started.event];
            proof.extend(marks(executions, entries));
            Some(violation.proved_by(proof))
        })
    });
    violation.map_or(Ok(()), Err)
}

fn repeated_within<K: Ord + Debug + Clone>(
    counts: &EffectCounts<'_, K>,
    usual: &BTreeMap<K, KeyEntries<K>>,
    repeats: usize,
    executions: &Executions,
) -> Result<(), Violation> {
    let violation = counts.first(|key, entries, keys| {
        let bound = usual.get(key).map_or(1, |usual| usual.entries.len()) + repeats;
        (entries.len() > bound).then(|| {
            Violation::new("repeated", format!("the effect {key:?} was done too often"))
                .expected(
                    format!("at most {}", times(bound)),
                    format!("{}: {}", times(entries.len()), when(entries, keys)),
                )
                .proved_by(marks(executions, entries))
        })
    });
    violation.map_or(Ok(()), Err)
}

/// The marks that the entries' attempts set at their times, by event. A ledger without marks around it has none.
fn marks(executions: &Executions, entries: &[LedgerEntry]) -> Vec<usize> {
    let of_an_entry = |entry: &LedgerEntry| {
        let (at, effects) = (entry.at, &executions.attempts()[entry.hosted?].effects);
        let first = effects.partition_point(|effect| effect.moment.at < at);
        let at_that_time = effects[first..].iter().take_while(move |effect| effect.moment.at == at);
        Some(at_that_time.map(|effect| effect.moment.event))
    };
    let marks: BTreeSet<usize> = entries.iter().filter_map(of_an_entry).flatten().collect();
    marks.into_iter().collect()
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
        f.debug_struct("Effects")
            .field("normalizes", &!self.normalizers.is_empty())
            .field("may_be_new", &self.may_be_new)
            .field("repeats", &self.repeats)
            .field("covered_by", &self.covered.as_ref().map(|(activity, _)| activity))
            .finish_non_exhaustive()
    }
}
