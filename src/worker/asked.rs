//! [`Asked`]: the commands of a replay, beside those that the history knows.

use std::sync::Arc;

use crate::program::{ActivityId, Command, Marker, Seq, Target};
use crate::service::{EventKind, HistoryEvent};

/// A command, as far as a history event shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked<'a> {
    ScheduleActivity { seq: Seq, activity_type: &'a str, id: &'a ActivityId },
    CancelActivity { seq: Seq },
    StartTimer { seq: Seq },
    CancelTimer { seq: Seq },
    StartChild { seq: Seq, workflow_type: &'a str, workflow_id: &'a str },
    CancelChild { seq: Seq },
    SignalWorkflow { seq: Seq, target: &'a Target, name: &'a str },
    CancelWorkflow { seq: Seq, target: &'a Target },
    SideEffect { seq: Seq },
    AcceptUpdate { id: &'a str },
    CompleteUpdate { id: &'a str },
    LocalActivity { seq: Seq, activity_type: &'a str },
    Upserted { sort: &'a str },
    Complete,
    Fail,
    Cancelled,
    ContinueAsNew { workflow_type: &'a str },
}

/// The command for which this event was written, if a task's answer asked for it.
pub(super) fn asked<'a>(kind: &'a EventKind, history: &[HistoryEvent]) -> Option<Asked<'a>> {
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
        EventKind::MarkerRecorded { marker: Marker::LocalActivity(local) } => {
            Asked::LocalActivity { seq: local.seq, activity_type: &local.activity_type }
        }
        EventKind::MarkerRecorded {
            marker: Marker::MutableSideEffect { .. } | Marker::Version { .. } | Marker::Patch { .. },
        } => return None,
        EventKind::MarkerRecorded { marker: Marker::Upserted { sort, .. } } => Asked::Upserted { sort },
        EventKind::WorkflowExecutionUpdateAccepted { update_id, .. } => Asked::AcceptUpdate { id: update_id },
        EventKind::WorkflowExecutionUpdateCompleted { update_id, .. } => Asked::CompleteUpdate { id: update_id },
        EventKind::WorkflowExecutionCompleted { .. } => Asked::Complete,
        EventKind::WorkflowExecutionFailed { .. } => Asked::Fail,
        EventKind::WorkflowExecutionCanceled { .. } => Asked::Cancelled,
        EventKind::WorkflowExecutionContinuedAsNew { workflow_type, .. } => Asked::ContinueAsNew { workflow_type },
        _ => return None,
    })
}

pub(super) struct Scheduled<'a> {
    pub(super) seq: Seq,
    pub(super) id: &'a ActivityId,
    pub(super) activity_type: &'a Arc<str>,
}

pub(super) fn scheduled(history: &[HistoryEvent], event_id: u64) -> Scheduled<'_> {
    match &history[event_id as usize - 1].kind {
        EventKind::ActivityTaskScheduled { seq, id, spec, .. } => {
            Scheduled { seq: *seq, id, activity_type: &spec.activity_type }
        }
        other => unreachable!("event {event_id} should have scheduled an activity but is {other:?}"),
    }
}

