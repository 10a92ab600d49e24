//! [`TraceEvents`]: a run as Chrome (`chrome://tracing`) and Perfetto read it.

use std::fmt;

use super::event_text::EventText;
use super::excerpt::excerpt;
use super::lanes::{Lane, Lanes};
use crate::program::Time;
use crate::trace::{Bytes, Event, Trace, What, Who};

/// The most characters of details, inputs, results and errors that are shown.
const WIDTH: usize = 200;

/// A run in the Trace Event Format, as JSON text, to be opened in `chrome://tracing` or at <https://ui.perfetto.dev>.
/// [`Run::trace_events`](crate::Run::trace_events) makes it.
///
/// The process with `pid` 1 is the service; its lanes are the run as a whole, the workflows and the activities. Each worker
/// is a process of its own, with a lane for the worker and one for each attempt that it took. No two lanes have the same
/// `tid`, and both numbers have names (`process_name`, `thread_name`). `ts` is virtual time in microseconds since the start
/// of the run.
///
/// A workflow run, a workflow task, an activity, an attempt, the life of a worker's process and a time in which it stands still
/// are pairs of `B` and `E`; all else is an instant (`i`): heartbeats, effects, faults, signals, timers, retries. One that is
/// still open when the run is over ends with it. `args.event` is the event's index in [`Trace::events`], and `args.text` its
/// line of the timeline, in which more than 200 characters are cut, with their length in bytes behind them. Waits and looks at
/// the heartbeat details are left out, as in a [`Timeline`](super::Timeline).
///
/// Each line has one event, so that two files can be compared.
///
/// ```
/// # use std::time::Duration;
/// # use durasim::{Simulation, WorkflowContext, WorkflowError};
/// # async fn nap(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
/// #     ctx.sleep(Duration::from_secs(1)).await
/// # }
/// let run = Simulation::temporal().workflow("nap", nap).run("nap", &())?;
/// let json = run.trace_events().to_string();
/// assert!(json.contains(r#""name":"timer 1 fired","cat":"timer","ph":"i","ts":1001000,"pid":1,"tid":2"#), "{json}");
/// // std::fs::write("nap.trace.json", json)?;
/// # Ok::<_, durasim::RunError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TraceEvents<'a> {
    trace: &'a Trace,
}

