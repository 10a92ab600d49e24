//! [`Dead`]: what crashes have left behind.

use crate::engine::tasks::TaskFuture;
use crate::program::ActivityOutcome;
use crate::worker::instance::Instance;

/// Outlives its worker only to be dropped at the very end: a killed process runs no destructors.
#[derive(Default)]
pub(super) struct Dead(Vec<Remains>);

/// Code of a crashed process, where it stood.
pub(super) enum Remains {
    Future(#[expect(dead_code, reason = "kept to be dropped late")] TaskFuture<ActivityOutcome>),
    Instance(#[expect(dead_code, reason = "kept to be dropped late")] Instance),
}

impl Dead {
    /// Keeps the future of an attempt or of a background task.
    pub(super) fn keep_future(&mut self, future: TaskFuture<ActivityOutcome>) {
        self.0.push(Remains::Future(future));
    }

    /// Keeps an instance of a workflow.
    pub(super) fn keep_instance(&mut self, instance: Instance) {
        self.0.push(Remains::Instance(instance));
    }

    /// Takes all, to be dropped. The memory stays.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Remains> {
        self.0.drain(..)
    }
}
