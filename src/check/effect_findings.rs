//! The judgement on the effects of a run: lost, invented, redone, repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use super::class::Class;
use super::effect_counts::{EffectCounts, KeyEntries, when};
use super::redone::{Redone, redone};
use super::violation::Violation;
use crate::inside::{Ledger, LedgerEntry};
use crate::program::Counted;
use crate::program::places::first_few;
use crate::trace::attempts::{AttemptEnd, AttemptExecution, Executions};
use crate::world::Run;

/// The facts about the fault-free run.
pub(super) struct Usual<K> {
    pub(super) done: BTreeMap<K, UsualEntries<K>>,
    /// Says whether the fault-free run ends in one of the ends that the user names. These then say nothing of a run
    /// that ends as it does.
    pub(super) is_an_outcome: bool,
    /// The ids of children of whose end the fault-free run does not hear.
    pub(super) unheard: BTreeSet<Arc<str>>,
}

/// The entries of one key in the fault-free run, and the number of them that every run has if it claims to have done
/// all.
#[derive(Clone)]
pub(super) struct UsualEntries<K> {
    pub(super) all: KeyEntries<K>,
    pub(super) at_least: usize,
    /// For each entry, the ids of the child that did it, and of those among its parents that are children too.
    pub(super) lineages: Vec<Vec<Arc<str>>>,
}

impl<K> UsualEntries<K> {
    /// The number of entries that a run has without those of these children.
    fn at_least_without(&self, children: &BTreeSet<Arc<str>>) -> usize {
        let theirs = self.lineages.iter().filter(|lineage| lineage.iter().any(|id| children.contains(id)));
        self.at_least.saturating_sub(theirs.count())
    }
}

impl<K: Ord + Clone> Usual<K> {
    /// The effects that both of two versions of the code do without faults, each as often as the one that does it less often.
    pub(super) fn in_both(&self, other: &Usual<K>) -> BTreeMap<K, UsualEntries<K>> {
        let both = self.done.iter().filter_map(|(key, one)| {
            let fewer = if other.done.get(key)?.at_least < one.at_least { other.done.get(key)? } else { one };
            Some((key.clone(), fewer.clone()))
        });
        both.collect()
    }

    /// The effects that any of two versions of the code does without faults, each as often as the one that does it more often.
    pub(super) fn in_any(&self, other: &Usual<K>) -> BTreeMap<K, UsualEntries<K>> {
        let mut any = self.done.clone();
        for (key, one) in &other.done {
            let known = any.entry(key.clone()).or_insert_with(|| one.clone());
            if one.all.entries.len() > known.all.entries.len() {
                *known = one.clone();
            }
        }
        any
    }
}

/// Says whether details mean that the effect of a key is done; gives an error if they do not decode.
pub(super) type Covers<K> = Box<dyn Fn(&[u8], &K) -> Result<bool, String> + Send + Sync>;

/// The most characters of a key that a sentence has room for.
const KEY: usize = 60;

/// An effect in a sentence: its key, and the state that has its ledger.
fn effect<K: Debug>(key: &K, state: &str) -> String {
    let state = state.split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or(state);
    format!("the effect {} of `{state}`", short(key))
}

/// A key, cut if it is long.
fn short<K: Debug>(key: &K) -> String {
    let whole = format!("{key:?}");
    match whole.char_indices().nth(KEY) {
        Some((end, _)) => format!("{}.. ({} characters)", &whole[..end], whole.chars().count()),
        None => whole,
    }
}

/// The word for runs that rightly do something else.
const BRANCH: &str = "; if the run rightly took another branch, name its end with `.outcomes(..)`";

/// The number of entries of a key that are needed for the work to be done. The work of an attempt that failed and left
/// no checkpoint is done by the next attempt all over again.
pub(super) fn needed(executions: &Executions, entries: &[LedgerEntry]) -> usize {
    let came_to_nothing = |entry: &&LedgerEntry| {
        let Some(attempt) = entry.hosted.map(|attempt| &executions.attempts()[attempt]) else { return false };
        matches!(attempt.end, AttemptEnd::Failed | AttemptEnd::Panicked) && attempt.heartbeats.is_empty()
    };
    let wasted = entries.iter().filter(came_to_nothing).count();
    (entries.len() - wasted).max(1)
}

pub(super) fn nothing_lost<K: Ord + Debug + Clone>(
    counts: &EffectCounts<'_, K>,
    usual: &BTreeMap<K, UsualEntries<K>>,
    excused: &BTreeSet<Arc<str>>,
    class: Class,
    state: &str,
) -> Result<(), Violation> {
    for (key, expected) in usual {
        let found = counts.count(key);
        if found < expected.at_least_without(excused) {
            let hint = if class == Class::Different { BRANCH } else { "" };
            let times_expected = match (expected.at_least, expected.all.entries.len()) {
                (at_least, all) if at_least < all => format!("at least {}", times(at_least)),
                (_, all) => times(all),
            };
            let (when, calls) = (expected.all.when(), calls(&expected.all.entries));
            let expected = format!("{times_expected}, as without faults: {when}{calls}");
            return Err(Violation::new("lost", format!("{} was lost{hint}", effect(key, state)))
                .expected(expected, times(found)));
        }
    }
    Ok(())
}

