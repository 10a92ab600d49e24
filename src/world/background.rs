//! [`Background`]: a task that an attempt's code has spawned.

use crate::engine::tasks::TaskId;
use crate::program::key;
use crate::trace::AttemptKey;
use crate::worker::attempt::Busy;

key! {
    /// Which of the tasks that activities have spawned.
    pub(crate) struct BackgroundKey;
}

/// A task that an attempt's code has spawned. It lives until its worker dies.
#[derive(Debug)]
pub(crate) struct Background {
    pub(super) attempt: AttemptKey,
    pub(super) task: Option<TaskId>,
    /// It has aborted itself, in the poll that is going on.
    pub(super) aborted: bool,
    pub(super) busy: Busy,
}
