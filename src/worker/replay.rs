//! The way from a history to the news for a workflow's code, and back: the comparison of a replay with its history.

use std::ops::Range;
use std::sync::Arc;

use crate::program::{
    Activation, ActivityId, ActivityResolution, ChildResolution, ChildStart, Command, Details, Failure, FailureKind,
    Job, Marker, RetryState, Seq, Target, Time, TimeoutType, places,
};
use crate::service::{EventKind, HistoryEvent, WorkflowOutcome};

use super::instance::{Instance, TaskProblem};
use super::turn::Turn;

/// A command, as far as a history event shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked<'a> {
    ScheduleActivity { seq: Seq, activity_type: &'a str, id: &'a ActivityId },
    CancelActivity { seq: Seq },
    StartTimer { seq: Seq },
    CancelTimer { seq: Seq },
    StartChild { seq: Seq, workflow_type: &'a str, workflow_id: &'a str },
    CancelChild { seq: Seq },
    SignalWorkflow { seq: Seq, target: &'a Target, name: &'a str },
    CancelWorkflow { seq: Seq, target: &'a Target },
    SideEffect { seq: Seq },
    Upserted { sort: &'a str },
    Complete,
    Fail,
    Cancelled,
    ContinueAsNew { workflow_type: &'a str },
}

impl Instance {
    /// Makes `turn` the next task that an instance before this one has answered, if there is one left.
    pub(crate) fn past_turn(&mut self, history: &[HistoryEvent], turn: &mut Turn) -> bool {
        // A cached instance has answered all its tasks itself.
        if !self.replaying {
            return false;
        }
        let Some(answered) = next_answer(history, self.seen) else { return false };
        let EventKind::WorkflowTaskCompleted { started_event_id, .. } = history[answered].kind else { return false };
        turn.answer = answered + 1..next_answer(history, answered + 1).unwrap_or(history.len());
        self.take_in(history, answered + 1, turn);
        let Activation { now, replaying, history_length, jobs } = &mut turn.activation;
        // The code is to decide as it did then, so it gets the markers ahead.
        for event in &history[turn.answer.clone()] {
            if let EventKind::MarkerRecorded { marker } = &event.kind {
                jobs.push(Job::Marker(marker.clone()));
            }
        }
        put_in_order(jobs);
        *now = history[started_event_id as usize - 1].at;
        (*history_length, *replaying) = (started_event_id, true);
        true
    }

    /// Makes `turn` the rest of the history: the task at hand, which was started at `now`.
    pub(crate) fn present_turn(&mut self, history: &[HistoryEvent], now: Time, turn: &mut Turn) {
        self.replaying = false;
        turn.answer = 0..0;
        self.take_in(history, history.len(), turn);
        let activation = &mut turn.activation;
        activation.now = now;
        (activation.history_length, activation.replaying) = (history.len() as u64, false);
    }

    /// Takes the news before an event into the turn, in which nothing has been asked for yet.
    fn take_in(&mut self, history: &[HistoryEvent], end: usize, turn: &mut Turn) {
        turn.commands.clear();
        let jobs = &mut turn.activation.jobs;
        jobs.clear();
        for event in &history[self.seen..end] {
            jobs.extend(news(&event.kind, history));
        }
        put_in_order(jobs);
        self.seen = end;
    }
}

/// The index of the event that answered the next task, from this event on.
fn next_answer(history: &[HistoryEvent], from: usize) -> Option<usize> {
    let is_answer = |event: &HistoryEvent| matches!(event.kind, EventKind::WorkflowTaskCompleted { .. });
    history[from..].iter().position(is_answer).map(|index| from + index)
}

/// Puts jobs into the order in which the code gets them; equal jobs stay as they came.
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/mod.rs`, a stable sort.
fn put_in_order(jobs: &mut [Job]) {
    jobs.sort_by_key(|job| match job {
        Job::Start => 0,
        Job::Marker(_) => 1,
        Job::Signal { .. } => 3,
        _ => 4,
    });
}

/// The command for which this event was written, if a task's answer asked for it.
fn asked<'a>(kind: &'a EventKind, history: &[HistoryEvent]) -> Option<Asked<'a>> {
    Some(match kind {
        EventKind::ActivityTaskScheduled { seq, id, spec, .. } => {
            Asked::ScheduleActivity { seq: *seq, activity_type: &spec.activity_type, id }
        }
        EventKind::ActivityTaskCancelRequested { scheduled_event_id } => {
            Asked::CancelActivity { seq: scheduled(history, *scheduled_event_id).seq }
        }
        EventKind::StartChildWorkflowExecutionInitiated { seq, spec } => {
            Asked::StartChild { seq: *seq, workflow_type: &spec.workflow_type, workflow_id: &spec.workflow_id }
        }
        EventKind::RequestCancelExternalWorkflowExecutionInitiated { target: Target::Child(seq), .. } => {
            Asked::CancelChild { seq: *seq }
        }
        EventKind::RequestCancelExternalWorkflowExecutionInitiated { seq, target, .. } => {
            Asked::CancelWorkflow { seq: *seq, target }
        }
        EventKind::SignalExternalWorkflowExecutionInitiated { seq, target, name, .. } => {
            Asked::SignalWorkflow { seq: *seq, target, name }
        }
        EventKind::TimerStarted { seq, .. } => Asked::StartTimer { seq: *seq },
        EventKind::TimerCanceled { seq } => Asked::CancelTimer { seq: *seq },
        EventKind::MarkerRecorded { marker: Marker::SideEffect { seq, .. } } => Asked::SideEffect { seq: *seq },
        EventKind::MarkerRecorded { marker: Marker::MutableSideEffect { .. } | Marker::Version { .. } } => return None,
        EventKind::MarkerRecorded { marker: Marker::Upserted { sort, .. } } => Asked::Upserted { sort },
        EventKind::WorkflowExecutionCompleted { .. } => Asked::Complete,
        EventKind::WorkflowExecutionFailed { .. } => Asked::Fail,
        EventKind::WorkflowExecutionCanceled { .. } => Asked::Cancelled,
        EventKind::WorkflowExecutionContinuedAsNew { workflow_type, .. } => Asked::ContinueAsNew { workflow_type },
        _ => return None,
    })
}

/// The news that an event is to the workflow's code, if it is any.
fn news(kind: &EventKind, history: &[HistoryEvent]) -> Option<Job> {
    let done = |scheduled_event_id: u64, started_event_id: u64, end: End<'_>| {
        let scheduled = scheduled(history, scheduled_event_id);
        let wrap = |message: &str, retry_state, cause| {
            Arc::new(Failure {
                message: message.into(),
                kind: FailureKind::Activity {
                    activity_type: scheduled.activity_type.clone(),
                    activity_id: scheduled.id.to_string().into(),
                    scheduled_event_id,
                    started_event_id,
                    retry_state,
                },
                cause: Some(cause),
            })
        };
        let result = match end {
            End::Failed(failure, state) => {
                ActivityResolution::Failed(wrap("Activity task failed", state, failure.clone()))
            }
            End::TimedOut(failure, state) => {
                ActivityResolution::Failed(wrap("Activity task timed out", state, failure.clone()))
            }
            End::Canceled(details) => {
                let kind = FailureKind::Canceled { details: details.clone() };
                let cause = Failure { message: "Activity cancelled".into(), kind, cause: None };
                ActivityResolution::Cancelled(wrap("Activity cancelled", RetryState::CancelRequested, Arc::new(cause)))
            }
        };
        Some(Job::ActivityDone { seq: scheduled.seq, result })
    };
    match kind {
        EventKind::WorkflowExecutionStarted { .. } => Some(Job::Start),
        EventKind::ActivityTaskCompleted { scheduled_event_id, result, .. } => Some(Job::ActivityDone {
            seq: scheduled(history, *scheduled_event_id).seq,
            result: ActivityResolution::Completed(result.clone()),
        }),
        EventKind::ActivityTaskFailed { scheduled_event_id, started_event_id, failure, retry_state } => {
            done(*scheduled_event_id, *started_event_id, End::Failed(failure, *retry_state))
        }
        EventKind::ActivityTaskTimedOut { scheduled_event_id, started_event_id, failure, retry_state } => {
            done(*scheduled_event_id, *started_event_id, End::TimedOut(failure, *retry_state))
        }
        EventKind::ActivityTaskCanceled { scheduled_event_id, started_event_id, details } => {
            done(*scheduled_event_id, *started_event_id, End::Canceled(details))
        }
        EventKind::StartChildWorkflowExecutionFailed { seq, .. } => {
            Some(Job::ChildStarted { seq: *seq, result: ChildStart::AlreadyExists })
        }
        EventKind::ChildWorkflowExecutionStarted { seq, run_id, .. } => {
            Some(Job::ChildStarted { seq: *seq, result: ChildStart::Started { run_id: run_id.clone() } })
        }
        EventKind::ChildWorkflowExecutionClosed { seq, initiated_event_id, started_event_id, outcome, .. } => {
            let result = child_result(history, *initiated_event_id, *started_event_id, outcome);
            Some(Job::ChildDone { seq: *seq, result })
        }
        EventKind::ExternalWorkflowExecutionSignaled { seq, arrived, .. } => {
            Some(Job::SignalDone { seq: *seq, failure: not_found(*arrived, "Unable to signal external workflow") })
        }
        EventKind::ExternalWorkflowExecutionCancelRequested { seq, of_child: true, .. } => {
            Some(Job::ChildCancelRequested { seq: *seq })
        }
        EventKind::ExternalWorkflowExecutionCancelRequested { seq, arrived, .. } => {
            Some(Job::CancelDone { seq: *seq, failure: not_found(*arrived, "Unable to cancel external workflow") })
        }
        EventKind::TimerFired { seq } => Some(Job::FireTimer(*seq)),
        EventKind::WorkflowExecutionSignaled { name, input } => {
            Some(Job::Signal { name: name.clone(), input: input.clone() })
        }
        EventKind::WorkflowExecutionCancelRequested { reason } => Some(Job::Cancel { reason: reason.clone() }),
        _ => None,
    }
}

/// The failure of a message to another workflow that has not arrived.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/signal_external_state_machine.rs` and
/// `cancel_external_state_machine.rs`.
fn not_found(arrived: bool, message: &str) -> Option<Arc<Failure>> {
    let because = || format!("{message} because it was not found");
    (!arrived).then(|| Arc::new(Failure::application("ExternalWorkflowExecutionNotFound", because())))
}

/// The way in which a child has ended, as the SDKs tell its parent (recorded scenarios `wf_child_fails`,
/// `wf_child_run_timeout`, `wf_child_terminated`).
fn child_result(
    history: &[HistoryEvent],
    initiated_event_id: u64,
    started_event_id: u64,
    outcome: &WorkflowOutcome,
) -> ChildResolution {
    let (EventKind::StartChildWorkflowExecutionInitiated { spec, .. }, run_id) =
        (&history[initiated_event_id as usize - 1].kind, started_run(history, started_event_id))
    else {
        unreachable!("event {initiated_event_id} should have initiated a child")
    };
    let failed = |message: &str, retry_state, cause: Arc<Failure>| {
        Arc::new(Failure {
            message: message.into(),
            kind: FailureKind::ChildWorkflow {
                workflow_type: spec.workflow_type.clone(),
                workflow_id: spec.workflow_id.clone(),
                run_id,
                initiated_event_id,
                started_event_id,
                retry_state,
            },
            cause: Some(cause),
        })
    };
    let of_kind = |message: &str, kind| Arc::new(Failure::new(message, kind));
    match outcome {
        WorkflowOutcome::Completed(result) => ChildResolution::Completed(result.clone()),
        WorkflowOutcome::Failed { failure, retry_state } => {
            ChildResolution::Failed(failed("Child Workflow execution failed", *retry_state, failure.clone()))
        }
        WorkflowOutcome::TimedOut { retry_state } => {
            let kind = FailureKind::Timeout {
                timeout_type: TimeoutType::StartToClose,
                last_heartbeat_details: Details::Absent,
            };
            ChildResolution::Failed(failed(
                "Child Workflow execution timed out",
                *retry_state,
                of_kind("Timed out", kind),
            ))
        }
        WorkflowOutcome::Terminated { .. } => ChildResolution::Failed(failed(
            "Child Workflow execution terminated",
            RetryState::NonRetryableFailure,
            of_kind("Terminated", FailureKind::Terminated),
        )),
        WorkflowOutcome::Canceled(details) => ChildResolution::Cancelled(failed(
            "Child Workflow execution canceled",
            RetryState::CancelRequested,
            of_kind("Child Workflow canceled", FailureKind::Canceled { details: details.clone() }),
        )),
        WorkflowOutcome::ContinuedAsNew => unreachable!("a parent hears of the last run of a chain"),
    }
}

/// The first run of a child, by the event that says that it started.
fn started_run(history: &[HistoryEvent], started_event_id: u64) -> Arc<str> {
    match (started_event_id as usize).checked_sub(1).map(|index| &history[index].kind) {
        Some(EventKind::ChildWorkflowExecutionStarted { run_id, .. }) => run_id.clone(),
        _ => Arc::from(""),
    }
}

enum End<'a> {
    Failed(&'a Arc<Failure>, RetryState),
    TimedOut(&'a Arc<Failure>, RetryState),
    Canceled(&'a Details),
}

struct Scheduled<'a> {
    seq: Seq,
    id: &'a ActivityId,
    activity_type: &'a Arc<str>,
}

fn scheduled(history: &[HistoryEvent], event_id: u64) -> Scheduled<'_> {
    match &history[event_id as usize - 1].kind {
        EventKind::ActivityTaskScheduled { seq, id, spec, .. } => {
            Scheduled { seq: *seq, id, activity_type: &spec.activity_type }
        }
        other => unreachable!("event {event_id} should have scheduled an activity but is {other:?}"),
    }
}

/// Compares a replay's commands with the history's, by kind, number, id and type.
///
/// Markers of versions and of mutable side effects are left out on both sides: code may stop asking for a version once it has
/// only one way left, a value that has not changed is not recorded, and the SDKs let both be (Temporal's Go SDK,
/// `internal/internal_task_handlers.go`, `skipDeterministicCheckForEvent`).
///
/// # Errors
/// The error names the first command that differs.
pub(crate) fn compare(history: &[HistoryEvent], answer: Range<usize>, commands: &[Command]) -> Result<(), TaskProblem> {
    let mut asked = history[answer].iter().filter_map(|event| Some((event.id, asked(&event.kind, history)?)));
    let mut commands = commands.iter().enumerate().filter(|(_, command)| is_compared(command));
    let mut last = 0;
    loop {
        let (asked, command) = (asked.next(), commands.next());
        last = command.map_or(last, |(number, _)| number + 1);
        let (number, problem) = match (asked, command) {
            (Some((_, asked)), Some((_, command))) if asked.matches(command) => continue,
            (Some((event, asked)), Some((number, command))) => (
                number + 1,
                format!("asks to {} where the history has {} (event {event})", words(command), asked.words()),
            ),
            (Some((event, asked)), None) => {
                (last + 1, format!("asks for nothing more where the history has {} (event {event})", asked.words()))
            }
            (None, Some((number, command))) => {
                (number + 1, format!("asks to {}, which the history does not have", words(command)))
            }
            (None, None) => return Ok(()),
        };
        return Err(TaskProblem::NonDeterministic {
            message: format!(
                "the workflow is not deterministic: command {number} of a replayed workflow task {problem}"
            ),
            call: command.and_then(|(_, command)| places::asked_by(command)),
        });
    }
}

/// Says whether a replay has to ask for the same.
fn is_compared(command: &Command) -> bool {
    !matches!(command, Command::RecordMarker(Marker::MutableSideEffect { .. } | Marker::Version { .. }))
}

impl Asked<'_> {
    fn words(&self) -> String {
        match self {
            Asked::ScheduleActivity { seq, activity_type, id } => {
                let chosen = match id {
                    ActivityId::Named(id) => Some(id),
                    ActivityId::Seq(_) => None,
                };
                format!("{} scheduled", activity(*seq, activity_type, chosen))
            }
            Asked::CancelActivity { seq } => format!("activity {seq} cancelled"),
            Asked::StartChild { seq, workflow_type, workflow_id } => {
                format!("child {seq} ({workflow_type}, id {workflow_id:?}) initiated")
            }
            Asked::CancelChild { seq } => format!("child {seq} asked to cancel"),
            Asked::SignalWorkflow { seq, target, name } => {
                format!("signal {seq} ({name:?}) sent to {}", target_words(target))
            }
            Asked::CancelWorkflow { target, .. } => format!("{} asked to cancel", target_words(target)),
            Asked::StartTimer { seq } => format!("timer {seq} started"),
            Asked::CancelTimer { seq } => format!("timer {seq} cancelled"),
            Asked::SideEffect { seq } => format!("side effect {seq} recorded"),
            Asked::Upserted { sort } => format!("the {sort} upserted"),
            Asked::Complete => "the workflow completed".to_owned(),
            Asked::Fail => "the workflow failed".to_owned(),
            Asked::Cancelled => "the workflow closed as cancelled".to_owned(),
            Asked::ContinueAsNew { workflow_type } => format!("the workflow continued as new ({workflow_type})"),
        }
    }
}

/// Names an activity, with the id if the code has chosen one.
fn activity(seq: Seq, activity_type: &str, id: Option<&Arc<str>>) -> String {
    match id {
        Some(id) => format!("activity {seq} ({activity_type}, id {id:?})"),
        None => format!("activity {seq} ({activity_type})"),
    }
}

/// Names the workflow that a message is for.
fn target_words(target: &Target) -> String {
    match target {
        Target::Child(seq) => format!("child {seq}"),
        Target::Workflow { workflow_id, .. } => format!("workflow {workflow_id:?}"),
    }
}

/// Names a command, for a person.
fn words(command: &Command) -> String {
    match command {
        Command::ScheduleActivity { seq, spec } => {
            format!("schedule {}", activity(*seq, &spec.activity_type, spec.activity_id.as_ref()))
        }
        Command::CancelActivity { seq } => format!("cancel activity {seq}"),
        Command::StartChild { seq, spec } => {
            format!("start child {seq} ({}, id {:?})", spec.workflow_type, spec.workflow_id)
        }
        Command::CancelChild { seq } => format!("ask child {seq} to cancel"),
        Command::SignalWorkflow { seq, target, name, .. } => {
            format!("send signal {seq} ({name:?}) to {}", target_words(target))
        }
        Command::CancelWorkflow { target, .. } => format!("ask {} to cancel", target_words(target)),
        Command::StartTimer { seq, .. } => format!("start timer {seq}"),
        Command::CancelTimer { seq } => format!("cancel timer {seq}"),
        Command::RecordMarker(Marker::SideEffect { seq, .. }) => format!("record side effect {seq}"),
        Command::RecordMarker(Marker::MutableSideEffect { id, .. }) => format!("record the value of `{id}`"),
        Command::RecordMarker(Marker::Version { change_id, .. }) => format!("record the version of `{change_id}`"),
        Command::RecordMarker(Marker::Upserted { sort, .. }) => format!("upsert the {sort}"),
        Command::QueryAnswer { id, .. } => format!("answer query {id}"),
        Command::Complete(_) => "complete the workflow".to_owned(),
        Command::Fail(_) => "fail the workflow".to_owned(),
        Command::Cancelled(_) => "close the workflow as cancelled".to_owned(),
        Command::ContinueAsNew(next) => match &next.workflow_type {
            Some(workflow_type) => format!("continue as new ({workflow_type})"),
            None => "continue as new".to_owned(),
        },
    }
}

impl Asked<'_> {
    /// Says whether a replay's command is the command that the history knows. Arguments and options are not compared: a
    /// difference there is drift, which the SDKs do not notice.
    fn matches(&self, command: &Command) -> bool {
        match (self, command) {
            (Asked::ScheduleActivity { seq, activity_type, id }, Command::ScheduleActivity { seq: other, spec }) => {
                let same_id = match (id, &spec.activity_id) {
                    (ActivityId::Named(id), Some(chosen)) => id == chosen,
                    (ActivityId::Seq(_), None) => true,
                    _ => false,
                };
                seq == other && *activity_type == &*spec.activity_type && same_id
            }
            (Asked::StartChild { seq, workflow_type, workflow_id }, Command::StartChild { seq: other, spec }) => {
                seq == other && **workflow_type == *spec.workflow_type && **workflow_id == *spec.workflow_id
            }
            (
                Asked::SignalWorkflow { seq, target, name },
                Command::SignalWorkflow { seq: other, target: to, name: chosen, .. },
            ) => seq == other && *target == to && **name == **chosen,
            (Asked::CancelWorkflow { seq, target }, Command::CancelWorkflow { seq: other, target: to, .. }) => {
                seq == other && *target == to
            }
            (Asked::CancelChild { seq }, Command::CancelChild { seq: other })
            | (Asked::CancelActivity { seq }, Command::CancelActivity { seq: other })
            | (Asked::StartTimer { seq }, Command::StartTimer { seq: other, .. })
            | (Asked::CancelTimer { seq }, Command::CancelTimer { seq: other }) => seq == other,
            (Asked::SideEffect { seq }, Command::RecordMarker(Marker::SideEffect { seq: other, .. })) => seq == other,
            (Asked::Upserted { sort }, Command::RecordMarker(Marker::Upserted { sort: other, .. })) => {
                **sort == **other
            }
            (Asked::Complete, Command::Complete(_))
            | (Asked::Fail, Command::Fail(_))
            | (Asked::Cancelled, Command::Cancelled(_)) => true,
            (Asked::ContinueAsNew { workflow_type }, Command::ContinueAsNew(next)) => {
                next.workflow_type.as_ref().is_none_or(|chosen| **chosen == **workflow_type)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{ActivitySpec, Payload, Span};

    /// A replay's command must have the kind, number, id and type that the history knows.
    #[test]
    fn a_command_is_another_if_any_part_differs() {
        let schedule = |seq, activity_type: &str, id: Option<&str>| {
            let mut spec = ActivitySpec::new(activity_type, Payload::new("1"));
            spec.activity_id = id.map(Arc::from);
            Command::ScheduleActivity { seq, spec: Arc::new(spec) }
        };
        let (own, named) = (ActivityId::Seq(2), ActivityId::Named("a".into()));
        let asked = |id| Asked::ScheduleActivity { seq: 2, activity_type: "copy", id };
        assert!(asked(&own).matches(&schedule(2, "copy", None)));
        assert!(asked(&named).matches(&schedule(2, "copy", Some("a"))));
        for (id, other) in [
            (&own, schedule(1, "copy", None)),
            (&own, schedule(2, "move", None)),
            (&own, schedule(2, "copy", Some("2"))),
            (&named, schedule(1, "copy", Some("a"))),
            (&named, schedule(2, "copy", Some("b"))),
            (&named, schedule(2, "copy", None)),
            (&own, Command::StartTimer { seq: 2, duration: Span::from_secs(1) }),
        ] {
            assert!(!asked(id).matches(&other), "{other:?}");
        }
        let timer = |seq| Command::StartTimer { seq, duration: Span::from_secs(1) };
        let effect = |seq| Command::RecordMarker(Marker::SideEffect { seq, value: Payload::new("1") });
        let upsert =
            |sort: &str| Command::RecordMarker(Marker::Upserted { sort: sort.into(), values: Payload::new("1") });
        for (asked, same, other) in [
            (Asked::StartTimer { seq: 1 }, timer(1), timer(2)),
            (Asked::StartTimer { seq: 1 }, timer(1), Command::CancelTimer { seq: 1 }),
            (Asked::CancelTimer { seq: 1 }, Command::CancelTimer { seq: 1 }, Command::CancelTimer { seq: 2 }),
            (Asked::CancelActivity { seq: 1 }, Command::CancelActivity { seq: 1 }, Command::CancelActivity { seq: 2 }),
            (Asked::SideEffect { seq: 1 }, effect(1), effect(2)),
            (Asked::Upserted { sort: "memo" }, upsert("memo"), upsert("search attributes")),
            (Asked::Complete, Command::Complete(Payload::new("1")), timer(1)),
        ] {
            assert!(asked.matches(&same), "{same:?}");
            assert!(!asked.matches(&other), "{other:?}");
        }
    }

    #[test]
    fn values_that_are_looked_up_and_versions_may_be_recorded_or_not() {
        let value = Marker::MutableSideEffect { id: "rate".into(), value: Payload::new("1") };
        let version = Marker::Version { change_id: "change".into(), version: 1 };
        let effect = Marker::SideEffect { seq: 1, value: Payload::new("1") };
        for (marker, is_compared) in [(value, false), (version, false), (effect, true)] {
            let kind = EventKind::MarkerRecorded { marker: marker.clone() };
            let history = [HistoryEvent { id: 1, at: Time::ZERO, kind }];
            assert_eq!(compare(&history, 0..1, &[]).is_err(), is_compared, "{marker:?}");
            assert_eq!(
                compare(&[], 0..0, &[Command::RecordMarker(marker.clone())]).is_err(),
                is_compared,
                "{marker:?}"
            );
            assert!(compare(&history, 0..1, &[Command::RecordMarker(marker)]).is_ok());
        }
    }

    #[test]
    fn signals_come_before_what_came_before_them_and_equal_jobs_as_they_came() {
        let signal = |name: &str| Job::Signal { name: name.into(), input: Payload::new(b"1") };
        let fired = Job::FireTimer;
        let mut jobs = [fired(2), signal("b"), fired(1), signal("a")];
        put_in_order(&mut jobs);
        assert_eq!(jobs, [signal("b"), signal("a"), fired(2), fired(1)]);
    }
}
