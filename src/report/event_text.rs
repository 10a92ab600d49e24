//! [`EventText`]: one event in words.

use std::fmt;

use super::excerpt::{change, ends, excerpt};
use crate::fault::{FaultWords, Id, LetGoWords, Name, Ordinal};
use crate::program::{Counted, Marker};
use crate::service::UpdateKey;
use crate::trace::{Bytes, Ended, Event, FailureKey, Trace, UpdateName, What, Who};

/// An event in words, with details and errors cut to so many characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventText<'a> {
    pub trace: &'a Trace,
    pub event: &'a Event,
    /// The last event of the same line: a later stage of the heartbeat, the answer to the workflow task, or `event`
    /// itself.
    pub last: &'a Event,
    /// How many events were replayed for it, where that is on the same line.
    pub replayed: Option<u32>,
    pub width: usize,
    /// Errors get more room: the cause stands at the end.
    pub error_width: usize,
    /// The details that the activity had before these.
    pub before: Option<&'a [u8]>,
}

/// Where a heartbeat has got to, and with which details.
pub(super) fn heartbeat(what: What) -> Option<(usize, Option<Bytes>)> {
    match what {
        What::HeartbeatRecorded(details) => Some((0, details)),
        What::HeartbeatSent(details) => Some((1, details)),
        What::HeartbeatVisible(details) => Some((2, details)),
        _ => None,
    }
}

/// The names of these stages.
const STAGES: [&str; 3] = ["recorded", "sent", "visible"];

impl<'a> EventText<'a> {
    /// One event by itself, with details of this width and errors of twice that.
    pub(super) fn of(trace: &'a Trace, event: &'a Event, width: usize) -> EventText<'a> {
        EventText {
            trace,
            event,
            last: event,
            replayed: None,
            width,
            error_width: width.saturating_mul(2),
            before: None,
        }
    }

    fn excerpt(&self, bytes: Bytes) -> String {
        excerpt(self.trace.bytes(bytes), self.width)
    }

    /// Writes a heartbeat's details. Their new part often stands at the end.
    fn details(&self, bytes: Bytes) -> String {
        let bytes = self.trace.bytes(bytes);
        match self.before {
            Some(before) => change(bytes, before, self.width),
            None => ends(bytes, self.width),
        }
    }

    fn error(&self, bytes: &[u8]) -> String {
        excerpt(bytes, self.error_width)
    }

    fn workflow_id(&self, id: Bytes) -> String {
        Id(&String::from_utf8_lossy(self.trace.bytes(id))).to_string()
    }

    fn update(&self, update: UpdateKey) -> String {
        let UpdateName { id, name, .. } = &self.trace.updates()[update];
        format!("update {} ({})", Name(name), Id(id))
    }

    /// The event's own run: a workflow, or an activity without one.
    fn run(&self) -> &'static str {
        let names = self.trace.workflows();
        let name = if let Who::Workflow(key) = self.event.who { names.get(key) } else { None };
        if name.is_some_and(|name| name.is_activity) { "activity without a workflow" } else { "workflow" }
    }

    fn failure(&self, failure: FailureKey) -> String {
        self.error(self.trace.failure(failure).to_string().as_bytes())
    }

    fn heartbeat(&self, details: Option<Bytes>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = |event: &Event| heartbeat(event.what).map_or(0, |(stage, _)| stage);
        let stages = STAGES[stage(self.event)..=stage(self.last)].join(", ");
        match details {
            Some(details) => write!(f, "heartbeat {stages}: {}", self.details(details)),
            None => write!(f, "heartbeat {stages}, without details"),
        }
    }

    fn ended(&self, how: Ended, detail: Option<Bytes>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match how {
            Ended::Completed => "returned",
            Ended::Failed => "failed",
            Ended::Cancelled => "ended as cancelled",
            Ended::Panicked => "panicked",
            Ended::Async => "left its completion to somebody else",
        })?;
        match (how, detail) {
            (_, None) => Ok(()),
            (Ended::Completed | Ended::Async, Some(result)) => write!(f, ": {}", self.excerpt(result)),
            (_, Some(error)) => write!(f, ": {}", self.error(self.trace.bytes(error))),
        }
    }

    fn started(&self, details: Option<Bytes>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Who::Attempt(index) = self.event.who else { return f.write_str("started") };
        let attempt = self.trace.attempts()[index];
        write!(f, "started on worker {}", attempt.worker)?;
        match details {
            Some(details) => write!(f, ", sees {}", self.details(details)),
            // A first attempt has none, and nobody wonders.
            None if attempt.number == 1 => Ok(()),
            None => f.write_str(", sees no details"),
        }
    }
}

