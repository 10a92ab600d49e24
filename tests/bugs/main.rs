//! Bugs of published code, planted anew: each is found without any fault, by trying every fault, or by pairs of them, shrunk,
//! and explained; and nothing is said of the code that has it corrected, whatever is tried.

mod background_heartbeat_erases_the_checkpoint;
mod cancel_is_swallowed;
mod checkpoint_before_the_work;
mod checkpoint_is_never_read;
mod earlier_results_are_missing;
mod goes_on_near_the_deadline;
mod golden;
mod heartbeat_timeout_without_heartbeats;
mod heartbeats_only_when_it_divides;
mod how_soon;
mod input_is_deleted_whatever_happens;
#[path = "../golden/kept.rs"]
mod kept;
mod last_step_is_done_again;
mod limit_moves_with_every_retry;
mod money_is_given_back_twice;
mod order_of_a_hash_map;
mod result_is_made_in_the_loop;
#[path = "../golden/run_text.rs"]
mod run_text;
mod shrunk_from_seeds;
#[path = "../snapshot/mod.rs"]
mod snapshot;
mod zombie_writes_last;

use std::time::Duration;

use durasim::explore::Failed;
use durasim::{ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, WorkflowContext, WorkflowError};

use self::snapshot::assert_kept;

/// The corrected twin of each, by name: correct code.
#[allow(dead_code, reason = "`tests/alarms` explores them")]
pub fn twins() -> Vec<(&'static str, Exploration)> {
    vec![
        ("background_heartbeat_erases_the_checkpoint", background_heartbeat_erases_the_checkpoint::twin()),
        ("cancel_is_swallowed", cancel_is_swallowed::twin()),
        ("checkpoint_before_the_work", checkpoint_before_the_work::twin()),
        ("checkpoint_is_never_read", checkpoint_is_never_read::twin()),
        ("earlier_results_are_missing", earlier_results_are_missing::twin()),
        ("goes_on_near_the_deadline", goes_on_near_the_deadline::twin()),
        ("heartbeat_timeout_without_heartbeats", heartbeat_timeout_without_heartbeats::twin()),
        ("heartbeats_only_when_it_divides", heartbeats_only_when_it_divides::twin()),
        ("input_is_deleted_whatever_happens", input_is_deleted_whatever_happens::twin()),
        ("last_step_is_done_again", last_step_is_done_again::twin()),
        ("limit_moves_with_every_retry", limit_moves_with_every_retry::twin()),
        ("money_is_given_back_twice", money_is_given_back_twice::twin()),
        ("order_of_a_hash_map", order_of_a_hash_map::twin()),
        ("result_is_made_in_the_loop", result_is_made_in_the_loop::twin()),
        ("zombie_writes_last", zombie_writes_last::twin()),
    ]
}

/// The place to which the activities under test write.
#[derive(Default)]
struct Target {
    rows: Ledger<u32>,
}

impl Target {
    /// Takes its time, then writes a row.
    async fn write(&self, row: u32, takes: Duration) -> Result<(), durasim::ActivityError> {
        durasim::time::sleep(takes).await;
        Ok(durasim::effect("write", || self.rows.record(row))?)
    }
}

/// One activity, `copy`, under a policy of four attempts and a heartbeat timeout of 30 s.
async fn copying(ctx: &WorkflowContext, rows: u32) -> Result<String, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(1_800),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 4, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("copy", &rows, options).await
}

fn simulation() -> Simulation {
    Simulation::temporal().workflow("copying", copying).state(Target::default)
}

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
