//! [`HostedActivity`]: what the loop knows of an activity beside the service.

use crate::service::ActivityKey;
use crate::trace::AttemptKey;

/// An activity as the loop knows it: its place among those of its workflow, its latest attempt, and what a fault has in store
/// for the next one.
#[derive(Clone, Copy, Default)]
pub(super) struct HostedActivity {
    /// The activity that its workflow scheduled before it.
    before: Option<ActivityKey>,
    latest: Option<AttemptKey>,
    /// The attempt whose dispatch was the last to be a point.
    dispatched: u32,
    gone_when_due: bool,
    dies_at_start: bool,
    /// The number of an attempt that is slow, and how slow it is.
    slow: Option<(u32, u32)>,
    /// The number of the attempt whose deadline is deferred.
    defers_deadline: Option<u32>,
}

impl HostedActivity {
    /// Makes an activity that its workflow has scheduled after this one.
    pub(super) fn after(before: Option<ActivityKey>) -> HostedActivity {
        HostedActivity { before, ..HostedActivity::default() }
    }

    /// Gives the activity that its workflow scheduled before it.
    pub(super) fn before(&self) -> Option<ActivityKey> {
        self.before
    }

    /// The latest attempt that a worker took, if any.
    pub(super) fn latest_attempt(&self) -> Option<AttemptKey> {
        self.latest
    }

    /// A worker has taken an attempt.
    pub(super) fn attempt_started(&mut self, attempt: AttemptKey) {
        self.latest = Some(attempt);
    }

    /// Notes that the attempt of this number is dispatched. `true` if that is a point: where it is offered again, since no
    /// worker was there, it is none.
    pub(super) fn note_dispatch(&mut self, attempt: u32) -> bool {
        std::mem::replace(&mut self.dispatched, attempt) != attempt
    }

    /// The worker of the latest attempt is to be gone when the next one is due.
    pub(super) fn lose_worker_when_due(&mut self) {
        self.gone_when_due = true;
    }

    /// The next attempt is due. Says, once, whether the worker of the latest one is to be gone.
    pub(super) fn take_gone_when_due(&mut self) -> bool {
        std::mem::take(&mut self.gone_when_due)
    }

    /// The worker that takes the next attempt is to die at once.
    pub(super) fn die_at_start(&mut self) {
        self.dies_at_start = true;
    }

    /// A worker takes the next attempt. Says, once, whether it dies of that.
    pub(super) fn take_dies_at_start(&mut self) -> bool {
        std::mem::take(&mut self.dies_at_start)
    }

    /// Each wait of the attempt of this number is to take so many times as long.
    pub(super) fn slow_down(&mut self, attempt: u32, factor: u32) {
        self.slow = Some((attempt, factor));
    }

    /// A worker takes the attempt of this number. Says, once, how slow it is.
    pub(super) fn take_slowness(&mut self, attempt: u32) -> Option<u32> {
        self.slow.take_if(|(slow, _)| *slow == attempt).map(|(_, factor)| factor)
    }

    /// The timer of this attempt's deadline is to fire behind everything else of that moment.
    pub(super) fn defer_deadline(&mut self, attempt: u32) {
        self.defers_deadline = Some(attempt);
    }

    /// The attempt is dispatched so that it meets its deadline, whose timer is deferred if `defers`. A timer that was deferred
    /// before is not any more.
    pub(super) fn aim_at_deadline(&mut self, attempt: u32, defers: bool) {
        self.defers_deadline = defers.then_some(attempt);
    }

    /// The timer of a deadline is due while this attempt is the latest. Says, once, whether it is deferred.
    pub(super) fn take_defers_deadline(&mut self, attempt: u32) -> bool {
        self.defers_deadline.take_if(|deferred| *deferred == attempt).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_deferred_once_and_for_its_own_attempt() {
        let mut activity = HostedActivity::default();
        activity.defer_deadline(1);
        assert!(!activity.take_defers_deadline(2), "the attempt ended in time");
        assert!(activity.take_defers_deadline(1));
        assert!(!activity.take_defers_deadline(1));
        activity.defer_deadline(1);
        activity.aim_at_deadline(2, false);
        assert!(!activity.take_defers_deadline(1));
        activity.aim_at_deadline(3, true);
        assert!(activity.take_defers_deadline(3));
    }
}
