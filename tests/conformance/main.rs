//! The service and the worker decide as Temporal's and Cadence's do: single decisions, row by row.
//!
//! `data/rules.json` holds decisions as input and expected answer, most of them transcribed from upstream tests, which
//! each row names. Here every row is put to the crate's own functions, or played on the simulated service by itself. No
//! rule is written down in this test: it translates, asks, and compares.

mod bench;
mod cadence;
mod options;
mod pace;
mod raw;
mod recording;
mod recordings;
mod retry;
mod row;
mod script;
mod sdk;
mod timeout;
mod trace;
mod vocabulary;
mod worker;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use row::{Found, Row};

/// Rows in the file, and those that are not about a workflow's activities: activities without a workflow.
const ROWS: usize = 183;
const ELSEWHERE: usize = 4;

fn is_elsewhere(row: &Row) -> bool {
    row.kind.starts_with("standalone_") || row.profile == "temporal-standalone"
}

/// What the crate answers to a row; `None` for a kind of row that nobody here understands.
fn answer(row: &Row) -> Option<Found> {
    Some(match row.kind.as_str() {
        "policy_defaults" => options::policy_defaults(&row.input),
        "policy_validate" => options::policy_validate(&row.input),
        "timeout_normalize" => options::timeout_normalize(&row.input),
        "next_backoff" => retry::next_backoff(&row.input),
        "exponential" => retry::exponential(&row.input),
        "is_retryable_failure" => retry::is_retryable_failure(&row.input),
        "retry_activity" => retry::retry_activity(&row.input),
        "activity_timers" => timeout::activity_timers(&row.input),
        "timeout_fire" => timeout::timeout_fire(&row.input),
        "cadence_next_backoff" => cadence::next_backoff(&row.input),
        "cadence_timeout_normalize" => cadence::timeout_normalize(&row.input),
        "trace" => trace::trace(&row.input),
        "heartbeat_throttle" => worker::heartbeat_throttle(&row.profile, &row.input),
        "heartbeat_flush" => worker::heartbeat_flush(&row.input),
        "worker_completion" => worker::worker_completion(&row.input),
        "local_activity_backoff" => worker::local_activity_backoff(&row.input),
        "local_activity_policy_defaults" => worker::local_activity_policy_defaults(&row.input),
        _ => return None,
    })
}

/// One line for each field in which the crate disagrees with a row.
fn disagreements(row: &Row) -> Vec<String> {
    match catch_unwind(AssertUnwindSafe(|| answer(row))) {
        Ok(Some(found)) => row.disagreements(&found),
        Ok(None) => vec![format!("{}: kind: expected a known one, found {}", row.id, row.kind)],
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            vec![format!("{}: all: expected an answer, found a panic: {message}", row.id)]
        }
    }
}

#[test]
fn rules() {
    let rows = row::load(include_str!("data/rules.json"));
    assert_eq!(rows.len(), ROWS, "the file has changed: look at what is new, then correct this number");
    let (elsewhere, judged): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(is_elsewhere);
    assert_eq!(elsewhere.len(), ELSEWHERE);
    assert_eq!(judged.len(), ROWS - ELSEWHERE);

    let failed: Vec<Vec<String>> =
        judged.iter().map(disagreements).filter(|lines: &Vec<String>| !lines.is_empty()).collect();
    // Written past the test harness, which swallows what a passing test prints.
    let mut out = std::io::stdout().lock();
    for line in failed.iter().flatten() {
        writeln!(out, "{line}").unwrap();
    }
    writeln!(out, "rules {}/{}", judged.len() - failed.len(), judged.len()).unwrap();
    assert!(failed.is_empty(), "{} of {} rows disagree", failed.len(), judged.len());
}
