//! [`reported`]: the service takes what an attempt says of its end.

use super::Check;
use super::earliest::Earliest;
use super::reference::Reference;
use super::violation::Violation;
use crate::trace::Trace;
use crate::trace::attempts::{AttemptEnd, AttemptExecution, Executions, Moment, ReportEnd};
use crate::world::Run;

/// No report of an attempt is refused that the service still counts as running. It would go on waiting for that attempt,
/// until a timeout ends it: an attempt that says "cancelled" although nobody asked it to cancel, for one.
///
/// A report is stale where the service has given the attempt up, or its activity or workflow has closed: those are not
/// judged. It is one of the [standard checks](super#standard-checks).
///
/// ```
/// use durasim::check;
/// let check = check::reported();
/// ```
pub fn reported() -> Reported {
    Reported { _private: () }
}

/// The check that [`reported`] makes.
#[derive(Clone, Debug)]
pub struct Reported {
    _private: (),
}

impl Check for Reported {
    fn name(&self) -> &str {
        "reported"
    }

    fn replaces(&self) -> Option<&str> {
        Some("reported")
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        reference.trace().attempts().is_empty().then(|| "without faults, no activity runs".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        run.executions().attempts().values().any(|attempt| attempt.report != ReportEnd::None)
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let (trace, executions) = (run.trace(), run.executions());
        let mut earliest = Earliest::default();
        for attempt in executions.attempts().values() {
            if let Some(refused) = attempt.report_refused
                && is_current(executions, attempt, refused)
            {
                earliest.take(refused, violation(trace, attempt, refused));
            }
        }
        earliest.into_result()
    }
}

/// Says whether the service counts an attempt as running at this moment.
fn is_current(executions: &Executions, attempt: &AttemptExecution, at: Moment) -> bool {
    let activity = &executions.activities()[attempt.activity];
    let workflow = &executions.workflows()[activity.workflow];
    let given_up = attempt.timed_out.map(|(moment, _)| moment).into_iter().chain(attempt.retried);
    let closed = activity.closed.map(|(moment, _)| moment).into_iter();
    let mut ends = given_up.chain(closed).chain(workflow.closed.map(|(moment, _)| moment));
    ends.all(|end| end > at)
}

fn violation(trace: &Trace, attempt: &AttemptExecution, refused: Moment) -> Violation {
    let who = trace.attempt_in_a_sentence(attempt.key);
    let why = match attempt.end {
        AttemptEnd::Cancelled => "it ends as cancelled, and nobody asked it to cancel",
        _ => "the service refuses the report of its end",
    };
    let message = format!("{who} has ended, and the service goes on waiting for it: {why}");
    let ended = attempt.ended.map(|ended| ended.event);
    Violation::new("refused", message)
        .expected("a report that the service takes", "refused by the service")
        .proved_by(Vec::from_iter(ended.into_iter().chain([refused.event])))
}
