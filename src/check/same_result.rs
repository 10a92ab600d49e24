//! [`same_result`]: the outcome is the fault-free run's.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Check;
use super::class::Class;
use super::ends::difference;
use super::lost::cost_time;
use super::orders::OrderWords;
use super::outcomes::Outcomes;
use super::reference::{Memory, Normalizer, Reference};
use super::violation::Violation;
use crate::fault::Fault;
use crate::program::Failure;
use crate::service::WorkflowOutcome;
use crate::trace::attempts::Moment;
use crate::world::{Outcome, Run};

/// The run ended as the fault-free run, unless faults used up what the options allow or a cancel was requested.
///
/// A run that completes although a cancel was requested must complete with the same result. Two failures are compared
/// in everything that callers act on: [`Reference::is_same`].
///
/// Code may choose another end when time runs out. Each kind of end has a word:
///
/// | the run | say |
/// | --- | --- |
/// | returns the same but for a part that always differs | [`SameResult::normalize`] |
/// | returns less, where faults took time | [`SameResult::partial`] |
/// | fails, where faults took time | [`SameResult::partial_failure`] |
/// | is cancelled, times out, or took another branch | [`SameResult::outcomes`] |
/// | depends on when a signal comes | [`SameResult::depends_on_time_of`] |
///
/// Runs of [another order](crate::Exploration::every_order) are not judged where something came that loses a race without
/// faults, and where the workflow asks for other activities, timers or markers than without faults and does not fail: those
/// took another branch.
///
/// Where a deploy struck, [`Simulation::deploy`](crate::Simulation::deploy) says which ends are right.
pub fn same_result() -> SameResult {
    SameResult {
        normalizer: None,
        partial: None,
        partial_failure: None,
        outcomes: None,
        time_of: Vec::new(),
        is_standard: false,
    }
}

/// The same, for an exploration that does not ask for it. A failure says how to ask.
pub(crate) fn standard_same_result() -> SameResult {
    SameResult { is_standard: true, ..same_result() }
}

/// Judges a result by the fault-free run's. The error says which of the two does not decode.
type Accepts = Arc<dyn Fn(&[u8], &[u8]) -> Result<bool, Undecoded> + Send + Sync>;

/// A result that is not of the type that `partial` compares.
enum Undecoded {
    Reference(serde_json::Error),
    Found(serde_json::Error),
}

/// Says whether a failure is the right one where time has run out.
type AcceptsFailure = Arc<dyn Fn(&Failure) -> bool + Send + Sync>;

/// The check that [`same_result`] makes.
#[derive(Clone)]
pub struct SameResult {
    normalizer: Option<Normalizer>,
    partial: Option<Accepts>,
    partial_failure: Option<AcceptsFailure>,
    outcomes: Option<Outcomes>,
    /// The signals on whose time the result depends.
    time_of: Vec<String>,
    /// The exploration does not ask for it.
    is_standard: bool,
}

