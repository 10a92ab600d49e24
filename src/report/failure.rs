//! The message of a failed check: what was expected, what was found, the plan, the telling part of the timeline, and the
//! line that reproduces it.

use std::fmt::Write;

use super::Timeline;
use super::difference;
use super::ink::Ink;
use crate::check::Violation;
use crate::fault::Plan;
use crate::instant::Time;
use crate::trace::{Event, Trace, What, Who};

/// Lines kept before and after each telling event: enough to see what the code was doing.
const AROUND: usize = 1;

/// Of more comings and goings of attempts than this, the first and the last half are kept.
const COMINGS: usize = 24;

/// The whole message.
pub(crate) fn text(
    exploration: &str,
    check: &str,
    violation: &Violation,
    plan: &Plan,
    trace: &Trace,
    ink: Ink,
) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} {}",
        ink.heading(&format_args!("{exploration}: `{check}` does not hold:")),
        ink.wrong(&violation.message)
    );
    if let (Some(expected), Some(found)) = (&violation.expected, &violation.found) {
        difference::write(&mut text, expected, found, ink);
    }
    if plan.is_empty() {
        let _ = writeln!(text, "\n{}", ink.heading(&"without any fault"));
    } else {
        let _ = writeln!(text, "\n{}", ink.heading(&"when"));
        for line in plan.words().to_string().lines() {
            let _ = writeln!(text, "  {}", ink.fault(&line));
        }
    }
    let _ = writeln!(text, "\n{}", ink.heading(&"timeline"));
    for line in Timeline::new(trace).around(telling(trace, violation), AROUND).to_string().lines() {
        let line = format!("  {line}");
        let line = line.trim_end();
        let _ = match line.trim_start() {
            fault if fault.starts_with(">>>") => writeln!(text, "{}", ink.fault(&line)),
            more if more.starts_with("...") => writeln!(text, "{}", ink.faint(&line)),
            _ => writeln!(text, "{line}"),
        };
    }
    let command = format!("DURASIM_PLAN='{plan}' cargo test {}", test_filter(exploration));
    let _ = writeln!(text, "\n{}\n  {}", ink.heading(&"reproduce with"), ink.command(&command));
    text
}

/// What picks the test, for a shell. A thread without a name of its own is called `main`, which picks none.
fn test_filter(exploration: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "_:-.".contains(character);
    match exploration {
        "main" => String::new(),
        name if name.chars().all(is_plain) => name.to_owned(),
        name => format!("'{}'", name.replace('\'', "'\\''")),
    }
}

/// What went on between the last checkpoint before a fault and the end: the events that prove the violation, and those
/// that led there.
fn telling(trace: &Trace, violation: &Violation) -> Vec<usize> {
    let events = trace.events();
    let mut telling = violation.events.clone();
    telling.extend(events.iter().rposition(|event| event.what.closes_workflow()));
    let mut last_visible = None;
    let mut comings = Vec::new();
    for (place, event) in events.iter().enumerate() {
        match event.what {
            What::HeartbeatVisible(_) => last_visible = Some(place),
            What::Fault(_) => {
                telling.push(place);
                telling.extend(last_visible.take());
            }
            _ if leads_on(trace, event) => comings.push(place),
            _ => {}
        }
    }
    if comings.len() > COMINGS {
        comings.drain(COMINGS / 2..comings.len() - COMINGS / 2);
    }
    telling.extend(comings);
    telling
}

/// How attempts come and go. That there is a first one goes without saying, and so does the first worker.
fn leads_on(trace: &Trace, event: &Event) -> bool {
    match (event.who, event.what) {
        (Who::Attempt(attempt), What::AttemptStarted(_)) => trace.attempts()[attempt as usize].number > 1,
        (_, What::WorkerStarted) => event.at > Time::ZERO,
        (
            _,
            What::Ended { .. }
            | What::Died
            | What::Aborted
            | What::Zombie
            | What::TimedOut(_)
            | What::CancelRequested
            | What::CancelDelivered(_)
            | What::RetryScheduled(_),
        ) => true,
        _ => false,
    }
}