impl<'a> TraceEvents<'a> {
    /// Makes the events of this trace.
    pub fn new(trace: &'a Trace) -> TraceEvents<'a> {
        TraceEvents { trace }
    }
}

/// The part that an event has in its lane.
enum Step {
    /// It begins a slice at this depth, after all that is open there has ended.
    Begin(usize),
    /// It ends what is open at this depth, and deeper. If nothing is, it is an instant.
    End(usize),
    Instant,
    Hidden,
}

fn step(what: What) -> Step {
    match what {
        What::Awaited(_) | What::DetailsRead | What::DetailsDecoded => Step::Hidden,
        What::WorkflowStarted(_) | What::Scheduled(_) | What::AttemptStarted(_) => Step::Begin(0),
        What::WorkerStarted | What::WorkerDeployed { .. } => Step::Begin(0),
        What::TaskStarted { .. } | What::Frozen => Step::Begin(1),
        What::TaskCompleted(_) | What::TaskTimedOut | What::TaskFailed(_) | What::Thawed => Step::End(1),
        What::ActivityCompleted(_)
        | What::ActivityFailed { .. }
        | What::ActivityTimedOut { .. }
        | What::ActivityCanceled
        | What::Ended { .. }
        | What::Died
        | What::Aborted
        | What::WorkerCrashed
        | What::WorkerStopped => Step::End(0),
        _ if what.closes_workflow() => Step::End(0),
        _ => Step::Instant,
    }
}

impl fmt::Display for TraceEvents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace = self.trace;
        let mut lanes = Lanes::of(trace);
        f.write_str("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        let mut separator = "\n";
        for (pid, name) in lanes.processes() {
            write!(
                f,
                "{separator}{{\"name\":\"process_name\",\"ph\":\"M\",\"ts\":0,\"pid\":{pid},\"tid\":0,\"args\":{{\"name\":{}}}}}",
                json(&name)
            )?;
            separator = ",\n";
        }
        for who in lanes.all() {
            let (Lane { pid, tid }, name) = (lanes.of_whom(who), trace.coordinate(who).to_string());
            write!(
                f,
                "{separator}{{\"name\":\"thread_name\",\"ph\":\"M\",\"ts\":0,\"pid\":{pid},\"tid\":{tid},\"args\":{{\"name\":{}}}}}",
                json(&name)
            )?;
        }
        let mut write = |entry: Entry<'_>| write!(f, ",\n{entry}");
        for (index, event) in trace.events().iter().enumerate() {
            let lane = lanes.of_whom(event.who);
            let at = event.at;
            let entry = |phase, name| Entry { phase, name, at, lane, of: Some((trace, index)) };
            match step(event.what) {
                Step::Hidden => {}
                Step::Begin(level) => {
                    while let Some(name) = lanes.close(lane, level) {
                        write(Entry { of: None, ..entry(Phase::End, name) })?;
                    }
                    let name = slice(trace, event);
                    lanes.open(lane, name.clone());
                    write(entry(Phase::Begin, name))?;
                }
                Step::End(level) if lanes.depth(lane) > level => {
                    while let Some(name) = lanes.close(lane, level) {
                        // The event is told once, with the outermost.
                        let of = if lanes.depth(lane) == level { Some((trace, index)) } else { None };
                        write(Entry { of, ..entry(Phase::End, name) })?;
                    }
                }
                Step::End(_) | Step::Instant => write(entry(Phase::Instant, instant(trace, event)))?,
            }
        }
        let end = trace.events().last().map_or(Time::ZERO, |event| event.at);
        for who in lanes.all() {
            let lane = lanes.of_whom(who);
            while let Some(name) = lanes.close(lane, 0) {
                write(Entry { phase: Phase::End, name, at: end, lane, of: None })?;
            }
        }
        f.write_str("\n]}\n")
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Begin,
    End,
    Instant,
}

/// An entry of the list of events.
struct Entry<'a> {
    phase: Phase,
    name: String,
    at: Time,
    lane: Lane,
    /// The event that it tells of. `None` for the end of a slice that no event ends.
    of: Option<(&'a Trace, usize)>,
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { phase, name, at, lane: Lane { pid, tid }, of } = self;
        write!(f, "{{\"name\":{}", json(name))?;
        if let Some((trace, index)) = of {
            write!(f, ",\"cat\":\"{}\"", category(&trace.events()[*index]))?;
        }
        f.write_str(match phase {
            Phase::Begin => ",\"ph\":\"B\"",
            Phase::End => ",\"ph\":\"E\"",
            Phase::Instant => ",\"ph\":\"i\"",
        })?;
        let (micros, nanos) = (at.as_nanos() / 1_000, at.as_nanos() % 1_000);
        write!(f, ",\"ts\":{micros}")?;
        if nanos > 0 {
            write!(f, ".{nanos:03}")?;
        }
        write!(f, ",\"pid\":{pid},\"tid\":{tid}")?;
        if *phase == Phase::Instant {
            // Viewers show it in its lane, and not as a line across all of them.
            f.write_str(",\"s\":\"t\"")?;
        }
        if let Some((trace, index)) = of {
            write!(f, ",\"args\":{{\"event\":{index},\"text\":{}}}", json(&text(trace, &trace.events()[*index])))?;
        }
        f.write_str("}")
    }
}