impl fmt::Display for EventText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event.what {
            What::WorkflowStarted(input) => write!(f, "{} started: {}", self.run(), self.excerpt(input)),
            What::TaskStarted { task, attempt } => {
                write!(f, "task {task}")?;
                if attempt > 1 {
                    write!(f, ", attempt {attempt}")?;
                }
                if let Some(events) = self.replayed {
                    write!(f, ", after a replay of {}", Counted(events, "event"))?;
                }
                match self.last.what {
                    What::TaskCompleted(commands) => write!(f, ": {}", Counted(commands, "command")),
                    _ => f.write_str(" taken"),
                }
            }
            What::TaskCompleted(commands) => write!(f, "task answered: {}", Counted(commands, "command")),
            What::TaskTimedOut => f.write_str("task timed out, given out again"),
            What::TaskNotTaken => f.write_str("task not taken by its worker, given out again"),
            What::TaskFailed(why) => write!(f, "task failed: {}", self.error(self.trace.bytes(why))),
            What::Replayed(events) => write!(f, "replayed {}", Counted(events, "event")),
            What::Evicted => f.write_str("evicted from the worker's cache"),
            What::CancelRequested => write!(f, "{} asked to cancel", self.run()),
            What::TimerStarted { timer, duration } => write!(f, "timer {timer} started: {duration:?}"),
            What::TimerFired(timer) => write!(f, "timer {timer} fired"),
            What::TimerCanceled(timer) => write!(f, "timer {timer} cancelled"),
            What::WorkflowCompleted(result) => write!(f, "{} completed: {}", self.run(), self.excerpt(result)),
            What::WorkflowFailed(failure) => write!(f, "{} failed: {}", self.run(), self.failure(failure)),
            What::WorkflowCanceled => write!(f, "{} cancelled", self.run()),
            What::WorkflowTimedOut => f.write_str("workflow timed out"),
            What::ChildInitiated { child, id } => write!(f, "child {child} asked for: {}", self.workflow_id(id)),
            What::ChildStarted(child) => write!(f, "child {child} has started"),
            What::ChildRefused(child) => write!(f, "child {child} cannot start: its id is taken"),
            What::ChildClosed(child) => write!(f, "child {child} has closed"),
            What::SignalSent(to) => write!(f, "signal sent to {}", self.workflow_id(to)),
            What::CancelSent(to) => write!(f, "asks {} to cancel", self.workflow_id(to)),
            What::MessageAnswered { to, is_cancel, arrived } => {
                let what = if is_cancel { "request to cancel" } else { "signal" };
                match arrived {
                    true => write!(f, "{what} has reached {}", self.workflow_id(to)),
                    false => write!(f, "{what} has not reached {}", self.workflow_id(to)),
                }
            }
            What::WorkflowContinuedAsNew => f.write_str("workflow continued as new"),

            What::Scheduled(input) => write!(f, "scheduled: {}", self.excerpt(input)),
            What::RetryScheduled(due) => write!(f, "retry due at {due}, in {:?}", due.since(self.event.at)),
            What::TimedOut(timeout) => write!(f, "{} timeout: attempt given up", timeout.words()),
            What::ActivityCancelRequested => f.write_str("activity asked to cancel"),
            What::ActivityCompleted(result) => write!(f, "activity completed: {}", self.excerpt(result)),
            What::ActivityFailed { failure, retry_state } => {
                write!(f, "activity failed, {retry_state}: {}", self.failure(failure))
            }
            What::ActivityTimedOut { failure, retry_state } => {
                write!(f, "activity timed out, {retry_state}: {}", self.failure(failure))
            }
            What::ActivityCanceled => f.write_str("activity cancelled"),

