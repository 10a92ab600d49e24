//! Telling an attempt's code to stop: on the service's word, on the worker's own clock, or because the worker stops.

use std::sync::Arc;

use super::agenda::{Todo, Wakeup};
use super::core::Core;
use crate::program::{AttemptListener, CancelReason, Span, Time};
use crate::trace::{AttemptKey, What, Who};

/// What the worker's own clock adds to a timeout before it cancels an attempt by itself.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/mod.rs:243`; recorded scenario `sdk_local_timeout_buffer`.
const LOCAL_TIMEOUT_BUFFER: Span = Span::from_secs(5);

impl Core {
    /// What tells the code to stop, unless it has been told.
    pub(super) fn begin_cancel(
        &mut self,
        attempt: AttemptKey,
        reason: CancelReason,
    ) -> Option<Arc<dyn AttemptListener>> {
        let record = &mut self.attempts[attempt];
        if !record.is_running() || record.cancel_told.is_some() {
            return None;
        }
        record.cancel_told = Some(reason);
        let listener = record.listener.clone();
        self.note(Who::Attempt(attempt), What::CancelDelivered(reason));
        listener
    }

    /// What tells the code of its worker's stop.
    pub(super) fn begin_stopping(&mut self, attempt: AttemptKey) -> Option<Arc<dyn AttemptListener>> {
        let record = &self.attempts[attempt];
        if !record.is_running() {
            return None;
        }
        let listener = record.listener.clone();
        self.note(Who::Attempt(attempt), What::WorkerStopping);
        listener
    }

    /// The service knows the attempt no more. Its worker will find out by its own clock at the latest.
    pub(super) fn expect_local_timeout(&mut self, attempt: AttemptKey) {
        if let Some(at) = self.local_timeout(attempt) {
            self.agenda.wake_at(at.max(self.agenda.now()), Wakeup::LocalTimeout(attempt));
        }
    }

    fn local_timeout(&self, attempt: AttemptKey) -> Option<Time> {
        let record = &self.attempts[attempt];
        let after =
            |from: Time, timeout: Span| (!timeout.is_zero()).then(|| from.plus(timeout).plus(LOCAL_TIMEOUT_BUFFER));
        let close = after(record.started_at, record.timeouts.start_to_close);
        let heartbeat = after(record.last_recorded, record.timeouts.heartbeat);
        match (close, heartbeat) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The worker's own clock looks whether an attempt has timed out.
    pub(super) fn look_at_local_timeout(&mut self, attempt: AttemptKey) {
        match self.local_timeout(attempt) {
            Some(at) if at > self.agenda.now() => self.agenda.wake_at(at, Wakeup::LocalTimeout(attempt)),
            Some(_) => self.agenda.then(Todo::Cancel { attempt, reason: CancelReason::TimedOut }),
            None => {}
        }
    }
}
