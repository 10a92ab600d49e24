//! Code inside a run waits for a moment.

use std::task::{Context, Poll};

use super::agenda::Wakeup;
use super::core::{Core, World, current};
use crate::engine::ready::note_race;
use crate::engine::sleepers::{Sleeper, SleeperId};
use crate::program::Time;

impl World {
    /// The present moment.
    pub(crate) fn now(&self) -> Time {
        self.core.borrow().now()
    }
}

impl Core {
    /// The present moment.
    pub(crate) fn now(&self) -> Time {
        self.agenda.now()
    }

    /// Says whether `deadline` has come, for the code that is being polled; `waiting` is its wait, which begins here.
    pub(crate) fn poll_sleep(
        &mut self,
        deadline: Time,
        waiting: &mut Option<SleeperId>,
        context: &Context<'_>,
    ) -> Poll<()> {
        if self.running_dead() {
            return Poll::Pending;
        }
        if self.now() >= deadline {
            match waiting.take() {
                Some(id) => self.over_before_its_turn(id),
                None if self.sleeps_in_a_loop() => return Poll::Pending,
                None => {}
            }
            return Poll::Ready(());
        }
        let sleeper = self.sleeper(context);
        match *waiting {
            // Maybe with another waker than before.
            Some(id) => self.sleepers.renew(id, sleeper),
            None => {
                let id = self.sleepers.add(sleeper);
                self.agenda.wake_at(deadline, Wakeup::Sleeper(id));
                *waiting = Some(id);
            }
        }
        Poll::Pending
    }

    /// The code that is being polled: its task, or what has a waker of its own making, to be woken by that.
    fn sleeper(&self, context: &Context<'_>) -> Sleeper {
        match self.polled() {
            Some(task) if self.tasks.is_own_waker(task, context.waker()) => Sleeper::Task(task),
            polled => Sleeper::Inside(polled, context.waker().clone()),
        }
    }
}

impl Core {
    /// Forgets a wait whose moment has come. If it has not had its turn, something else of that moment has woken the code.
    fn over_before_its_turn(&mut self, id: SleeperId) {
        if self.sleepers.remove(id).is_some() {
            note_race();
        }
    }
}

/// Nobody waits for that moment any more.
pub(crate) fn forget_sleep(id: SleeperId, deadline: Time) {
    if let Some(world) = current()
        && let Ok(mut core) = world.core.try_borrow_mut()
    {
        if core.now() >= deadline {
            core.over_before_its_turn(id);
        } else {
            core.sleepers.remove(id);
        }
    }
}
