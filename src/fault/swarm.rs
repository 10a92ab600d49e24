//! [`Swarm`]: faults drawn from a seed.
//!
//! Each seed switches whole families of faults on or off and draws how often they strike. A run in which only lost
//! messages occur, many of them, finds what a little of everything does not.
//!
//! Source of the idea: Groce et al., "Swarm testing", ISSTA 2012.

use std::sync::Arc;

use super::kind::Fault;
use super::menu::AttemptLengths;
use crate::engine::choice::{Choice, Stream};

/// Faults that are switched on or off together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    Crash,
    Failure,
    Slow,
    Loss,
    Cancel,
    Stop,
    Deadline,
    Eviction,
}

impl Family {
    /// How many there are.
    pub(crate) const COUNT: usize = Family::Eviction as usize + 1;
}

/// How many sites pass between two strikes, on average: one of these for each seed.
const GAPS: [u32; 5] = [4, 12, 40, 120, 400];

/// The faults of one run.
#[derive(Debug)]
pub(crate) struct Swarm {
    /// Bit by [`Family`].
    families: u32,
    gap: u32,
    /// Sites until the next strike.
    left: u32,
    over_budget: bool,
    pub(crate) usual: Arc<AttemptLengths>,
}

impl Swarm {
    /// Draws which families are on and how often they strike. Attempts take `usual` when nothing strikes them.
    pub(crate) fn new(choice: &mut Choice, over_budget: bool, usual: Arc<AttemptLengths>) -> Swarm {
        let bits = choice.bits(Stream::Faults);
        // Cancels and stops end most runs early, so they are on for one seed in four; the others for every second.
        let rare = 1 << Family::Cancel as u32 | 1 << Family::Stop as u32;
        let families = (bits as u32) & ((bits >> 32) as u32 | !rare);
        let gap = GAPS[choice.below(Stream::Faults, GAPS.len() as u32) as usize];
        let mut swarm = Swarm { families, gap, left: 0, over_budget, usual };
        swarm.draw_gap(choice);
        swarm
    }

    /// Counts one site; `true` if something is to strike there.
    pub(crate) fn is_due(&mut self, choice: &mut Choice) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        self.draw_gap(choice);
        true
    }

    /// Whether it may end more attempts than the retry policy allows.
    pub(crate) fn is_over_budget(&self) -> bool {
        self.over_budget
    }

    pub(crate) fn allows(&self, fault: Fault) -> bool {
        self.families & 1 << fault.family() as u32 != 0
    }

    pub(crate) fn pick(&self, faults: &[Fault], choice: &mut Choice) -> Option<Fault> {
        match faults.len() {
            0 => None,
            many => Some(faults[choice.below(Stream::Faults, many as u32) as usize]),
        }
    }

    fn draw_gap(&mut self, choice: &mut Choice) {
        self.left = choice.below(Stream::Faults, 2 * self.gap);
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
            Fault::Stall(_) | Fault::Freeze(_) | Fault::Delayed(_) | Fault::Late(_) | Fault::Signal => Family::Slow,
            Fault::RequestLost | Fault::AnswerLost | Fault::CompletionLost | Fault::Duplicated => Family::Loss,
            Fault::Cancel => Family::Cancel,
            Fault::Stop => Family::Stop,
            Fault::DeadlineBefore(_) | Fault::DeadlineAt | Fault::DeadlineAtLate | Fault::DeadlineAfter(_) => {
                Family::Deadline
            }
            Fault::Evicted => Family::Eviction,
        }
    }
}
