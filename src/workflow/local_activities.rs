//! [`LocalActivities`]: the numbers of local activities, which change where a timer waits between two attempts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::slot::{SlotId, SlotKind};
use crate::program::{Command, LocalActivitySpec, Seq, Time};

/// The local activities that have not ended, by the numbers of their slots.
///
/// The slot of one stays the same from the call to the end. Each time that the worker is asked for it, it has another number.
#[derive(Debug, Default)]
pub(super) struct LocalActivities {
    /// How often the worker was asked for one.
    asked: Seq,
    open: BTreeMap<Seq, (Arc<LocalActivitySpec>, Stage)>,
}

/// The thing that a local activity waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The worker, which knows it by this number.
    Worker(Seq),
    /// The timer of this number.
    Timer(Seq),
}

impl LocalActivities {
    /// The worker is asked for the local activity of this slot. Gives the number of the request.
    pub fn begin(&mut self, slot: Seq, spec: &Arc<LocalActivitySpec>) -> Seq {
        self.asked += 1;
        self.open.insert(slot, (Arc::clone(spec), Stage::Worker(self.asked)));
        self.asked
    }

    /// The one that the worker knows by this number waits for a timer. Says whether anybody waits for it.
    pub fn back_off(&mut self, seq: Seq, timer: Seq, attempt: u32, first_scheduled_at: Time) -> bool {
        let Some(slot) = self.slot_of(Stage::Worker(seq)) else { return false };
        let resumed = |(spec, _): &mut (Arc<LocalActivitySpec>, Stage)| {
            (Arc::new(spec.resumed(attempt, first_scheduled_at)), Stage::Timer(timer))
        };
        self.open.entry(slot).and_modify(|open| *open = resumed(open));
        true
    }

    /// The timer of this number has fired. Gives the request to the worker for the one that has waited for it.
    pub fn resume(&mut self, timer: Seq) -> Option<(Seq, Arc<LocalActivitySpec>)> {
        if self.open.is_empty() {
            return None;
        }
        let slot = self.slot_of(Stage::Timer(timer))?;
        let (spec, _) = self.open.remove(&slot)?;
        Some((self.begin(slot, &spec), spec))
    }

    /// The one that the worker knows by this number has ended. Gives its slot.
    pub fn ended(&mut self, seq: Seq) -> Option<Seq> {
        let slot = self.slot_of(Stage::Worker(seq))?;
        self.open.remove(&slot);
        Some(slot)
    }

    /// Gives the command that cancels one. It is over at once where it waits for a timer.
    pub fn cancel(&mut self, slot: SlotId) -> Option<Command> {
        match self.open.get(&slot.seq)?.1 {
            Stage::Worker(seq) => Some(Command::CancelLocalActivity { seq }),
            Stage::Timer(seq) => {
                self.open.remove(&slot.seq);
                Some(Command::CancelTimer { seq })
            }
        }
    }

    /// The request for one is taken back, if this is the slot of one.
    pub fn forget(&mut self, slot: SlotId) {
        if slot.kind == SlotKind::LocalActivity {
            self.open.remove(&slot.seq);
        }
    }

    fn slot_of(&self, stage: Stage) -> Option<Seq> {
        self.open.iter().find(|(_, (_, other))| *other == stage).map(|(slot, _)| *slot)
    }
}
