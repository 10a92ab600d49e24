//! [`drift`]: a difference between a replay and its history where the SDKs do not look: arguments, options, results.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use crate::program::places::{self, Called};
use crate::program::{ActivitySpec, Command, Details, Failure, Payload};
use crate::service::{EventKind, HistoryEvent};

/// A command that is the history's by kind, number, id and type, and differs from it all the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Drift {
    /// The index of its event in the history.
    pub(crate) event: usize,
    /// The replay's command in words, after its name: `schedules activity 2 (send) with another input`.
    pub(crate) words: String,
    /// The value that the history has.
    pub(crate) expected: String,
    /// The value that the replay has.
    pub(crate) found: String,
    /// The call of the replay's command.
    pub(crate) call: Option<Called>,
}

/// The first difference between a replay's commands and the history's, where [`compare`](super::replay::compare) has found
/// none.
pub(crate) fn drift(history: &[HistoryEvent], answer: Range<usize>, commands: &[Command]) -> Option<Drift> {
    // Markers come from the history itself.
    let mut commands = commands.iter().filter(|command| !matches!(command, Command::RecordMarker(_)));
    answer.clone().zip(&history[answer]).find_map(|(index, event)| {
        let is_asked = matches!(
            event.kind,
            EventKind::ActivityTaskScheduled { .. }
                | EventKind::ActivityTaskCancelRequested { .. }
                | EventKind::StartChildWorkflowExecutionInitiated { .. }
                | EventKind::SignalExternalWorkflowExecutionInitiated { .. }
                | EventKind::RequestCancelExternalWorkflowExecutionInitiated { .. }
                | EventKind::TimerStarted { .. }
                | EventKind::TimerCanceled { .. }
                | EventKind::WorkflowExecutionUpdateAccepted { .. }
                | EventKind::WorkflowExecutionUpdateCompleted { .. }
                | EventKind::WorkflowExecutionCompleted { .. }
                | EventKind::WorkflowExecutionFailed { .. }
                | EventKind::WorkflowExecutionCanceled { .. }
                | EventKind::WorkflowExecutionContinuedAsNew { .. }
        );
        let command = is_asked.then(|| commands.next())??;
        let (words, expected, found) = differs(&event.kind, command)?;
        Some(Drift { event: index, words, expected, found, call: places::asked_by(command) })
    })
}

fn differs(kind: &EventKind, command: &Command) -> Option<(String, String, String)> {
    match (kind, command) {
        (EventKind::ActivityTaskScheduled { seq, spec: known, .. }, Command::ScheduleActivity { spec, .. }) => {
            let (option, expected, found) = spec_differs(known, spec)?;
            let words = format!("schedules activity {seq} ({}) with another {option}", spec.activity_type);
            Some((words, expected, found))
        }
        (EventKind::StartChildWorkflowExecutionInitiated { seq, spec: known }, Command::StartChild { spec, .. })
            if known.input != spec.input =>
        {
            let (expected, found) = bytes_differ(known.input.as_bytes(), spec.input.as_bytes())?;
            Some((format!("starts child {seq} ({}) with another input", spec.workflow_type), expected, found))
        }
        (EventKind::StartChildWorkflowExecutionInitiated { seq, spec: known }, Command::StartChild { spec, .. })
            if known != spec =>
        {
            let words = format!("starts child {seq} ({}) with other options", spec.workflow_type);
            Some((words, format!("{known:?}"), format!("{spec:?}")))
        }
        (
            EventKind::SignalExternalWorkflowExecutionInitiated { seq, input: known, .. },
            Command::SignalWorkflow { input, .. },
        ) => {
            let (expected, found) = bytes_differ(known.as_bytes(), input.as_bytes())?;
            Some((format!("sends signal {seq} with another input"), expected, found))
        }
        (EventKind::TimerStarted { seq, duration: known }, Command::StartTimer { duration, .. }) => {
            let (expected, found) = unequal(known, duration)?;
            Some((format!("starts timer {seq} with another duration"), expected, found))
        }
        (
            EventKind::WorkflowExecutionUpdateCompleted { update_id, outcome: known, .. },
            Command::CompleteUpdate { result, .. },
        ) => {
            let text = |outcome: &Result<Payload, Arc<Failure>>| match outcome {
                Ok(result) => result.as_bytes().to_vec(),
                Err(failure) => failure.to_string().into_bytes(),
            };
            let (expected, found) = bytes_differ(&text(known), &text(result))?;
            Some((format!("completes update {update_id:?} with another result"), expected, found))
        }
        (EventKind::WorkflowExecutionCompleted { result: known }, Command::Complete(result)) => {
            let (expected, found) = bytes_differ(known.as_bytes(), result.as_bytes())?;
            Some(("completes with another result".to_owned(), expected, found))
        }
        (EventKind::WorkflowExecutionFailed { failure: known, .. }, Command::Fail(failure)) if known != failure => {
            let (expected, found) = bytes_differ(known.to_string().as_bytes(), failure.to_string().as_bytes())
                .unwrap_or_else(|| (format!("{known:?}"), format!("{failure:?}")));
            Some(("fails with another failure".to_owned(), expected, found))
        }
        (EventKind::WorkflowExecutionContinuedAsNew { input: known, .. }, Command::ContinueAsNew(next)) => {
            let (expected, found) = bytes_differ(known.as_bytes(), next.input.as_bytes())?;
            Some(("continues as new with another input".to_owned(), expected, found))
        }
        (EventKind::WorkflowExecutionCanceled { details: known }, Command::Cancelled(details)) => {
            let text = |details: &Details| details.as_bytes().map(<[u8]>::to_vec);
            let (known, found) = (text(known), text(details));
            let (expected, found) =
                bytes_differ(known.as_deref().unwrap_or_default(), found.as_deref().unwrap_or_default())?;
            Some(("closes as cancelled with other details".to_owned(), expected, found))
        }
        _ => None,
    }
}

