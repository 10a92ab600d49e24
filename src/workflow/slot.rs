//! [`Slots`]: everything a workflow instance has started, in the order in which it did.

use std::mem;
use std::sync::Arc;
use std::task::Waker;

use super::error::Cancellation;
use super::scope::ScopeId;
use crate::program::{Command, Failure, Payload, Seq};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Activity,
    Timer,
}

/// How what was started has ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Completed(Payload),
    Fired,
    Failed(Arc<Failure>),
    Cancelled(Cancellation),
}

/// Who is to be woken when something ends.
#[derive(Debug, Default)]
pub(super) enum Waiter {
    #[default]
    Nobody,
    /// The instance itself, which mostly waits without a combinator between: that costs no clone of its waker.
    Instance,
    Other(Waker),
}

#[derive(Debug)]
pub(super) enum SlotState {
    /// Under way. To be woken is who polled the future last.
    Open { waiter: Waiter, cancel_asked: bool },
    /// Ended; the future has not looked yet.
    Ended(Outcome),
    /// The future has taken the outcome, or a timer was dropped.
    Closed,
}

/// One activity or timer.
#[derive(Debug)]
pub(super) struct Slot {
    pub kind: Kind,
    pub scope: ScopeId,
    /// The activation in which it was started. While that lasts its command can be taken back.
    pub activation: u32,
    pub state: SlotState,
    /// How many activities there are up to here, this one included.
    activities: u32,
    /// How many timers there are up to here, this one included.
    timers: u32,
}

impl Slot {
    fn count(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Activity => self.activities,
            Kind::Timer => self.timers,
        }
    }

    pub fn seq(&self) -> Seq {
        self.count(self.kind)
    }

    pub fn is_open(&self) -> bool {
        matches!(self.state, SlotState::Open { .. })
    }

    /// Ends it, if it is open. The answer is for the caller to wake, once nothing is borrowed.
    pub fn end(&mut self, outcome: Outcome) -> Waiter {
        if !self.is_open() {
            return Waiter::Nobody;
        }
        match mem::replace(&mut self.state, SlotState::Ended(outcome)) {
            SlotState::Open { waiter, .. } => waiter,
            SlotState::Ended(_) | SlotState::Closed => Waiter::Nobody,
        }
    }
}

/// All slots of an instance in the order of creation, which is also the order in which a cancelled scope cancels them.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<Slot>);

impl Slots {
    #[inline]
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds an open slot and gives its index and its number among those of its kind.
    #[inline]
    pub fn add(&mut self, kind: Kind, scope: ScopeId, activation: u32) -> (usize, Seq) {
        let (mut activities, mut timers) = self.0.last().map_or((0, 0), |last| (last.activities, last.timers));
        match kind {
            Kind::Activity => activities += 1,
            Kind::Timer => timers += 1,
        }
        let state = SlotState::Open { waiter: Waiter::Nobody, cancel_asked: false };
        let slot = Slot { kind, scope, activation, state, activities, timers };
        let seq = slot.seq();
        self.0.push(slot);
        (self.0.len() - 1, seq)
    }

    pub fn at(&mut self, index: usize) -> &mut Slot {
        &mut self.0[index]
    }

    pub fn from(&mut self, first: usize) -> impl Iterator<Item = &mut Slot> {
        self.0.iter_mut().skip(first)
    }

    /// The activity or timer of that number.
    pub fn find(&mut self, kind: Kind, seq: Seq) -> Option<&mut Slot> {
        let index = self.index(kind, seq);
        self.0.get_mut(index).filter(|_| seq > 0)
    }

    /// Whether the command starts something that has ended since: before it was sent, that is.
    pub fn is_void(&self, command: &Command) -> bool {
        let index = match command {
            Command::ScheduleActivity { seq, .. } => self.index(Kind::Activity, *seq),
            Command::StartTimer { seq, .. } => self.index(Kind::Timer, *seq),
            _ => return false,
        };
        self.0.get(index).is_some_and(|slot| !slot.is_open())
    }

    /// Counts never fall along the slots, so the first with enough of a kind is the one that made them enough.
    fn index(&self, kind: Kind, seq: Seq) -> usize {
        self.0.partition_point(|slot| slot.count(kind) < seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_run_separately_for_each_kind() {
        let mut slots = Slots::default();
        let kinds = [Kind::Timer, Kind::Activity, Kind::Activity, Kind::Timer, Kind::Timer, Kind::Activity];
        let added: Vec<_> = kinds.iter().map(|&kind| slots.add(kind, ScopeId::ROOT, 1)).collect();
        assert_eq!(added, [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3)]);
        for (&kind, (index, seq)) in kinds.iter().zip(added) {
            assert_eq!(slots.index(kind, seq), index);
            assert_eq!(slots.find(kind, seq).map(|slot| slot.kind), Some(kind));
        }
        assert!(slots.find(Kind::Activity, 4).is_none());
        assert!(slots.find(Kind::Timer, 0).is_none());
    }
}
