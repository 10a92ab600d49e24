//! Ending a run from inside user code: for mistakes that must neither fail an attempt, which would be retried, nor take
//! the test down; and for a poll that does so much that the run would never come to its end, nor to its budget.

use super::core::{Core, World};
use super::error::RunError;
use super::stuck::More;
use crate::engine::outside;
use crate::program::panics::leave_user_code;
use crate::program::{Beat, places};

impl World {
    /// Counts a call of the code that is running, and leaves that code if there were too many.
    pub(crate) fn count_call(&self) {
        // Calls by code that looks at the world are not counted.
        let counted = self.core.try_borrow_mut().map(|mut core| core.count_call());
        counted.unwrap_or(Beat::Taken).obey();
    }

    /// Ends the run with [`RunError::Misuse`] and unwinds out of the user's code. A destructor that is called while the thread
    /// unwinds cannot unwind a second time: then this returns, and the call has to find an answer that means nothing.
    pub(crate) fn misuse(&self, message: String) {
        let message = match places::present().call() {
            Some(call) => format!("{message} ({call})"),
            None => message,
        };
        self.end_with(RunError::Misuse(message));
    }

    /// Ends the run with this error, as [`misuse`](World::misuse) does.
    pub(crate) fn end_with(&self, error: RunError) {
        self.core.borrow_mut().fail(error);
        if !std::thread::panicking() {
            leave_user_code();
        }
    }
}

impl Core {
    /// Ends the run within a poll: what its code calls from now on has no effect, and its sleeps do not end.
    fn end_in_poll(&mut self, error: RunError) {
        self.fail(error);
        self.end_all_code();
    }

    /// The trace has become too long before the code that is running has waited.
    pub(crate) fn too_long_in_one_poll(&mut self) {
        let budget = self.settings.event_budget;
        let at = self.agenda.now();
        let present = self.trace.events().iter().rev().take_while(|event| event.at == at).count();
        let waiting = if present > budget / 2 {
            let who = self.running_words_with_place();
            format!(
                "{who} goes on without waiting, {present} of them are of this moment (a loop that sleeps for zero?)"
            )
        } else {
            self.waiting_words(More::Comes)
        };
        self.end_in_poll(RunError::TooLong { events: budget, at, waiting });
    }

    pub(crate) fn too_many_tasks(&mut self) {
        let budget = self.settings.event_budget;
        let waiting = format!("{} spawns more background tasks than that (a loop?)", self.running_words_with_place());
        self.end_in_poll(RunError::TooLong { events: budget, at: self.agenda.now(), waiting });
    }

    /// Counts a call of the code that is running. The answer is to be obeyed.
    pub(crate) fn count_call(&mut self) -> Beat {
        if let Some(now) = self.host_link.now() {
            self.agenda.move_to(now);
            outside::touch();
        }
        if self.calls.count() { Beat::Taken } else { self.never_waits() }
    }

    /// Ends the run. Code that survives the unwinding is unwound again with its next call.
    fn never_waits(&mut self) -> Beat {
        if self.error.is_none() {
            let (who, calls) = (self.running_words_with_place(), self.calls.made());
            self.end_in_poll(RunError::NeverWaits { who, calls, at: self.agenda.now() });
        }
        Beat::CrashNow
    }

    /// Counts a sleep that is over at once. Says whether there were so many at this moment that the run ends.
    pub(crate) fn sleeps_in_a_loop(&mut self) -> bool {
        let sleeps = self.no_sleep.count(self.agenda.now());
        let too_many = sleeps as usize > self.settings.event_budget;
        if too_many {
            let (who, calls) = (self.running_words_with_place(), u64::from(sleeps - 1));
            self.end_in_poll(RunError::NeverWaits { who, calls, at: self.agenda.now() });
        }
        too_many
    }
}
