//! [`Fold`]: the trace's fingerprint.

use super::event::{Ended, What, Who};
use super::{Bytes, Event};
use crate::program::{CancelReason, Details, Failure, FailureKind, Key, RetryState, TimeoutType};

/// Folds 64-bit words, one multiplication each. A fingerprint for comparing runs, not a defence against anyone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fold(u64);

impl Default for Fold {
    fn default() -> Fold {
        Fold(0x9e37_79b9_7f4a_7c15 ^ u64::from(super::TRACE_VERSION))
    }
}

impl Fold {
    pub(super) fn word(&mut self, word: u64) {
        let wide = u128::from(self.0 ^ word) * 0xa076_1d64_78bd_642f_u128;
        self.0 = (wide as u64) ^ ((wide >> 64) as u64) ^ self.0.rotate_left(23);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            self.word(u64::from_le_bytes(*chunk));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        self.word(event.at.as_nanos());
        let (kind, index): (u64, u32) = match event.who {
            Who::Run => (0, 0),
            Who::Workflow(key) => (1, number(key)),
            Who::Activity(key) => (2, number(key)),
            Who::Attempt(key) => (3, number(key)),
            Who::Worker(key) => (4, number(key)),
        };
        let (code, value) = encode(event.what);
        self.word(kind << 56 | u64::from(code) << 40 | u64::from(index));
        if value != 0 {
            self.word(value);
        }
    }

    /// A failure with its causes. What came of it is in the events; here is what it says.
    pub(super) fn failure(&mut self, failure: &Failure) {
        let mut next = Some(failure);
        while let Some(failure) = next {
            self.bytes(failure.message.as_bytes());
            match &failure.kind {
                FailureKind::Application { error_type, non_retryable, details, next_retry_delay } => {
                    self.word(1 << 8 | u64::from(*non_retryable));
                    self.bytes(error_type.as_bytes());
                    self.details(details);
                    self.word(next_retry_delay.map_or(u64::MAX, |delay| delay.as_nanos() as u64));
                }
                FailureKind::Timeout { timeout_type, last_heartbeat_details } => {
                    self.word(2 << 8 | timeout_code(*timeout_type));
                    self.details(last_heartbeat_details);
                }
                FailureKind::Canceled { details } => {
                    self.word(3 << 8);
                    self.details(details);
                }
                FailureKind::Server { non_retryable } => self.word(4 << 8 | u64::from(*non_retryable)),
                FailureKind::Terminated => self.word(5 << 8),
                FailureKind::Activity { activity_type, scheduled_event_id, started_event_id, retry_state, .. } => {
                    self.word(6 << 8 | u64::from(state_code(*retry_state)));
                    self.bytes(activity_type.as_bytes());
                    self.word(*scheduled_event_id);
                    self.word(*started_event_id);
                }
                FailureKind::ChildWorkflow { workflow_type, retry_state } => {
                    self.word(7 << 8 | u64::from(state_code(*retry_state)));
                    self.bytes(workflow_type.as_bytes());
                }
            }
            next = failure.cause.as_deref();
        }
    }

    fn details(&mut self, details: &Details) {
        match details {
            Details::Absent => self.word(u64::MAX),
            Details::Empty => self.word(u64::MAX - 1),
            Details::Payload(payload) => self.bytes(payload.as_bytes()),
        }
    }

    pub(super) fn finish(self) -> u64 {
        let mut last = self;
        last.word(0);
        last.0
    }
}

pub(super) fn number(key: impl Key) -> u32 {
    key.index() as u32
}

