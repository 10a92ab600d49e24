//! [`Recorder`]: the subscriber of `tracing` that is the default of a thread while it makes runs.
//!
//! There is one in a process, for ever, since each new one makes `tracing` ask all subscribers about all callsites again.
//! It is interested in each callsite *sometimes*: it is asked each time, and the answer is a flag of the thread, which says
//! no unless the thread keeps the logs of a run. Other subscribers are not disabled by it: `tracing` takes the most that
//! any one of them wants.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_core::dispatcher::{DefaultGuard, Dispatch, set_default};
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Event, Interest, Metadata, Subscriber};

use super::fields::{Fields, Line};
use super::logs::{LogLine, Logs, Place};
use crate::trace::Who;

/// The number of lines that are kept of each attempt, each workflow and the script: the last ones.
const LAST_OF_EACH: usize = 20;

/// The number of lines that are kept of a run.
const LAST_OF_ALL: usize = 200;

/// The attention that a thread pays to the logs of code.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum State {
    /// Nobody asks for it.
    #[default]
    Off,
    /// The logs of the next run are to be kept.
    Waiting,
    /// The logs are kept.
    Keeping,
    /// The logs of a run within the run are not kept.
    Within,
}

/// All that is kept of a run.
#[derive(Default)]
struct Kept {
    /// The last lines by the owner of the code, those of replays by themselves.
    lines: BTreeMap<(Who, bool), Last>,
    count: u64,
    spans: BTreeMap<u64, Span>,
    /// The spans that are entered, the innermost last.
    entered: Vec<u64>,
}

/// The last lines of one, with their numbers.
#[derive(Default)]
struct Last {
    left_out: u64,
    lines: VecDeque<(u64, LogLine)>,
}

struct Span {
    metadata: &'static Metadata<'static>,
    /// Its name and its fields.
    text: Line,
    parent: Option<u64>,
    handles: u64,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Off) };
    static REPLAYS: Cell<bool> = const { Cell::new(false) };
    static KEPT: RefCell<Kept> = RefCell::default();
}

static PLACE: OnceLock<fn() -> Option<Place>> = OnceLock::new();

pub(super) fn install(place: fn() -> Option<Place>) {
    let _ = PLACE.set(place);
}

/// Makes the recorder the default of this thread.
pub(super) fn make_default() -> DefaultGuard {
    static RECORDER: OnceLock<Dispatch> = OnceLock::new();
    set_default(RECORDER.get_or_init(|| Dispatch::new(Recorder)))
}

pub(super) fn state() -> State {
    STATE.try_with(Cell::get).unwrap_or_default()
}

pub(super) fn set_state(state: State) {
    // This fails only while the thread ends.
    let _ = STATE.try_with(|current| current.set(state));
}

/// Notes that a run begins, or something within a run.
pub(super) fn enter(begins: bool) {
    match state() {
        State::Waiting if begins => {
            KEPT.set(Kept::default());
            set_state(State::Keeping);
        }
        State::Keeping => set_state(State::Within),
        _ => {}
    }
}

/// Does this, and gives what the last run in it has logged.
pub(super) fn record<R>(run: impl FnOnce() -> R) -> (R, Logs) {
    let before = state();
    set_state(State::Waiting);
    let result = run();
    set_state(before);
    (result, KEPT.take().into_logs())
}

/// A stretch of a workflow's code that may be a replay, until this is dropped.
pub(super) struct Replay(bool);

impl Replay {
    pub(super) fn begin(is_replay: bool) -> Replay {
        Replay(REPLAYS.replace(is_replay))
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        REPLAYS.set(self.0);
    }
}

/// Changes what is kept. Nothing is changed while it is in use, or while the thread ends.
fn with_kept<R>(change: impl FnOnce(&mut Kept) -> R) -> Option<R> {
    if state() != State::Keeping {
        return None;
    }
    KEPT.try_with(|kept| kept.try_borrow_mut().ok().map(|mut kept| change(&mut kept))).ok().flatten()
}

impl Kept {
    fn keep(&mut self, line: Line) {
        // Code that has crashed, or outlives its run, logs nothing.
        let Some(place) = PLACE.get().and_then(|place| place()) else { return };
        let in_replay = REPLAYS.get();
        let last = self.lines.entry((place.who, in_replay)).or_default();
        last.lines.push_back((self.count, LogLine { place, in_replay, text: line.into_text() }));
        self.count += 1;
        if last.lines.len() > LAST_OF_EACH {
            last.lines.pop_front();
            last.left_out += 1;
        }
    }

