//! [`Timeline`]: a trace as text, a line for each thing that happened.

mod lines;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::RangeInclusive;

use super::changes::Changes;
use super::event_text::EventText;
use super::fold::{columns, fold};
use crate::fault::{Entry, Fault, Point};
use crate::program::Time;
use crate::service::Dialect;
use crate::trace::{Event, Trace, What};
use crate::world::logs::{LogLine, Logs};

/// A trace as text for people and for snapshots: when, who, what.
///
/// ```text
/// trace v1 temporal seed=0 order=fifo
///      0.002s  process_large_file#1@1  started on worker 1
///      5.002s  process_large_file#1@1  heartbeat recorded, sent, visible: {"chunks_done":1}
/// >>>  5.002s  fault: the worker crashes when attempt 1 of process_large_file waits for the 2nd time
///      5.002s  worker 1                crashed
/// ```
///
/// Names are spelled as in a [plan](crate::fault::Plan#text). Every await and every look at the heartbeat details would
/// drown the rest, so these are left out, and the stages of a heartbeat that come at one moment share a line, as do a
/// workflow task, the replay it takes and its answer. At least three lines in a row that differ only in their time are one,
/// with their number and the time of the last. [`Timeline::every_event`] shows all. No line has more than 100 columns: long
/// details are cut, those of a heartbeat so that its first difference to the one before shows, and what is still too long
/// goes on below.
///
/// A dialect other than Temporal's is named in a line of its own below the header, with where its rules come from.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    trace: &'a Trace,
    header: Option<String>,
    /// Entries of the plan whose points the run did not come to.
    not_struck: Vec<Entry>,
    every_event: bool,
    window: RangeInclusive<Time>,
    focus: Option<Focus>,
    details_width: usize,
    /// The lines that user code has logged, in order.
    logs: &'a [LogLine],
    /// No line is longer, unless the width of details was asked for.
    columns: Option<usize>,
}

/// The columns of a line, unless something else is asked for: the same everywhere, since snapshots are compared.
const COLUMNS: usize = 100;

/// The least width that details are cut to.
const LEAST_DETAILS: usize = 32;

/// The part of a timeline that is shown, if it is not shown whole.
#[derive(Clone, Debug)]
struct Focus {
    /// In order.
    events: Vec<usize>,
    lines_around: usize,
}

impl Focus {
    /// True if one of these events is shown for its own sake.
    fn has_any(&self, events: RangeInclusive<usize>) -> bool {
        let first = self.events.partition_point(|event| event < events.start());
        self.events.get(first).is_some_and(|event| events.contains(event))
    }
}

impl<'a> Timeline<'a> {
    /// The whole run without the events that seldom matter.
    pub fn new(trace: &'a Trace) -> Timeline<'a> {
        Timeline {
            trace,
            header: None,
            not_struck: Vec::new(),
            every_event: false,
            window: Time::ZERO..=Time::MAX,
            focus: None,
            details_width: 60,
            logs: &[],
            columns: Some(COLUMNS),
        }
    }

    /// Begins with this line.
    pub fn header(self, line: impl Into<String>) -> Timeline<'a> {
        Timeline { header: Some(line.into()), ..self }
    }

    /// Puts the lines that user code has logged between the events.
    pub(crate) fn logs(self, logs: &'a Logs) -> Timeline<'a> {
        Timeline { logs: logs.lines(), ..self }
    }

    pub(super) fn not_struck(self, not_struck: Vec<Entry>) -> Timeline<'a> {
        Timeline { not_struck, ..self }
    }

