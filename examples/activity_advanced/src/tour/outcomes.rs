//! [`Outcomes`]: the things that happened in the runs of an exploration, beyond whether they hold.

use std::sync::{Arc, Mutex, PoisonError};

use durasim::check::{Check, Reference, Violation};
use durasim::program::{CancelReason, FailureKind, TimeoutType};
use durasim::trace::attempts::{ActivityEnd, AttemptExecution};
use durasim::{AttemptEnd, Run};
use serde::Serialize;

/// The number of runs in which each of these happened, at least once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Outcomes {
    /// An attempt began where a heartbeat of an earlier one says.
    pub resumed: u64,
    /// An attempt was told of a cancellation, and a heartbeat that it recorded after that was accepted.
    pub cancelled_with_progress: u64,
    /// An attempt stopped because its deadline was near.
    pub stopped_by_deadline: u64,
    /// An attempt ended by itself because its worker was about to stop.
    pub worker_shutdown: u64,
    /// The service gave an attempt up, or the whole activity, by this timeout.
    pub heartbeat_timeout: u64,
    /// The service gave up by this timeout.
    pub start_to_close_timeout: u64,
    /// The service gave up by this timeout.
    pub schedule_to_close_timeout: u64,
    /// The service gave up by this timeout.
    pub schedule_to_start_timeout: u64,
}

impl Outcomes {
    /// The outcomes of one run: ones and zeros.
    pub fn of(run: &Run) -> Outcomes {
        let (trace, executions) = (run.trace(), run.executions());
        let mut outcomes = Outcomes::default();
        let (mut is_cancelled, mut saves_progress) = (false, false);
        for attempt in executions.attempts().values() {
            let detail = attempt.detail.map_or(&[] as &[u8], |bytes| trace.bytes(bytes));
            if attempt.details.is_some() {
                outcomes.resumed = 1;
            }
            if says(detail, b"stopped before the deadline") || says(detail, b"\"stopped_before_deadline\":true") {
                outcomes.stopped_by_deadline = 1;
            } else if attempt.worker_stopping.is_some()
                && matches!(attempt.end, AttemptEnd::Failed | AttemptEnd::Cancelled)
            {
                outcomes.worker_shutdown = 1;
            }
            is_cancelled |= attempt.cancelled.is_some_and(|(_, reason)| reason == CancelReason::Requested);
            saves_progress |= has_progress_accepted_after_its_cancel(attempt);
        }
        outcomes.cancelled_with_progress = u64::from(is_cancelled && saves_progress);
        for activity in executions.activities().values() {
            for (_, timeout) in &activity.timeouts {
                outcomes.timed_out(*timeout);
            }
            if let Some((_, ActivityEnd::TimedOut(failure, _))) = activity.closed
                && let FailureKind::Timeout { timeout_type, .. } = trace.failure(failure).kind
            {
                outcomes.timed_out(timeout_type);
            }
        }
        outcomes
    }

    fn timed_out(&mut self, timeout: TimeoutType) {
        match timeout {
            TimeoutType::Heartbeat => self.heartbeat_timeout = 1,
            TimeoutType::StartToClose => self.start_to_close_timeout = 1,
            TimeoutType::ScheduleToClose => self.schedule_to_close_timeout = 1,
            TimeoutType::ScheduleToStart => self.schedule_to_start_timeout = 1,
            _ => {}
        }
    }

    /// Adds the outcomes of others.
    pub fn and(self, other: Outcomes) -> Outcomes {
        Outcomes {
            resumed: self.resumed + other.resumed,
            cancelled_with_progress: self.cancelled_with_progress + other.cancelled_with_progress,
            stopped_by_deadline: self.stopped_by_deadline + other.stopped_by_deadline,
            worker_shutdown: self.worker_shutdown + other.worker_shutdown,
            heartbeat_timeout: self.heartbeat_timeout + other.heartbeat_timeout,
            start_to_close_timeout: self.start_to_close_timeout + other.start_to_close_timeout,
            schedule_to_close_timeout: self.schedule_to_close_timeout + other.schedule_to_close_timeout,
            schedule_to_start_timeout: self.schedule_to_start_timeout + other.schedule_to_start_timeout,
        }
    }
}

fn says(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|window| window == words)
}

/// Says whether an attempt that was told to stop had a heartbeat accepted after that.
fn has_progress_accepted_after_its_cancel(attempt: &AttemptExecution) -> bool {
    let Some((told, _)) = attempt.cancelled else { return false };
    let mut later = attempt.heartbeats.iter().filter(|heartbeat| heartbeat.recorded.at >= told.at);
    attempt.end == AttemptEnd::Cancelled && later.any(|heartbeat| heartbeat.visible.is_some())
}

/// Sees every run that is judged, and finds nothing wrong.
#[derive(Clone, Debug, Default)]
pub struct Observer(Arc<Mutex<Outcomes>>);

impl Observer {
    /// The outcomes that it has seen.
    pub fn seen(&self) -> Outcomes {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Check for Observer {
    fn name(&self) -> &str {
        "outcomes"
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = seen.and(Outcomes::of(run));
        Ok(())
    }
}
