//! [`ledgers`]: what the fault-free run has done is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::Check;
use super::branch::Branch;
use super::reference::{Memory, Reference};
use super::violation::Violation;
use crate::program::Counted;
use crate::trace::attempts::{ActivityEnd, AttemptEnd, Executions};
use crate::world::Run;
use crate::world::ledgers::{Done, Known};

/// No effect is lost: each [`Ledger`](crate::Ledger) that the constructor of a state has made has what it has without
/// faults. It is one of the [standard checks](super#standard-checks); [`effects`](super::effects) says more of one ledger,
/// and takes it over.
///
/// It judges runs that end exactly as the fault-free run, whatever `.normalize(..)` allows, whose workflows ask for the same
/// activities, timers and markers, and in which as many activities complete. A ledger in which a run has a key that the
/// fault-free run has not (an id that is drawn anew, a time) is not judged in that run. Work is not missed that was done by an
/// attempt that failed, for an activity that did not complete, or after its attempt's end.
///
/// An effect that is done less often is not lost: code that asks until something is ready asks less often where it was late.
/// [`effects`](super::effects) counts.
///
/// A ledger is known by its [name](crate::Ledger::named), or by the order in which the constructor of its state makes those
/// without a name.
///
/// ```
/// use durasim::check;
/// let check = check::ledgers();
/// ```
pub fn ledgers() -> Ledgers {
    Ledgers { taken: Vec::new() }
}

/// The check that [`ledgers`] makes.
#[derive(Clone)]
pub struct Ledgers {
    /// The checks that have taken over a ledger.
    taken: Vec<Arc<dyn Check>>,
}

/// The ledgers of the fault-free run.
struct Usual {
    branch: Branch,
    completed: Completed,
    /// Those that are judged.
    ledgers: BTreeMap<Id, UsualLedger>,
}

/// The effects of a ledger that every run needs.
struct UsualLedger {
    /// The times that each was done.
    times: BTreeMap<String, usize>,
    /// The number of their keys. Keys that read the same are several.
    keys: usize,
}

