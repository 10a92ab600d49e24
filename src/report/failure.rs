//! The message of a failed check: what was expected, what was found, the plan, the telling part of the timeline, and the
//! line that reproduces it.

use std::fmt::Write;

use super::Timeline;
use crate::check::Violation;
use crate::fault::Plan;
use crate::run::Run;
use crate::trace::What;

/// Lines kept around each telling event.
const AROUND: usize = 4;

/// The whole message.
pub(crate) fn text(exploration: &str, check: &str, violation: &Violation, plan: &Plan, run: &Run) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{exploration}: `{check}` does not hold: {}", violation.message);
    if let (Some(expected), Some(found)) = (&violation.expected, &violation.found) {
        let _ = writeln!(text, "  expected: {expected}");
        let _ = writeln!(text, "     found: {found}");
    }
    if plan.is_empty() {
        let _ = writeln!(text, "\nwithout any fault");
    } else {
        let _ = writeln!(text, "\nwhen");
        for line in plan.words().to_string().lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    let trace = run.trace();
    let mut telling = violation.events.clone();
    telling.extend(trace.events().iter().rposition(|event| event.what.closes_workflow()));
    telling
        .extend(trace.events().iter().enumerate().filter(|(_, event)| is_telling(event.what)).map(|(place, _)| place));
    telling.sort_unstable();
    telling.dedup();
    let _ = writeln!(text, "\ntimeline");
    for line in Timeline::new(trace).around(telling, AROUND).to_string().lines() {
        let _ = writeln!(text, "{}", format!("  {line}").trim_end());
    }
    let _ = writeln!(text, "\nreproduce with\n  DURASIM_PLAN='{plan}' cargo test {exploration}");
    text
}

/// Whether an event is part of what went on between fault and end.
fn is_telling(what: What) -> bool {
    matches!(what, What::Fault(_) | What::AttemptStarted(Some(_)) | What::TimedOut(_))
}
