//! The effects that attempts do again though their checkpoint covers them.

use std::collections::{BTreeMap, BTreeSet};

use crate::service::ActivityKey;
use crate::trace::{AttemptKey, Bytes, What, Who};
use crate::world::Run;
use crate::world::ledgers::Done;

/// The effects that a heartbeat covers, each by its number among the keys of a ledger.
type Covered = BTreeSet<usize>;

/// An attempt with the effects that it did again though its checkpoint covers them.
pub(super) struct Redone {
    pub(super) attempt: AttemptKey,
    pub(super) effects: Vec<usize>,
}

/// Finds the effects that attempts did again. A heartbeat covers what its attempt did before it, and what the checkpoint covers
/// that the attempt was given; one that repeats the details before it covers nothing new. `done` has the effects of a ledger by
/// the number of their key.
pub(super) fn redone(run: &Run, done: &[Vec<Done>]) -> Vec<Redone> {
    let trace = run.trace();
    if trace.attempts().is_empty() || done.is_empty() {
        return Vec::new();
    }
    let mut by_attempt: BTreeMap<AttemptKey, Vec<(usize, usize)>> = BTreeMap::new();
    for (key, entries) in done.iter().enumerate() {
        for entry in entries {
            if let Some(attempt) = entry.attempt {
                by_attempt.entry(attempt).or_default().push((entry.event, key));
            }
        }
    }
    let activity = |attempt: AttemptKey| trace.attempts()[attempt].activity;
    let mut found = Vec::new();
    // By attempt, the details that it was given or recorded last, and the effects that they cover.
    let mut covered: BTreeMap<AttemptKey, (Bytes, Covered)> = BTreeMap::new();
    // By activity, the details with what they cover, the oldest first.
    let mut beats: BTreeMap<ActivityKey, Vec<(Bytes, Covered)>> = BTreeMap::new();
    for (place, event) in trace.events().iter().enumerate() {
        let Who::Attempt(attempt) = event.who else { continue };
        let own = by_attempt.get(&attempt).into_iter().flatten();
        match event.what {
            What::AttemptStarted(Some(details)) => {
                let known = beats.get(&activity(attempt)).into_iter().flatten();
                let mut same = known.filter(|(beat, _)| trace.bytes(*beat) == trace.bytes(details));
                let given = same.next().map(|(_, effects)| effects.clone()).unwrap_or_default();
                let effects: Covered = own.map(|(_, key)| *key).filter(|key| given.contains(key)).collect();
                if !effects.is_empty() {
                    found.push(Redone { attempt, effects: effects.into_iter().collect() });
                }
                covered.insert(attempt, (details, given));
            }
            What::HeartbeatRecorded(Some(details)) => {
                let before = covered.get(&attempt);
                if before.is_some_and(|(before, _)| trace.bytes(*before) == trace.bytes(details)) {
                    continue;
                }
                let mut effects = before.map(|(_, effects)| effects.clone()).unwrap_or_default();
                effects.extend(own.filter(|(at, _)| *at <= place).map(|(_, key)| *key));
                covered.insert(attempt, (details, effects.clone()));
                beats.entry(activity(attempt)).or_default().push((details, effects));
            }
            _ => {}
        }
    }
    found
}

/// The most effects of one ledger that a resumed attempt of a run did again.
pub(crate) fn most_redone(run: &Run) -> usize {
    let has_resumed = run.executions().attempts().values().any(|attempt| attempt.details.is_some());
    if !has_resumed {
        return 0;
    }
    let most = |done: Vec<Vec<Done>>| redone(run, &done).iter().map(|redone| redone.effects.len()).max();
    run.ledgers().iter().filter_map(|known| most(known.ledger.entries())).max().unwrap_or(0)
}
