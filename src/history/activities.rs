//! The events of activities and timers.

use std::sync::Arc;

use super::HistoryProblem;
use super::event::{Reader, next};
use super::fields::Event;
use crate::program::{ActivityId, ActivitySpec, RetrySpec, Seq, Timeouts};
use crate::service::EventKind;

impl Reader<'_> {
    pub(super) fn of_activity_or_timer(&mut self, event: Event<'_>) -> Result<EventKind, HistoryProblem> {
        let fields = event.fields;
        let scheduled = |reader: &Reader<'_>| reader.reference(event, "scheduledEventId", "ACTIVITY_TASK_SCHEDULED");
        // An activity that no worker has taken has no started event.
        let started_event_id = fields.number("startedEventId")?;
        Ok(match event.known {
            "ACTIVITY_TASK_SCHEDULED" => {
                let spec = ActivitySpec {
                    headers: Default::default(),
                    ..ActivitySpec::new(fields.name_in("activityType")?, fields.payload("input")?)
                };
                let timeouts = Timeouts::default()
                    .schedule_to_close(fields.span("scheduleToCloseTimeout")?)
                    .schedule_to_start(fields.span("scheduleToStartTimeout")?)
                    .start_to_close(fields.span("startToCloseTimeout")?)
                    .heartbeat(fields.span("heartbeatTimeout")?);
                let id = fields.required("activityId")?;
                let number = next(&mut self.counts.activities);
                let (seq, id) = match number_of(id) {
                    Some(seq) => (seq, ActivityId::Seq(seq)),
                    None => (number, ActivityId::Named(id.into())),
                };
                let retry = Arc::new(RetrySpec::default());
                EventKind::ActivityTaskScheduled { seq, id, spec: Arc::new(spec.timeouts(timeouts)), timeouts, retry }
            }
            "ACTIVITY_TASK_STARTED" => EventKind::ActivityTaskStarted {
                scheduled_event_id: scheduled(self)?,
                attempt: fields.small_number("attempt")?,
                last_failure: fields.failure_if_any("lastFailure")?,
            },
            "ACTIVITY_TASK_COMPLETED" => EventKind::ActivityTaskCompleted {
                scheduled_event_id: scheduled(self)?,
                started_event_id,
                result: fields.value("result")?,
            },
            "ACTIVITY_TASK_FAILED" => EventKind::ActivityTaskFailed {
                scheduled_event_id: scheduled(self)?,
                started_event_id,
                failure: fields.failure("failure")?,
                retry_state: fields.retry_state()?,
            },
            "ACTIVITY_TASK_TIMED_OUT" => EventKind::ActivityTaskTimedOut {
                scheduled_event_id: scheduled(self)?,
                started_event_id,
                failure: fields.failure("failure")?,
                retry_state: fields.retry_state()?,
            },
            "ACTIVITY_TASK_CANCEL_REQUESTED" => {
                EventKind::ActivityTaskCancelRequested { scheduled_event_id: scheduled(self)? }
            }
            "ACTIVITY_TASK_CANCELED" => EventKind::ActivityTaskCanceled {
                scheduled_event_id: scheduled(self)?,
                started_event_id,
                details: fields.details("details")?,
            },
            "TIMER_STARTED" => {
                EventKind::TimerStarted { seq: timer_number(event)?, duration: fields.span("startToFireTimeout")? }
            }
            "TIMER_FIRED" => EventKind::TimerFired { seq: self.timer(event)? },
            _ => EventKind::TimerCanceled { seq: self.timer(event)? },
        })
    }

    /// The number of the timer that has fired, or was cancelled.
    fn timer(&self, event: Event<'_>) -> Result<Seq, HistoryProblem> {
        let started = self.reference(event, "startedEventId", "TIMER_STARTED")?;
        match self.at(started) {
            EventKind::TimerStarted { seq, .. } => Ok(*seq),
            other => unreachable!("event {started} was said to start a timer and is {other:?}"),
        }
    }
}

/// Reads the number of a command from an id that the SDK has made of it.
fn number_of(id: &str) -> Option<Seq> {
    id.parse().ok().filter(|seq: &Seq| *seq > 0 && seq.to_string() == id)
}

/// A timer's id is the number of its command in all SDKs that build on sdk-core, Rust's among them.
fn timer_number(event: Event<'_>) -> Result<Seq, HistoryProblem> {
    let id = event.fields.required("timerId")?;
    number_of(id).ok_or_else(|| {
        event.fields.not_simulated(format!("timers with ids that are no numbers, such as `{id}` of another SDK, are"))
    })
}
