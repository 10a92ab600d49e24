//! Bugs of published code, planted anew: each is found without any fault, by trying every fault, or by pairs of them, shrunk,
//! and explained; and nothing is said of the code that has it corrected, whatever is tried.

mod found;
mod golden;
mod how_soon;
#[path = "../golden/kept.rs"]
mod kept;
mod orders;
mod other_ways;
mod planted;
#[path = "../golden/run_text.rs"]
mod run_text;
mod shrunk_from_seeds;
#[path = "../snapshot/mod.rs"]
mod snapshot;

use durasim::Exploration;
use durasim::explore::Failed;

use self::snapshot::assert_kept;

/// Explores code with a bug: the first failure of `every fault`, or of the run without faults, is of this check, and its
/// smallest plan is this one.
#[track_caller]
fn found(exploration: Exploration, check: &str, plan: &str) -> Failed {
    is_found_by(exploration.every_fault(), check, plan)
}

/// The same for a bug that no single fault shows.
#[track_caller]
fn found_by_pairs(exploration: Exploration, check: &str, plan: &str) -> Failed {
    let singles = exploration.clone().every_fault().report();
    let texts: Vec<&str> = singles.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(singles.holds(), "one fault is enough: {}\n{singles}", texts.join("\n"));
    is_found_by(exploration.every_pair(), check, plan)
}

#[track_caller]
fn is_found_by(exploration: Exploration, check: &str, plan: &str) -> Failed {
    let report = exploration.report();
    assert!(report.error().is_none(), "{report}");
    assert!(!report.holds(), "the bug was not found:\n{report}");
    for failed in report.failures() {
        is_smallest(&exploration, failed);
    }
    let failed = &report.failures()[0];
    let entries: Vec<String> = failed.plan.entries.iter().map(ToString::to_string).collect();
    let found = (failed.check.as_str(), entries.join("; "));
    assert_eq!(found, (check, plan.to_owned()), "\n{}", failed.text);
    failed.clone()
}

/// No plan that is one step simpler fails the same way. One whose points are not there does not run.
#[track_caller]
fn is_smallest(exploration: &Exploration, failed: &Failed) {
    assert!(failed.is_smallest, "{}", failed.text);
    let what = |failed: &Failed| (failed.check.clone(), failed.violation.kind.clone());
    let again = exploration.replay(&failed.plan);
    assert!(again.failures().iter().any(|again| what(again) == what(failed)), "{again}\n{}", failed.text);
    for simpler in failed.plan.simplifications() {
        let report = exploration.replay(&simpler);
        for other in report.failures() {
            assert_ne!(what(other), what(failed), "`{simpler}` is simpler than `{}`\n{report}", failed.plan);
        }
    }
}

/// Pairs that corrected code is tried with.
const PAIRS: u64 = 2_000;

/// Explores the corrected code: nothing to say, and enough was tried to mean something.
#[track_caller]
fn silent(exploration: Exploration) {
    let report = exploration.every_fault().every_pair().budget(PAIRS).seeds(0..2_000).report();
    assert!(report.error().is_none(), "{report}");
    let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", texts.join("\n"));
    let survive: u64 = report.parts().iter().map(|part| part.tally.survive).sum();
    assert!(survive > 1_000, "runs that survive: {survive}\n{report}");
}

/// The box and its command take at most 14 rows of 80 columns, and no line but the command wraps.
#[track_caller]
fn fits_on_a_screen(text: &str) {
    let columns = |line: &str| line.chars().count();
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let first = lines.iter().position(|line| line.starts_with("╭─ ")).expect("a box");
    let rows: usize = lines[first..].iter().map(|line| columns(line).div_ceil(80)).sum();
    let wraps = lines.iter().any(|line| columns(line) > 80 && !line.starts_with("DURASIM_PLAN='"));
    assert!(rows <= 14 && !wraps, "{rows} rows\n{text}");
}

/// The message as people read it, for review, and when it came.
fn keep_message(name: &str, failed: &Failed) {
    fits_on_a_screen(&failed.text);
    assert_kept(name, &format!("{}\n\nfound by run {}", failed.text.trim_end(), failed.found_by_run));
}
