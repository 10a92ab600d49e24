//! Code of the Temporal SDK as it is, under faults.

mod activities;
mod bad_input;
mod bugs;
mod carried;
mod chains;
mod children;
mod client;
mod deploys;
mod errors;
mod examples;
mod external;
mod heartbeats;
mod histories;
mod lines;
mod local_activities;
mod messages;
mod orders;
mod patches;
mod schedules;
mod worker_state;
mod workers;
mod workflows;

use std::time::Duration;

use durasim::{ActivityOptions, Exploration, RetryPolicy};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Options of native workflows that run an activity of the SDK.
fn options() -> ActivityOptions {
    ActivityOptions { start_to_close_timeout: seconds(60), heartbeat_timeout: seconds(5), ..Default::default() }
}

fn attempts(maximum_attempts: i32) -> Option<RetryPolicy> {
    Some(RetryPolicy { maximum_attempts, ..Default::default() })
}

/// A text without the lines and boxes that a terminal has.
fn unfolded(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character == '│');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Asserts that a check fails in this way, and gives the message, unfolded.
#[track_caller]
fn found(exploration: Exploration, words: &str) -> String {
    let report = exploration.report();
    let texts: Vec<String> = report.failures().iter().map(|failed| unfolded(&failed.text)).collect();
    let found = texts.iter().find(|text| text.contains(words));
    found.unwrap_or_else(|| panic!("no failure says {words:?}:\n{report}\n{}", texts.join("\n"))).clone()
}

/// Asserts that the first failure is of this check, and that its smallest plan is this one.
#[track_caller]
fn is_found(exploration: Exploration, check: &str, plan: &str) {
    let report = exploration.report();
    assert!(report.error().is_none() && !report.holds(), "it was not found:\n{report}");
    let failed = &report.failures()[0];
    let entries: Vec<String> = failed.plan.entries.iter().map(ToString::to_string).collect();
    assert_eq!((failed.check.as_str(), entries.join("; ").as_str()), (check, plan), "\n{}", failed.text);
    assert!(failed.is_smallest, "{}", failed.text);
}

/// Asserts that nothing is said of an exploration.
#[track_caller]
fn silent(exploration: Exploration) {
    let report = exploration.report();
    let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.error().is_none() && report.holds(), "{report}\n{}", texts.join("\n"));
}

#[track_caller]
fn contains(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "{wanted:?} is missing in\n{text}");
}