    /// Writes the span and those around it, the outermost first: `copy{file=3}:part{n=1}: `.
    fn write_spans(&self, innermost: Option<u64>, line: &mut Line) {
        let mut around = Vec::new();
        let mut next = innermost;
        // A circle is not possible, but a very deep nest is.
        while let Some(span) = next.and_then(|id| self.spans.get(&id)).filter(|_| around.len() < 8) {
            around.push(&span.text.text);
            next = span.parent;
        }
        for text in around.iter().rev() {
            let _ = write!(line, "{text}:");
        }
        if !around.is_empty() {
            let _ = line.write_char(' ');
        }
    }

    fn into_logs(self) -> Logs {
        let mut lines = Vec::new();
        for last in self.lines.into_values() {
            if let (Some((count, first)), true) = (last.lines.front(), last.left_out > 0) {
                let text = format!("{} earlier lines, which are left out", last.left_out);
                lines.push((*count, false, LogLine { text, ..first.clone() }));
            }
            lines.extend(last.lines.into_iter().map(|(count, line)| (count, true, line)));
        }
        lines.sort_by_key(|(count, is_line, _)| (*count, *is_line));
        let more = lines.len().saturating_sub(LAST_OF_ALL);
        let mut logs: Vec<LogLine> = lines.into_iter().skip(more).map(|(_, _, line)| line).collect();
        if let Some(first) = logs.first().filter(|_| more > 0) {
            let place = Place { who: Who::Run, worker: None, ..first.place };
            let text = format!("{more} earlier lines of all code, which are left out");
            logs.insert(0, LogLine { place, in_replay: false, text });
        }
        Logs(logs)
    }
}

/// The subscriber, which hears all that code on a thread logs.
struct Recorder;

impl Subscriber for Recorder {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        state() == State::Keeping
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut fields = Fields::default();
        span.record(&mut fields);
        with_kept(|kept| {
            let parent = kept.parent(span.parent(), span.is_contextual());
            let mut text = Line::default();
            let _ = text.write_str(span.metadata().name());
            fields.write_in_braces(&mut text);
            let mut line = Line::of(span.metadata());
            kept.write_spans(parent, &mut line);
            let _ = write!(line, "{}: opens {}", span.metadata().target(), text.text);
            kept.keep(line);
            kept.spans.insert(id, Span { metadata: span.metadata(), text, parent, handles: 1 });
        });
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        with_kept(|kept| {
            if let Some(span) = kept.spans.get_mut(&id.into_u64()) {
                fields.write_in_braces(&mut span.text);
            }
        });
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        // Nothing is in use while the user's formatting runs.
        let mut fields = Fields::default();
        event.record(&mut fields);
        with_kept(|kept| {
            let mut line = Line::of(event.metadata());
            let parent = kept.parent(event.parent(), event.is_contextual());
            kept.write_spans(parent, &mut line);
            let _ = write!(line, "{}:", event.metadata().target());
            line.append(&fields.message);
            line.append(&fields.others);
            kept.keep(line);
        });
    }

    fn enter(&self, id: &Id) {
        with_kept(|kept| kept.entered.push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        with_kept(|kept| {
            if let Some(index) = kept.entered.iter().rposition(|entered| *entered == id.into_u64()) {
                kept.entered.remove(index);
            }
        });
    }

    fn clone_span(&self, id: &Id) -> Id {
        with_kept(|kept| kept.spans.get_mut(&id.into_u64()).map(|span| span.handles += 1));
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let closed = with_kept(|kept| {
            let span = kept.spans.get_mut(&id.into_u64())?;
            span.handles -= 1;
            if span.handles > 0 {
                return None;
            }
            let Span { metadata, text, parent, .. } = kept.spans.remove(&id.into_u64())?;
            let mut line = Line::of(metadata);
            kept.write_spans(parent, &mut line);
            let _ = write!(line, "{}: closes {}", metadata.target(), text.text);
            kept.keep(line);
            Some(())
        });
        closed.flatten().is_some()
    }

    fn current_span(&self) -> Current {
        let current = with_kept(|kept| {
            let id = *kept.entered.last()?;
            Some(Current::new(Id::from_u64(id), kept.spans.get(&id)?.metadata))
        });
        current.flatten().unwrap_or_else(Current::none)
    }
}

impl Kept {
    fn parent(&self, parent: Option<&Id>, is_contextual: bool) -> Option<u64> {
        match parent {
            Some(parent) => Some(parent.into_u64()),
            None if is_contextual => self.entered.last().copied(),
            None => None,
        }
    }
}
