//! [`cleaned_up`]: nothing is left behind when an attempt ends.

use std::fmt;
use std::sync::Arc;

use super::Check;
use super::named::{Verdict, verdict_of};
use super::reference::Reference;
use super::violation::Violation;
use crate::fault::Fault;
use crate::program::Table;
use crate::trace::{AttemptKey, Ended, Trace, What, Who};
use crate::world::Run;
use crate::world::watch::Watch;

/// The state is clean at the end of each attempt that did not crash: completed, failed, cancelled, stopped before its deadline
/// or with its worker. `clean` looks at the state at that very moment, and asserts or returns a `Result`, as for
/// [`named`](super::named).
///
/// What a crash leaves behind is for the next attempt to clean up: at its end the state is looked at again. Attempts that
/// are made to fail at an await are like crashed ones, since their code gets no chance. While another attempt runs, or the
/// remains of another activity lie about, nobody is blamed.
///
/// ```
/// use std::cell::Cell;
/// use durasim::check;
/// #[derive(Default)]
/// struct Database { locked: Cell<bool>, staged: Cell<u32> }
/// let check = check::cleaned_up(|database: &Database| {
///     assert!(!database.locked.get(), "the lock is held");
///     assert_eq!(database.staged.get(), 0, "rows in the staging table");
/// });
/// ```
pub fn cleaned_up<S: 'static, V: Verdict>(clean: impl Fn(&S) -> V + Send + Sync + 'static) -> CleanedUp {
    let watch = Watch::new(move |state: &S| verdict_of(|| clean(state)).err());
    CleanedUp { watch: Arc::new(watch), activity: None, may_fail: Vec::new(), unless_retried: false }
}

/// Made by [`cleaned_up`].
#[derive(Clone)]
pub struct CleanedUp {
    watch: Arc<Watch>,
    activity: Option<String>,
    may_fail: Vec<String>,
    unless_retried: bool,
}

impl CleanedUp {
    /// Judges the ends of this activity only. The attempts of others may then run at the same time.
    pub fn of(mut self, activity: impl Into<String>) -> CleanedUp {
        self.activity = Some(activity.into());
        self
    }

    /// Excuses an attempt in which an [`effect`](crate::effect()) of this name failed: the one that cleans up. Other effects
    /// may fail too, but cleaning up must follow then.
    pub fn unless_failed(mut self, effect: impl Into<String>) -> CleanedUp {
        self.may_fail.push(effect.into());
        self
    }

    /// Excuses an attempt that the service has retried: what it leaves is for the retry to go on with, such as a multipart
    /// upload whose number stands in the details. The attempt that completes, is cancelled or is the last that the policy
    /// allows has no retry, and is answerable for all that is left then; so is one that fails after a cancel was requested,
    /// which is not retried.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use durasim::check;
    /// #[derive(Default)]
    /// struct Bucket { open_uploads: Cell<u32> }
    /// let check = check::cleaned_up(|bucket: &Bucket| assert_eq!(bucket.open_uploads.get(), 0)).unless_retried();
    /// ```
    ///
    /// An attempt that has timed out cannot know whether a retry follows, and is excused too. One that ends after its retry
    /// has begun is not.
    pub fn unless_retried(mut self) -> CleanedUp {
        self.unless_retried = true;
        self
    }
}

/// An attempt, up to some moment.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Running,
    /// Ended, and is answerable for what it left.
    Answerable,
    /// Ended so that it could not clean up.
    Excused,
}

impl Check for CleanedUp {
    fn name(&self) -> &str {
        "cleaned_up"
    }

    fn activity(&self) -> Option<&str> {
        self.activity.as_deref()
    }

    fn watch(&self) -> Option<Arc<Watch>> {
        Some(self.watch.clone())
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let trace = run.trace();
        for (attempt, minded) in run.minded::<Violation>(&self.watch) {
            if let Some((end, how)) = end_of(trace, attempt)
                && self.is_to_blame(trace, attempt, end)
            {
                let message = format!(
                    "{} {how} and left something behind: {}",
                    trace.attempt_in_a_sentence(attempt),
                    minded.message
                );
                return Err(Violation { message, events: vec![end], ..minded });
            }
        }
        Ok(())
    }
}

