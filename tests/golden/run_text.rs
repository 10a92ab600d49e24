//! [`run_text`]: everything that a run's trace holds, as text, an event on each line.
//!
//! Times are exact, and every index is resolved: names, bytes, failures, faults. The words are this file's own, so that
//! neither a renamed item of the code nor another look of timelines changes them.

use durasim::program::{Details, Failure, FailureKind, Marker};
use durasim::service::{ActivityKey, WorkflowKey, WorkflowOutcome};
use durasim::trace::{AttemptKey, Bytes, Ended, Event, FailureKey, Trace, What, Who};
use durasim::{Outcome, Run, RunError, Span, Time};

use super::kept::on_one_line;

/// Writes the end of a run, its length, the entries of its plan that did not strike, and all events; or the error that
/// ended it.
pub fn run_text(result: Result<&Run, &RunError>) -> String {
    match result {
        Ok(run) => finished(run),
        Err(error) => format!("error: {}", on_one_line(&error.to_string())),
    }
}

fn finished(run: &Run) -> String {
    let trace = run.trace();
    let mut lines = vec![
        format!("dialect: {:?}, seed {}", trace.dialect(), run.seed()),
        format!("struck: {}", run.plan()),
        format!("outcome: {}", outcome(&run.outcome())),
        format!("virtual time: {}, {} events", time(run.virtual_time()), trace.events().len()),
    ];
    lines.extend(run.not_fired().iter().map(|entry| format!("not fired: {entry}")));
    let mut text = Text { trace, recorded: vec![Vec::new(); trace.attempts().len()] };
    lines.extend(trace.events().iter().map(|event| text.line(event)));
    lines.join("\n")
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Open => "open".to_owned(),
        Outcome::Script(result) => format!("script returned {}", of_bytes(result.as_bytes())),
        Outcome::Closed(WorkflowOutcome::Completed(result)) => format!("completed {}", of_bytes(result.as_bytes())),
        Outcome::Closed(WorkflowOutcome::Failed { failure: why, retry_state }) => {
            format!("failed {retry_state} {}", failure(why))
        }
        Outcome::Closed(WorkflowOutcome::Canceled(with)) => format!("canceled {}", details(with)),
        Outcome::Closed(WorkflowOutcome::TimedOut { retry_state }) => format!("timed out {retry_state}"),
        Outcome::Closed(WorkflowOutcome::Terminated { reason }) => format!("terminated {reason:?}"),
        other => unreachable!("without a text: {other:?}"),
    }
}

/// Seconds, as many digits as it takes.
fn time(time: Time) -> String {
    seconds(time.as_nanos().into())
}

fn span(span: Span) -> String {
    seconds(span.as_nanos().into())
}

fn seconds(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (whole, part) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    let part = format!("{part:09}");
    match part.trim_end_matches('0') {
        "" => format!("{sign}{whole}s"),
        digits => format!("{sign}{whole}.{digits}s"),
    }
}

fn of_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok("") => "(empty)".to_owned(),
        Ok(text) => on_one_line(text),
        Err(_) => format!("(not text) {}", on_one_line(&bytes.escape_ascii().to_string())),
    }
}

fn details(details: &Details) -> String {
    match details {
        Details::Absent => "(none)".to_owned(),
        Details::Empty => "(no payloads)".to_owned(),
        Details::Payload(payload) => of_bytes(payload.as_bytes()),
    }
}

/// A failure with everything in it, then its cause after `<-`.
fn failure(failure: &Failure) -> String {
    let kind = match &failure.kind {
        FailureKind::Application { error_type, non_retryable, details: with, next_retry_delay } => format!(
            "application type {error_type:?}{}, details {}{}",
            if *non_retryable { ", non-retryable" } else { "" },
            details(with),
            next_retry_delay.map_or(String::new(), |delay| format!(", next retry in {}", span(delay)))
        ),
        FailureKind::Timeout { timeout_type, last_heartbeat_details } => {
            format!("timeout {timeout_type}, last heartbeat {}", details(last_heartbeat_details))
        }
        FailureKind::Canceled { details: with } => format!("canceled, details {}", details(with)),
        FailureKind::Server { non_retryable } => {
            format!("server{}", if *non_retryable { ", non-retryable" } else { "" })
        }
        FailureKind::Terminated => "terminated".to_owned(),
        FailureKind::Activity { activity_type, activity_id, scheduled_event_id, started_event_id, retry_state } => {
            format!(
                "activity {activity_type:?} id {activity_id:?}, scheduled {scheduled_event_id}, started \
                 {started_event_id}, {retry_state}"
            )
        }
        FailureKind::ChildWorkflow { workflow_type, retry_state, .. } => {
            format!("child workflow {workflow_type:?}, {retry_state}")
        }
        other => format!("{other:?}"),
    };
    let cause = failure.cause.as_ref().map_or(String::new(), |cause| format!(" <- {}", self::failure(cause)));
    format!("[{kind}] {}{cause}", on_one_line(&failure.message))
}

