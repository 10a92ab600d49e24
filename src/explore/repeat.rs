//! Whether a run is the same when it runs again: in another order, and on another thread.

use super::elsewhere::elsewhere;
use crate::check::Violation;
use crate::fault::Plan;
use crate::report::Timeline;
use crate::run::Outcome;
use crate::run::start::Start;
use crate::trace::Trace;

/// The name under which a run that is not reproduced is reported.
pub(super) const DETERMINISTIC: &str = "deterministic";

/// Passing runs that are repeated. Failing ones all are, and once more on another thread before they are explained.
pub(super) const REPEATED: u64 = 16;

/// Runs the plan of a run again and compares all events, the bytes they refer to, and what came out.
///
/// The repeat is made on a thread of its own, and after a run without faults: what the run found in a thread-local or a
/// global, left there by the run that happened to be before it, the repeat does not find.
pub(super) fn repeats(start: &Start, plan: &Plan, trace: &Trace, outcome: &Outcome) -> Result<(), Violation> {
    compare(trace, outcome, || {
        if *plan != Plan::none() {
            drop(start.run(&Plan::none()));
        }
        let again = start.run(plan).run;
        (again.trace().clone(), again.outcome())
    })
}

/// As [`repeats`], at once and on this thread.
pub(super) fn repeats_here(start: &Start, plan: &Plan, trace: &Trace, outcome: &Outcome) -> Result<(), Violation> {
    let again = start.run(plan).run;
    is_same(trace, outcome, again.trace(), &again.outcome())
}

fn compare(trace: &Trace, outcome: &Outcome, again: impl FnOnce() -> (Trace, Outcome) + Send) -> Result<(), Violation> {
    // Without a thread there is nothing to compare.
    let Some((again, outcome_again)) = elsewhere(again) else { return Ok(()) };
    is_same(trace, outcome, &again, &outcome_again)
}

fn is_same(trace: &Trace, outcome: &Outcome, again: &Trace, outcome_again: &Outcome) -> Result<(), Violation> {
    differs(trace, again).map_or(Ok(()), Err)?;
    if outcome != outcome_again {
        let words = |outcome: &Outcome| match outcome {
            Outcome::Script(result) => format!("the script returned {result}"),
            other => format!("{other:?}"),
        };
        return Err(violation().expected(words(outcome), words(outcome_again)));
    }
    Ok(())
}

fn differs(once: &Trace, again: &Trace) -> Option<Violation> {
    let (first, second) = (once.events(), again.events());
    let place = first.iter().zip(second).position(|(one, other)| one != other);
    let place = place.or_else(|| (first.len() != second.len()).then(|| first.len().min(second.len())));
    match place {
        Some(place) => {
            Some(violation().expected(told(once, place), told(again, place)).proved_by(if place < first.len() {
                vec![place]
            } else {
                Vec::new()
            }))
        }
        None if once.hash() != again.hash() => {
            let (expected, found) = differing_lines(once, again);
            Some(violation().expected(expected, found))
        }
        None => None,
    }
}

/// Of traces whose events refer to other bytes, names or failures: the first lines of the timelines that differ.
fn differing_lines(once: &Trace, again: &Trace) -> (String, String) {
    let text = |trace| Timeline::new(trace).every_event().details_width(usize::MAX).to_string();
    let (first, second) = (text(once), text(again));
    let differing = first.lines().zip(second.lines()).find(|(one, other)| one != other);
    let (one, other) = differing.unwrap_or(("the same bytes, names and failures in the trace", "others"));
    (one.trim().to_owned(), other.trim().to_owned())
}

fn violation() -> Violation {
    let message = "the same run went another way when it ran again: the code depends on something that \
                   is not simulated, such as the order of a `HashMap`, the real clock, a global or an unbiased `select!`";
    Violation::new("not deterministic", message)
}

/// An event as the timeline tells it.
fn told(trace: &Trace, place: usize) -> String {
    let Some(event) = trace.events().get(place) else { return "the end of the run".to_owned() };
    let line = Timeline::new(trace).every_event().between(event.at, event.at).to_string();
    let before = trace.events()[..place].iter().filter(|other| other.at == event.at).count();
    line.lines().filter(|line| !line.trim_start().starts_with("...")).nth(before).unwrap_or("nothing").trim().to_owned()
}
