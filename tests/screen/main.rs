//! A failure fits on one screen. Six situations are run in a pseudo-terminal, by this very binary as `cargo test` would;
//! what the terminal then shows above the last lines of the test harness has the check, the cause, the fault and the whole
//! command.
#![cfg(unix)]

mod situations;
mod terminal;

use terminal::Screen;

/// A situation: its test, the check that fails, and words of the cause and of the fault.
struct Shown {
    test: &'static str,
    check: &'static str,
    cause: &'static [&'static str],
    fault: &'static str,
}

#[track_caller]
fn is_shown(shown: &Shown) {
    for (rows, columns) in [(24, 80), (40, 120)] {
        for backtrace in ["0", "1"] {
            let screen = Screen::of(&format!("situations::{}", shown.test), rows, columns, backtrace);
            let Shown { test, check, cause, fault } = shown;
            screen.says(&format!("│ `{check}` does not hold: "));
            cause.iter().for_each(|words| screen.says(words));
            screen.says(&format!("│ fault {fault}"));
            screen.has_line("DURASIM_PLAN='v1 ", &format!(" --test screen -- --ignored --exact situations::{test}"));
            assert!(screen.failure_rows() <= 14, "{} rows:\n{screen}", screen.failure_rows());
            // Nothing stands below it but the harness's.
            screen.says(&format!("failures: situations::{test} test result: FAILED."));
        }
    }
}

#[test]
fn compensation_in_the_cancelled_scope() {
    is_shown(&Shown {
        test: "compensation_in_the_cancelled_scope",
        check: "nothing_stays_reserved",
        cause: &["1 item stays reserved", "order#1 cancelled"],
        fault: "the workflow is asked to cancel",
    });
}

#[test]
fn heartbeat_before_the_insert() {
    is_shown(&Shown {
        test: "heartbeat_before_the_insert",
        check: "effects",
        cause: &["the effect 0 of `Table` was lost", "found never", "also 1 more check fails: same_result"],
        fault: "attempt 1 of import fails, retryably, when it waits for the 1st time",
    });
}

#[test]
fn key_drawn_in_the_activity() {
    is_shown(&Shown {
        test: "key_drawn_in_the_activity",
        check: "charged_once",
        cause: &["the card is charged 2 times"],
        fault: "the 1st effect of attempt 1 of charge is done but answers an error",
    });
}

#[test]
fn heartbeats_that_come_too_late() {
    is_shown(&Shown {
        test: "heartbeats_that_come_too_late",
        check: "finishes",
        cause: &["runs into its heartbeat timeout", "Heartbeat more often, also while the code waits"],
        fault: "none: it fails without any fault",
    });
}

#[test]
fn workflow_that_branches_on_a_global() {
    is_shown(&Shown {
        test: "workflow_that_branches_on_a_global",
        check: "replays",
        cause: &["with another input", "expected", "found"],
        fault: "none: it fails without any fault",
    });
}

#[test]
fn zombie_that_aborts_its_successors_work() {
    is_shown(&Shown {
        test: "zombie_that_aborts_its_successors_work",
        check: "same_result",
        cause: &["completed with 3", "upload 2 is not open"],
        fault: "each wait of attempt 1 of upload takes ",
    });
}
