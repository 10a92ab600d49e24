//! [`effects`]: the effects on the outside world, against those of the fault-free run.

use std::any::type_name;
use std::fmt::{self, Debug};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::Check;
use super::class::Class;
use super::effect_counts::{EffectCounts, KeyNormalizer};
use super::effect_findings::{
    Covers, Usual, UsualEntries, needed, nothing_covered_redone, nothing_invented, nothing_lost, nothing_redone,
    repeated_within,
};
use super::offspring::{Offspring, ended_unheard, unheard};
use super::outcomes::Outcomes;
use super::reference::{Memory, Reference};
use super::violation::Violation;
use crate::inside::Ledger;
use crate::service::WorkflowOutcome;
use crate::world::{Outcome, Run};

/// Compares a ledger with the fault-free run's, key by key.
///
/// - *lost*: the effect was done less often than without faults, though the run claims to have done all. It is always
///   an error.
/// - *invented*: the fault-free run does not have the key, though the run claims to have done the usual.
///   [`Effects::may_be_new`] allows it.
/// - *repeated*: the effect was done more often. At-least-once execution allows it, so only
///   [`Effects::repeats_at_most`] makes it an error.
/// - *redone*: the effect was done by an attempt whose checkpoint says that it is done. Only [`Effects::covered_by`]
///   makes it an error.
///
/// A run claims to have done all if it ends as the fault-free run, with the same result as
/// [`same_result`](super::same_result) compares it, or if the workflow completes otherwise and nothing excuses that.
/// A run that ends otherwise because it is [over budget or cancelled](Class) does not claim it: a workflow that goes on
/// after an activity was given up, and returns "rejected" or how many rows it could do, may have done less.
/// [`Effects::outcomes`] names further ends that do not claim it. Neither does a run of
/// [another order](crate::Exploration::every_order) in which something came that loses a race without faults, or in which
/// the workflow asks for other things. Nobody claims that a child has done its work which faults cancelled, or which was given
/// up because of them, if its parent can close before it does. Repeats are judged in all runs.
///
/// The work of an attempt that fails without faults, and leaves no checkpoint, counts once: attempts that find a lock held
/// are fewer where something else was late.
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
        not_redone: None,
        outcomes: None,
    }
}

/// Finds the ledger in the state of a run.
type LedgerOf<S, K> = Box<dyn Fn(&S) -> &Ledger<K> + Send + Sync>;

/// The check that [`effects`] makes.
pub struct Effects<S, K> {
    name: String,
    ledger: LedgerOf<S, K>,
    normalizers: Vec<KeyNormalizer<K>>,
    may_be_new: bool,
    repeats: Option<usize>,
    covered: Option<(String, Covers<K>)>,
    not_redone: Option<String>,
    outcomes: Option<Outcomes>,
}

impl<S, K> Effects<S, K> {
    /// Gives the check a name of its own in reports, for simulations with several ledgers. The default is `effects`.
    pub fn named(mut self, name: impl Into<String>) -> Effects<S, K> {
        self.name = name.into();
        self
    }

    /// Says what a key means: `clear` removes from it the parts that may differ from run to run. Keys that are the same
    /// then are one effect, compared and counted together. Several calls of `normalize` are applied one after the
    /// other.
    ///
    /// Idempotency keys are drawn anew in each run, so only their number counts: two keys for one payment pay twice.
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
    /// A failure shows the keys as they were recorded, too. [`covered_by`](Effects::covered_by) is given the recorded
    /// keys.
    pub fn normalize(mut self, clear: impl Fn(&mut K) + Send + Sync + 'static) -> Effects<S, K> {
        self.normalizers.push(Box::new(clear));
        self
    }

    /// Allows keys that the fault-free run does not have: effects that are done only when something has gone wrong,
    /// such as a compensation. With [`repeats_at_most`](Effects::repeats_at_most), each may be done once, and so often
    /// again.
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

    /// Sets how often an effect may be done beyond the times of the fault-free run. Zero asks for exactly once.
    pub fn repeats_at_most(mut self, repeats: usize) -> Effects<S, K> {
        self.repeats = Some(repeats);
        self
    }

    /// Names other ends that the code may choose, such as that of a workflow that takes another branch when a timer
    /// fires first. A run that ends so does not claim to have done all: effects of the usual branch may be missing, and
    /// effects of the other branch may be new. Repeats are still judged.
    /// [`SameResult::outcomes`](super::SameResult::outcomes) takes the same.
    ///
    /// ```
    /// use durasim::{Ledger, Run, check};
    /// #[derive(Default)]
    /// struct Shop { shipped: Ledger<u32> }
    /// let timed_out = |run: &Run| run.result::<String>().is_ok_and(|end| end == "nobody approved");
    /// let check = check::effects(|shop: &Shop| &shop.shipped).outcomes(timed_out);
    /// ```
    ///
    /// Several calls of `outcomes` name the ends that any of them names. If the fault-free run's own end is among
    /// those, another run counts as one of them only if it ends otherwise than the fault-free run.
    pub fn outcomes(mut self, are_allowed: impl Fn(&Run) -> bool + Send + Sync + 'static) -> Self {
        self.outcomes = Some(Outcomes::new(are_allowed).or(self.outcomes));
        self
    }