impl SameResult {
    /// Says what may differ: `clear` removes it from both results before they are compared.
    ///
    /// ```
    /// use durasim::check;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Report { rows: u64, attempts_made: u32 }
    /// let check = check::same_result().normalize(|report: &mut Report| report.attempts_made = 0);
    /// ```
    ///
    /// Several calls of `normalize` are applied one after the other.
    pub fn normalize<T>(self, clear: impl Fn(&mut T) + Send + Sync + 'static) -> SameResult
    where
        T: DeserializeOwned + Serialize + 'static,
    {
        let before = self.normalizer.clone();
        let normalizer: Normalizer = Arc::new(move |bytes: &[u8]| {
            let before = before.as_ref().map(|before| before(bytes));
            let bytes = match &before {
                Some(left) => left.as_ref()?,
                None => bytes,
            };
            let mut value: T = serde_json::from_slice(bytes).ok()?;
            clear(&mut value);
            serde_json::to_vec(&value).ok()
        });
        SameResult { normalizer: Some(normalizer), ..self }
    }

    /// Accepts another result from code that stops before its deadline and returns what it has by then. A fault must
    /// have shortened the time left: a fault that ended an attempt, or that takes time by itself, such as a stall.
    /// `accepts` is given the fault-free run's result and the result of this run. In all other runs the result must be
    /// the same.
    ///
    /// A run that is accepted counts as a run that *ends otherwise*, not as surviving. A script's result is judged
    /// likewise.
    ///
    /// ```
    /// use durasim::check;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Copied { rows: u64, complete: bool }
    /// let check = check::same_result()
    ///     .partial(|reference: &Copied, got: &Copied| !got.complete && got.rows < reference.rows);
    /// ```
    ///
    /// A fault-free result that does not decode is an error of the exploration; another result that does not decode is
    /// not accepted.
    pub fn partial<T>(self, accepts: impl Fn(&T, &T) -> bool + Send + Sync + 'static) -> SameResult
    where
        T: DeserializeOwned + 'static,
    {
        let partial: Accepts = Arc::new(move |reference: &[u8], found: &[u8]| {
            let reference: T = serde_json::from_slice(reference).map_err(Undecoded::Reference)?;
            let found: T = serde_json::from_slice(found).map_err(Undecoded::Found)?;
            Ok(accepts(&reference, &found))
        });
        SameResult { partial: Some(partial), ..self }
    }

    /// Accepts a failure from code that gives up after a time limit of its own, where a fault shortened the time left,
    /// as [`SameResult::partial`] accepts a result. `accepts` is given the failure with which the workflow ended; its
    /// [`root`](Failure::root) is the error of the activity. In all other runs the workflow must not fail so.
    ///
    /// ```
    /// use durasim::check;
    /// let check = check::same_result().partial_failure(|failure| &*failure.root().message == "the printer stays offline");
    /// ```
    ///
    /// Several calls of `partial_failure` accept the failures that any of them accepts. The value that a script returns
    /// is a result, also where it is an `Err`.
    pub fn partial_failure(self, accepts: impl Fn(&Failure) -> bool + Send + Sync + 'static) -> SameResult {
        let accepts: AcceptsFailure = match self.partial_failure.clone() {
            Some(before) => Arc::new(move |failure: &Failure| before(failure) || accepts(failure)),
            None => Arc::new(accepts),
        };
        SameResult { partial_failure: Some(accepts), ..self }
    }

    /// Accepts other ends that the code may choose, whatever it chose them for: `are_allowed` says of a run whether its
    /// end is one of them. It is for a workflow that takes another branch when a timer fires first, ends as cancelled
    /// of its own accord, or compensates and then fails.
    ///
    /// ```
    /// use durasim::{Run, check};
    /// let timed_out = |run: &Run| run.result::<String>().is_ok_and(|end| end == "nobody approved");
    /// let check = check::same_result().outcomes(timed_out);
    /// ```
    ///
    /// A run that is accepted counts as a run that *ends otherwise*. Several calls of `outcomes` accept the ends that
    /// any of them accepts. [`Effects::outcomes`](super::Effects::outcomes) takes the same.
    pub fn outcomes(self, are_allowed: impl Fn(&Run) -> bool + Send + Sync + 'static) -> SameResult {
        let outcomes = Outcomes::new(are_allowed).or(self.outcomes.clone());
        SameResult { outcomes: Some(outcomes), ..self }
    }

    /// Accepts another result where signals of this name come to their workflow before or after other things than without
    /// faults, or in one workflow task with them: the end of an activity, a timer, a cancel. It is for a result that rightly
    /// depends on when somebody approves, or on how often a timer had fired by then.
    ///
    /// ```
    /// use durasim::check;
    /// let check = check::same_result().depends_on_time_of("approve");
    /// ```
    ///
    /// A run that is accepted counts as a run that *ends otherwise*. The check still judges runs in which they come in the
    /// usual order. Several calls name several signals.
    pub fn depends_on_time_of(mut self, signal: impl Into<String>) -> SameResult {
        self.time_of.push(signal.into());
        self
    }

    /// Says whether a run that ended otherwise is accepted.
    fn accepts(&self, run: &Run, reference: &Reference) -> bool {
        if self.outcomes.as_ref().is_some_and(|outcomes| outcomes.allow(run)) {
            return true;
        }
        let outcome = run.outcome();
        if reference.is_of_both_versions(run, &outcome) {
            return true;
        }
        match (result(reference.outcome()), result(&outcome), &outcome) {
            (Some(expected), Some(found), _) => {
                // It is about results: a failure is another matter.
                let has_another_time = |signal: &String| reference.has_another_time(run, signal);
                let is_partial = |accepts: &Accepts| matches!(accepts(&expected, &found), Ok(true)) && lost_time(run);
                self.time_of.iter().any(has_another_time) || self.partial.as_ref().is_some_and(is_partial)
            }
            (_, _, Outcome::Closed(WorkflowOutcome::Failed { failure, .. })) => {
                self.partial_failure.as_ref().is_some_and(|accepts| accepts(failure) && lost_time(run))
            }
            _ => false,
        }
    }

    /// The reason why a run is not accepted, and the word that would accept it.
    fn refusal(&self, run: &Run, reference: &Reference) -> String {
        // The order says more than the end.
        let Some(OrderWords { words, signals }) = OrderWords::of(run, reference.trace()) else {
            return self.refusal_of_end(run, reference);
        };
        let have_results = result(reference.outcome()).is_some() && result(&run.outcome()).is_some();
        let word = match signals.first() {
            Some(signal) if have_results => self.word("", &format!(".depends_on_time_of({signal:?})")),
            _ => self.word("", ".outcomes(..)"),
        };
        format!(": the result depends on {words}; if it may, say {word}")
    }

    /// The same, for the end alone.
    fn refusal_of_end(&self, run: &Run, reference: &Reference) -> String {
        let (outcome, lost_time) = (run.outcome(), lost_time(run));
        if let (Some(expected), Some(found)) = (result(reference.outcome()), result(&outcome)) {
            return match &self.partial {
                Some(_) if !lost_time => "; no fault cost it time, so that a partial result is no excuse".to_owned(),
                Some(accepts) => match accepts(&expected, &found) {
                    Ok(_) => ", and `.partial(..)` does not accept its result".to_owned(),
                    Err(Undecoded::Found(why) | Undecoded::Reference(why)) => {
                        format!(", and its result is not of the type that `.partial(..)` takes: {why}")
                    }
                },
                None if is_cancelled(run) => self.outcomes_word(),
                None => {
                    let normalize = self.word("; if a part of the result may differ, say ", ".normalize(..)");
                    let less = ", and if it may be less where faults take its time, `.partial(..)`";
                    normalize + if lost_time { less } else { "" }
                }
            };
        }
        let Outcome::Closed(WorkflowOutcome::Failed { failure, .. }) = &outcome else { return self.outcomes_word() };
        match &self.partial_failure {
            Some(accepts) if !accepts(failure) => ", and `.partial_failure(..)` does not accept its failure".to_owned(),
            Some(_) => "; no fault cost it time, so that running out of it is no excuse".to_owned(),
            None if lost_time => {
                self.word("; if it may fail so where faults take its time, say ", ".partial_failure(..)")
            }
            None => self.outcomes_word(),
        }
    }

    /// The word for ends that are neither results nor failures for lack of time.
    fn outcomes_word(&self) -> String {
        self.word("; if it may end so, say ", ".outcomes(..)")
    }

    /// Words that end in a call of this check.
    fn word(&self, words: &str, call: &str) -> String {
        if self.is_standard {
            format!("{words}`.check(check::same_result(){call})`")
        } else {
            format!("{words}`{call}`")
        }
    }
}

/// Says whether a fault took time from the run before its end.
fn lost_time(run: &Run) -> bool {
    last_close(run).is_none_or(|closed| cost_time(run, closed))
}

/// Says whether a fault asked a workflow to cancel.
fn is_cancelled(run: &Run) -> bool {
    run.trace().faults().values().any(|(_, fault)| *fault == Fault::Cancel)
}

/// The moment at which the last workflow closed.
fn last_close(run: &Run) -> Option<Moment> {
    run.executions().workflows().values().filter_map(|workflow| Some(workflow.closed?.0)).max()
}

/// The result of a workflow that completed, or of a script.
fn result(outcome: &Outcome) -> Option<Vec<u8>> {
    match outcome {
        Outcome::Closed(WorkflowOutcome::Completed(result)) | Outcome::Script(result) => {
            Some(result.as_bytes().to_vec())
        }
        _ => None,
    }
}

impl Check for SameResult {
    fn name(&self) -> &str {
        "same_result"
    }

    fn replaces(&self) -> Option<&str> {
        Some("same_result")
    }

    fn is_general(&self) -> bool {
        true
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let accepts = self.partial.as_ref()?;
        if let Some(result) = result(&reference.outcome())
            && let Err(Undecoded::Reference(why) | Undecoded::Found(why)) = accepts(&result, &result)
        {
            panic!(
                "its result {} is not of the type that `.partial(..)` takes: {why}",
                String::from_utf8_lossy(&result)
            );
        }
        None
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let is_judged = reference.class_of(run) == Class::Different && reference.other_order(run).is_none();
        if !is_judged || self.accepts(run, reference) {
            return Ok(());
        }
        let why = self.refusal(run, reference);
        let words = |outcome: &Outcome| match outcome {
            Outcome::Open => "still open".to_owned(),
            Outcome::Closed(outcome) => outcome.words(),
            Outcome::Script(result) => format!("the script returned {result}"),
        };
        let (expected, found) = (words(reference.outcome()), words(&run.outcome()));
        // The texts of two failures also have parts that do not count, and lack some parts that do.
        let differs = match (reference.outcome(), &run.outcome()) {
            (
                Outcome::Closed(expected @ WorkflowOutcome::Failed { .. }),
                Outcome::Closed(found @ WorkflowOutcome::Failed { .. }),
            ) => difference(expected, found).map(|part| format!(" ({part} differs)")),
            _ => None,
        };
        let found = found + &differs.unwrap_or_default();
        let who = if matches!(reference.outcome(), Outcome::Script(_)) { "script" } else { "workflow" };
        let away = if self.is_standard { "; or say `.without(\"same_result\")`" } else { "" };
        Err(Violation::new("different result", format!("the {who} did not end as it does without faults{why}{away}"))
            .expected(expected, found)
            .proved_by(Vec::from_iter(last_close(run).map(|closed| closed.event))))
    }

    fn declares(&self, run: &Run, reference: &Reference) -> bool {
        reference.class_of(run) != Class::Survive && self.accepts(run, reference)
    }

    fn shows_little(&self, reference: &Run) -> Option<String> {
        let is_empty = result(&reference.outcome()).is_some_and(|result| result == b"null");
        is_empty.then(|| {
            "same_result has no value to compare: the result is `()`. Add `check::effects(..)` or a check of your own"
                .to_owned()
        })
    }

    fn has_something(&self, run: &Run, reference: &Reference) -> bool {
        match reference.class_of(run) {
            Class::Survive => true,
            Class::Different => reference.other_order(run).is_none(),
            Class::OverBudget(_) | Class::Cancelled => false,
        }
    }

    fn normalizer(&self) -> Option<Normalizer> {
        self.normalizer.clone()
    }
}

impl fmt::Debug for SameResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameResult")
            .field("normalizes", &self.normalizer.is_some())
            .field("partial", &self.partial.is_some())
            .field("partial_failure", &self.partial_failure.is_some())
            .field("outcomes", &self.outcomes.is_some())
            .field("depends_on_time_of", &self.time_of)
            .finish()
    }
}
