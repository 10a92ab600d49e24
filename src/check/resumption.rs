//! The question whether an attempt has resumed from the checkpoint that it was given.

use std::collections::BTreeMap;

use super::reference::Reference;
use super::twins::Twins;
use super::violation::Violation;
use crate::trace::attempts::{AttemptEnd, AttemptExecution, Moment};
use crate::trace::{Bytes, Trace};
use crate::world::Run;

/// The work of the attempt that completed an activity of the fault-free run.
pub(super) struct Usual(Twins<Work>);

impl Usual {
    pub(super) fn of_run(reference: &Run) -> Usual {
        let executions = reference.executions();
        Usual(Twins::of(reference, |activity| {
            let mut attempts = executions.attempts_of(activity.key);
            let completing = attempts.find(|attempt| attempt.end == AttemptEnd::Completed)?;
            Some(Work::of(reference.trace(), completing))
        }))
    }
}

/// The work that an attempt did until its end.
struct Work {
    /// The number of times that each effect was done, by the names of effects.
    effects: BTreeMap<Vec<u8>, usize>,
    heartbeats: usize,
}

impl Work {
    fn of(trace: &Trace, attempt: &AttemptExecution) -> Work {
        let is_in_time = |moment: Moment| attempt.ended.is_none_or(|ended| moment < ended);
        let mut effects = BTreeMap::new();
        for effect in attempt.effects.iter().filter(|effect| is_in_time(effect.moment)) {
            *effects.entry(trace.bytes(effect.name).to_vec()).or_default() += 1;
        }
        let heartbeats = attempt.heartbeats.iter().filter(|heartbeat| is_in_time(heartbeat.recorded)).count();
        Work { effects, heartbeats }
    }

    /// Says whether it is at least all of another's work. An attempt that has to wait asks more often.
    fn covers(&self, other: &Work) -> bool {
        if other.effects.is_empty() {
            return other.heartbeats > 0 && self.heartbeats >= other.heartbeats;
        }
        other.effects.iter().all(|(name, times)| self.effects.get(name).is_some_and(|done| done >= times))
    }
}

/// Finds an attempt that completed and did all the work without a look at its checkpoint, and the moment that shows it.
pub(super) fn never_looks(
    trace: &Trace,
    attempt: &AttemptExecution,
    reference: &Reference,
) -> Option<(Moment, Violation)> {
    let checkpoint = attempt.details?;
    // An attempt that fails may have failed before it came to look, and has lost nothing.
    let ended = attempt.ended.filter(|_| attempt.end == AttemptEnd::Completed)?;
    let is_unread = attempt.details_read.is_none_or(|read| read > ended);
    if !is_unread || !does_it_all(trace, attempt, reference) {
        return None;
    }
    let shown = attempt.heartbeats.first().map_or(ended, |first| first.recorded);
    Some((shown, never_read(trace, attempt, checkpoint, shown)))
}

/// Finds an attempt that completed, did all the work, and began with a checkpoint from before the one that it was given.
pub(super) fn begins_anew<'a>(
    trace: &Trace,
    attempts: impl Iterator<Item = &'a AttemptExecution>,
    attempt: &AttemptExecution,
    reference: &Reference,
) -> Option<(Moment, Violation)> {
    let given = trace.bytes(attempt.details?);
    let first = attempt.heartbeats.first().filter(|_| attempt.end == AttemptEnd::Completed)?;
    let begins_with = trace.bytes(first.details?);
    let earlier = attempts.take_while(|other| other.key < attempt.key);
    let recorded = earlier.flat_map(|other| &other.heartbeats).filter_map(|heartbeat| heartbeat.details);
    let mut before = recorded.map(|details| trace.bytes(details)).take_while(|details| *details != given);
    if !before.any(|details| details == begins_with) || !does_it_all(trace, attempt, reference) {
        return None;
    }
    let who = trace.attempt_in_a_sentence(attempt.key);
    let message = format!("{who} was given a checkpoint, and begins with one from before that");
    let words = |details: &[u8]| String::from_utf8_lossy(details).into_owned();
    let violation = Violation::new("begins anew", message)
        .expected(format!("it resumes from {}", words(given)), words(begins_with))
        .proved_by([attempt.started.event, first.recorded.event]);
    Some((first.recorded, violation))
}

/// Says whether an attempt does the work anew. An attempt that does less has seen otherwise that there is nothing left
/// to do.
pub(super) fn does_it_all(trace: &Trace, attempt: &AttemptExecution, reference: &Reference) -> bool {
    let work = Work::of(trace, attempt);
    match reference.memory::<Usual>().and_then(|usual| usual.0.twin(trace, attempt.activity)) {
        Some(usual) => work.covers(usual),
        None => !work.effects.is_empty(),
    }
}

pub(super) fn never_read(trace: &Trace, attempt: &AttemptExecution, checkpoint: Bytes, moment: Moment) -> Violation {
    let message = format!("{} was given a checkpoint and never looked at it", trace.attempt_in_a_sentence(attempt.key));
    let checkpoint = String::from_utf8_lossy(trace.bytes(checkpoint));
    Violation::new("never read", message)
        .expected(format!("it resumes from {checkpoint}"), "it begins anew")
        .proved_by([attempt.started.event, moment.event])
}
