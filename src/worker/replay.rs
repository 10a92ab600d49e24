//! The way from a history to the news for a workflow's code, and back: the comparison of a replay with its history.

use std::ops::Range;

use crate::program::places::{self, Called};
use crate::program::{Activation, Command, Job, Marker, Time};
use crate::service::{EventKind, HistoryEvent, Update, WorkflowTask};

use super::asked::{asked, words};
use super::instance::{Instance, TaskProblem};
use super::news::news;
use super::turn::Turn;

impl Instance {
    /// Makes `turn` the next task that an instance before this one has answered, if there is one left.
    pub(crate) fn past_turn(&mut self, history: &[HistoryEvent], turn: &mut Turn) -> bool {
        // A cached instance has answered all its tasks itself.
        if !self.replaying {
            return false;
        }
        let Some(answered) = next_answer(history, self.seen) else { return false };
        let EventKind::WorkflowTaskCompleted { started_event_id, .. } = history[answered].kind else { return false };
        let started = &history[started_event_id as usize - 1];
        let EventKind::WorkflowTaskStarted { history_size: size, suggest_continue_as_new: is_suggested, .. } =
            started.kind
        else {
            return false;
        };
        turn.answer = answered + 1..next_answer(history, answered + 1).unwrap_or(history.len());
        self.take_in(history, answered + 1, turn);
        let Activation { now, replaying, history_length, history_size, suggest_continue_as_new, jobs } =
            &mut turn.activation;
        // The code is to decide as it did then, so it gets the markers ahead.
        for event in &history[turn.answer.clone()] {
            match &event.kind {
                EventKind::MarkerRecorded { marker: Marker::LocalActivity(local) } => {
                    turn.recorded.push_back(local.clone())
                }
                EventKind::MarkerRecorded { marker } => jobs.push(Job::Marker(marker.clone())),
                // No event before this one holds the update. Those that were rejected are not there at all.
                EventKind::WorkflowExecutionUpdateAccepted { update_id, name, input, .. } => jobs.push(Job::Update {
                    id: update_id.clone(),
                    name: name.clone(),
                    input: input.clone(),
                    validate: false,
                }),
                _ => {}
            }
        }
        put_in_order(jobs);
        *now = started.at;
        (*history_length, *replaying) = (started_event_id, true);
        (*history_size, *suggest_continue_as_new) = (size, is_suggested);
        true
    }

    /// Makes `turn` the rest of the history: the task at hand, which was started at `now` and has brought these updates. A query
    /// has no task.
    pub(crate) fn present_turn<'a>(
        &mut self,
        history: &[HistoryEvent],
        task: Option<&WorkflowTask>,
        updates: impl Iterator<Item = &'a Update>,
        now: Time,
        turn: &mut Turn,
    ) {
        self.replaying = false;
        turn.answer = 0..0;
        self.take_in(history, history.len(), turn);
        let activation = &mut turn.activation;
        activation.jobs.extend(updates.map(|update| Job::Update {
            id: update.id().clone(),
            name: update.name().clone(),
            input: update.input().clone(),
            validate: true,
        }));
        put_in_order(&mut activation.jobs);
        activation.now = now;
        (activation.history_length, activation.replaying) = (history.len() as u64, false);
        if let Some(task) = task {
            // The events of a speculative task are not written yet.
            activation.history_length = activation.history_length.max(task.started_event_id);
            activation.history_size = task.history_size;
            activation.suggest_continue_as_new = task.suggest_continue_as_new;
        }
    }

    /// Takes the news before an event into the turn, in which nothing has been asked for yet.
    fn take_in(&mut self, history: &[HistoryEvent], end: usize, turn: &mut Turn) {
        turn.commands.clear();
        turn.recorded.clear();
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
        Job::Signal { .. } | Job::Update { .. } => 3,
        _ => 4,
    });
}

/// Compares a replay's commands with the history's, by kind, number, id and type.
///
/// Markers of versions and of mutable side effects are left out on both sides: code may stop asking for a version once it has
/// only one way left, a value that has not changed is not recorded, and the SDKs let both be (Temporal's Go SDK,
/// `internal/internal_task_handlers.go`, `skipDeterministicCheckForEvent`). A patch has to be asked for where it was, unless it was
/// deprecated by then.
///
/// # Errors
/// The error names the first command that differs.
pub(crate) fn compare(history: &[HistoryEvent], answer: Range<usize>, commands: &[Command]) -> Result<(), TaskProblem> {
    let Some(Mismatch { number, words, event, is_of_event, call }) = mismatch(history, answer, commands) else {
        return Ok(());
    };
    let event = if is_of_event { format!(" (event {event})") } else { String::new() };
    let command = number.map(|number| format!("command {number} of ")).unwrap_or_default();
    Err(TaskProblem::NonDeterministic {
        message: format!("the workflow is not deterministic: {command}a replayed workflow task {words}{event}"),
        call,
    })
}