/// Writes a text as JSON.
fn json(text: &str) -> String {
    // A text can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

/// Gives the name of the slice that an event begins.
fn slice(trace: &Trace, event: &Event) -> String {
    match event.what {
        What::TaskStarted { task, attempt: 1 } => format!("task {task}"),
        What::TaskStarted { task, attempt } => format!("task {task}, attempt {attempt}"),
        What::WorkerStarted => "process".to_owned(),
        What::WorkerDeployed { is_new: true } => "process, new version".to_owned(),
        What::WorkerDeployed { is_new: false } => "process, old version".to_owned(),
        What::Frozen => "stands still".to_owned(),
        _ => trace.coordinate(event.who).to_string(),
    }
}

/// Gives the name of an event that is an instant, in a few words.
fn instant(trace: &Trace, event: &Event) -> String {
    match event.what {
        What::HeartbeatRecorded(_) => "heartbeat recorded".to_owned(),
        What::HeartbeatSent(_) => "heartbeat sent".to_owned(),
        What::HeartbeatVisible(_) => "heartbeat visible".to_owned(),
        What::Fault(key) => format!("fault: {}", trace.faults()[key].1.keyword()),
        What::SignalReceived(key) => format!("signal: {}", excerpt(trace.signals()[key].name.as_bytes(), 60)),
        What::UpdateAdmitted(key) => format!("update: {}", excerpt(trace.updates()[key].name.as_bytes(), 60)),
        What::QueryAnswered(key) => format!("query: {}", excerpt(trace.answers()[key].name.as_bytes(), 60)),
        What::Effect { .. } => words(trace, event, 60),
        What::TimerStarted { timer, .. } => format!("timer {timer} started"),
        What::RetryScheduled(_) => "retry scheduled".to_owned(),
        What::TaskFailed(_) => "task failed".to_owned(),
        What::MarkerRecorded(_) => "marker".to_owned(),
        // The others have few words, and no bytes of the user's among them.
        _ => words(trace, event, WIDTH),
    }
}

/// Gives the category of an event, by which viewers filter.
fn category(event: &Event) -> &'static str {
    match (event.what, event.who) {
        (What::Fault(_), _) => "fault",
        (What::HeartbeatRecorded(_) | What::HeartbeatSent(_) | What::HeartbeatVisible(_), _) => "heartbeat",
        (What::Effect { .. }, _) => "effect",
        (What::SignalReceived(_), _) => "signal",
        (
            What::UpdateAdmitted(_)
            | What::UpdateAccepted(_)
            | What::UpdateRejected { .. }
            | What::UpdateCompleted { .. }
            | What::UpdateFailed { .. }
            | What::UpdateAborted(_),
            _,
        ) => "update",
        (What::TimerStarted { .. } | What::TimerFired(_) | What::TimerCanceled(_), _) => "timer",
        (
            What::TaskStarted { .. }
            | What::TaskCompleted(_)
            | What::TaskTimedOut
            | What::TaskNotTaken
            | What::TaskFailed(_),
            _,
        ) => "task",
        (_, Who::Run) => "run",
        (_, Who::Workflow(_)) => "workflow",
        (_, Who::Activity(_)) => "activity",
        (_, Who::Attempt(_)) => "attempt",
        (_, Who::Worker(_)) => "worker",
    }
}

/// Words an event as the timeline does.
fn words(trace: &Trace, event: &Event, width: usize) -> String {
    EventText::of(trace, event, width).to_string()
}

/// Words an event, with the length of its bytes where they are cut.
fn text(trace: &Trace, event: &Event) -> String {
    let text = words(trace, event, WIDTH);
    match bytes(trace, event.what).map(|bytes| trace.bytes(bytes).len()) {
        Some(length) if length > WIDTH => format!("{text} ({length} bytes)"),
        _ => text,
    }
}

/// Gives the bytes of the user's that an event has.
fn bytes(trace: &Trace, what: What) -> Option<Bytes> {
    match what {
        What::WorkflowStarted(bytes)
        | What::TaskFailed(bytes)
        | What::WorkflowCompleted(bytes)
        | What::WorkflowTerminated(bytes)
        | What::Scheduled(bytes)
        | What::ActivityCompleted(bytes)
        | What::Effect { name: bytes, .. } => Some(bytes),
        What::AttemptStarted(bytes)
        | What::HeartbeatRecorded(bytes)
        | What::HeartbeatSent(bytes)
        | What::HeartbeatVisible(bytes)
        | What::Ended { detail: bytes, .. } => bytes,
        What::SignalReceived(key) => Some(trace.signals()[key].bytes),
        What::UpdateAdmitted(key) => Some(trace.updates()[key].input),
        What::UpdateCompleted { result, .. } => Some(result),
        What::QueryAnswered(key) => Some(trace.answers()[key].bytes),
        _ => None,
    }
}