            What::AttemptStarted(details) => self.started(details, f),
            What::DetailsRead => f.write_str("reads its heartbeat details"),
            What::DetailsUndecoded(why) => write!(f, "its heartbeat details do not decode: {}", self.excerpt(why)),
            What::DetailsDecoded => f.write_str("reads its heartbeat details in another way"),
            What::Awaited(count) => write!(f, "waits for the {} time", Ordinal(count)),
            What::HeartbeatRecorded(details) | What::HeartbeatSent(details) | What::HeartbeatVisible(details) => {
                self.heartbeat(details, f)
            }
            What::Effect { name, applied: true } => write!(f, "effect: {}", self.excerpt(name)),
            What::Effect { name, applied: false } => write!(f, "effect not done: {}", self.excerpt(name)),
            What::CancelDelivered(reason) => write!(f, "told to stop: {reason}"),
            What::WorkerStopping => f.write_str("told that its worker is stopping"),
            What::Ended { how, detail } => self.ended(how, detail, f),
            What::HeartbeatAfterEnd => f.write_str("heartbeat after its end, by a task that it left behind"),
            What::Refused => f.write_str("refused by the service"),
            What::ReportDropped => f.write_str("report dropped: the service does not know the attempt any more"),
            What::Died => f.write_str("died"),
            What::Aborted => f.write_str("dropped by its worker: the grace period is over"),
            What::Zombie => f.write_str("given up by the service, runs on as a zombie"),

            What::WorkerCrashed => f.write_str("crashed"),
            What::WorkerStarted => f.write_str("started"),
            What::WorkerDeployed { is_new: true } => f.write_str("starts with the new version"),
            What::WorkerDeployed { is_new: false } => f.write_str("starts with the old version again"),
            What::StopSignal => f.write_str("told to stop"),
            What::WorkerStopped => f.write_str("stopped"),
            What::Frozen => f.write_str("stands still"),
            What::Thawed => f.write_str("goes on"),

            What::Fault(index) => {
                let (point, fault) = &self.trace.faults()[index];
                let awaited = self.trace.awaited_words(point, *fault);
                write!(f, "{}", FaultWords { point, fault: *fault, awaited: awaited.as_deref() })
            }
            What::LetGo { fault, came } => {
                let (point, fault) = &self.trace.faults()[fault];
                let awaited = self.trace.awaited_words(point, *fault);
                write!(f, "{}", LetGoWords { point, fault: *fault, came, awaited: awaited.as_deref() })
            }
            What::TasksLeft(count) => write!(f, "{} left at the end", Counted(count, "background task")),

            What::SignalReceived(index) => {
                let signal = &self.trace.signals()[index];
                write!(f, "signal {}: {}", Name(&signal.name), self.excerpt(signal.bytes))
            }
            What::UpdateAdmitted(key) => {
                write!(f, "{} arrived: {}", self.update(key), self.excerpt(self.trace.updates()[key].input))
            }
            What::UpdateAccepted(key) => write!(f, "{} accepted", self.update(key)),
            What::UpdateRejected { update, failure } => {
                write!(f, "{} rejected: {}", self.update(update), self.failure(failure))
            }
            What::UpdateCompleted { update, result } => {
                write!(f, "{} completed: {}", self.update(update), self.excerpt(result))
            }
            What::UpdateFailed { update, failure } => {
                write!(f, "{} failed: {}", self.update(update), self.failure(failure))
            }
            What::UpdateAborted(key) => write!(f, "{} open when the workflow closed", self.update(key)),
            What::MarkerRecorded(index) => match &self.trace.markers()[index] {
                Marker::SideEffect { seq, value } => {
                    write!(f, "side effect {seq} recorded: {}", excerpt(value.as_bytes(), self.width))
                }
                Marker::MutableSideEffect { id, value, .. } => {
                    write!(f, "{} is now {}", Name(id), excerpt(value.as_bytes(), self.width))
                }
                Marker::Version { change_id, version } => {
                    write!(f, "version {version} of {} recorded", Name(change_id))
                }
                Marker::LocalActivity(local) => write!(f, "local activity {} recorded", local.seq),
                Marker::Patch { id, deprecated: false } => write!(f, "patch {} recorded", Name(id)),
                Marker::Patch { id, deprecated: true } => write!(f, "deprecated patch {} recorded", Name(id)),
                Marker::Upserted { sort, values } => {
                    write!(f, "{sort} upserted: {}", excerpt(values.as_bytes(), self.width))
                }
            },
            What::WorkflowTerminated(reason) if reason.is_empty() => write!(f, "{} terminated", self.run()),
            What::WorkflowTerminated(reason) => write!(f, "{} terminated: {}", self.run(), self.excerpt(reason)),
            What::QueryAnswered(index) => {
                let answer = &self.trace.answers()[index];
                write!(f, "query {} answered: {}", Name(&answer.name), self.excerpt(answer.bytes))
            }
        }
    }
}