    /// Shows all events, each on a line of its own.
    pub fn every_event(self) -> Timeline<'a> {
        Timeline { every_event: true, ..self }
    }

    /// Shows only what happened from `from` to `to`, both included, and how much there is before and after.
    pub fn between(self, from: Time, to: Time) -> Timeline<'a> {
        Timeline { window: from..=to, ..self }
    }

    /// Shows only the events with these indexes in [`Trace::events`], the faults, and so many lines before and after each
    /// of these; the rest becomes `... 12 more ...`.
    pub fn around(self, events: impl Into<Vec<usize>>, lines_around: usize) -> Timeline<'a> {
        let mut events = events.into();
        events.sort_unstable();
        Timeline { focus: Some(Focus { events, lines_around }), ..self }
    }

    /// Cuts inputs, details and results at so many characters, and error texts at twice as many, however long that makes the
    /// lines. If not said, it is 60 or what the line has room for.
    pub fn details_width(self, characters: usize) -> Timeline<'a> {
        Timeline { details_width: characters, columns: None, ..self }
    }

    /// Cuts lines at so many columns; 100 if not said.
    pub(crate) fn columns(self, columns: usize) -> Timeline<'a> {
        Timeline { columns: Some(columns), ..self }
    }

    /// One event, as its line has it.
    pub(crate) fn line(&self, index: usize) -> String {
        let Some(event) = self.trace.events().get(index) else { return String::new() };
        let text = EventText::of(self.trace, event, self.details_width);
        format!("{} {} {text}", event.at, self.trace.coordinate(event.who))
    }

    /// Writes `worker 1 logs INFO shop::orders: sent order=7`.
    fn write_log(&self, f: &mut fmt::Formatter<'_>, log: &LogLine, time_width: usize, who_width: usize) -> fmt::Result {
        let (time, who) = (log.place.at.to_string(), self.trace.coordinate(log.place.who).to_string());
        let before = format!("    {time:>time_width$}  {who:<who_width$}  ");
        let worker = log.place.worker.map(|worker| format!("worker {worker} ")).unwrap_or_default();
        let replay = if log.in_replay { " in a replay" } else { "" };
        // In one piece, as whoever looks for it knows it.
        writeln!(f, "{before}{worker}logs{replay} {}", log.text)
    }

    /// Writes words behind the columns before them; the rest of a line that is too long goes on below, two columns further in.
    fn write_folded(&self, f: &mut fmt::Formatter<'_>, before: &str, words: &str) -> fmt::Result {
        let indent = columns(before);
        let room = self.columns.map(|all| all.saturating_sub(indent).max(LEAST_DETAILS));
        let lines = match room.filter(|room| columns(words) > *room) {
            Some(room) => fold(words, room - 2),
            None => vec![words.to_owned()],
        };
        for (line, index) in lines.iter().zip(0..) {
            match index {
                0 => writeln!(f, "{before}{line}")?,
                _ => writeln!(f, "{:indent$}  {line}", "")?,
            }
        }
        Ok(())
    }

    /// Writes an event behind what stands before its words. Details are cut so that the line has room for them; what is
    /// still too long goes on below.
    fn write_fitting(
        &self,
        f: &mut fmt::Formatter<'_>,
        before: &str,
        mut text: EventText<'_>,
        times: &str,
    ) -> fmt::Result {
        let mut words = format!("{text}{times}");
        let Some(all) = self.columns else { return writeln!(f, "{before}{words}") };
        let indent = columns(before);
        let room = all.saturating_sub(indent).max(LEAST_DETAILS);
        while columns(&words) > room && text.width > LEAST_DETAILS {
            text.width = text.width.saturating_sub(columns(&words) - room).max(LEAST_DETAILS);
            words = format!("{text}{times}");
        }
        if columns(&words) > room {
            // The details have a line of their own then.
            text.width = self.details_width.min(room - 2);
            words = format!("{text}{times}");
        }
        self.write_folded(f, before, &words)
    }
}

impl fmt::Display for Timeline<'_> {
    /// Each line ends in a newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(header) = &self.header {
            writeln!(f, "{header}")?;
        }
        for entry in &self.not_struck {
            // One that waited for something has struck, and its line says that it was in vain.
            let of = |point: &Point| (point.name.clone(), point.execution, point.attempt, point.site);
            let is_it = |(point, fault): &(Point, Fault)| (of(point), *fault) == (of(&entry.point), entry.fault);
            let why =
                if self.trace.faults().values().any(is_it) { "in vain" } else { "since the run does not come there" };
            writeln!(f, "not struck, {why}: {entry}")?;
        }
        let trace = self.trace;
        if trace.dialect() != Dialect::Temporal {
            writeln!(f, "dialect {}", trace.dialect())?;
        }
        let events = trace.events();
        let lines = self.lines();
        let kept = self.kept(&lines);
        let (mut time_width, mut who_width) = (0, 0);
        let mut heads = Vec::with_capacity(lines.len());
        for (line, kept) in lines.iter().zip(kept) {
            if !kept {
                heads.push(None);
                continue;
            }
            let Event { at, who, what } = events[line.first];
            let is_fault = matches!(what, What::Fault(_));
            let time = at.to_string();
            let who = if is_fault { String::new() } else { trace.coordinate(who).to_string() };
            time_width = time_width.max(time.chars().count());
            // One very long name must not push all others to the right.
            let width = who.chars().count();
            who_width = who_width.max(if width <= 40 { width } else { 0 });
            heads.push(Some((time, who)));
        }
        for log in self.logs {
            time_width = time_width.max(log.place.at.to_string().chars().count());
            who_width = who_width.max(trace.coordinate(log.place.who).to_string().chars().count().min(40));
        }
        let mut left_out = 0;
        let mut changes = Changes::of(trace);
        let mut logs = self.logs.iter().filter(|log| self.window.contains(&log.place.at)).peekable();
        for (line, head) in lines.iter().zip(heads) {
            while let Some(log) = logs.next_if(|log| log.place.events <= line.first) {
                more(f, std::mem::take(&mut left_out))?;
                self.write_log(f, log, time_width, who_width)?;
            }
            let Some((time, who)) = head else {
                left_out += line.times;
                continue;
            };
            more(f, left_out)?;
            left_out = 0;
            let (event, last) = (&events[line.first], &events[line.last]);
            let replayed = events[line.first..=line.last].iter().find_map(|event| match event.what {
                What::Replayed(count) => Some(count),
                _ => None,
            });
            let before = changes.before(line.first);
            let text = EventText { last, replayed, before, ..EventText::of(trace, event, self.details_width) };
            let until = events[line.again].at;
            let times = match line.times {
                1 => String::new(),
                times if until == event.at => format!(" ({times} times)"),
                times => format!(" ({times} times until {until})"),
            };
            let before = match event.what {
                What::Fault(_) => format!(">>> {time:>time_width$}  fault: "),
                _ => format!("    {time:>time_width$}  {who:<who_width$}  "),
            };
            self.write_fitting(f, &before, text, &times)?;
        }
        more(f, left_out)?;
        logs.try_for_each(|log| self.write_log(f, log, time_width, who_width))
    }
}

fn more(f: &mut fmt::Formatter<'_>, lines: usize) -> fmt::Result {
    if lines == 0 { Ok(()) } else { writeln!(f, "    ... {lines} more ...") }
}
