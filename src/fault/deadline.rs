//! A deadline that falls around one of an attempt's awaits, and the two ways in which a run brings that about.
//!
//! 1. *A late dispatch.* Where the deadline is the activity's schedule-to-close timeout, the attempt is handed to its
//!    worker later. Its awaits and heartbeats keep their distances, so nothing else changes. [`dispatch_delay`] computes
//!    the delay from the time of the await in a run without these faults, which is made beforehand.
//! 2. *A stall.* Else the attempt is not polled, from the await before until the time is right: [`Fault::aim`]. This is
//!    the way for a start-to-close timeout, which moves along with the dispatch, and for a script that can run only once.

use std::time::Duration;

use super::kind::Fault;
use crate::program::{Span, Time, Timeouts};

/// An attempt's way to one of its awaits, without the faults that move its deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Approach {
    /// The time at which the activity was scheduled.
    pub(crate) scheduled: Time,
    pub(crate) started: Time,
    pub(crate) awaited: Time,
    pub(crate) timeouts: Timeouts,
}

impl Fault {
    /// The time at which the await of a planned deadline is to come. `None` if that is before the run begins, or if
    /// this is no fault of a deadline.
    pub(crate) fn aim(self, deadline: Time) -> Option<Time> {
        match self {
            Fault::DeadlineBefore(by) => Some(Time::from_nanos(deadline.as_nanos().checked_sub(by.as_nanos() as u64)?)),
            Fault::DeadlineAt | Fault::DeadlineAtLate => Some(deadline),
            Fault::DeadlineAfter(by) => Some(deadline + by),
            _ => None,
        }
    }

    /// Says whether the service's timer waits until the attempt has had its turn at the deadline.
    pub(crate) fn defers_the_deadline(self) -> bool {
        self == Fault::DeadlineAt
    }
}

/// The time by which the attempt has to be dispatched later. `None` if a late dispatch is not the way: the attempt's
/// deadline is not the activity's schedule-to-close timeout, its await comes too late already, or its dispatch may not
/// take so long.
pub(crate) fn dispatch_delay(fault: Fault, approach: &Approach) -> Option<Duration> {
    let Approach { scheduled, started, awaited, timeouts } = *approach;
    let Timeouts { schedule_to_close, start_to_close, schedule_to_start, .. } = timeouts;
    // A start-to-close timeout that ends earlier moves along with the start.
    let ends_earlier = !start_to_close.is_zero() && start_to_close.to_duration() < awaited - started;
    if schedule_to_close.is_zero() || ends_earlier {
        return None;
    }
    let aim = fault.aim(scheduled.plus(schedule_to_close))?;
    let delay = (aim > awaited).then(|| aim - awaited)?;
    let is_allowed = |limit: Span| limit.is_zero() || delay < limit.to_duration();
    is_allowed(schedule_to_start).then_some(delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attempt is scheduled at 1 s, started at 2 s, and at its await at 10 s.
    fn delay(fault: Fault, timeouts: Timeouts) -> Option<u64> {
        let at = |seconds: u64| Time::from_nanos(seconds * 1_000_000_000);
        let approach = Approach { scheduled: at(1), started: at(2), awaited: at(10), timeouts };
        dispatch_delay(fault, &approach).map(|delay| delay.as_secs())
    }

    fn closing_after(seconds: u32) -> Timeouts {
        Timeouts { schedule_to_close: Span::from_secs(seconds.into()), ..Timeouts::default() }
    }

    #[test]
    fn an_attempt_is_dispatched_as_much_later_as_its_await_comes_too_early() {
        let second = Duration::from_secs(1);
        assert_eq!(delay(Fault::DeadlineAt, closing_after(60)), Some(51));
        assert_eq!(delay(Fault::DeadlineAtLate, closing_after(60)), Some(51));
        assert_eq!(delay(Fault::DeadlineBefore(second), closing_after(60)), Some(50));
        assert_eq!(delay(Fault::DeadlineAfter(second), closing_after(60)), Some(52));
    }

    #[test]
    fn no_dispatch_is_late_enough_where_the_deadline_moves_along_or_is_over() {
        assert_eq!(delay(Fault::DeadlineAt, closing_after(0)), None);
        assert_eq!(delay(Fault::DeadlineAt, closing_after(9)), None);
        let start_to_close = Span::from_secs(5);
        assert_eq!(delay(Fault::DeadlineAt, Timeouts { start_to_close, ..closing_after(60) }), None);
        let schedule_to_start = Span::from_secs(51);
        assert_eq!(delay(Fault::DeadlineAt, Timeouts { schedule_to_start, ..closing_after(60) }), None);
        let schedule_to_start = Span::from_secs(52);
        assert_eq!(delay(Fault::DeadlineAt, Timeouts { schedule_to_start, ..closing_after(60) }), Some(51));
    }
}
