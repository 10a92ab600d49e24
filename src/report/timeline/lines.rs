//! The lines of a timeline: which events share one, which lines stand for several, and which are written out.

use std::mem::discriminant;

use super::{Focus, Timeline};
use crate::report::event_text::{EventText, heartbeat};
use crate::trace::{Event, What};

/// A line to be: the events from `first` to `last` (indexes), where those between are hidden or of the same line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) first: usize,
    pub(super) last: usize,
    /// How many equal lines it stands for, and the event that the last of them begins with.
    pub(super) times: usize,
    pub(super) again: usize,
}

impl Line {
    fn of(index: usize) -> Line {
        Line { first: index, last: index, times: 1, again: index }
    }
}

impl Timeline<'_> {
    /// True if the timeline has the event at all.
    fn is_shown(&self, index: usize, what: What) -> bool {
        let asked_for = || self.focus.as_ref().is_some_and(|focus| focus.has_any(index..=index));
        self.every_event || !matches!(what, What::Awaited(_) | What::DetailsRead) || asked_for()
    }

    /// True if `next` continues the line that `event` is the last of.
    fn continues(&self, event: &Event, next: &Event) -> bool {
        if self.every_event || event.at != next.at || event.who != next.who {
            return false;
        }
        match (event.what, next.what) {
            (What::TaskStarted { .. }, What::TaskCompleted(_) | What::Replayed(_)) => true,
            (What::Replayed(_), What::TaskCompleted(_)) => true,
            (earlier, later) => match (heartbeat(earlier), heartbeat(later)) {
                (Some((stage, details)), Some((next_stage, next_details))) => {
                    let bytes = |details: Option<_>| details.map(|details| self.trace.bytes(details));
                    next_stage == stage + 1 && bytes(details) == bytes(next_details)
                }
                _ => false,
            },
        }
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let events = self.trace.events();
        let mut lines: Vec<Line> = Vec::new();
        for (index, event) in events.iter().enumerate().filter(|(index, event)| self.is_shown(*index, event.what)) {
            match lines.last_mut() {
                Some(line) if self.continues(&events[line.last], event) => line.last = index,
                _ => lines.push(Line::of(index)),
            }
        }
        if self.every_event { lines } else { self.collapsed(lines) }
    }

    /// The same lines, with one for each row of at least three that differ only in their time.
    fn collapsed(&self, lines: Vec<Line>) -> Vec<Line> {
        let is_same = |one: &Line, other: &Line| self.is_same(one, other);
        let mut collapsed = Vec::with_capacity(lines.len());
        for row in lines.chunk_by(is_same) {
            match row {
                [first, _, .., last] => collapsed.push(Line { times: row.len(), again: last.first, ..*first }),
                few => collapsed.extend_from_slice(few),
            }
        }
        collapsed
    }

    /// Says whether two lines differ only in their time. One that was asked for is like no other.
    fn is_same(&self, one: &Line, other: &Line) -> bool {
        let events = self.trace.events();
        let (event, next) = (&events[one.first], &events[other.first]);
        let is_alike = event.who == next.who && discriminant(&event.what) == discriminant(&next.what);
        let is_asked_for = |line: &Line| {
            let is_asked_for = |focus: &Focus| focus.has_any(line.first..=line.last);
            matches!(events[line.first].what, What::Fault(_)) || self.focus.as_ref().is_some_and(is_asked_for)
        };
        let is_in_window = |event: &Event| self.window.contains(&event.at);
        // The logs of user code stand between the events.
        let logged = self.logs.partition_point(|log| log.place.events <= one.first);
        let is_logged_between = self.logs.get(logged).is_some_and(|log| log.place.events <= other.first);
        if !is_alike || is_logged_between || is_in_window(event) != is_in_window(next) {
            return false;
        }
        if is_asked_for(one) || is_asked_for(other) {
            return false;
        }
        if let (Some((_, details)), Some((_, others))) = (heartbeat(event.what), heartbeat(next.what)) {
            let bytes = |details: Option<_>| details.map(|details| self.trace.bytes(details));
            if bytes(details) != bytes(others) {
                return false;
            }
        }
        // Whole: what is cut away may be what differs.
        let words = |line: &Line| {
            let text = EventText::of(self.trace, &events[line.first], usize::MAX);
            EventText { last: &events[line.last], ..text }.to_string()
        };
        words(one) == words(other)
    }

    /// Which lines are written out.
    pub(super) fn kept(&self, lines: &[Line]) -> Vec<bool> {
        let events = self.trace.events();
        let in_window = |line: &Line| self.window.contains(&events[line.first].at);
        let mut kept = vec![self.focus.is_none(); lines.len()];
        if let Some(focus) = &self.focus {
            for (at, line) in lines.iter().enumerate() {
                let asked_for = focus.has_any(line.first..=line.last);
                if in_window(line) && (asked_for || matches!(events[line.first].what, What::Fault(_))) {
                    let end = (at + focus.lines_around + 1).min(lines.len());
                    kept[at.saturating_sub(focus.lines_around)..end].fill(true);
                }
            }
        }
        for (at, line) in lines.iter().enumerate() {
            kept[at] &= in_window(line);
        }
        // A line that says that one line is missing is no shorter than that line.
        for at in 0..kept.len() {
            let before = at == 0 || kept[at - 1];
            let after = at + 1 == kept.len() || kept[at + 1];
            if before && after && in_window(&lines[at]) {
                kept[at] = true;
            }
        }
        kept
    }
}
