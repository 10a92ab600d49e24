//! Single decisions, row by row.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::row::{Found, Row};
use crate::{cadence, options, retry, timeout, trace, worker};

/// The verdicts on the rows of a file.
pub struct Rules {
    pub judged: usize,
    /// The lines of each row in which the crate disagrees.
    pub failed: Vec<Vec<String>>,
}

/// Rows about activities without a workflow.
fn is_elsewhere(row: &Row) -> bool {
    row.kind.starts_with("standalone_") || row.profile == "temporal-standalone"
}

/// The crate's answer to a row; `None` for a kind of row that nobody here understands.
pub fn answer(row: &Row) -> Option<Found> {
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

/// Puts each row to the crate.
pub fn judge(rows: &[Row]) -> Rules {
    let judged: Vec<&Row> = rows.iter().filter(|row| !is_elsewhere(row)).collect();
    let lines = judged.iter().map(|row| disagreements(row));
    Rules { judged: judged.len(), failed: lines.filter(|lines: &Vec<String>| !lines.is_empty()).collect() }
}
