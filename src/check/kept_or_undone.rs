//! [`kept_or_undone`]: sagas.

use std::any::type_name;
use std::collections::BTreeSet;
use std::fmt::{self, Debug};
use std::sync::Arc;

use super::Check;
use super::class::Class;
use super::effect_counts::EffectCounts;
use super::excuse::Excuses;
use super::outcomes::Outcomes;
use super::reference::{Memory, Reference};
use super::violation::Violation;
use crate::inside::Ledger;
use crate::program::Counted;
use crate::service::WorkflowOutcome;
use crate::trace::attempts::{ActivityEnd, ActivityExecution};
use crate::world::{Outcome, Run};

/// Compares two ledgers of one state: the things that were done, and those of them that were undone. In a run that ends as
/// the fault-free run, each thing of the fault-free run is kept: done once more than undone. In a run that ends in another
/// way, each thing that was done is undone, exactly once: as often as it was done.
///
/// [`KeptOrUndone::kept_if`] names other ends that keep everything. A run is not judged that is still going, or was closed from
/// outside or by its timeout, so that its code had no say; and neither is one in which faults used up what the options allow an
/// activity that the fault-free run does not have: an undo that cannot be done. Such an activity is of a type that the
/// fault-free run does not have; or it has another input, and comes after a cancel or after an activity that did not complete.
///
/// ```
/// use durasim::{Ledger, check};
/// #[derive(Default)]
/// struct Hotel { booked: Ledger<u32>, cancelled: Ledger<u32> }
/// let check = check::kept_or_undone(|hotel: &Hotel| &hotel.booked, |hotel: &Hotel| &hotel.cancelled);
/// ```
pub fn kept_or_undone<S, K, A, B>(done: A, undone: B) -> KeptOrUndone<S, K>
where
    S: 'static,
    K: Ord + Debug + Clone + Send + Sync + 'static,
    A: Fn(&S) -> &Ledger<K> + Send + Sync + 'static,
    B: Fn(&S) -> &Ledger<K> + Send + Sync + 'static,
{
    KeptOrUndone { done: Box::new(done), undone: Box::new(undone), kept_if: None }
}

/// Finds a ledger in the state of a run.
type LedgerOf<S, K> = Box<dyn Fn(&S) -> &Ledger<K> + Send + Sync>;

/// The check that [`kept_or_undone`] makes.
pub struct KeptOrUndone<S, K> {
    done: LedgerOf<S, K>,
    undone: LedgerOf<S, K>,
    kept_if: Option<Outcomes>,
}

impl<S, K> KeptOrUndone<S, K> {
    /// Names other ends in which everything is kept: a workflow that completes with another result, say. Several calls name the
    /// ends that any of them names.
    pub fn kept_if(self, ends_so: impl Fn(&Run) -> bool + Send + Sync + 'static) -> KeptOrUndone<S, K> {
        KeptOrUndone { kept_if: Some(Outcomes::new(ends_so).or(self.kept_if)), ..self }
    }
}

/// The facts about the fault-free run.
struct Usual<K> {
    /// The things that it keeps, each with the times that it is done more often than undone.
    kept: Vec<(K, i64)>,
    /// Its activities: their types and inputs.
    activities: BTreeSet<(Arc<str>, Vec<u8>)>,
}

impl<S: 'static, K: Ord + Debug + Clone + Send + Sync + 'static> KeptOrUndone<S, K> {
    /// Each thing with the times that it was done, and undone.
    fn counts(&self, run: &Run) -> Vec<(K, usize, usize)> {
        let state = run.state::<S>();
        let (done, undone) = ((self.done)(&state), (self.undone)(&state));
        let (done, undone) = (EffectCounts::new(done, &[]), EffectCounts::new(undone, &[]));
        let keys: BTreeSet<K> = done.to_map().into_keys().chain(undone.to_map().into_keys()).collect();
        keys.into_iter()
            .map(|key| {
                let (d, u) = (done.count(&key), undone.count(&key));
                (key, d, u)
            })
            .collect()
    }
}

impl<S: 'static, K: Ord + Debug + Clone + Send + Sync + 'static> Check for KeptOrUndone<S, K> {
    fn name(&self) -> &str {
        "kept_or_undone"
    }

    fn judged_ledgers(&self, run: &Run) -> Vec<usize> {
        let state = run.state::<S>();
        vec![(self.done)(&state).address(), (self.undone)(&state).address()]
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let kept = self.counts(reference).into_iter().map(|(key, done, undone)| (key, done as i64 - undone as i64));
        let activities = reference.executions().activities().values();
        let activities = activities.map(|activity| name_and_input(reference, activity));
        Some(Arc::new(Usual { kept: kept.collect(), activities: activities.collect() }))
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        let state = reference.state::<S>();
        if (self.done)(&state).address() == (self.undone)(&state).address() {
            return Some(
                "both its ledgers are the same one, in which nothing is ever done more often than undone".to_owned(),
            );
        }
        self.counts(reference).iter().all(|(_, done, _)| *done == 0).then(|| {
            "without faults, nothing is recorded in its first ledger. Is it the field that the code records to?"
                .to_owned()
        })
    }

