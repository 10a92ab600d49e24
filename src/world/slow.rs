//! Attempts that are slow: each of their waits takes longer, while their worker goes on.

use super::core::Core;
use crate::engine::tasks::Taken;
use crate::program::ActivityOutcome;
use crate::trace::AttemptKey;

use super::running::Tag;

impl Core {
    /// A task is due. If it is the code of a slow attempt that has waited for some time, it waits for the rest now, and
    /// `None` is the answer.
    pub(super) fn unless_slow(&mut self, taken: Taken<ActivityOutcome, Tag>) -> Option<Taken<ActivityOutcome, Tag>> {
        let Tag::Attempt(attempt) = taken.tag else { return Some(taken) };
        let Some(until) = self.attempts[attempt].slowed_until(self.agenda.now()) else { return Some(taken) };
        let Taken { id, future, waker, .. } = taken;
        if let Some(future) = self.tasks.park(id, future, waker) {
            self.dead.keep_future(future);
            return None;
        }
        self.stall(attempt, until);
        // It is due when it is released.
        self.tasks.wake(id);
        None
    }

    /// The attempt is told to stop: it is slow no more.
    pub(super) fn hurry(&mut self, attempt: AttemptKey) {
        if self.attempts[attempt].hurry() {
            self.release(attempt);
        }
    }
}
