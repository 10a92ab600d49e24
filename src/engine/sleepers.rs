//! [`Sleepers`]: the tasks that wait for a moment.

use std::task::Waker;

use super::tasks::TaskId;

/// One wait. Of a wait that is over, the old id finds nothing, so waits are cancelled without a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SleeperId {
    slot: u32,
    generation: u32,
}

/// Whom to wake.
#[derive(Clone, Debug)]
pub(crate) enum Sleeper {
    /// The task that waits, directly: the common case costs no waker.
    Task(TaskId),
    /// Code that waits with a waker of its own making, inside this task if inside any.
    Inside(Option<TaskId>, Waker),
}

impl Sleeper {
    /// The task that waits or whose code waits.
    pub(crate) fn task(&self) -> Option<TaskId> {
        match self {
            Sleeper::Task(task) => Some(*task),
            Sleeper::Inside(task, _) => *task,
        }
    }
}

/// Waits, in slots that are used again.
#[derive(Debug, Default)]
pub(crate) struct Sleepers {
    slots: Vec<(u32, Option<Sleeper>)>,
    /// How many slots this run has used; those behind them were left by a larger one.
    used: usize,
    vacant: Vec<u32>,
}

impl Sleepers {
    #[inline]
    pub(crate) fn add(&mut self, sleeper: Sleeper) -> SleeperId {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            if self.used == self.slots.len() {
                self.slots.push((0, None));
            }
            self.used += 1;
            self.used as u32 - 1
        });
        let (generation, place) = &mut self.slots[slot as usize];
        *place = Some(sleeper);
        SleeperId { slot, generation: *generation }
    }

    /// The wait was polled again, maybe by other code.
    pub(crate) fn renew(&mut self, id: SleeperId, sleeper: Sleeper) {
        if let Some((generation, place)) = self.slots.get_mut(id.slot as usize)
            && *generation == id.generation
        {
            *place = Some(sleeper);
        }
    }

    /// Who waits, unless the wait is over.
    #[inline]
    pub(crate) fn get(&self, id: SleeperId) -> Option<&Sleeper> {
        let (generation, sleeper) = self.slots.get(id.slot as usize)?;
        if *generation == id.generation { sleeper.as_ref() } else { None }
    }

    /// Ends the wait and says who waited.
    #[inline]
    pub(crate) fn remove(&mut self, id: SleeperId) -> Option<Sleeper> {
        let (generation, place) = self.slots.get_mut(id.slot as usize)?;
        if *generation != id.generation {
            return None;
        }
        *generation = generation.wrapping_add(1);
        self.vacant.push(id.slot);
        place.take()
    }

    /// Ends all waits. Keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.vacant.clear();
        for (generation, place) in &mut self.slots[..self.used] {
            *generation = generation.wrapping_add(1);
            *place = None;
        }
        self.used = 0;
    }
}
