//! An exploration notes in its report where something restricts it.

use super::depth::TimeLimit;
use super::report::{PartKind, Report};
use crate::fault::survey::Survey;

/// Tells if none of the runs that a variable left to make could show anything.
pub(super) fn tell_nothing_seen(report: &mut Report, variable: &str) {
    let parts = || report.parts.iter().filter(|part| !matches!(part.kind, PartKind::Reference | PartKind::Regressions));
    if report.is_stopped() || parts().any(|part| part.tally.struck > 0) {
        return;
    }
    let none = parts().all(|part| part.tally.runs == 0);
    let what = if none { "leaves nothing to run in" } else { "leaves no run with a fault in" };
    let note = format!("{variable} {what} {}", report.name);
    report.tell(note);
}

/// Tells that the time was over before all runs were made, if it was.
pub(super) fn tell_of_time(report: &mut Report, limit: Option<&TimeLimit>) {
    let Some(TimeLimit { text, .. }) = limit.filter(|_| report.out_of_time) else { return };
    let struck: u64 = report.parts.iter().map(|part| part.tally.struck).sum();
    let name = &report.name;
    let note = format!("DURASIM_TIME={text} ended {name} before all its runs were made; {struck} runs met a fault");
    report.tell(note);
}

/// Notes that seeds leave out all that ends an attempt, if they do. For seeds that keep to the retry policy.
pub(super) fn note_never_ended(report: &mut Report, survey: &Survey) {
    let Some((never, all)) = survey.never_ended() else { return };
    let names: Vec<String> = never.iter().map(|activity| format!("`{activity}`")).collect();
    let of = if all { String::new() } else { format!(" of {}", names.join(", ")) };
    let note = format!("seeds: no attempt{of} may end: use `.over_budget(..)`");
    // Once, however many ranges of seeds there are.
    if !report.notes.contains(&note) {
        report.notes.push(note);
    }
}
