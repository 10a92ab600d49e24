//! [`Together`]: how several processes go on at once, each by a clock of its own.
//!
//! Nobody can ask a runtime for its next timer: it says so by going there, and cannot go back. So each process but the last
//! goes ahead on trial, to its next timer or to that of another, and stops before anything of it runs; what its timers wake
//! is kept back until it is its turn. Whatever happens in the others meanwhile happens as if it stood still, unless it
//! reaches the very process that is ahead. Then it has gone too far: the run is made again from its start, and the next try
//! stops it there.
//!
//! At each moment at which something is due, all of it is due before any of it runs, and it runs in the order of the workers.
//! So a try is the same as one that goes in steps of a tick, up to the moment at which it went too far.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::rc::Rc;

use durasim::Time;
use durasim::program::{Ground, News};

use crate::process::Process;
use crate::runtime::TICK;

/// So many tries go ahead. The next goes in steps of a tick, which takes long, and is sure to come to its end.
const TRIES: u32 = 32;

/// The things that the tries of a run have learned.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// The moments beyond which a worker's process must not go ahead.
    stops: RefCell<BTreeMap<u32, BTreeSet<Time>>>,
    tries: Cell<u32>,
}

/// Lets several processes go on at once.
pub(crate) struct Together {
    ground: Ground,
    learned: Rc<Learned>,
}

impl Together {
    pub(crate) fn new(ground: Ground) -> Together {
        Together { learned: ground.tries.learned(), ground }
    }

    /// The process of this worker was reached at `now`, and is ahead of it.
    pub(crate) fn too_far(&self, worker: u32, now: Time) {
        self.learned.stops.borrow_mut().entry(worker).or_default().insert(now);
        self.learned.tries.set(self.learned.tries.get() + 1);
        self.ground.tries.go_again();
    }

    /// Lets them go on to `until`, or to where `news` is ready. Gives the moment at which the wait has ended.
    pub(crate) fn wait(
        &self,
        processes: &[Rc<Process>],
        turn: &Turn,
        now: Time,
        until: Time,
        news: &mut News<'_>,
    ) -> Time {
        let mut at = now;
        loop {
            if self.run(processes, turn, at, news) || at >= until {
                return at;
            }
            at = self.next(processes, at, until);
        }
    }

    /// Lets all run that is due, in the order of the workers, until nothing is left. `true` if the wait is over.
    fn run(&self, processes: &[Rc<Process>], turn: &Turn, at: Time, news: &mut News<'_>) -> bool {
        for process in processes {
            process.reach(&self.ground, at);
        }
        loop {
            let mut has_run = false;
            for process in processes {
                if process.is_due(at) {
                    if process.is_beyond(at) {
                        self.too_far(process.worker(), at);
                        return true;
                    }
                    has_run = true;
                    turn.replace(Some(process.clone()));
                    if process.run(at, news) {
                        return true;
                    }
                }
            }
            if !has_run {
                return false;
            }
        }
    }

    /// The next moment at which something may be due.
    fn next(&self, processes: &[Rc<Process>], at: Time, until: Time) -> Time {
        if !self.ground.tries.can_go_again() || self.learned.tries.get() >= TRIES {
            let tick = TICK.as_nanos() as u64;
            return until.min(Time::from_nanos((at.as_nanos() / tick + 1) * tick));
        }
        let ahead = processes.iter().filter_map(|process| process.next_after(at));
        let mut next = ahead.fold(until, Time::min);
        let mut unknown: Vec<_> = processes.iter().filter(|process| process.next_after(at).is_none()).collect();
        // Whoever has waited longest is likely to be the first, and the others then stop there.
        unknown.sort_by_key(|process| process.has_run_at());
        for process in unknown {
            let stops = self.learned.stops.borrow();
            let stop = stops
                .get(&process.worker())
                .and_then(|stops| stops.range((Bound::Excluded(at), Bound::Unbounded)).next().copied());
            next = next.min(process.go_ahead(&self.ground, stop.map_or(next, |stop| stop.min(next))));
        }
        next
    }
}

/// The process whose code runs.
pub(crate) type Turn = RefCell<Option<Rc<Process>>>;
