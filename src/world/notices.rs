//! Telling an attempt's code to stop: on the service's word, on the worker's own clock, or because the worker stops.

use std::sync::Arc;

use super::agenda::{Todo, Wakeup};
use super::core::Core;
use crate::program::{AttemptListener, CancelReason};
use crate::trace::{AttemptKey, What, Who};

impl Core {
    /// Asks the code to stop, unless it was asked before. Gives what notifies it.
    pub(super) fn begin_cancel(
        &mut self,
        attempt: AttemptKey,
        reason: CancelReason,
    ) -> Option<Arc<dyn AttemptListener>> {
        let record = &mut self.attempts[attempt];
        if !record.cancel(reason) {
            return None;
        }
        let listener = record.listener();
        self.hurry(attempt);
        self.note(Who::Attempt(attempt), What::CancelDelivered(reason));
        listener
    }

    /// Notes that the code learns of its worker's stop. Gives what notifies it.
    pub(super) fn begin_stopping(&mut self, attempt: AttemptKey) -> Option<Arc<dyn AttemptListener>> {
        let record = &self.attempts[attempt];
        if !record.is_running() {
            return None;
        }
        let listener = record.listener();
        self.hurry(attempt);
        self.note(Who::Attempt(attempt), What::WorkerStopping);
        listener
    }

    /// The service knows the attempt no more. Its worker will find out by its own clock at the latest.
    pub(super) fn expect_local_timeout(&mut self, attempt: AttemptKey) {
        if let Some(at) = self.attempts[attempt].local_timeout() {
            self.agenda.wake_at(at.max(self.agenda.now()), Wakeup::LocalTimeout(attempt));
        }
    }

    /// The worker's own clock looks whether an attempt has timed out.
    pub(super) fn look_at_local_timeout(&mut self, attempt: AttemptKey) {
        match self.attempts[attempt].local_timeout() {
            Some(at) if at > self.agenda.now() => self.agenda.wake_at(at, Wakeup::LocalTimeout(attempt)),
            Some(_) => self.agenda.then(Todo::Cancel { attempt, reason: CancelReason::TimedOut }),
            None => {}
        }
    }
}
