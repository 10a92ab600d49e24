//! The message of a failed check: what was expected, what was found, the plan, the part of the timeline that shows the
//! failure, and the line that reproduces it.

use std::fmt::Write;

use super::difference;
use super::finding::Finding;
use super::ink::Ink;
use crate::check::Violation;
use crate::fault::Plan;
use crate::program::Time;
use crate::report::{Timeline, plain};
use crate::trace::{Event, Trace, What, Who};

/// Lines kept before and after each event that is shown: enough to see what the code was doing.
const AROUND: usize = 1;

/// If attempts start and end more often than this, the first and the last half of these events are kept.
const ATTEMPT_EVENTS: usize = 24;

/// As many timers and signals of a workflow are kept.
const SIGNALS_AND_TIMERS: usize = 6;

/// A whole timeline of more lines than this is cut to about as many.
const WHOLE: usize = 1_000;

/// How much of the timeline a message has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Extent {
    /// The part that shows the failure.
    #[default]
    Excerpt,
    /// All of it, for a run that was asked for by itself.
    Whole,
}

/// The whole message.
pub(crate) fn text(
    exploration: &str,
    finding: &Finding,
    plan: &Plan,
    trace: &Trace,
    extent: Extent,
    ink: Ink,
) -> String {
    let Finding { check, violation, places, logs, .. } = finding;
    let mut text = String::new();
    let message = plain(&violation.message);
    let [expected, found] = [&violation.expected, &violation.found].map(|value| value.as_deref().map(plain));
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} {}",
        ink.heading(&format_args!("{exploration}: `{check}` does not hold:")),
        ink.wrong(&message)
    );
    if let (Some(expected), Some(found)) = (&expected, &found) {
        difference::write(&mut text, expected, found, ink);
    }
    for place in places.iter().filter(|place| !violation.message.contains(*place)) {
        let _ = writeln!(text, "  {}", plain(place));
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
    let timeline = Timeline::new(trace).logs(logs);
    let shown = shown(trace, violation);
    let timeline = match extent {
        Extent::Excerpt => timeline.around(shown, AROUND).to_string(),
        Extent::Whole => whole(&timeline, shown),
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

/// The name of a thread that was given none.
const UNNAMED: &str = "main";

/// The argument that picks the test, for a shell, after a space; empty if the test has no name.
fn test_filter(exploration: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "_:-.".contains(character);
    match without_input(exploration) {
        UNNAMED => String::new(),
        name if name.chars().all(is_plain) => format!(" {name}"),
        name => format!(" '{}'", name.replace('\'', "'\\''")),
    }
}

/// `name` of `name[2]`, the exploration of the second input.
fn without_input(exploration: &str) -> &str {
    let parts = exploration.strip_suffix(']').and_then(|text| text.rsplit_once('['));
    parts.filter(|(_, number)| number.parse::<u32>().is_ok()).map_or(exploration, |(name, _)| name)
}

/// The whole timeline, or of a very long one the surroundings of the events to be shown, as much as there is room for.
fn whole(timeline: &Timeline<'_>, shown: Vec<usize>) -> String {
    let text = timeline.to_string();
    if text.lines().count() <= WHOLE {
        return text;
    }
    let around = (WHOLE / 2 / shown.len().max(1)).max(AROUND);
    timeline.clone().around(shown, around).to_string()
}

/// The events between the last checkpoint before a fault and the end: those that prove the violation, and those that led
/// there.
fn shown(trace: &Trace, violation: &Violation) -> Vec<usize> {
    let events = trace.events();
    let mut shown = violation.events.clone();
    shown.extend(events.iter().rposition(|event| event.what.closes_workflow()));
    let mut last_visible = None;
    let (mut attempt_events, mut signals_and_timers) = (Vec::new(), Vec::new());
    for (index, event) in events.iter().enumerate() {
        match event.what {
            What::HeartbeatVisible(_) => last_visible = Some(index),
            What::Fault(_) => {
                shown.push(index);
                shown.extend(last_visible.take());
            }
            What::TimerFired(_) | What::SignalReceived(_) => signals_and_timers.push(index),
            _ if leads_on(trace, event) => attempt_events.push(index),
            _ => {}
        }
    }
    shown.extend(first_and_last(attempt_events, ATTEMPT_EVENTS));
    shown.extend(first_and_last(signals_and_timers, SIGNALS_AND_TIMERS));
    shown
}

fn first_and_last(mut events: Vec<usize>, most: usize) -> Vec<usize> {
    if events.len() > most {
        events.drain(most / 2..events.len() - most / 2);
    }
    events
}

/// True if attempts start, end or are retried with this event. First attempts and first workers go without saying.
fn leads_on(trace: &Trace, event: &Event) -> bool {
    match (event.who, event.what) {
        (Who::Attempt(attempt), What::AttemptStarted(_)) => trace.attempts()[attempt].number > 1,
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
