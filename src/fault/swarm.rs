//! [`Swarm`]: faults drawn from a seed.
//!
//! Each seed switches whole families of faults on or off and draws how often they strike. A run in which only lost
//! messages occur, many of them, finds what a little of everything does not.
//!
//! Source of the idea: Groce et al., "Swarm testing", ISSTA 2012.

use std::sync::Arc;

use super::kind::Fault;
use super::menu::{AttemptLengths, Limits, menu};
use super::point::Site;
use super::source::{Faults, Location};
use crate::engine::choice::{Draws, Stream};

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
}

/// The average number of sites between two strikes: each seed has one of these.
const GAPS: [u32; 5] = [4, 12, 40, 120, 400];

/// The faults of one run, drawn from its seed.
#[derive(Debug)]
pub(crate) struct Swarm {
    draws: Draws,
    /// Those that are on, a bit for each [`Family`].
    families: u32,
    gap: u32,
    /// Sites until the next strike.
    left: u32,
    over_budget: bool,
    usual: Arc<AttemptLengths>,
}

impl Swarm {
    /// Draws which families are on and how often they strike. Attempts take `usual` when nothing strikes them.
    pub(crate) fn new(seed: u64, over_budget: bool, usual: Arc<AttemptLengths>) -> Swarm {
        let mut draws = Draws::new(seed, Stream::Faults);
        let bits = draws.bits();
        // Cancels and stops end most runs early, so they are on for one seed in four; the others for every second.
        let rare = 1 << Family::Cancel as u32 | 1 << Family::Stop as u32;
        let families = (bits as u32) & ((bits >> 32) as u32 | !rare);
        let gap = GAPS[draws.index(GAPS.len())];
        let left = draws.below(2 * gap);
        Swarm { draws, families, gap, left, over_budget, usual }
    }

    /// Counts one site; `true` if something is to strike there.
    fn is_due(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                false
            }
            None => {
                self.left = self.draws.below(2 * self.gap);
                true
            }
        }
    }

    fn allows(&self, fault: Fault) -> bool {
        self.families & 1 << fault.family() as u32 != 0
    }
}

impl Faults for Swarm {
    fn may_strike(&self, site: Site) -> bool {
        // When a deadline's await would come has to be known beforehand.
        !matches!(site, Site::Deadline(_))
    }

    fn strike(&mut self, at: Location<'_>, limits: &dyn Fn() -> Limits) -> Option<Fault> {
        if !self.is_due() {
            return None;
        }
        let mut limits = limits();
        let unknown = limits.timeouts.heartbeat.to_duration();
        limits.attempt_length = self.usual.bound(at.name, limits.attempt_length, unknown);
        let mut faults = menu(at.site, &limits);
        faults.retain(|fault| self.allows(*fault));
        match faults.len() {
            0 => None,
            many => Some(faults[self.draws.index(many)]),
        }
    }

    fn is_over_budget(&self) -> bool {
        self.over_budget
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
