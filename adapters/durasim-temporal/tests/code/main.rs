//! Code of the Temporal SDK as it is, under faults.

mod activities;
mod bad_input;
mod bugs;
mod client;
mod errors;
mod heartbeats;
mod lines;
mod messages;
mod patches;
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

#[track_caller]
fn contains(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "{wanted:?} is missing in\n{text}");
}
