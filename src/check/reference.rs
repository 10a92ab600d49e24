//! [`Reference`]: the part of the fault-free run that is kept.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::ends::difference;
use super::orders::{Observed, OtherOrder, signal_times};
use super::refusal::refusal;
use super::versions::{has_result, is_deployed};
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
    /// The same of the run without faults of the new version of the code.
    new_memory: Option<Memory>,
}

struct Shared {
    end: End,
    /// The end of the run without faults of the new version of the code, if there is one.
    new_end: Option<End>,
    trace: Trace,
    normalizer: Option<Normalizer>,
    /// The usual behaviour by activity type.
    usual: BTreeMap<Arc<str>, Usual>,
    observed: Observed,
    /// Says whether the user has declared the end of a run.
    declared: Declared,
}

/// The end of a run without faults.
struct End {
    outcome: Outcome,
    /// The part of the result that is compared.
    normal: Option<Vec<u8>>,
}

impl End {
    fn of(run: &Run, normalizer: Option<&Normalizer>) -> End {
        let outcome = run.outcome();
        let normal = match (&outcome, normalizer) {
            (Outcome::Closed(WorkflowOutcome::Completed(result)) | Outcome::Script(result), Some(normalize)) => {
                normalize(result.as_bytes())
            }
            _ => None,
        };
        End { outcome, normal }
    }

    /// Says whether a run ended so too.
    fn is_same(&self, outcome: &Outcome, normalizer: Option<&Normalizer>) -> bool {
        let is_same_normalized = |found: &Payload| match (normalizer, &self.normal) {
            (Some(normalize), Some(normal)) => normalize(found.as_bytes()).as_ref() == Some(normal),
            _ => false,
        };
        match (&self.outcome, outcome) {
            (
                Outcome::Closed(WorkflowOutcome::Completed(expected)),
                Outcome::Closed(WorkflowOutcome::Completed(found)),
            )
            | (Outcome::Script(expected), Outcome::Script(found)) => expected == found || is_same_normalized(found),
            (Outcome::Closed(expected), Outcome::Closed(found)) => difference(expected, found).is_none(),
            _ => false,
        }
    }
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
    /// `new` is the run without faults of the new version of the code, if the simulation has one.
    pub(crate) fn new(run: &Run, new: Option<&Run>, normalizer: Option<Normalizer>, declared: Declared) -> Reference {
        let end = End::of(run, normalizer.as_ref());
        let new_end = new.map(|new| End::of(new, normalizer.as_ref()));
        let mut types = BTreeMap::new();
        add_usual(&mut types, run);
        new.into_iter().for_each(|new| add_usual(&mut types, new));
        let shared = Shared {
            end,
            new_end,
            trace: run.trace().clone(),
            normalizer,
            usual: types,
            observed: Observed::of(run),
            declared,
        };
        Reference { shared: Arc::new(shared), memory: None, new_memory: None }
    }

    /// The same reference, with the things that a check has learned, and those of the new version of the code.
    pub(crate) fn with_memory(&self, memory: Option<Memory>, new_memory: Option<Memory>) -> Reference {
        Reference { shared: self.shared.clone(), memory, new_memory }
    }

    /// The way in which the fault-free run ended.
    pub fn outcome(&self) -> &Outcome {
        &self.shared.end.outcome
    }

    /// Says whether the faults of a run had no effect: but for them, every event is that of the fault-free run.
    pub(crate) fn shows_no_effect(&self, run: &Run) -> bool {
        run.trace().is_same_but_for_faults(&self.shared.trace)
    }

    /// The reason for which a run of another order may rightly end otherwise. `None` for other runs.
    pub(crate) fn other_order(&self, run: &Run) -> Option<OtherOrder> {
        self.shared.observed.other_order(run, |activity_type| self.attempt_length(activity_type))
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
        self.shared.end.is_same(outcome, self.shared.normalizer.as_ref())
    }

    /// Says whether a run in which a deploy struck ended as the new version of the code does without faults.
    pub(super) fn ends_as_new_version(&self, run: &Run, outcome: &Outcome) -> bool {
        let normalizer = self.shared.normalizer.as_ref();
        self.shared.new_end.as_ref().is_some_and(|new| is_deployed(run) && new.is_same(outcome, normalizer))
    }

    /// Says whether a run in which a deploy struck has a result that both versions of the code may have made together: the
    /// results of the two differ.
    pub(super) fn is_of_both_versions(&self, run: &Run, outcome: &Outcome) -> bool {
        let Some(new) = &self.shared.new_end else { return false };
        let all_have_results = [&self.shared.end.outcome, &new.outcome, outcome].into_iter().all(has_result);
        all_have_results && is_deployed(run) && !self.is_same(&new.outcome)
    }

    /// Gives the thing that the check has learned of the new version of the code, in a run in which a deploy struck.
    pub(super) fn new_memory<T: 'static>(&self, run: &Run) -> Option<&T> {
        self.new_memory.as_ref().filter(|_| is_deployed(run))?.downcast_ref::<T>()
    }
}

/// Adds the usual behaviour of a run's activities, by their type.
fn add_usual(types: &mut BTreeMap<Arc<str>, Usual>, run: &Run) {
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
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("outcome", self.outcome()).finish_non_exhaustive()
    }
}
