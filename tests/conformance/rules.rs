//! Single decisions, row by row.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::row::{Found, Row};
use crate::vocabulary::Gap;
use crate::{cadence, options, retry, timeout, trace, worker};

/// The verdicts on the rows of a file.
pub struct Rules {
    pub judged: usize,
    /// The lines of each row in which the crate disagrees.
    pub failed: Vec<Vec<String>>,
    /// The rows that were not put to the crate, each with what this translator lacks.
    pub gaps: Vec<String>,
}

/// The verdict on a row.
enum Judged {
    /// One line for each field in which the crate disagrees.
    Lines(Vec<String>),
    Gap(String),
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

fn judge_row(row: &Row) -> Judged {
    let lacks = |what: &str| Judged::Gap(format!("{}: {what}", row.id));
    let lines = match catch_unwind(AssertUnwindSafe(|| answer(row))) {
        Ok(Some(found)) => match row.unanswered(&found) {
            Some(field) if row.disagreements(&found).len() == 1 => return lacks(&format!("the field `{field}`")),
            _ => row.disagreements(&found),
        },
        Ok(None) => return lacks(&format!("the kind `{}`", row.kind)),
        Err(panic) => {
            if let Some(gap) = panic.downcast_ref::<Gap>() {
                return lacks(&gap.0);
            }
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            vec![format!("{}: all: expected an answer, found a panic: {message}", row.id)]
        }
    };
    Judged::Lines(lines)
}

/// Puts each row to the crate.
pub fn judge(rows: &[Row]) -> Rules {
    let judged: Vec<&Row> = rows.iter().filter(|row| !is_elsewhere(row)).collect();
    let mut rules = Rules { judged: judged.len(), failed: Vec::new(), gaps: Vec::new() };
    for row in judged {
        match judge_row(row) {
            Judged::Lines(lines) if lines.is_empty() => {}
            Judged::Lines(lines) => rules.failed.push(lines),
            Judged::Gap(gap) => rules.gaps.push(gap),
        }
    }
    rules
}

#[test]
fn a_row_that_nobody_here_understands_is_a_gap_with_a_name() {
    let row = |kind: &str, input: &str, expected: &str| {
        let json = format!(
            r#"{{"rows": [{{"id": "r/1", "kind": "{kind}", "profile": "", "input": {input}, "expected": {expected}}}]}}"#
        );
        let rules = judge(&crate::row::load(&json));
        (rules.gaps, rules.failed.len())
    };
    let gap = |what: &str| (vec![format!("r/1: {what}")], 0);
    assert_eq!(row("magic", "{}", "{}"), gap("the kind `magic`"));
    let retryable = r#"{"failure": {"kind": "odd"}}"#;
    assert_eq!(row("is_retryable_failure", retryable, r#"{"retryable": true}"#), gap("the kind of failure `odd`"));
    assert_eq!(row("trace", r#"{"config": {}, "trace": ["Poll", "Dance"]}"#, "{}"), gap("the step `Dance`"));
    let trace = r#"{"config": {}, "trace": ["Poll"]}"#;
    assert_eq!(row("trace", trace, r#"{"run_state": "STARTED", "mood": "good"}"#), gap("the field `mood`"));
    assert_eq!(row("trace", trace, r#"{"run_state": "PAUSED", "mood": "good"}"#).1, 1);
}