impl CleanedUp {
    /// Whether what is found after this attempt's end must be its doing, or its omission.
    fn is_to_blame(&self, trace: &Trace, attempt: AttemptKey, end: usize) -> bool {
        let states = self.states(trace, end);
        let activity = |attempt: AttemptKey| trace.attempts()[attempt].activity;
        let is_answerable = |attempt: AttemptKey| states[attempt] == Some(State::Answerable);
        is_answerable(attempt)
            && states.iter().filter(|(other, _)| *other != attempt).all(|(other, state)| match state {
                None | Some(State::Answerable) => true,
                Some(State::Running) => false,
                // Its remains are for the next attempt at that activity to clean up, which may be this one.
                Some(State::Excused) => states
                    .keys()
                    .any(|later| later > other && activity(later) == activity(other) && is_answerable(later)),
            })
    }

    /// The attempts that had started by that event; `None` for those of activities that are not looked at.
    fn states(&self, trace: &Trace, end: usize) -> Table<AttemptKey, Option<State>> {
        let mut states = Table::<AttemptKey, Option<State>>::new();
        // Whether the attempt was made to fail, and whether its next effect is.
        let mut struck = Table::<AttemptKey, (bool, bool)>::new();
        for (place, event) in trace.events()[..=end].iter().enumerate() {
            let Who::Attempt(index) = event.who else { continue };
            if let What::AttemptStarted(_) = event.what {
                let activity = &trace.activities()[trace.attempts()[index].activity];
                let looked_at = self.activity.as_ref().is_none_or(|wanted| **wanted == *activity.activity_type);
                states.push(looked_at.then_some(State::Running));
                struck.push((false, false));
                continue;
            }
            let Some(state) = &mut states[index] else { continue };
            let (excused, effect_fails) = &mut struck[index];
            match event.what {
                What::Fault(fault) => match trace.faults()[fault].1 {
                    Fault::Fail => *excused = true,
                    Fault::FailApplied | Fault::FailUnapplied => *effect_fails = true,
                    _ => {}
                },
                What::Effect { name, .. } => {
                    let name = trace.bytes(name);
                    let failed = std::mem::take(effect_fails);
                    *excused |= failed && self.may_fail.iter().any(|effect| effect.as_bytes() == name);
                }
                What::Ended { how: Ended::Async, .. } | What::Died => *state = State::Excused,
                What::Ended { .. } | What::Aborted => {
                    let excused = *excused || self.unless_retried && is_retried(trace, index, place);
                    *state = if excused { State::Excused } else { State::Answerable };
                }
                _ => {}
            }
        }
        states
    }
}

/// Whether the service retries the attempt, or has timed it out so that it may expect that, and no retry has begun when it
/// ends, with that event.
fn is_retried(trace: &Trace, attempt: AttemptKey, end: usize) -> bool {
    let activity = trace.attempts()[attempt].activity;
    let mut started = false;
    let mut retried = false;
    for (place, event) in trace.events().iter().enumerate() {
        match (event.who, event.what) {
            (Who::Attempt(index), What::AttemptStarted(_)) if index == attempt => started = true,
            (Who::Attempt(index), What::AttemptStarted(_))
                if index > attempt && trace.attempts()[index].activity == activity =>
            {
                return retried && place > end;
            }
            (Who::Activity(index), What::RetryScheduled(_)) if index == activity => retried |= started,
            (Who::Activity(index), What::TimedOut(_)) if index == activity => retried |= started && place < end,
            _ => {}
        }
    }
    retried
}

/// The event with which an attempt ended, and how it did, in words.
fn end_of(trace: &Trace, attempt: AttemptKey) -> Option<(usize, &'static str)> {
    trace.events().iter().enumerate().find_map(|(place, event)| match (event.who, event.what) {
        (Who::Attempt(index), What::Ended { how, .. }) if index == attempt => Some((
            place,
            match how {
                Ended::Completed => "completed",
                Ended::Failed => "failed",
                Ended::Cancelled => "ended as cancelled",
                Ended::Panicked => "panicked",
                Ended::Async => "ended",
            },
        )),
        (Who::Attempt(index), What::Aborted) if index == attempt => Some((place, "was dropped by its worker")),
        _ => None,
    })
}

impl fmt::Debug for CleanedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanedUp")
            .field("of", &self.activity)
            .field("unless_failed", &self.may_fail)
            .field("unless_retried", &self.unless_retried)
            .finish_non_exhaustive()
    }
}
