//! The effects that attempts do again though their checkpoint covers them.

use std::collections::{BTreeMap, BTreeSet};

use crate::service::ActivityKey;
use crate::trace::{AttemptKey, Bytes, What, Who};
use crate::world::Run;
use crate::world::ledgers::Done;

/// An attempt with the effects that it did again though its checkpoint covers them.
pub(super) struct Redone {
    pub(super) attempt: AttemptKey,
    /// The numbers of their keys.
    pub(super) effects: Vec<usize>,
}

/// A heartbeat, and what it covers: the first effects of its attempt, and those that the checkpoint of that attempt covers.
struct Beat {
    details: Bytes,
    attempt: AttemptKey,
    own: usize,
    checkpoint: Option<usize>,
}

/// The effects of each attempt in their order: the event before each, and the number of its key.
type Effects = BTreeMap<AttemptKey, Vec<(usize, usize)>>;

/// Finds the effects that attempts did again. A heartbeat covers what its attempt did before it, and what the checkpoint covers
/// that the attempt was given; one that repeats the details before it covers nothing new. `done` has the effects of a ledger by
/// the number of their key.
pub(super) fn redone(run: &Run, done: &[Vec<Done>]) -> Vec<Redone> {
    let trace = run.trace();
    let effects = by_attempt(done);
    if effects.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut beats: Vec<Beat> = Vec::new();
    let mut of_activity: BTreeMap<ActivityKey, Vec<usize>> = BTreeMap::new();
    // By attempt, the heartbeat that is its checkpoint, and the details that it was given or recorded last.
    let mut last: BTreeMap<AttemptKey, (Option<usize>, Bytes)> = BTreeMap::new();
    for (place, event) in trace.events().iter().enumerate() {
        let Who::Attempt(attempt) = event.who else { continue };
        let activity = trace.attempts()[attempt].activity;
        let own = effects.get(&attempt).map_or(&[][..], Vec::as_slice);
        match event.what {
            What::AttemptStarted(Some(details)) => {
                let known = of_activity.get(&activity).into_iter().flatten();
                let mut same = known.filter(|beat| trace.bytes(beats[**beat].details) == trace.bytes(details));
                let checkpoint = same.next().copied();
                last.insert(attempt, (checkpoint, details));
                if own.is_empty() {
                    continue;
                }
                let covered = covered(&beats, &effects, checkpoint);
                let again: BTreeSet<usize> =
                    own.iter().map(|(_, key)| *key).filter(|key| covered.contains(key)).collect();
                if !again.is_empty() {
                    found.push(Redone { attempt, effects: again.into_iter().collect() });
                }
            }
            What::HeartbeatRecorded(Some(details)) => {
                let (checkpoint, before) = last.get(&attempt).map_or((None, None), |(one, other)| (*one, Some(*other)));
                if before.is_some_and(|before| trace.bytes(before) == trace.bytes(details)) {
                    continue;
                }
                last.insert(attempt, (checkpoint, details));
                of_activity.entry(activity).or_default().push(beats.len());
                beats.push(Beat { details, attempt, own: own.partition_point(|(at, _)| *at <= place), checkpoint });
            }
            _ => {}
        }
    }
    found
}

fn by_attempt(done: &[Vec<Done>]) -> Effects {
    let mut effects = Effects::new();
    for (key, entries) in done.iter().enumerate() {
        for entry in entries {
            if let Some(attempt) = entry.attempt {
                effects.entry(attempt).or_default().push((entry.event, key));
            }
        }
    }
    effects.values_mut().for_each(|effects| effects.sort_unstable());
    effects
}

/// The keys of all effects that a heartbeat covers.
fn covered(beats: &[Beat], effects: &Effects, beat: Option<usize>) -> BTreeSet<usize> {
    let chain = std::iter::successors(beat.map(|beat| &beats[beat]), |beat| beat.checkpoint.map(|beat| &beats[beat]));
    let own = chain.filter_map(|beat| effects.get(&beat.attempt).map(|effects| &effects[..beat.own]));
    own.flatten().map(|(_, key)| *key).collect()
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