pub(super) fn nothing_invented<K: Ord + Debug + Clone>(
    counts: &EffectCounts<'_, K>,
    usual: &BTreeMap<K, UsualEntries<K>>,
    executions: &Executions,
    class: Class,
    state: &str,
) -> Result<(), Violation> {
    let hint = match class {
        Class::Different => BRANCH,
        _ => "; if it is done only when something has gone wrong, say `.may_be_new()`",
    };
    let violation = counts.first(|key, entries, keys| {
        (!usual.contains_key(key)).then(|| {
            let found = times(entries.len());
            let found = if keys.is_empty() { found } else { format!("{found}: {}", when(entries, keys)) };
            let found = found + &calls(entries);
            let message = format!("{} was done, which is never done without faults{hint}", effect(key, state));
            Violation::new("invented", message).expected("never", found).proved_by(marks(executions, entries))
        })
    });
    violation.map_or(Ok(()), Err)
}

pub(super) fn nothing_redone<K: Ord + Debug + Clone>(
    ledger: &Ledger<K>,
    activity: &str,
    covers: &Covers<K>,
    run: &Run,
    state: &str,
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
            let words = || trace.attempt_in_a_sentence(attempt.key);
            let violation = match covers(details, key) {
                Ok(false) => return None,
                Ok(true) => Violation::new(
                    "redone",
                    format!(
                        "{} did {} though the checkpoint it was given says that it is done",
                        words(),
                        effect(key, state)
                    ),
                )
                .expected(
                    format!("it resumes from {} and does not do {} again", text(), short(key)),
                    format!("{} {}{}", short(key), when(entries, keys), calls(entries)),
                ),
                Err(why) => {
                    Violation::new("does not decode", format!("the details of {} {why}; they are {}", words(), text()))
                }
            };
            let mut proof = vec![attempt.started.event];
            proof.extend(marks(executions, entries));
            Some(violation.proved_by(proof))
        })
    });
    violation.map_or(Ok(()), Err)
}

/// Judges that no attempt of the activity does an effect again that its checkpoint covers, whatever the details mean.
pub(super) fn nothing_covered_redone<K: Ord + Debug>(
    ledger: &Ledger<K>,
    activity: &str,
    run: &Run,
    state: &str,
) -> Result<(), Violation> {
    let trace = run.trace();
    let of_the_activity = |redone: &Redone| trace.activity_type(trace.attempts()[redone.attempt].activity) == activity;
    let Some(Redone { attempt, effects }) = redone(run, &ledger.entries()).into_iter().find(of_the_activity) else {
        return Ok(());
    };
    let attempt = &run.executions().attempts()[attempt];
    let mut key = None;
    let mut number = 0;
    ledger.each(|candidate, _| {
        if number == effects[0] {
            key = Some(effect(candidate, state));
        }
        number += 1;
    });
    let details = attempt.details.map(|details| String::from_utf8_lossy(trace.bytes(details)).into_owned());
    let who = trace.attempt_in_a_sentence(attempt.key);
    let message = format!(
        "{who} does {} again, which was done before the heartbeat that is its checkpoint; an activity that does some \
         effects again on purpose does without `.not_redone(..)`",
        key.unwrap_or_default()
    );
    Err(Violation::new("redone", message)
        .expected(
            format!("it resumes from {} and does none of it again", details.unwrap_or_default()),
            format!("{} done again", Counted(effects.len(), "effect")),
        )
        .proved_by([attempt.started.event]))
}

pub(super) fn repeated_within<K: Ord + Debug + Clone>(
    counts: &EffectCounts<'_, K>,
    usual: &BTreeMap<K, UsualEntries<K>>,
    repeats: usize,
    executions: &Executions,
    state: &str,
) -> Result<(), Violation> {
    let violation = counts.first(|key, entries, keys| {
        let bound = usual.get(key).map_or(1, |usual| usual.all.entries.len()) + repeats;
        (entries.len() > bound).then(|| {
            Violation::new("repeated", format!("{} was done too often", effect(key, state)))
                .expected(
                    format!("at most {}", times(bound)),
                    format!("{}: {}{}", times(entries.len()), when(entries, keys), calls(entries)),
                )
                .proved_by(marks(executions, entries))
        })
    });
    violation.map_or(Ok(()), Err)
}

/// The marks that the entries' attempts set at their times, by event. A ledger that is written to without marks has
/// none.
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

/// Names the calls that recorded them, in brackets: not more than a few, and each once.
fn calls(entries: &[LedgerEntry]) -> String {
    let places = first_few(entries.iter().filter_map(|entry| entry.recorded.0));
    if places.is_empty() { String::new() } else { format!(" ({})", places.join(", ")) }
}

fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    }
}