fn pair(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn bytes(bytes: Bytes) -> u64 {
    pair(bytes.start, bytes.len)
}

/// Tells "nothing" from "zero bytes at the start of the store".
fn optional(details: Option<Bytes>) -> u64 {
    details.map_or(u64::MAX, bytes)
}

/// Every kind of event has a number of its own, which never changes within a trace version.
fn encode(what: What) -> (u16, u64) {
    match what {
        What::WorkflowStarted(input) => (1, bytes(input)),
        What::TaskStarted { task, attempt } => (2, pair(task, attempt)),
        What::TaskCompleted(commands) => (3, commands.into()),
        What::TaskTimedOut => (4, 0),
        What::TaskFailed(text) => (5, bytes(text)),
        What::Replayed(events) => (6, events.into()),
        What::Evicted => (7, 0),
        What::CancelRequested => (8, 0),
        What::TimerStarted { timer, duration } => (9, (duration.as_nanos() as u64) ^ u64::from(timer).rotate_right(16)),
        What::TimerFired(timer) => (10, timer.into()),
        What::TimerCanceled(timer) => (11, timer.into()),
        What::WorkflowCompleted(result) => (12, bytes(result)),
        What::WorkflowFailed(failure) => (13, number(failure).into()),
        What::WorkflowCanceled => (14, 0),
        What::WorkflowTimedOut => (53, 0),
        What::Scheduled(input) => (15, bytes(input)),
        What::RetryScheduled(due) => (16, due.as_nanos()),
        What::TimedOut(timeout) => (17, timeout_code(timeout)),
        What::ActivityCancelRequested => (18, 0),
        What::ActivityCompleted(result) => (19, bytes(result)),
        What::ActivityFailed { failure, retry_state } => (20, pair(number(failure), state_code(retry_state))),
        What::ActivityTimedOut { failure, retry_state } => (21, pair(number(failure), state_code(retry_state))),
        What::ActivityCanceled => (22, 0),
        What::AttemptStarted(details) => (23, optional(details)),
        What::DetailsRead => (24, 0),
        What::Awaited(count) => (25, count.into()),
        What::HeartbeatRecorded(details) => (26, optional(details)),
        What::HeartbeatSent(details) => (27, optional(details)),
        What::HeartbeatVisible(details) => (28, optional(details)),
        What::Effect { name, applied: true } => (29, bytes(name)),
        What::Effect { name, applied: false } => (30, bytes(name)),
        What::CancelDelivered(reason) => (31, reason_code(reason)),
        What::WorkerStopping => (32, 0),
        What::Ended { how, detail } => (33 + ended_code(how), optional(detail)),
        What::Refused => (40, 0),
        What::ReportDropped => (41, 0),
        What::Died => (42, 0),
        What::Aborted => (43, 0),
        What::Zombie => (44, 0),
        What::WorkerCrashed => (45, 0),
        What::WorkerStarted => (46, 0),
        What::StopSignal => (47, 0),
        What::WorkerStopped => (48, 0),
        What::Frozen => (49, 0),
        What::Thawed => (50, 0),
        What::Fault(index) => (51, number(index).into()),
        What::TasksLeft(count) => (52, count.into()),
        What::SignalReceived(signal) => (54, number(signal).into()),
        What::MarkerRecorded(marker) => (55, number(marker).into()),
        What::WorkflowTerminated(reason) => (56, bytes(reason)),
        What::QueryAnswered(answer) => (57, number(answer).into()),
    }
}

fn ended_code(how: Ended) -> u16 {
    match how {
        Ended::Completed => 0,
        Ended::Failed => 1,
        Ended::Cancelled => 2,
        Ended::Panicked => 3,
        Ended::Async => 4,
    }
}

fn timeout_code(timeout: TimeoutType) -> u64 {
    match timeout {
        TimeoutType::StartToClose => 1,
        TimeoutType::ScheduleToStart => 2,
        TimeoutType::ScheduleToClose => 3,
        TimeoutType::Heartbeat => 4,
        TimeoutType::Unspecified => 5,
    }
}

fn state_code(state: RetryState) -> u32 {
    match state {
        RetryState::InProgress => 1,
        RetryState::NonRetryableFailure => 2,
        RetryState::Timeout => 3,
        RetryState::MaximumAttemptsReached => 4,
        RetryState::RetryPolicyNotSet => 5,
        RetryState::InternalServerError => 6,
        RetryState::CancelRequested => 7,
    }
}

fn reason_code(reason: CancelReason) -> u64 {
    match reason {
        CancelReason::Requested => 1,
        CancelReason::NotFound => 2,
        CancelReason::TimedOut => 3,
        CancelReason::WorkerShutdown => 4,
        CancelReason::Paused => 5,
        CancelReason::Reset => 6,
    }
}
