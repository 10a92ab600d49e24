//! [`Reference`]: the part of the fault-free run that is kept.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::program::Payload;
use crate::service::WorkflowOutcome;
use crate::trace::Trace;
use crate::trace::attempts::{AttemptEnd, AttemptExecution};
use crate::world::{Outcome, Run};

/// Something a check has learned from the fault-free run.
pub type Memory = Arc<dyn Any + Send + Sync>;

/// Takes a result to what is compared of it; `None` if it does not decode.
pub type Normalizer = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

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
    /// The result as it is compared.
    normal: Option<Vec<u8>>,
    /// By activity type.
    usual: BTreeMap<Arc<str>, Usual>,
}

/// The behaviour of the activities of one type when nothing strikes them.
#[derive(Default)]
struct Usual {
    /// How long the longest attempt took, of those that were seen to end.
    length: Option<Duration>,
    /// The most attempts of one activity that did not complete.
    failing: usize,
}

impl Reference {
    pub(crate) fn new(run: &Run, normalizer: Option<Normalizer>) -> Reference {
        let outcome = run.outcome();
        let normal = match (&outcome, &normalizer) {
            (Outcome::Closed(WorkflowOutcome::Completed(result)) | Outcome::Script(result), Some(normalize)) => {
                normalize(result.as_bytes())
            }
            _ => None,
        };
        let shared = Shared { outcome, trace: run.trace().clone(), normalizer, normal, usual: usual(run) };
        Reference { shared: Arc::new(shared), memory: None }
    }

    /// The same reference, with what a check has learned.
    pub(crate) fn with_memory(&self, memory: Option<Memory>) -> Reference {
        Reference { shared: self.shared.clone(), memory }
    }

    /// How the fault-free run ended.
    pub fn outcome(&self) -> &Outcome {
        &self.shared.outcome
    }

    /// Says whether the faults of a run had no effect: but for them, every event is that of the fault-free run.
    pub(crate) fn shows_no_effect(&self, run: &Run) -> bool {
        run.trace().is_same_but_for_faults(&self.shared.trace)
    }

    /// How long an attempt of such an activity takes, at most, when nothing strikes it; `None` if none was seen to end.
    pub(super) fn attempt_length(&self, activity_type: &str) -> Option<Duration> {
        self.shared.usual.get(activity_type)?.length
    }

    /// How many attempts of such an activity fail, at most, when nothing strikes them.
    pub(super) fn failing_attempts(&self, activity_type: &str) -> usize {
        self.shared.usual.get(activity_type).map_or(0, |usual| usual.failing)
    }

    /// Gives what the check has learned, if it is of this type.
    pub fn memory<T: 'static>(&self) -> Option<&T> {
        self.memory.as_ref()?.downcast_ref::<T>()
    }

    /// True if a run ended as the fault-free run did.
    pub fn is_same(&self, outcome: &Outcome) -> bool {
        use WorkflowOutcome as W;
        match (&self.shared.outcome, outcome) {
            (Outcome::Closed(W::Completed(expected)), Outcome::Closed(W::Completed(found)))
            | (Outcome::Script(expected), Outcome::Script(found)) => {
                expected == found || self.is_same_normalized(found)
            }
            (
                Outcome::Closed(W::Failed { failure: expected, .. }),
                Outcome::Closed(W::Failed { failure: found, .. }),
            ) => {
                // Event ids and details differ when attempts do.
                expected.root().message == found.root().message
            }
            (Outcome::Closed(W::Canceled(_)), Outcome::Closed(W::Canceled(_))) => true,
            (Outcome::Closed(W::TimedOut { .. }), Outcome::Closed(W::TimedOut { .. })) => true,
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
        let failing = attempts.clone().filter(|attempt| attempt.end != AttemptEnd::Completed).count();
        usual.failing = usual.failing.max(failing);
        usual.length = usual.length.max(attempts.filter_map(AttemptExecution::length).max());
    }
    types
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("outcome", &self.shared.outcome).finish_non_exhaustive()
    }
}
