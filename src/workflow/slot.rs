//! [`Slots`]: everything a workflow instance has started, in the order in which it did.

use std::mem;
use std::sync::Arc;
use std::task::Waker;

use super::error::Cancellation;
use crate::program::{Failure, Payload, Seq};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum SlotKind {
    Activity,
    /// A local activity, with the backoffs that timers wait for.
    LocalActivity,
    Timer,
    /// The end of a child.
    Child,
    /// The start of a child, which has its number.
    ChildStart,
    /// A signal to another workflow.
    Signal,
    /// A request to another workflow to cancel itself.
    CancelRequest,
}

impl SlotKind {
    /// The thing in words.
    pub fn words(self) -> &'static str {
        match self {
            SlotKind::Activity => "activity",
            SlotKind::LocalActivity => "local activity",
            SlotKind::Timer => "timer",
            SlotKind::Child | SlotKind::ChildStart => "child",
            SlotKind::Signal => "signal",
            SlotKind::CancelRequest => "request to cancel",
        }
    }
}

/// Which slot. Those that were created later are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct SlotId {
    /// Counts all slots, from 0.
    created: usize,
    pub kind: SlotKind,
    /// Its number among those of its kind, from 1.
    pub seq: Seq,
}

/// How what was started has ended.
#[derive(Debug)]
pub(super) enum SlotEnd {
    Completed(Payload),
    Fired,
    Failed(Arc<Failure>),
    Cancelled(Cancellation),
}

/// The waiter to wake when something ends.
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

/// One activity, timer or child, or one message to another workflow.
#[derive(Debug)]
pub(super) struct Slot {
    id: SlotId,
    /// Says whether it was started in the workflow's own scope.
    in_root: bool,
    /// The activation in which it was started. While that lasts its command can be taken back.
    pub activation: u32,
    /// The index of its command among those of that activation.
    pub command: usize,
    pub state: SlotState,
}

impl Slot {
    pub fn id(&self) -> SlotId {
        self.id
    }

    /// Ends what is under way, and gives the waiter to wake. An entry that has ended already stays as it is.
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

/// All slots of an instance, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Slots {
    activities: Vec<Slot>,
    local_activities: Vec<Slot>,
    timers: Vec<Slot>,
    children: Vec<Slot>,
    child_starts: Vec<Slot>,
    signals: Vec<Slot>,
    cancel_requests: Vec<Slot>,
}

impl Slots {
    /// How many there are.
    pub fn len(&self) -> usize {
        [
            &self.activities,
            &self.local_activities,
            &self.timers,
            &self.children,
            &self.child_starts,
            &self.signals,
            &self.cancel_requests,
        ]
        .iter()
        .map(|slots| slots.len())
        .sum()
    }

    /// Adds an open slot, whose command is this one of the activation. `in_root` says whether it is started in the
    /// workflow's own scope.
    pub fn add(&mut self, kind: SlotKind, in_root: bool, activation: u32, command: usize) -> SlotId {
        let created = self.len();
        let of_kind = self.of_kind(kind);
        let id = SlotId { created, kind, seq: of_kind.len() as Seq + 1 };
        let state = SlotState::Open { waiter: Waiter::Nobody, cancel_asked: false };
        of_kind.push(Slot { id, in_root, activation, command, state });
        id
    }

    /// Gives those that were started in the workflow's own scope.
    pub fn in_root(&self) -> impl Iterator<Item = SlotId> {
        let all = self.activities.iter().chain(&self.local_activities).chain(&self.timers).chain(&self.children);
        all.filter(|slot| slot.in_root).map(|slot| slot.id)
    }

    pub fn at(&mut self, slot: SlotId) -> &mut Slot {
        &mut self.of_kind(slot.kind)[slot.seq as usize - 1]
    }

    /// The activity or timer of that number.
    pub fn find(&mut self, kind: SlotKind, seq: Seq) -> Option<&mut Slot> {
        self.of_kind(kind).get_mut((seq as usize).checked_sub(1)?)
    }

    fn of_kind(&mut self, kind: SlotKind) -> &mut Vec<Slot> {
        match kind {
            SlotKind::Activity => &mut self.activities,
            SlotKind::LocalActivity => &mut self.local_activities,
            SlotKind::Timer => &mut self.timers,
            SlotKind::Child => &mut self.children,
            SlotKind::ChildStart => &mut self.child_starts,
            SlotKind::Signal => &mut self.signals,
            SlotKind::CancelRequest => &mut self.cancel_requests,
        }
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
        let added: Vec<_> =
            kinds.iter().zip(1..).map(|(&kind, activation)| slots.add(kind, true, activation, 0)).collect();
        assert_eq!(added.iter().map(|slot| slot.seq).collect::<Vec<_>>(), [1, 1, 2, 2, 3, 3]);
        assert!(added.is_sorted());
        for (slot, activation) in added.into_iter().zip(1..) {
            assert_eq!(slots.at(slot).activation, activation);
            assert_eq!(slots.find(slot.kind, slot.seq).map(|slot| slot.activation), Some(activation));
        }
        assert!(slots.find(Activity, 4).is_none());
        assert!(slots.find(Timer, 0).is_none());
    }
}
