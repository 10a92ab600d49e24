//! [`Slots`]: everything a workflow instance has started, in the order in which it did.

use std::mem;
use std::sync::Arc;
use std::task::Waker;

use super::error::Cancellation;
use crate::program::{Failure, Payload, Seq};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SlotKind {
    Activity,
    Timer,
}

/// How what was started has ended.
#[derive(Debug)]
pub(super) enum SlotEnd {
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
    /// The workflow's own code, which mostly waits without a combinator between: that costs no clone of its waker.
    Workflow,
    Other(Waker),
}

#[derive(Debug)]
pub(super) enum SlotState {
    /// Under way. To be woken is who polled the future last.
    Open { waiter: Waiter, cancel_asked: bool },
    /// Ended; the future has not looked yet.
    Ended(SlotEnd),
    /// The future has taken the end, or a timer was dropped.
    Closed,
}

/// One activity or timer.
#[derive(Debug)]
pub(super) struct Slot {
    pub kind: SlotKind,
    /// Its number among those of its kind, from 1.
    pub seq: Seq,
    /// The activation in which it was started. While that lasts its command can be taken back.
    pub activation: u32,
    /// The index of its command among those of that activation.
    pub command: usize,
    pub state: SlotState,
}

impl Slot {
    /// Ends what is under way, and says who is to be woken. What has ended already stays as it is.
    pub fn end(&mut self, end: SlotEnd) -> Waiter {
        if !matches!(self.state, SlotState::Open { .. }) {
            return Waiter::Nobody;
        }
        match mem::replace(&mut self.state, SlotState::Ended(end)) {
            SlotState::Open { waiter, .. } => waiter,
            SlotState::Ended(_) | SlotState::Closed => Waiter::Nobody,
        }
    }
}

/// All slots of an instance in the order of creation, which is also the order in which a cancelled scope cancels them.
#[derive(Debug, Default)]
pub(super) struct Slots {
    all: Vec<Slot>,
    /// The indexes of the activities, by their numbers.
    activities: Vec<usize>,
    /// The indexes of the timers, by their numbers.
    timers: Vec<usize>,
}

impl Slots {
    /// Adds an open slot, whose command is this one of the activation, and gives its index and its number.
    pub fn add(&mut self, kind: SlotKind, activation: u32, command: usize) -> (usize, Seq) {
        let index = self.all.len();
        let of_kind = match kind {
            SlotKind::Activity => &mut self.activities,
            SlotKind::Timer => &mut self.timers,
        };
        of_kind.push(index);
        let seq = of_kind.len() as Seq;
        let state = SlotState::Open { waiter: Waiter::Nobody, cancel_asked: false };
        self.all.push(Slot { kind, seq, activation, command, state });
        (index, seq)
    }

    pub fn at(&mut self, index: usize) -> &mut Slot {
        &mut self.all[index]
    }

    /// The activity or timer of that number.
    pub fn find(&mut self, kind: SlotKind, seq: Seq) -> Option<&mut Slot> {
        let of_kind = match kind {
            SlotKind::Activity => &self.activities,
            SlotKind::Timer => &self.timers,
        };
        let index = *of_kind.get((seq as usize).checked_sub(1)?)?;
        self.all.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_run_separately_for_each_kind() {
        use SlotKind::{Activity, Timer};
        let mut slots = Slots::default();
        let kinds = [Timer, Activity, Activity, Timer, Timer, Activity];
        let added: Vec<_> = kinds.iter().map(|&kind| slots.add(kind, 1, 0)).collect();
        assert_eq!(added, [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3)]);
        for (&kind, (_, seq)) in kinds.iter().zip(added) {
            assert_eq!(slots.find(kind, seq).map(|slot| (slot.kind, slot.seq)), Some((kind, seq)));
        }
        assert!(slots.find(Activity, 4).is_none());
        assert!(slots.find(Timer, 0).is_none());
    }
}