    /// Allows no attempt of this activity to do an effect again that its checkpoint covers: nothing need be said of what
    /// details mean. A heartbeat covers the effects that its attempt did before it, and those that the checkpoint covers
    /// that the attempt was given. One that repeats the details before it covers nothing new.
    ///
    /// It is right only for an activity that does one thing after the other, records each itself, and has nothing else in
    /// the ledger. Parallel parts, pages that are begun anew and background heartbeaters do some effects again on purpose.
    /// The report of every exploration has the figure: "resumes do up to 3 effects again that their checkpoint covers".
    ///
    /// ```
    /// use durasim::{Ledger, check};
    /// #[derive(Default)]
    /// struct Store { written: Ledger<u32> }
    /// let check = check::effects(|store: &Store| &store.written).not_redone("copy");
    /// ```
    pub fn not_redone(mut self, activity: impl Into<String>) -> Effects<S, K> {
        self.not_redone = Some(activity.into());
        self
    }

    /// Allows no attempt of this activity to do an effect again that the checkpoint it was given says is done. Effects
    /// that were done after the last *visible* heartbeat may still be repeated: nobody could know of them.
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

    fn judged_ledgers(&self, run: &Run) -> Vec<usize> {
        vec![(self.ledger)(&run.state::<S>()).address()]
    }

    fn activity(&self) -> Option<&str> {
        self.covered.as_ref().map(|(activity, _)| activity.as_str()).or(self.not_redone.as_deref())
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let state = reference.state::<S>();
        let counts = EffectCounts::new((self.ledger)(&state), &self.normalizers).to_map();
        let offspring = Offspring::of(reference);
        let done = counts.into_iter().map(|(key, all)| {
            let at_least = needed(reference.executions(), &all.entries);
            let lineages = all.entries.iter().map(|entry| offspring.of_attempt(reference, entry.hosted));
            let lineages = lineages.collect();
            (key, UsualEntries { all, at_least, lineages })
        });
        let is_an_outcome = self.outcomes.as_ref().is_some_and(|outcomes| outcomes.allow(reference));
        Some(Arc::new(Usual { done: done.collect(), is_an_outcome, unheard: unheard(reference) }))
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
        if self.not_redone.is_some() && !self.normalizers.is_empty() {
            return Some(
                "`.not_redone(..)` compares keys as they are recorded, and `.normalize(..)` says that they differ from attempt to \
                 attempt. Ask for `.covered_by(..)`"
                    .to_owned(),
            );
        }
        let covered = self.covered.as_ref().map(|(activity, _)| (activity, "covered_by"));
        let asked = covered.into_iter().chain(self.not_redone.as_ref().map(|activity| (activity, "not_redone")));
        let (activity, word) = asked.into_iter().find(|(activity, _)| !records_details(reference, activity))?;
        Some(format!(
            "without faults, `{activity}` records no heartbeat with details, so that `.{word}(..)` is never asked"
        ))
    }

    fn has_something(&self, run: &Run, reference: &Reference) -> bool {
        self.claims_all(run, reference) || !(self.ledger)(&run.state::<S>()).is_empty()
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let Some(old) = reference.memory::<Usual<K>>() else { return Ok(()) };
        // Where two versions of the code have worked, nobody knows which did what.
        let mixed = reference.new_memory::<Usual<K>>(run).map(|new| (old.in_both(new), old.in_any(new)));
        let (least, usual) = mixed.as_ref().map_or((&old.done, &old.done), |(both, any)| (both, any));
        let state = run.state::<S>();
        let ledger = (self.ledger)(&state);
        let counts = EffectCounts::new(ledger, &self.normalizers);
        if self.claims_all(run, reference) {
            let class = reference.class_of(run);
            nothing_lost(&counts, least, &ended_unheard(run, reference, &old.unheard), class, type_name::<S>())?;
            if !self.may_be_new {
                nothing_invented(&counts, usual, run.executions(), class, type_name::<S>())?;
            }
        }
        if let Some(activity) = &self.not_redone {
            nothing_covered_redone(ledger, activity, run, type_name::<S>())?;
        }
        if let Some((activity, covers)) = &self.covered {
            nothing_redone(ledger, activity, covers, run, type_name::<S>())?;
        }
        match self.repeats {
            Some(repeats) => repeated_within(&counts, usual, repeats, run.executions(), type_name::<S>()),
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

impl<S, K: 'static> Effects<S, K> {
    /// Says whether everything should have been done: the run claims it, and does not end in one of the other ends that
    /// the user names.
    fn claims_all(&self, run: &Run, reference: &Reference) -> bool {
        let class = reference.class_of(run);
        let usual_is_one = reference.memory::<Usual<K>>().is_some_and(|usual| usual.is_an_outcome);
        let may_be_another = class != Class::Survive || !usual_is_one;
        let is_another = || may_be_another && self.outcomes.as_ref().is_some_and(|outcomes| outcomes.allow(run));
        is_complete(run, class) && !is_another() && reference.other_order(run).is_none()
    }
}

/// Says whether a run should have done everything by its end: it ended as usual, or neither faults nor a cancel excuse
/// another end.
fn is_complete(run: &Run, class: Class) -> bool {
    match class {
        Class::Survive => true,
        // A script may have returned that something failed.
        Class::Different => matches!(run.outcome(), Outcome::Closed(WorkflowOutcome::Completed(_))),
        Class::OverBudget(_) | Class::Cancelled => false,
    }
}

impl<S, K> fmt::Debug for Effects<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects")
            .field("normalizes", &!self.normalizers.is_empty())
            .field("may_be_new", &self.may_be_new)
            .field("repeats", &self.repeats)
            .field("not_redone", &self.not_redone)
            .field("covered_by", &self.covered.as_ref().map(|(activity, _)| activity))
            .finish_non_exhaustive()
    }
}