fn spec_differs(known: &ActivitySpec, spec: &ActivitySpec) -> Option<(&'static str, String, String)> {
    if known == spec {
        return None;
    }
    let named = |option: &'static str, texts: Option<(String, String)>| {
        texts.map(|(expected, found)| (option, expected, found))
    };
    let (before, now) = (&known.timeouts, &spec.timeouts);
    named("input", bytes_differ(known.input.as_bytes(), spec.input.as_bytes()))
        .or_else(|| named("task queue", unequal(&known.task_queue, &spec.task_queue)))
        .or_else(|| named("schedule-to-close timeout", unequal(&before.schedule_to_close, &now.schedule_to_close)))
        .or_else(|| named("schedule-to-start timeout", unequal(&before.schedule_to_start, &now.schedule_to_start)))
        .or_else(|| named("start-to-close timeout", unequal(&before.start_to_close, &now.start_to_close)))
        .or_else(|| named("heartbeat timeout", unequal(&before.heartbeat, &now.heartbeat)))
        .or_else(|| named("retry policy", unequal(&known.retry, &spec.retry)))
        .or_else(|| named("cancellation type", unequal(&known.cancellation, &spec.cancellation)))
}

fn unequal<T: PartialEq + Debug>(expected: &T, found: &T) -> Option<(String, String)> {
    (expected != found).then(|| (format!("{expected:?}"), format!("{found:?}")))
}

/// Gives both as text if they differ; a report shows where long texts differ.
fn bytes_differ(expected: &[u8], found: &[u8]) -> Option<(String, String)> {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok("") => "(empty)".to_owned(),
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    };
    (expected != found).then(|| (text(expected), text(found)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{ActivityId, CancellationType, RetrySpec, Span, Time, Timeouts};

    fn spec(input: &str, heartbeat: i64) -> Arc<ActivitySpec> {
        Arc::new(ActivitySpec {
            activity_id: None,
            activity_type: "send".into(),
            task_queue: None,
            input: Payload::new(input),
            timeouts: Timeouts { heartbeat: Span::from_secs(heartbeat), ..Timeouts::default() },
            retry: None,
            cancellation: CancellationType::TryCancel,
            headers: Default::default(),
        })
    }

    fn scheduled(seq: u32, spec: Arc<ActivitySpec>) -> EventKind {
        let retry = Arc::new(RetrySpec::default());
        EventKind::ActivityTaskScheduled { seq, id: ActivityId::Seq(seq), timeouts: spec.timeouts, spec, retry }
    }

    fn history(kinds: impl IntoIterator<Item = EventKind>) -> Vec<HistoryEvent> {
        (1..).zip(kinds).map(|(id, kind)| HistoryEvent { id, at: Time::ZERO, kind }).collect()
    }

    #[test]
    fn the_first_argument_or_option_that_differs_is_named() {
        let known = history([
            scheduled(1, spec("1", 30)),
            EventKind::TimerStarted { seq: 1, duration: Span::from_secs(5) },
            scheduled(2, spec("2", 30)),
        ]);
        let replay = |second: Arc<ActivitySpec>, duration: i64| {
            let commands = [
                Command::ScheduleActivity { seq: 1, spec: spec("1", 30) },
                Command::StartTimer { seq: 1, duration: Span::from_secs(duration) },
                Command::ScheduleActivity { seq: 2, spec: second },
            ];
            let found = drift(&known, 0..3, &commands);
            found.map(|drift| (drift.event, format!("{}: {} / {}", drift.words, drift.expected, drift.found)))
        };
        assert_eq!(replay(spec("2", 30), 5), None);
        let other = |event: usize, text: &str| Some((event, text.to_owned()));
        assert_eq!(replay(spec("3", 20), 5), other(2, "schedules activity 2 (send) with another input: 2 / 3"));
        assert_eq!(
            replay(spec("2", 20), 5),
            other(2, "schedules activity 2 (send) with another heartbeat timeout: 30s / 20s")
        );
        assert_eq!(replay(spec("3", 30), 6), other(1, "starts timer 1 with another duration: 5s / 6s"));
    }

    #[test]
    fn a_result_is_compared_too() {
        let known = history([EventKind::WorkflowExecutionCompleted { result: Payload::new("[1,2]") }]);
        let found = drift(&known, 0..1, &[Command::Complete(Payload::new("[2,1]"))]).unwrap();
        assert_eq!((&*found.words, &*found.expected), ("completes with another result", "[1,2]"));
        assert_eq!(drift(&known, 0..1, &[Command::Complete(Payload::new("[1,2]"))]), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(bytes_differ(b"", b"\xff"), Some(("(empty)".to_owned(), "\\xff".to_owned())));
        assert_eq!(bytes_differ(b"1", b"1"), None);
    }
}
