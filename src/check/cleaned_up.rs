//! [`cleaned_up`]: nothing is left behind when an attempt ends.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use super::Check;
use super::named::{Verdict, verdict_of};
use super::reference::Reference;
use super::violation::Violation;
use crate::fault::{Fault, Site};
use crate::program::Table;
use crate::service::ActivityKey;
use crate::trace::attempts::{AttemptEnd, AttemptExecution, Executions, Moment};
use crate::trace::{AttemptKey, FaultKey, Trace};
use crate::world::Run;
use crate::world::watch::Watch;

/// The state is clean at the end of each attempt that did not crash: completed, failed, cancelled or stopped before its
/// deadline. `clean` looks at the state at that very moment, and asserts or returns a `Result`, as for
/// [`named`](super::named).
///
/// The next attempt has to clean up after a crash: at its end the state is looked at again. Attempts that are made to
/// fail at an await are like crashed ones, since their code gets no chance. So are those that a stopping worker drops
/// at the moment at which it cancels them, unless [`CleanedUp::from_worker_stop`] is said. While another attempt runs,
/// or the remains of another activity lie about, nobody is blamed.
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
    CleanedUp {
        watch: Arc::new(watch),
        activity: None,
        may_fail: Vec::new(),
        unless_retried: false,
        worker_stop: false,
    }
}

/// The check that [`cleaned_up`] makes.
#[derive(Clone)]
pub struct CleanedUp {
    watch: Arc<Watch>,
    activity: Option<String>,
    may_fail: Vec<String>,
    unless_retried: bool,
    worker_stop: bool,
}

impl CleanedUp {
    /// Judges the ends of this activity only. The attempts of other activities may then run at the same time.
    pub fn of(mut self, activity: impl Into<String>) -> CleanedUp {
        self.activity = Some(activity.into());
        self
    }

    /// Excuses an attempt in which an [`effect`](crate::effect()) of this name failed, which is the effect that cleans
    /// up. Other effects may fail too, but the attempt must clean up then.
    pub fn unless_failed(mut self, effect: impl Into<String>) -> CleanedUp {
        self.may_fail.push(effect.into());
        self
    }

    /// Blames an attempt that its worker drops at the end of the grace period, too: for code that looks at
    /// [`ActivityContext::is_worker_stopping`](crate::ActivityContext::is_worker_stopping), or whose destructors clean up.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use durasim::check;
    /// #[derive(Default)]
    /// struct Database { locked: Cell<bool> }
    /// let check = check::cleaned_up(|database: &Database| assert!(!database.locked.get())).from_worker_stop();
    /// ```
    pub fn from_worker_stop(mut self) -> CleanedUp {
        self.worker_stop = true;
        self
    }

    /// Excuses an attempt that the service has retried. Its retry goes on with what it leaves, such as a multipart
    /// upload whose number stands in the details. An attempt that completes, is cancelled or is the last that the
    /// policy allows has no retry, and is answerable for all that is left then. So is an attempt that fails after a
    /// cancel was requested, which is not retried.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use durasim::check;
    /// #[derive(Default)]
    /// struct Bucket { open_uploads: Cell<u32> }
    /// let check = check::cleaned_up(|bucket: &Bucket| assert_eq!(bucket.open_uploads.get(), 0)).unless_retried();
    /// ```
    ///
    /// An attempt that has timed out cannot know whether a retry follows, and is excused too. An attempt that ends
    /// after its retry has begun is not.
    pub fn unless_retried(mut self) -> CleanedUp {
        self.unless_retried = true;
        self
    }
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

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        reference.trace().attempts().is_empty().then(|| "without faults, no activity runs".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        self.looked_at(run).any(|attempt| words(attempt.end).is_some())
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let (trace, executions) = (run.trace(), run.executions());
        let findings = run.found_by::<Violation>(&self.watch).into_iter();
        let mut findings: Vec<_> = findings.map(|(attempt, found)| (&executions.attempts()[attempt], found)).collect();
        findings.sort_by_key(|(attempt, _)| attempt.ended);
        let mut so_far = SoFar::begin(executions, self.ends(run));
        for (attempt, found) in findings {
            let (Some(ended), Some(how)) = (attempt.ended, words(attempt.end)) else { continue };
            so_far.go_on_until(ended);
            if so_far.blames(attempt) {
                let words = trace.attempt_in_a_sentence(attempt.key);
                let message = format!("{words} {how} and left something behind: {}", found.message);
                return Err(Violation { message, events: vec![ended.event], ..found });
            }
        }
        Ok(())
    }
}

