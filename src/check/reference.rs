//! [`Reference`]: the part of the fault-free run that is kept.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::ends::difference;
use super::orders::{Observed, OtherOrder, signal_times};
use super::refusal::refusal;
use crate::program::Payload;
use crate::service::WorkflowOutcome;
use crate::trace::Trace;
use crate::trace::attempts::{AttemptEnd, AttemptExecution};
use crate::world::{Outcome, Run};

/// A thing that a check has learned from the fault-free run.
pub type Memory = Arc<dyn Any + Send + Sync>;

/// Reduces a result to the part that is compared; gives `None` if it does not decode.
pub type Normalizer = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// Says whether the end of a run is one that the user has declared, other than that of the fault-free run.
pub(crate) type Declared = Arc<dyn Fn(&Run, &Reference) -> bool + Send + Sync>;

/// The part of the fault-free run that is kept to judge the others: its end, and the things that one check has learned.
#[derive(Clone)]
pub struct Reference {
    shared: Arc<Shared>,
    memory: Option<Memory>,
}

struct Shared {
    outcome: Outcome,
    trace: Trace,
    normalizer: Option<Normalizer>,
    /// The part of the result that is compared.
    normal: Option<Vec<u8>>,
    /// The usual behaviour by activity type.
    usual: BTreeMap<Arc<str>, Usual>,
    observed: Observed,
    /// Says whether the user has declared the end of a run.
    declared: Declared,
}

/// The behaviour of the activities of one type when nothing strikes them.
#[derive(Default)]
struct Usual {
    /// The time that the longest attempt took, among those that were seen to end.
    length: Option<Duration>,
    failing: Failing,
}

/// The attempts that do not complete when nothing strikes them, and that others follow.
#[derive(Default)]
pub(super) struct Failing {
    /// The largest number of such attempts of one activity.
    pub(super) attempts: usize,
    /// The same number for attempts whose code did not fail: they were timed out, say.
    pub(super) attempts_without_refusal: usize,
    /// The errors of the other attempts.
    pub(super) refusals: BTreeSet<Vec<u8>>,
}

/// The failing attempts of an activity type that the fault-free run does not have.
static NONE_FAIL: Failing = Failing { attempts: 0, attempts_without_refusal: 0, refusals: BTreeSet::new() };

impl Reference {
    pub(crate) fn new(run: &Run, normalizer: Option<Normalizer>, declared: Declared) -> Reference {
        let outcome = run.outcome();
        let normal = match (&outcome, &normalizer) {
            (Outcome::Closed(WorkflowOutcome::Completed(result)) | Outcome::Script(result), Some(normalize)) => {
                normalize(result.as_bytes())
            }
            _ => None,
        };
        let shared = Shared {
            outcome,
            trace: run.trace().clone(),
            normalizer,
            normal,
            usual: usual(run),
            observed: Observed::of(run),
            declared,
        };
        Reference { shared: Arc::new(shared), memory: None }
    }

    /// The same reference, with the things that a check has learned.
    pub(crate) fn with_memory(&self, memory: Option<Memory>) -> Reference {
        Reference { shared: self.shared.clone(), memory }
    }

    /// The way in which the fault-free run ended.
    pub fn outcome(&self) -> &Outcome {
        &self.shared.outcome
    }

    /// Says whether the faults of a run had no effect: but for them, every event is that of the fault-free run.
    pub(crate) fn shows_no_effect(&self, run: &Run) -> bool {
        run.trace().is_same_but_for_faults(&self.shared.trace)
    }

    /// The reason for which a run of another order may rightly end otherwise. `None` for other runs.
    pub(crate) fn other_order(&self, run: &Run) -> Option<OtherOrder> {
        self.shared.observed.other_order(run)
    }

    /// The trace of the fault-free run.
    pub(super) fn trace(&self) -> &Trace {
        &self.shared.trace
    }

    /// Says whether signals of this name came to their workflows behind other things than without faults, or were taken in
    /// with other things.
    pub(super) fn has_another_time(&self, run: &Run, signal: &str) -> bool {
        signal_times(run.trace(), signal) != signal_times(&self.shared.trace, signal)
    }

    /// Says whether a run ended otherwise than the fault-free run, in a way that a check of the exploration was told to accept.
    pub(super) fn is_declared(&self, run: &Run) -> bool {
        (self.shared.declared)(run, self)
    }

    /// The longest time that an attempt of such an activity takes when nothing strikes it; `None` if none was seen to
    /// end.
    pub(super) fn attempt_length(&self, activity_type: &str) -> Option<Duration> {
        self.shared.usual.get(activity_type)?.length
    }

    /// Says whether an activity of this type runs when nothing strikes it.
    pub(super) fn has_activity(&self, activity_type: &str) -> bool {
        self.shared.usual.contains_key(activity_type)
    }

    /// The attempts of such an activity that do not complete when nothing strikes them, and that others follow.
    pub(super) fn failing(&self, activity_type: &str) -> &Failing {
        self.shared.usual.get(activity_type).map_or(&NONE_FAIL, |usual| &usual.failing)
    }

    /// Gives the thing that the check has learned, if it is of this type.
    pub fn memory<T: 'static>(&self) -> Option<&T> {
        self.memory.as_ref()?.downcast_ref::<T>()
    }

    /// Says whether a run ended as the fault-free run did. Two failures are the same if they agree in everything that
    /// callers act on: the activity that failed, the type, the message, whether a retry is of use, the kind of a
    /// timeout, and the causes that code gave. Details, ids, retry states and the failures before a timeout may differ.
    pub fn is_same(&self, outcome: &Outcome) -> bool {
        match (&self.shared.outcome, outcome) {
            (
                Outcome::Closed(WorkflowOutcome::Completed(expected)),
                Outcome::Closed(WorkflowOutcome::Completed(found)),
            )
            | (Outcome::Script(expected), Outcome::Script(found)) => {
                expected == found || self.is_same_normalized(found)
            }
            (Outcome::Closed(expected), Outcome::Closed(found)) => difference(expected, found).is_none(),
            _ => false,
        }
    }

    fn is_same_normalized(&self, found: &Payload) -> bool {
        match (&self.shared.normalizer, &self.shared.normal) {
            (Some(normalize), Some(normal)) => normalize(found.as_bytes()).as_ref() == Some(normal),
            _ => false,
        }
    }
}

fn usual(run: &Run) -> BTreeMap<Arc<str>, Usual> {
    let mut types: BTreeMap<Arc<str>, Usual> = BTreeMap::new();
    for activity in run.executions().activities().values() {
        let usual = types.entry(run.trace().activities()[activity.key].activity_type.clone()).or_default();
        let attempts = run.executions().attempts_of(activity.key);
        usual.length = usual.length.max(attempts.clone().filter_map(AttemptExecution::length).max());
        let (mut failing, mut without_refusal) = (0, 0);
        // The last attempt of an activity that fails without faults is the activity's end, and does not wait for
        // something.
        for attempt in attempts.filter(|attempt| attempt.end != AttemptEnd::Completed && attempt.retried.is_some()) {
            failing += 1;
            match refusal(run.trace(), attempt) {
                Some(refusal) => {
                    usual.failing.refusals.insert(refusal);
                }
                None => without_refusal += 1,
            }
        }
        usual.failing.attempts = usual.failing.attempts.max(failing);
        usual.failing.attempts_without_refusal = usual.failing.attempts_without_refusal.max(without_refusal);
    }
    types
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("outcome", &self.shared.outcome).finish_non_exhaustive()
    }
}
