//! [`Message`]: a failure as it is told. The part of the timeline that shows it comes first, and last a box that fits on a screen:
//! the check, expected against found, the faults, how it stood in the end, and the command that makes it again.

use std::fmt::{self, Write};
use std::sync::Arc;

use super::difference;
use super::frame::{Frame, Row};
use super::terminal::Terminal;
use crate::check::Violation;
use crate::fault::{Order, Plan};
use crate::program::Time;
use crate::report::fold::fold;
use crate::report::{Timeline, last_state, plain};
use crate::trace::{Event, Trace, What, Who};
use crate::world::logs::Logs;

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

/// A failure of a check, with all that is said of it.
#[derive(Clone)]
pub(super) struct Message {
    exploration: String,
    /// The check and what it found, as one sentence.
    headline: String,
    /// The expected value and the one that was found, if both can be shown.
    values: Option<(String, String)>,
    /// The lines of the code under test that it is about, a line each.
    places: String,
    /// The faults in words, a line each.
    faults: String,
    last_state: Option<String>,
    first_proof: Option<String>,
    notes: Vec<String>,
    command: String,
    /// A remark on the command, if it needs one.
    hint: Option<&'static str>,
    trace: Arc<Trace>,
    /// The lines that the code of the run has logged.
    logs: Logs,
    /// The events that show the violation, and those that led there.
    shown: Vec<usize>,
    extent: Extent,
}

impl Message {
    pub(super) fn new(check: &str, violation: &Violation, plan: &Plan, trace: &Trace, extent: Extent) -> Message {
        let value = |value: &Option<String>| value.as_deref().map(plain);
        Message {
            exploration: plain(plan.exploration.as_deref().unwrap_or_default()),
            headline: format!("`{check}` does not hold: {}", plain(&violation.message)),
            values: value(&violation.expected).zip(value(&violation.found)),
            places: String::new(),
            faults: match (plan.is_empty(), plan.order) {
                (true, Order::Fifo) => "none: it fails without any fault".to_owned(),
                (true, Order::Random | Order::Pct(_)) => format!("none, but {}", plan.words()),
                (false, _) => plain(&plan.words().to_string()),
            },
            last_state: last_state(trace, &violation.events).map(|state| plain(&state)),
            first_proof: violation.events.first().map(|event| Timeline::new(trace).line(*event)),
            notes: Vec::new(),
            command: String::new(),
            hint: None,
            shown: shown(trace, violation),
            trace: Arc::new(trace.clone()),
            logs: Logs::default(),
            extent,
        }
    }

    /// Adds the lines of code that the sentence does not name itself.
    pub(super) fn places(self, places: &[String]) -> Message {
        let new = places.iter().map(|place| plain(place)).filter(|place| !self.headline.contains(place));
        Message { places: new.collect::<Vec<_>>().join("\n"), ..self }
    }

    /// Adds the lines that the code of the run has logged.
    pub(super) fn logs(self, logs: &Logs) -> Message {
        Message { logs: logs.clone(), ..self }
    }

    /// The trace of the run.
    pub(super) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Adds the command that makes the failure again, and what it does not say.
    pub(super) fn command(self, command: String, hint: Option<&'static str>) -> Message {
        Message { command, hint, ..self }
    }

    /// Adds something that whoever reads the failure has to know.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// The exploration, the check and what it found, on one line.
    pub(super) fn headline(&self) -> String {
        format!("{}: {}", self.exploration, self.headline)
    }

    /// The first event that proves it, in words.
    pub(super) fn first_proof(&self) -> Option<&str> {
        self.first_proof.as_deref()
    }

    /// All of it. `also` says what else fails for the same cause.
    pub(super) fn text(&self, terminal: Terminal, also: Option<&str>) -> String {
        let framed = self.frame(also).framed(terminal);
        let mut text = String::new();
        if framed.is_cut {
            self.write_uncut(&mut text, terminal);
        }
        self.write_timeline(&mut text, terminal);
        text + &framed.text
    }

    /// All but the timeline.
    pub(super) fn without_timeline(&self, terminal: Terminal, also: Option<&str>) -> String {
        self.frame(also).framed(terminal).text
    }

    fn frame<'a>(&'a self, also: Option<&'a str>) -> Frame<'a> {
        let mut rows = vec![Row::Wrong(self.headline.clone())];
        rows.extend(self.values.as_ref().map(|(expected, found)| Row::Differ(expected, found)));
        rows.extend((!self.places.is_empty()).then_some(Row::Code(&self.places)));
        rows.push(Row::Fault(&self.faults));
        rows.extend(self.last_state.as_ref().map(|state| Row::Plain("at last", state)));
        rows.extend(also.map(|also| Row::Plain("also", also)));
        rows.extend(self.notes.iter().map(|note| Row::Plain("note", note)));
        let hint = match self.hint {
            Some(hint) => format!("to see this run alone ({hint}):"),
            None => "to see this run alone, with all that happens in it:".to_owned(),
        };
        Frame { title: &self.exploration, rows, command: Some((hint, &self.command)) }
    }

    /// The parts that the box has no room for, whole.
    fn write_uncut(&self, text: &mut String, terminal: Terminal) {
        let Terminal { width, ink } = terminal;
        // Writing to a string cannot fail.
        for line in fold(&self.headline(), width) {
            let _ = writeln!(text, "{}", ink.wrong(&line));
        }
        if let Some((expected, found)) = &self.values {
            difference::write(text, expected, found, terminal);
        }
        for line in self.places.lines().flat_map(|place| fold(&format!("  {place}"), width)) {
            let _ = writeln!(text, "{line}");
        }
        if self.faults.contains('\n') {
            const LABEL: &str = "  fault: ";
            for line in self.faults.lines().flat_map(|fault| fold(&format!("{LABEL}{fault}"), width)) {
                let _ = writeln!(text, "{}", ink.fault(&line));
            }
        }
        text.push('\n');
    }

    fn write_timeline(&self, text: &mut String, Terminal { width, ink }: Terminal) {
        let timeline = Timeline::new(&self.trace).logs(&self.logs).columns(width);
        let timeline = match self.extent {
            Extent::Excerpt => timeline.around(self.shown.clone(), AROUND).to_string(),
            Extent::Whole => self.whole(&timeline),
        };
        for line in timeline.lines() {
            let _ = match line.trim_start() {
                fault if fault.starts_with(">>>") => writeln!(text, "{}", ink.fault(&line)),
                more if more.starts_with("...") => writeln!(text, "{}", ink.faint(&line)),
                _ => writeln!(text, "{line}"),
            };
        }
    }

    /// The whole timeline, or of a very long one the surroundings of the events to be shown, as much as there is room for.
    fn whole(&self, timeline: &Timeline<'_>) -> String {
        let text = timeline.to_string();
        if text.lines().count() <= WHOLE {
            return text;
        }
        let around = (WHOLE / 2 / self.shown.len().max(1)).max(AROUND);
        timeline.clone().around(self.shown.clone(), around).to_string()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Message").field(&self.headline()).finish()
    }
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
            What::LetGo { .. } => shown.push(index),
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
        (_, What::WorkerStarted | What::WorkerDeployed { .. }) => event.at > Time::ZERO,
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
