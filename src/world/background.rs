//! [`Background`]: a task that an attempt's code has spawned.

use crate::engine::tasks::TaskId;
use crate::program::places::Places;
use crate::program::{Time, key};
use crate::trace::AttemptKey;
use crate::worker::attempt::Busy;

key! {
    /// Which of the tasks that activities have spawned.
    pub(crate) struct BackgroundKey;
}

/// A task that an attempt's code has spawned. It lives until its worker dies.
#[derive(Debug)]
pub(crate) struct Background {
    attempt: AttemptKey,
    /// Its code, until that has ended.
    task: Option<TaskId>,
    aborted: bool,
    busy: Busy,
    places: Places,
}

impl Background {
    /// A task that this attempt's code spawns now.
    pub(super) fn new(attempt: AttemptKey, task: TaskId) -> Background {
        Background { attempt, task: Some(task), aborted: false, busy: Busy::default(), places: Places::NONE }
    }

    /// The attempt whose code has spawned it.
    pub(super) fn attempt(&self) -> AttemptKey {
        self.attempt
    }

    /// Its code, while it runs.
    pub(super) fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// It goes on no more. Gives its code, unless that has ended before.
    pub(super) fn end(&mut self) -> Option<TaskId> {
        self.task.take()
    }

    /// It has aborted itself, in the poll that is going on: it is dropped as soon as it returns.
    pub(super) fn abort_itself(&mut self) {
        self.aborted = true;
    }

    /// Says whether it has aborted itself.
    pub(super) fn is_aborted(&self) -> bool {
        self.aborted
    }

    /// Gives how far its code has come, unless that runs now.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Notes how far its code has come.
    pub(super) fn set_places(&mut self, places: Places) {
        self.places = places;
    }

    /// Counts a poll of this moment, as [`Busy::count_poll`] does.
    pub(super) fn count_poll(&mut self, now: Time, by_itself: bool) -> u32 {
        self.busy.count_poll(now, by_itself)
    }
}