impl Asked<'_> {
    pub(super) fn words(&self) -> String {
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
            Asked::AcceptUpdate { id } => format!("update {id:?} accepted"),
            Asked::CompleteUpdate { id } => format!("update {id:?} completed"),
            Asked::LocalActivity { seq, activity_type } => format!("local activity {seq} ({activity_type}) recorded"),
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
pub(super) fn words(command: &Command) -> String {
    match command {
        Command::ScheduleActivity { seq, spec } => {
            format!("schedule {}", activity(*seq, &spec.activity_type, spec.activity_id.as_ref()))
        }
        Command::CancelActivity { seq } => format!("cancel activity {seq}"),
        Command::ScheduleLocalActivity { seq, spec } => {
            format!("run local activity {seq} ({})", spec.activity.activity_type)
        }
        Command::CancelLocalActivity { seq } => format!("cancel local activity {seq}"),
        Command::StartChild { seq, spec } => {
            format!("start child {seq} ({}, id {:?})", spec.workflow_type, spec.workflow_id)
        }
        Command::CancelChild { seq, .. } => format!("ask child {seq} to cancel"),
        Command::SignalWorkflow { seq, target, name, .. } => {
            format!("send signal {seq} ({name:?}) to {}", target_words(target))
        }
        Command::CancelSignal { seq } => format!("take back signal {seq}"),
        Command::CancelWorkflow { target, .. } => format!("ask {} to cancel", target_words(target)),
        Command::StartTimer { seq, .. } => format!("start timer {seq}"),
        Command::CancelTimer { seq } => format!("cancel timer {seq}"),
        Command::RecordMarker(Marker::SideEffect { seq, .. }) => format!("record side effect {seq}"),
        Command::RecordMarker(Marker::MutableSideEffect { id, .. }) => format!("record the value of `{id}`"),
        Command::RecordMarker(Marker::Version { change_id, .. }) => format!("record the version of `{change_id}`"),
        Command::RecordMarker(Marker::LocalActivity(local)) => {
            format!("record local activity {} ({})", local.seq, local.activity_type)
        }
        Command::RecordMarker(Marker::Patch { id, .. }) => format!("record the patch `{id}`"),
        Command::RecordMarker(Marker::Upserted { sort, .. }) => format!("upsert the {sort}"),
        Command::AcceptUpdate { id } => format!("accept update {id:?}"),
        Command::RejectUpdate { id, .. } => format!("reject update {id:?}"),
        Command::CompleteUpdate { id, .. } => format!("complete update {id:?}"),
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
    pub(super) fn matches(&self, command: &Command) -> bool {
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
            (Asked::CancelChild { seq }, Command::CancelChild { seq: other, .. })
            | (Asked::CancelActivity { seq }, Command::CancelActivity { seq: other })
            | (Asked::StartTimer { seq }, Command::StartTimer { seq: other, .. })
            | (Asked::CancelTimer { seq }, Command::CancelTimer { seq: other }) => seq == other,
            (Asked::SideEffect { seq }, Command::RecordMarker(Marker::SideEffect { seq: other, .. })) => seq == other,
            (Asked::LocalActivity { seq, activity_type }, Command::RecordMarker(Marker::LocalActivity(local))) => {
                *seq == local.seq && **activity_type == *local.activity_type
            }
            (Asked::Upserted { sort }, Command::RecordMarker(Marker::Upserted { sort: other, .. })) => {
                **sort == **other
            }
            (Asked::AcceptUpdate { id }, Command::AcceptUpdate { id: other })
            | (Asked::CompleteUpdate { id }, Command::CompleteUpdate { id: other, .. }) => **id == **other,
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
        let accept = |id: &str| Command::AcceptUpdate { id: id.into() };
        let complete = |id: &str| Command::CompleteUpdate { id: id.into(), result: Ok(Payload::new("1")) };
        for (asked, same, other) in [
            (Asked::StartTimer { seq: 1 }, timer(1), timer(2)),
            (Asked::StartTimer { seq: 1 }, timer(1), Command::CancelTimer { seq: 1 }),
            (Asked::CancelTimer { seq: 1 }, Command::CancelTimer { seq: 1 }, Command::CancelTimer { seq: 2 }),
            (Asked::CancelActivity { seq: 1 }, Command::CancelActivity { seq: 1 }, Command::CancelActivity { seq: 2 }),
            (Asked::SideEffect { seq: 1 }, effect(1), effect(2)),
            (Asked::Upserted { sort: "memo" }, upsert("memo"), upsert("search attributes")),
            (Asked::AcceptUpdate { id: "a" }, accept("a"), accept("b")),
            (Asked::CompleteUpdate { id: "a" }, complete("a"), complete("b")),
            (Asked::CompleteUpdate { id: "a" }, complete("a"), accept("a")),
            (Asked::Complete, Command::Complete(Payload::new("1")), timer(1)),
        ] {
            assert!(asked.matches(&same), "{same:?}");
            assert!(!asked.matches(&other), "{other:?}");
        }
    }
}
