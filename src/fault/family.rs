//! [`Family`]: faults that a seed switches on or off together, and [`Families`]: a set of them.

use super::kind::Fault;
use crate::engine::choice::Draws;

/// Faults that are switched on or off together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Family {
    Crash,
    Failure,
    Slow,
    Loss,
    Cancel,
    Stop,
    Deadline,
    Eviction,
    Deploy,
}

/// Some of the families: a bit for each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Families(u32);

impl Families {
    /// The families that are on for one seed in four, since cancels and stops end most runs early. The others are on
    /// for every second seed.
    const RARE: u32 = 1 << Family::Cancel as u32 | 1 << Family::Stop as u32;

    /// Draws which families are on. If there are any `fitting` families, at least one of those is on.
    pub(super) fn drawn(draws: &mut Draws, fitting: Families) -> Families {
        let bits = draws.bits();
        let drawn = Families((bits as u32) & ((bits >> 32) as u32 | !Families::RARE));
        match fitting.0.count_ones() {
            0 => drawn,
            _ if drawn.meets(fitting) => drawn,
            many => fitting.nth(draws.below(many)),
        }
    }

    /// The families of these faults.
    pub(super) fn of(faults: &[Fault]) -> Families {
        Families(faults.iter().fold(0, |bits, fault| bits | 1 << fault.family() as u32))
    }

    pub(super) fn has(self, family: Family) -> bool {
        self.0 & 1 << family as u32 != 0
    }

    /// Says whether the two have a family in common.
    pub(super) fn meets(self, other: Families) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn with(self, other: Families) -> Families {
        Families(self.0 | other.0)
    }

    /// The set of one family alone: the family of this index, from 0, among those in this set.
    fn nth(self, index: u32) -> Families {
        let without_lowest = |bits: u32, _| bits & bits.wrapping_sub(1);
        let rest = (0..index).fold(self.0, without_lowest);
        Families(rest & rest.wrapping_neg())
    }
}

impl Fault {
    pub(crate) fn family(self) -> Family {
        match self {
            Fault::Crash
            | Fault::CrashAttempt
            | Fault::CrashBefore
            | Fault::CrashAfter
            | Fault::CrashAfterSent
            | Fault::CrashAfterUnsent
            | Fault::WorkerDies
            | Fault::WorkerGone => Family::Crash,
            Fault::Fail | Fault::FailUnapplied | Fault::FailApplied => Family::Failure,
            Fault::Stall(_)
            | Fault::Freeze(_)
            | Fault::Delayed(_)
            | Fault::Late(_)
            | Fault::Signal
            | Fault::Slow(_)
            | Fault::Behind(_)
            | Fault::NextTask(_) => Family::Slow,
            Fault::RequestLost | Fault::AnswerLost | Fault::CompletionLost | Fault::Duplicated => Family::Loss,
            Fault::Cancel => Family::Cancel,
            Fault::Stop => Family::Stop,
            Fault::DeadlineBefore(_) | Fault::DeadlineAt | Fault::DeadlineAtLate | Fault::DeadlineAfter(_) => {
                Family::Deadline
            }
            Fault::Evicted => Family::Eviction,
            Fault::Deploy(_) | Fault::Rollback(_) => Family::Deploy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::choice::Stream;

    #[test]
    fn a_family_that_fits_is_on_whatever_is_drawn() {
        for fault in [Fault::Evicted, Fault::Stop, Fault::Cancel] {
            let fitting = Families::of(&[fault, Fault::Crash]);
            let drawn = |seed| Families::drawn(&mut Draws::new(seed, Stream::Faults), fitting);
            assert!((0..1_000).all(|seed| drawn(seed).meets(fitting)), "{fault}");
        }
    }

    #[test]
    fn each_of_a_set_can_be_taken_alone() {
        let set = Families::of(&[Fault::Crash, Fault::Cancel, Fault::Evicted]);
        let each = [0, 1, 2].map(|index| set.nth(index));
        assert_eq!(each, [Fault::Crash, Fault::Cancel, Fault::Evicted].map(|fault| Families::of(&[fault])));
    }

    #[test]
    fn cancels_are_on_for_a_quarter_of_the_seeds_and_crashes_for_a_half() {
        let on = |family| {
            let drawn = |seed| Families::drawn(&mut Draws::new(seed, Stream::Faults), Families::default());
            (0..10_000).filter(|seed| drawn(*seed).has(family)).count()
        };
        assert!((2_300..2_700).contains(&on(Family::Cancel)) && (4_800..5_200).contains(&on(Family::Crash)));
    }
}
