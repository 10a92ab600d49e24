//! Background tasks: spawned by an attempt's code, ended by it, by themselves, or with their worker.

use super::agenda::Todo;
use super::background::{Background, BackgroundKey};
use super::core::{Core, World};
use super::error::RunError;
use super::running::Tag;
use crate::engine::tasks::{TaskFuture, TaskId};
use crate::program::panics::Panic;
use crate::program::{ActivityOutcome, Beat};

impl World {
    /// Spawns a task of the attempt whose code is running. `None` if that code is dead. Where no attempt runs it is misuse.
    pub(crate) fn spawn(&self, future: TaskFuture<ActivityOutcome>) -> Option<(BackgroundKey, TaskId)> {
        let mut core = self.core.borrow_mut();
        if core.running_dead() {
            return None;
        }
        let Some(attempt) = core.running_attempt() else {
            drop(core);
            self.misuse(
                "`durasim::task::spawn` was called where no activity runs: a task belongs to an attempt".to_owned(),
            );
            return None;
        };
        if core.background.len() > core.settings.event_budget {
            core.too_many_tasks();
            drop(core);
            Beat::CrashNow.obey();
            return None;
        }
        let key = core.background.next_key();
        let task = core.tasks.spawn(future, Tag::Background(key));
        core.background.push(Background::new(attempt, task));
        Some((key, task))
    }

    /// Ends a task: its future is dropped before anything else happens; one that aborts itself is dropped when it next
    /// waits. Does nothing if it has ended.
    pub(crate) fn abort(&self, key: BackgroundKey, task: TaskId) {
        let core = &mut **self.core.borrow_mut();
        if !core.tasks.contains(task) {
            return;
        }
        let background = &mut core.background[key];
        background.end();
        match core.tasks.remove(task) {
            Some(future) => core.agenda.then(Todo::Drop { future, attempt: background.attempt() }),
            // It is running.
            None => background.abort_itself(),
        }
    }
}

impl Core {
    pub(super) fn background_ended(&mut self, task: BackgroundKey, panic: Option<Box<Panic>>) {
        self.background[task].end();
        if let Some(panic) = panic {
            let who = self.task_words(Tag::Background(task));
            self.fail(RunError::Misuse(format!("{who} panicked: {panic}")));
        }
    }
}