impl CleanedUp {
    /// The attempts that are looked at, each with whether it is answerable for what it leaves, since it could have
    /// cleaned up.
    fn ends<'a>(&self, run: &'a Run) -> Vec<(&'a AttemptExecution, bool)> {
        self.looked_at(run).map(|attempt| (attempt, self.is_answerable(run, attempt))).collect()
    }

    /// The attempts that are looked at.
    fn looked_at<'a>(&self, run: &'a Run) -> impl Iterator<Item = &'a AttemptExecution> {
        let attempts = run.executions().attempts().values();
        attempts.filter(|attempt| {
            let activity_type = run.trace().activity_type(attempt.activity);
            self.activity.as_ref().is_none_or(|wanted| *wanted == activity_type)
        })
    }

    fn is_answerable(&self, run: &Run, attempt: &AttemptExecution) -> bool {
        let Some(ended) = attempt.ended else { return false };
        let had_no_chance = matches!(attempt.end, AttemptEnd::Died | AttemptEnd::Async)
            || attempt.end == AttemptEnd::Aborted && !self.worker_stop
            || attempt.faults.iter().any(|fault| self.excuses(run.trace(), attempt, fault.key));
        !(had_no_chance || self.unless_retried && is_retried(run.executions(), attempt, ended))
    }

    /// Says whether a fault keeps an attempt from cleaning up.
    fn excuses(&self, trace: &Trace, attempt: &AttemptExecution, fault: FaultKey) -> bool {
        let (point, fault) = &trace.faults()[fault];
        match (fault, point.site) {
            (Fault::Fail, _) => true,
            (Fault::FailApplied | Fault::FailUnapplied, Site::Effect(number)) => {
                let failed = attempt.effects.get(number as usize - 1);
                failed
                    .is_some_and(|failed| self.may_fail.iter().any(|name| name.as_bytes() == trace.bytes(failed.name)))
            }
            _ => false,
        }
    }
}

/// The attempts that run, and those that have left something, up to a moment that goes on.
struct SoFar<'a> {
    /// The starts and ends that are still to come, the next one last. `None` is a start, `Some` the end of an attempt,
    /// with whether that is answerable.
    to_come: Vec<(Moment, &'a AttemptExecution, Option<bool>)>,
    running: usize,
    remains: Table<ActivityKey, Remains>,
    /// The number of activities of which something may lie about.
    unclean: usize,
    /// The attempt that ended last, and whether it is answerable.
    last_end: Option<(AttemptKey, bool)>,
}

/// The last attempts of an activity to end, by number.
#[derive(Clone, Copy, Default)]
struct Remains {
    /// The last attempt that could not clean up.
    excused: Option<AttemptKey>,
    /// The last attempt that could clean up.
    answerable: Option<AttemptKey>,
}

impl Remains {
    /// Says whether something is left for a later attempt to clean up.
    fn lie_about(self) -> bool {
        self.excused > self.answerable
    }
}

impl<'a> SoFar<'a> {
    fn begin(executions: &Executions, attempts: Vec<(&'a AttemptExecution, bool)>) -> SoFar<'a> {
        let mut to_come = Vec::new();
        for (attempt, answerable) in attempts {
            to_come.push((attempt.started, attempt, None));
            to_come.extend(attempt.ended.map(|ended| (ended, attempt, Some(answerable))));
        }
        to_come.sort_by_key(|(moment, ..)| Reverse(*moment));
        let remains = executions.activities().map(|_| Remains::default());
        SoFar { to_come, running: 0, remains, unclean: 0, last_end: None }
    }

    /// Takes in what happened until this moment.
    fn go_on_until(&mut self, moment: Moment) {
        while let Some((_, attempt, ended)) = self.to_come.pop_if(|(next, ..)| *next <= moment) {
            let Some(answerable) = ended else {
                self.running += 1;
                continue;
            };
            self.running -= 1;
            self.last_end = Some((attempt.key, answerable));
            let remains = &mut self.remains[attempt.activity];
            self.unclean -= usize::from(remains.lie_about());
            let latest = if answerable { &mut remains.answerable } else { &mut remains.excused };
            *latest = (*latest).max(Some(attempt.key));
            self.unclean += usize::from(remains.lie_about());
        }
    }

    /// Says whether something found now must be the doing or the omission of this attempt, which has just ended.
    fn blames(&self, attempt: &AttemptExecution) -> bool {
        self.last_end == Some((attempt.key, true)) && self.running == 0 && self.unclean == 0
    }
}

/// Says whether the attempt may expect a retry that has not begun when it ends: the service retries it, or has timed it
/// out.
fn is_retried(executions: &Executions, attempt: &AttemptExecution, ended: Moment) -> bool {
    let is_in_time = executions.successor(attempt).is_none_or(|next| next.started > ended);
    is_in_time && (attempt.retried.is_some() || attempt.timed_out.is_some_and(|(at, _)| at < ended))
}

/// The words for the end of an attempt after which the state is looked at; `None` for other ends.
fn words(end: AttemptEnd) -> Option<&'static str> {
    match end {
        AttemptEnd::Completed => Some("completed"),
        AttemptEnd::Failed => Some("failed"),
        AttemptEnd::Cancelled => Some("ended as cancelled"),
        AttemptEnd::Panicked => Some("panicked"),
        AttemptEnd::Async => Some("ended"),
        AttemptEnd::Aborted => Some("was dropped by its worker"),
        AttemptEnd::Died | AttemptEnd::Running => None,
    }
}

impl fmt::Debug for CleanedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanedUp")
            .field("of", &self.activity)
            .field("unless_failed", &self.may_fail)
            .field("unless_retried", &self.unless_retried)
            .field("worker_stop", &self.worker_stop)
            .finish_non_exhaustive()
    }
}