/// A ledger of a run, by which it is known in another: its state, its name if it has one, and its number among those.
type Id = (&'static str, Option<Arc<str>>, usize);

/// The activities that completed, by workflow and type.
type Completed = BTreeMap<(Arc<str>, Arc<str>), u32>;

fn completed(run: &Run) -> Completed {
    let trace = run.trace();
    let mut completed = Completed::new();
    for activity in run.executions().activities().values() {
        if let Some((_, ActivityEnd::Completed(_))) = activity.closed {
            let workflow_id = trace.workflows()[activity.workflow].workflow_id.clone();
            let activity_type = trace.activities()[activity.key].activity_type.clone();
            *completed.entry((workflow_id, activity_type)).or_default() += 1;
        }
    }
    completed
}

impl Ledgers {
    /// Leaves out the ledgers that these checks judge.
    pub(crate) fn except(self, taken: Vec<Arc<dyn Check>>) -> Ledgers {
        Ledgers { taken }
    }

    /// The ledgers of a run that nobody else judges.
    fn of(&self, run: &Run) -> impl Iterator<Item = (Id, Known)> {
        let taken: BTreeSet<usize> = self.taken.iter().flat_map(|check| check.judged_ledgers(run)).collect();
        all(run).filter(move |(_, known)| !taken.contains(&known.address()))
    }
}

impl Check for Ledgers {
    fn name(&self) -> &str {
        "ledgers"
    }

    fn replaces(&self) -> Option<&str> {
        Some("ledgers")
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let executions = reference.executions();
        let needed = |done: &[Done]| done.iter().filter(|done| counts(executions, done)).count();
        let ledgers = self.of(reference).map(|(id, known)| {
            let keys = known.ledger.entries().into_iter().filter(|done| needed(done) > 0).count();
            let times = known.done().into_iter().map(|(key, done)| (key, needed(&done)));
            (id, UsualLedger { times: times.filter(|(_, times)| *times > 0).collect(), keys })
        });
        Some(Arc::new(Usual {
            branch: Branch::of(reference),
            completed: completed(reference),
            ledgers: ledgers.collect(),
        }))
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        // Others may judge all that there are.
        let all_are_taken = !reference.ledgers().is_empty() && self.of(reference).next().is_none();
        let is_empty = self.of(reference).all(|(_, known)| known.ledger.len() == 0);
        let nothing =
            || "without faults, nothing is recorded in a ledger that a state's constructor has made".to_owned();
        (is_empty && !all_are_taken).then(nothing)
    }

    fn has_something(&self, run: &Run, reference: &Reference) -> bool {
        let Some(usual) = reference.memory::<Usual>() else { return false };
        usual.ledgers.values().any(|ledger| ledger.keys > 0) && is_judged(run, reference, usual)
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let Some(usual) = reference.memory::<Usual>() else { return Ok(()) };
        if usual.ledgers.is_empty() || !is_judged(run, reference, usual) {
            return Ok(());
        }
        let known: BTreeMap<Id, Known> = all(run).collect();
        for (id, usual) in &usual.ledgers {
            let Some(known) = known.get(id) else { continue };
            // One that has as many keys has all of them, or others, with which it is not judged. So keys are put into words only
            // where some are missing.
            if known.ledger.len() >= usual.keys {
                continue;
            }
            let (done, usual) = (known.done(), &usual.times);
            // Its keys differ from run to run.
            if done.keys().any(|key| !usual.contains_key(key)) {
                continue;
            }
            let times = |key: &String| done.get(key).map_or(0, Vec::len);
            // Where a deploy struck, a new version that does less may have been at work.
            let new = reference.new_memory::<Usual>(run).map(|new| new.ledgers.get(id));
            let of_both = |key: &String, needed: usize| match new {
                Some(new) => needed.min(new.and_then(|new| new.times.get(key)).copied().unwrap_or(0)),
                None => needed,
            };
            let needed = usual.iter().map(|(key, needed)| (key, of_both(key, *needed)));
            if let Some((key, needed)) = needed.into_iter().find(|(key, needed)| times(key) == 0 && *needed > 0) {
                return Err(lost(known, key, needed));
            }
        }
        Ok(())
    }
}

/// The ledgers of a run.
fn all(run: &Run) -> impl Iterator<Item = (Id, Known)> {
    let mut numbers: BTreeMap<(&'static str, Option<Arc<str>>), usize> = BTreeMap::new();
    run.ledgers().into_iter().map(move |known| {
        let name = known.ledger.name();
        let number = numbers.entry((known.state, name.clone())).or_default();
        *number += 1;
        ((known.state, name, *number), known)
    })
}

fn is_judged(run: &Run, reference: &Reference, usual: &Usual) -> bool {
    run.outcome() == *reference.outcome() && completed(run) == usual.completed && Branch::of(run) == usual.branch
}

/// Says whether an effect of the fault-free run is missed where it is not done: it was done for an activity that completed,
/// by an attempt that did not fail, before its end.
fn counts(executions: &Executions, done: &Done) -> bool {
    let Some(attempt) = done.attempt.map(|attempt| &executions.attempts()[attempt]) else { return true };
    let completes = matches!(executions.activities()[attempt.activity].closed, Some((_, ActivityEnd::Completed(_))));
    let came_to_nothing = matches!(attempt.end, AttemptEnd::Failed | AttemptEnd::Panicked);
    completes && !came_to_nothing && attempt.ended.is_none_or(|ended| done.at <= ended.at)
}

fn lost(known: &Known, key: &str, needed: usize) -> Violation {
    let state = known.state.split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or(known.state);
    let ledger = match known.ledger.name() {
        Some(name) => format!("the ledger `{name}`"),
        None => format!("a ledger of `{state}`"),
    };
    let key: String = match key.char_indices().nth(60) {
        Some((end, _)) => format!("{}..", &key[..end]),
        None => key.to_owned(),
    };
    let message = format!(
        "the effect {key} of {ledger} is lost, though the run ends as without faults; if it may be missing, say \
         `.without(\"ledgers\")`"
    );
    Violation::new("lost", message).expected(format!("done {}", Counted(needed, "time")), "never done")
}

impl fmt::Debug for Ledgers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledgers").finish_non_exhaustive()
    }
}