struct Text<'a> {
    trace: &'a Trace,
    /// The details that each attempt has recorded, by its key. Each recording has its own place of bytes, so they say
    /// which heartbeat a later event is about.
    recorded: Vec<Vec<Option<Bytes>>>,
}

impl Text<'_> {
    fn line(&mut self, event: &Event) -> String {
        format!("{} {}: {}", time(event.at), self.who(event.who), self.what(event))
    }

    fn who(&self, who: Who) -> String {
        match who {
            Who::Run => "run".to_owned(),
            Who::Workflow(key) => self.workflow(key),
            Who::Activity(key) => self.activity(key),
            Who::Attempt(key) => self.attempt(key),
            Who::Worker(key) => format!("worker {}", key.number()),
            other => unreachable!("without a text: {other:?}"),
        }
    }

    fn workflow(&self, key: WorkflowKey) -> String {
        let name = &self.trace.workflows()[key];
        format!("{}#{}", name.workflow_type, name.execution)
    }

    fn activity(&self, key: ActivityKey) -> String {
        let name = &self.trace.activities()[key];
        let workflow =
            if name.workflow.index() == 0 { String::new() } else { format!("{}/", self.workflow(name.workflow)) };
        format!("{workflow}{}#{}", name.activity_type, name.execution)
    }

    /// Names an attempt. An attempt that has the number of an earlier one, as after a reset, is marked.
    fn attempt(&self, key: AttemptKey) -> String {
        let name = self.trace.attempts()[key];
        let earlier = self.trace.attempts().values().take(key.index());
        let same = earlier.filter(|other| (other.activity, other.number) == (name.activity, name.number)).count();
        let mark = if same == 0 { String::new() } else { format!("({})", same + 1) };
        format!("{}@{}{mark}", self.activity(name.activity), name.number)
    }

    fn bytes(&self, bytes: Bytes) -> String {
        of_bytes(self.trace.bytes(bytes))
    }

    fn optional(&self, bytes: Option<Bytes>) -> String {
        bytes.map_or("(none)".to_owned(), |bytes| self.bytes(bytes))
    }

    fn failure(&self, key: FailureKey) -> String {
        failure(self.trace.failure(key))
    }

    fn heartbeat(&mut self, who: Who, stage: &str, with: Option<Bytes>) -> String {
        let Who::Attempt(attempt) = who else { return format!("heartbeat {stage}, of no attempt") };
        let recorded = &mut self.recorded[attempt.index()];
        if stage == "recorded" {
            recorded.push(with);
        }
        let number = recorded.iter().rposition(|other| *other == with).map_or(0, |index| index + 1);
        format!("heartbeat {number} {stage}: {}", self.optional(with))
    }

    fn what(&mut self, event: &Event) -> String {
        let trace = self.trace;
        match event.what {
            What::WorkflowStarted(input) => {
                let Who::Workflow(key) = event.who else { return "workflow started, which is none".to_owned() };
                let id = &trace.workflows()[key].workflow_id;
                format!("workflow started, id {id:?}, input {}", self.bytes(input))
            }
            What::TaskStarted { task, attempt } => format!("workflow task {task} started, attempt {attempt}"),
            What::TaskCompleted(commands) => format!("workflow task completed, {commands} commands"),
            What::TaskTimedOut => "workflow task timed out".to_owned(),
            What::TaskNotTaken => "workflow task not taken".to_owned(),
            What::TaskFailed(text) => format!("workflow task failed: {}", self.bytes(text)),
            What::Replayed(events) => format!("replayed {events} events"),
            What::Evicted => "evicted".to_owned(),
            What::CancelRequested => "cancel requested".to_owned(),
            What::TimerStarted { timer, duration } => format!("timer {timer} started, {}", span(duration)),
            What::TimerFired(timer) => format!("timer {timer} fired"),
            What::TimerCanceled(timer) => format!("timer {timer} canceled"),
            What::WorkflowCompleted(result) => format!("workflow completed: {}", self.bytes(result)),
            What::WorkflowFailed(failure) => format!("workflow failed: {}", self.failure(failure)),
            What::WorkflowCanceled => "workflow canceled".to_owned(),
            What::WorkflowTimedOut => "workflow timed out".to_owned(),
            What::Scheduled(input) => {
                let Who::Activity(key) = event.who else { return "scheduled, which is no activity".to_owned() };
                let id = &trace.activities()[key].activity_id;
                format!("scheduled, id {id}, input {}", self.bytes(input))
            }
            What::RetryScheduled(due) => format!("retry scheduled, due at {}", time(due)),
            What::TimedOut(timeout) => format!("attempt timed out, {timeout}"),
            What::ActivityCancelRequested => "activity cancel requested".to_owned(),
            What::ActivityCompleted(result) => format!("activity completed: {}", self.bytes(result)),
            What::ActivityFailed { failure, retry_state } => {
                format!("activity failed, {retry_state}: {}", self.failure(failure))
            }
            What::ActivityTimedOut { failure, retry_state } => {
                format!("activity timed out, {retry_state}: {}", self.failure(failure))
            }
            What::ActivityCanceled => "activity canceled".to_owned(),
            What::AttemptStarted(with) => {
                let Who::Attempt(key) = event.who else { return "attempt started, which is none".to_owned() };
                let worker = trace.attempts()[key].worker;
                format!("attempt started on worker {}, details {}", worker.number(), self.optional(with))
            }
            What::DetailsRead => "details read".to_owned(),
            What::Awaited(count) => format!("await {count}"),
            What::HeartbeatRecorded(with) => self.heartbeat(event.who, "recorded", with),
            What::HeartbeatSent(with) => self.heartbeat(event.who, "sent", with),
            What::HeartbeatVisible(with) => self.heartbeat(event.who, "visible", with),
            What::Effect { name, applied } => {
                format!("effect {}: {}", if applied { "applied" } else { "not applied" }, self.bytes(name))
            }
            What::CancelDelivered(reason) => format!("cancel delivered, {reason}"),
            What::WorkerStopping => "worker stopping".to_owned(),
            What::Ended { how, detail } => {
                let how = match how {
                    Ended::Completed => "completed",
                    Ended::Failed => "failed",
                    Ended::Cancelled => "cancelled",
                    Ended::Panicked => "panicked",
                    Ended::Async => "left to be completed by id",
                    other => unreachable!("without a text: {other:?}"),
                };
                format!("attempt ended, {how}: {}", self.optional(detail))
            }
            What::Refused => "refused".to_owned(),
            What::ReportDropped => "report dropped".to_owned(),
            What::Died => "died".to_owned(),
            What::Aborted => "aborted".to_owned(),
            What::Zombie => "zombie".to_owned(),
            What::WorkerCrashed => "crashed".to_owned(),
            What::WorkerStarted => "started".to_owned(),
            What::StopSignal => "stop signal".to_owned(),
            What::WorkerStopped => "stopped".to_owned(),
            What::Frozen => "frozen".to_owned(),
            What::Thawed => "thawed".to_owned(),
            What::Fault(key) => {
                let (point, fault) = &trace.faults()[key];
                format!("fault {point}={fault}")
            }
            What::TasksLeft(count) => format!("{count} background tasks left"),
            What::SignalReceived(key) => {
                let signal = &trace.signals()[key];
                format!("signal {:?} received: {}", signal.name, self.bytes(signal.bytes))
            }
            What::MarkerRecorded(key) => match &trace.markers()[key] {
                Marker::SideEffect { seq, value } => {
                    format!("marker: side effect {seq}: {}", of_bytes(value.as_bytes()))
                }
                Marker::MutableSideEffect { id, value, .. } => {
                    format!("marker: {id:?} is {}", of_bytes(value.as_bytes()))
                }
                Marker::Version { change_id, version } => format!("marker: version of {change_id:?}: {version}"),
                Marker::Patch { id, deprecated } => format!("marker: patch {id:?}, deprecated {deprecated}"),
                other => format!("marker: {other:?}"),
            },
            What::WorkflowTerminated(reason) => format!("workflow terminated: {}", self.bytes(reason)),
            What::QueryAnswered(key) => {
                let answer = &trace.answers()[key];
                format!("query {:?} answered: {}", answer.name, self.bytes(answer.bytes))
            }
            other => format!("{other:?}"),
        }
    }
}
