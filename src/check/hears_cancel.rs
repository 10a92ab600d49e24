//! [`hears_cancel`]: no attempt works on for nobody.

use std::time::Duration;

use super::Check;
use super::earliest::Earliest;
use super::lost::is_slow;
use super::reference::Reference;
use super::violation::Violation;
use crate::fault::Fault;
use crate::trace::attempts::{AttemptExecution, Executions, Moment};
use crate::world::Run;

/// An attempt whose activity was asked to cancel, or whose workflow has closed, learns of it within this time: by the
/// answer to a heartbeat, or because it ends by then. An attempt that records no heartbeat never learns of it, and works on
/// for nobody.
///
/// The bound is a time between two heartbeats that are sent: the worker holds heartbeats back for 0.8 of the heartbeat timeout.
/// Zero asks for the same moment. Attempts are not judged that a fault has held up or cut off, or whose worker stood still, and
/// whether they end then is for [`stops_in_time`](super::stops_in_time).
///
/// ```
/// use std::time::Duration;
/// use durasim::check;
/// let check = check::hears_cancel(Duration::from_secs(30)).of("process_large_file");
/// ```
pub fn hears_cancel(within: Duration) -> HearsCancel {
    HearsCancel { within, activity: None }
}

/// The check that [`hears_cancel`] makes.
#[derive(Clone, Debug)]
pub struct HearsCancel {
    within: Duration,
    activity: Option<String>,
}

impl HearsCancel {
    /// Judges this activity only.
    pub fn of(self, activity: impl Into<String>) -> HearsCancel {
        HearsCancel { activity: Some(activity.into()), ..self }
    }

    /// The attempts that are judged, each with the moment from which it works for nobody.
    fn judged<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = (&'a AttemptExecution, Moment, &'static str)> {
        let executions = run.executions();
        executions.attempts().values().filter_map(move |attempt| {
            let is_of_another = |wanted: &String| wanted != run.trace().activity_type(attempt.activity);
            if self.activity.as_ref().is_some_and(is_of_another) || is_held_up(run, attempt) {
                return None;
            }
            let (from, why) = needless(executions, attempt)?;
            let runs_then = attempt.started < from && attempt.ended.is_none_or(|ended| ended > from);
            runs_then.then_some((attempt, from, why))
        })
    }
}

/// The moment from which nobody waits for an attempt, and the reason.
fn needless(executions: &Executions, attempt: &AttemptExecution) -> Option<(Moment, &'static str)> {
    let activity = &executions.activities()[attempt.activity];
    let asked = activity.cancel_requested.map(|asked| (asked, "its activity was asked to cancel"));
    let closed = executions.workflows()[activity.workflow].closed;
    let closed = closed.map(|(closed, _)| (closed, "its workflow has closed"));
    asked.into_iter().chain(closed).min_by_key(|(moment, _)| *moment)
}

/// Says whether something but its own code may have kept it from learning.
fn is_held_up(run: &Run, attempt: &AttemptExecution) -> bool {
    let takes_something = |key| run.trace().faults()[key].1 != Fault::Cancel;
    is_slow(run, attempt)
        || attempt.faults.iter().any(|fault| takes_something(fault.key))
        || !run.executions().freezes_of(attempt).is_empty()
}

impl Check for HearsCancel {
    fn name(&self) -> &str {
        "hears_cancel"
    }

    fn activity(&self) -> Option<&str> {
        self.activity.as_deref()
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        reference.trace().attempts().is_empty().then(|| "without faults, no activity runs".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        self.judged(run).next().is_some()
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let Some(end_of_run) = run.executions().end() else { return Ok(()) };
        let mut earliest = Earliest::default();
        for (attempt, from, why) in self.judged(run) {
            let told = attempt.cancelled.map(|(moment, _)| moment);
            // An attempt that was told for another reason needs to hear no more.
            let learns = told.into_iter().chain(attempt.ended).min();
            let limit = from.at + self.within;
            if learns.is_some_and(|learns| learns.at <= limit) || end_of_run.at <= limit {
                continue;
            }
            let who = run.trace().attempt_in_a_sentence(attempt.key);
            let silent = if attempt.heartbeats.is_empty() { ": it records no heartbeat" } else { "" };
            let message = format!("{who} works on for nobody: {why}, and it does not hear of that in time{silent}");
            let found = learns.map_or("it never hears of it".to_owned(), |learns| format!("at {}", learns.at));
            let violation = Violation::new("works for nobody", message)
                .expected(format!("it hears of it by {limit}, {:?} later", self.within), found)
                .proved_by(Vec::from_iter([from.event].into_iter().chain(learns.map(|learns| learns.event))));
            earliest.take(from, violation);
        }
        earliest.into_result()
    }
}