    fn has_something(&self, run: &Run, reference: &Reference) -> bool {
        let Some(usual) = reference.memory::<Usual<K>>() else { return false };
        !self.counts(run).is_empty() && is_judged(run, reference, usual)
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let Some(usual) = reference.memory::<Usual<K>>() else { return Ok(()) };
        if !is_judged(run, reference, usual) {
            return Ok(());
        }
        let is_usual = reference.class_of(run) == Class::Survive;
        let keeps = is_usual || self.kept_if.as_ref().is_some_and(|ends| ends.allow(run));
        let counts = self.counts(run);
        let state = type_name::<S>().split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or_default();
        for (key, done, undone) in &counts {
            let kept = *done as i64 - *undone as i64;
            let expected = usual.kept.iter().find(|(other, _)| other == key).map_or(0, |(_, kept)| *kept);
            let wanted = if keeps { expected } else { 0 };
            if kept == wanted {
                continue;
            }
            let (kind, says) = match (keeps, kept > wanted) {
                (false, true) => {
                    ("not undone", "is done and not undone, though the run does not end as without faults")
                }
                (false, false) => ("undone too often", "is undone more often than it was done"),
                (true, true) => ("done too often", "is done too often"),
                (true, false) => ("undone", "is undone, though the run ends as without faults"),
            };
            let message = format!("{key:?} of `{state}` {says}");
            let found = format!("done {}, undone {}", Counted(*done, "time"), Counted(*undone, "time"));
            let expected =
                if keeps { format!("kept {}", Counted(wanted, "time")) } else { "as often undone as done".to_owned() };
            return Err(Violation::new(kind, message).expected(expected, found));
        }
        let missing = |(key, kept): &&(K, i64)| *kept > 0 && counts.iter().all(|(other, ..)| other != key);
        match usual.kept.iter().find(missing).filter(|_| keeps) {
            Some((key, kept)) => Err(Violation::new("lost", format!("{key:?} of `{state}` is not done"))
                .expected(format!("kept {}", Counted(*kept, "time")), "never done")),
            None => Ok(()),
        }
    }
}

/// Says whether the code of a run had a say in its end, and its undos their chance.
fn is_judged<K: 'static>(run: &Run, reference: &Reference, usual: &Usual<K>) -> bool {
    let has_no_say = matches!(
        run.outcome(),
        Outcome::Open | Outcome::Closed(WorkflowOutcome::TimedOut { .. } | WorkflowOutcome::Terminated { .. })
    );
    !has_no_say && !is_undo_used_up(run, reference, usual)
}

/// Says whether faults used up what the options allow an activity that the fault-free run does not have.
fn is_undo_used_up<K: 'static>(run: &Run, reference: &Reference, usual: &Usual<K>) -> bool {
    let excuses = Excuses::of(run, reference);
    let new = reference.new_memory::<Usual<K>>(run).into_iter();
    let known = Vec::from_iter([usual].into_iter().chain(new));
    run.executions().activities().values().any(|activity| match activity.closed {
        Some((closed, ActivityEnd::Failed(..) | ActivityEnd::TimedOut(..))) => {
            let (name, input) = name_and_input(run, activity);
            let of_its_type = || known.iter().flat_map(|usual| &usual.activities).filter(|(known, _)| *known == name);
            // One activity type may both do and undo, as its input says.
            let is_new = of_its_type().all(|(_, known)| *known != input)
                && (of_its_type().next().is_none() || had_reason_to_undo(run, activity));
            is_new && excuses.excuses_activity(activity, closed)
        }
        _ => false,
    })
}

/// Says whether there was a reason to undo things when an activity was scheduled: a cancel, or an activity that had not completed.
fn had_reason_to_undo(run: &Run, activity: &ActivityExecution) -> bool {
    let (executions, scheduled) = (run.executions(), activity.scheduled);
    let did_not_complete = |other: &ActivityExecution| {
        let end = other.closed.filter(|(closed, _)| *closed < scheduled);
        end.is_some_and(|(_, end)| !matches!(end, ActivityEnd::Completed(_)))
    };
    let cancelled = executions.workflows()[activity.workflow].cancel_requested;
    cancelled.is_some_and(|cancelled| cancelled < scheduled) || executions.activities().values().any(did_not_complete)
}

fn name_and_input(run: &Run, activity: &ActivityExecution) -> (Arc<str>, Vec<u8>) {
    let trace = run.trace();
    (trace.activities()[activity.key].activity_type.clone(), trace.bytes(activity.input).to_vec())
}

impl<S, K> Debug for KeptOrUndone<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptOrUndone").field("kept_if", &self.kept_if.is_some()).finish_non_exhaustive()
    }
}