/// The first command that differs from those of the history.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Mismatch {
    /// The number of the command among the code's, from 1. A patch has none.
    number: Option<usize>,
    /// The difference, after the word for the code: `asks to start timer 1 where the history has timer 2 started`.
    pub(crate) words: String,
    /// The id of the event that the command should have brought about; if there is none, that of the answer.
    pub(crate) event: u64,
    is_of_event: bool,
    /// The call of the command, if there is one.
    pub(crate) call: Option<Called>,
}

/// Finds the first command that differs, as [`compare`] does.
pub(crate) fn mismatch(history: &[HistoryEvent], answer: Range<usize>, commands: &[Command]) -> Option<Mismatch> {
    let command = different_command(history, answer.clone(), commands);
    let is_before =
        |patch: &Mismatch| !command.as_ref().is_some_and(|command| command.is_of_event && command.event < patch.event);
    unasked_patch(&history[answer], commands).filter(is_before).or(command)
}

/// Finds the first patch that the history has and the code does not ask for, or not in the order of then.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/workflow_machines.rs`, `patch_marker_handling`.
fn unasked_patch(answer: &[HistoryEvent], commands: &[Command]) -> Option<Mismatch> {
    let mut asked = commands.iter().filter_map(|command| match command {
        Command::RecordMarker(Marker::Patch { id, .. }) => Some(id),
        _ => None,
    });
    let recorded = answer.iter().filter_map(|event| match &event.kind {
        EventKind::MarkerRecorded { marker: Marker::Patch { id, deprecated: false } } => Some((event.id, id)),
        _ => None,
    });
    let mut unasked = recorded.filter(|(_, id)| !asked.any(|asked| asked == *id));
    unasked.next().map(|(event, id)| Mismatch {
        number: None,
        words: format!(
            "does not ask for the patch `{id}`, whose marker the history has there: `patched` stays where it is as long as runs need \
             the way before it, and `deprecate_patch` takes its place as long as runs with the marker are open"
        ),
        event,
        is_of_event: true,
        call: None,
    })
}

fn different_command(history: &[HistoryEvent], answer: Range<usize>, commands: &[Command]) -> Option<Mismatch> {
    let of_answer = answer.start as u64;
    let mut asked = history[answer].iter().filter_map(|event| Some((event.id, asked(&event.kind, history)?)));
    let mut commands = commands.iter().enumerate().filter(|(_, command)| is_compared(command));
    let mut last = 0;
    loop {
        let (asked, command) = (asked.next(), commands.next());
        last = command.map_or(last, |(number, _)| number + 1);
        let (number, event, words) = match (asked, command) {
            (Some((_, asked)), Some((_, command))) if asked.matches(command) => continue,
            (Some((event, asked)), Some((number, command))) => {
                (number + 1, Some(event), format!("asks to {} where the history has {}", words(command), asked.words()))
            }
            (Some((event, asked)), None) => {
                (last + 1, Some(event), format!("asks for nothing more where the history has {}", asked.words()))
            }
            (None, Some((number, command))) => {
                (number + 1, None, format!("asks to {}, which the history does not have", words(command)))
            }
            (None, None) => return None,
        };
        let call = command.and_then(|(_, command)| places::asked_by(command));
        return Some(Mismatch {
            number: Some(number),
            words,
            event: event.unwrap_or(of_answer),
            is_of_event: event.is_some(),
            call,
        });
    }
}

/// The indexes of the events in an answer that are compared with commands, in order.
pub(super) fn commands_of(history: &[HistoryEvent], answer: Range<usize>) -> impl Iterator<Item = usize> {
    answer.filter(|index| asked(&history[*index].kind, history).is_some())
}

/// Says whether a replay has to ask for the same.
pub(super) fn is_compared(command: &Command) -> bool {
    !matches!(
        command,
        Command::RecordMarker(Marker::MutableSideEffect { .. } | Marker::Version { .. } | Marker::Patch { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Payload;

    #[test]
    fn values_that_are_looked_up_and_versions_may_be_recorded_or_not() {
        let value = Marker::MutableSideEffect { id: "rate".into(), call: 1, value: Payload::new("1") };
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

    /// One that was deprecated by then may be left away, and so may the rest of the answer be.
    #[test]
    fn a_patch_is_asked_for_in_the_order_of_then() {
        let patch = |id: &str, deprecated| Marker::Patch { id: id.into(), deprecated };
        let event = |id, marker| HistoryEvent { id, at: Time::ZERO, kind: EventKind::MarkerRecorded { marker } };
        let history = [event(1, patch("a", false)), event(2, patch("b", true)), event(3, patch("c", false))];
        let unasked = |asked: &[(&str, bool)]| {
            let commands = asked.iter().map(|(id, deprecated)| Command::RecordMarker(patch(id, *deprecated)));
            mismatch(&history, 0..3, &commands.collect::<Vec<_>>()).map(|mismatch| mismatch.event)
        };
        assert_eq!(unasked(&[("a", false), ("b", false), ("c", false)]), None);
        assert_eq!(unasked(&[("a", true), ("c", true), ("d", false)]), None);
        assert_eq!(unasked(&[("a", false)]), Some(3));
        assert_eq!(unasked(&[("c", false), ("a", false)]), Some(3));
        assert_eq!(unasked(&[]), Some(1));
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
