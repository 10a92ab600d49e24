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

/// As many of what a workflow is told while it waits: timers and signals.
const TOLD: usize = 6;

/// A whole timeline of more lines than this is cut to about as many.
const WHOLE: usize = 1_000;

/// How much of the timeline a message has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Extent {
    /// What tells of the failure.
    #[default]
    Telling,
    /// All of it, for whoever asks for this run.
    Whole,
}

/// The whole message.
pub(crate) fn text(
    exploration: &str,
    check: &str,
    violation: &Violation,
    plan: &Plan,
    trace: &Trace,
    extent: Extent,
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
    let timeline = Timeline::new(trace);
    let telling = telling(trace, violation);
    let timeline = match extent {
        Extent::Telling => timeline.around(telling, AROUND).to_string(),
        Extent::Whole => whole(&timeline, telling),
    };
    for line in timeline.lines() {
        let line = format!("  {line}");
        let line = line.trim_end();
        let _ = match line.trim_start() {
            fault if fault.starts_with(">>>") => writeln!(text, "{}", ink.fault(&line)),
            more if more.starts_with("...") => writeln!(text, "{}", ink.faint(&line)),
            _ => writeln!(text, "{line}"),
        };
    }
    let command = format!("DURASIM_PLAN='{plan}' cargo test{}", test_filter(exploration));
    let _ = writeln!(text, "\n{}\n  {}", ink.heading(&"reproduce with"), ink.command(&command));
    if exploration == UNNAMED {
        let _ = writeln!(
            text,
            "  (which runs every test: its thread has no test's name, so give it one with `.named(..)`)"
        );
    }
    text
}

/// What a thread without a name of its own is called.
const UNNAMED: &str = "main";

/// What picks the test, for a shell, after a space; nothing if it has no name.
fn test_filter(exploration: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "_:-.".contains(character);
    match exploration {
        UNNAMED => String::new(),
        name if name.chars().all(is_plain) => format!(" {name}"),
        name => format!(" '{}'", name.replace('\'', "'\\''")),
    }
}

/// The whole timeline, or of a very long one what is around the telling events, as much as there is room for.
fn whole(timeline: &Timeline<'_>, telling: Vec<usize>) -> String {
    let text = timeline.to_string();
    if text.lines().count() <= WHOLE {
        return text;
    }
    let around = (WHOLE / 2 / telling.len().max(1)).max(AROUND);
    timeline.clone().around(telling, around).to_string()
}

/// What went on between the last checkpoint before a fault and the end: the events that prove the violation, and those
/// that led there.
fn telling(trace: &Trace, violation: &Violation) -> Vec<usize> {
    let events = trace.events();
    let mut telling = violation.events.clone();
    telling.extend(events.iter().rposition(|event| event.what.closes_workflow()));
    let mut last_visible = None;
    let (mut comings, mut told) = (Vec::new(), Vec::new());
    for (place, event) in events.iter().enumerate() {
        match event.what {
            What::HeartbeatVisible(_) => last_visible = Some(place),
            What::Fault(_) => {
                telling.push(place);
                telling.extend(last_visible.take());
            }
            What::TimerFired(_) | What::SignalReceived(_) => told.push(place),
            _ if leads_on(trace, event) => comings.push(place),
            _ => {}
        }
    }
    telling.extend(first_and_last(comings, COMINGS));
    telling.extend(first_and_last(told, TOLD));
    telling
}

fn first_and_last(mut places: Vec<usize>, most: usize) -> Vec<usize> {
    if places.len() > most {
        places.drain(most / 2..places.len() - most / 2);
    }
    places
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
