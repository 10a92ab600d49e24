//! [`menu`]: the faults worth trying at a site, with the lengths that matter there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::asked::Asked;
use super::kind::Fault;
use super::point::Site;
use crate::program::{Span, Timeouts};

/// The longest time that attempts take when nothing strikes them, by activity type.
///
/// A stall is made from the length of an attempt. A length from a run with faults would hold earlier stalls, and each
/// stall would be longer than the one before.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttemptLengths(BTreeMap<Arc<str>, Duration>);

impl AttemptLengths {
    /// Notes that an attempt took so long.
    pub(crate) fn add(&mut self, activity_type: &Arc<str>, length: Duration) {
        let longest = self.0.entry(activity_type.clone()).or_default();
        *longest = length.max(*longest);
    }

    /// The part of an attempt's length that faults have not drawn out. For a type that does not run without faults,
    /// `unknown` bounds it.
    pub(crate) fn bound(&self, activity_type: &str, length: Duration, unknown: Duration) -> Duration {
        length.min(self.0.get(activity_type).copied().unwrap_or(unknown))
    }
}

/// The limits of faults at a site. They decide the lengths of stalls and delays, and say whether an attempt may end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeouts: Timeouts,
    /// The backoff before the next attempt.
    pub(crate) backoff: Span,
    /// The time that an attempt takes, as far as known.
    pub(crate) attempt_length: Duration,
    /// The time from now to the attempt's deadline, if it has one.
    pub(crate) time_left: Option<Duration>,
    /// The time since the service last heard of the attempt.
    pub(crate) silence: Duration,
    /// Says whether the policy allows another attempt when this one ends.
    pub(crate) may_end: bool,
    /// The limits of a local activity; `None` for any other.
    pub(crate) local: Option<LocalLimits>,
    /// The faults that the user asks for.
    pub(crate) asked: Asked,
}

/// The limits of faults at a local activity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalLimits {
    /// The time after which the workflow task times out within which it runs.
    pub(crate) task_timeout: Duration,
    /// Says whether its worker may die: it is then run again, whatever its policy says, but not for ever.
    pub(crate) may_die: bool,
}

impl Limits {
    /// The limits at a workflow's own sites, where no timeout of an activity counts.
    pub(crate) fn of_workflow(may_end: bool) -> Limits {
        Limits {
            timeouts: Timeouts::default(),
            backoff: Span::ZERO,
            attempt_length: Duration::ZERO,
            time_left: None,
            silence: Duration::ZERO,
            may_end,
            local: None,
            asked: Asked::default(),
        }
    }

    /// The length of a freeze that is so long that the task of a local activity times out.
    fn past_task(&self) -> Option<Duration> {
        self.local.map(|local| local.task_timeout + Duration::from_secs(1))
    }

    /// The length of a stall that ends just before the heartbeat timeout, or 1 s if there is no such timeout. `None` if
    /// the timeout is that close already.
    fn short(&self) -> Option<Duration> {
        let heartbeat = self.timeouts.heartbeat.to_duration();
        if heartbeat.is_zero() {
            return Some(Duration::from_secs(1));
        }
        let length = (heartbeat - heartbeat / 50).checked_sub(self.silence)?;
        (length >= STEP).then(|| whole_millis(length))
    }

    /// The length of a stall that is long enough that a successor runs beside this attempt: heartbeat timeout, backoff
    /// and half an attempt.
    fn zombie(&self) -> Option<Duration> {
        let heartbeat = self.timeouts.heartbeat.to_duration();
        (!heartbeat.is_zero())
            .then(|| whole_millis(heartbeat + self.backoff.to_duration() + self.attempt_length / 2 + STEP))
    }

    /// The length of a stall past the deadline, if there is one.
    fn past_deadline(&self) -> Option<Duration> {
        self.time_left.map(|left| whole_millis(left + Duration::from_secs(1)))
    }

    /// The lengths of stalls to try. There are none where the attempt must not end: even a stall that is shorter than the
    /// heartbeat timeout leaves too little of that timeout for the attempt's next step.
    fn lengths(&self) -> [Option<Duration>; 3] {
        if !self.may_end {
            return [None; 3];
        }
        let short = self.short();
        let longer = |length: Option<Duration>| length.filter(|_| length > short);
        [short, longer(self.zombie()), longer(self.past_deadline())]
    }
}

/// Rounds down to whole milliseconds, which read better in a plan.
fn whole_millis(length: Duration) -> Duration {
    Duration::from_millis(length.as_millis() as u64)
}

/// The smallest step around a deadline.
const STEP: Duration = Duration::from_millis(1);

/// A delay that is long enough for other news of a workflow to come first, and short enough for its tasks not to time
/// out.
const MOMENT: Duration = Duration::from_secs(1);

/// The faults worth trying at a site. Without `may_end`, they are only those that leave the attempt alive.
pub(crate) fn menu(site: Site, limits: &Limits) -> Vec<Fault> {
    let mut faults = Vec::new();
    let end = limits.may_end;
    let is_local = limits.local.is_some();
    let die = limits.local.map_or(end, |local| local.may_die);
    let mut add = |allowed: bool, fault: Fault| {
        if allowed {
            faults.push(fault);
        }
    };
    match site {
        // No task of a local activity is dispatched, and its deadline is its worker's own.
        Site::Dispatch | Site::Deadline(_) if is_local => {}
        Site::Dispatch => {
            add(true, Fault::Delayed(Duration::from_secs(1)));
            add(end, Fault::WorkerDies);
            add(true, Fault::Cancel);
            limits.asked.deploys.faults().for_each(|fault| add(end, fault));
        }
        Site::Await(_) => {
            add(die, Fault::Crash);
            add(end && !is_local, Fault::CrashAttempt);
            add(end, Fault::Fail);
            for length in limits.lengths().into_iter().flatten() {
                add(true, Fault::Stall(length));
            }
            for length in limits.lengths().into_iter().flatten() {
                add(true, Fault::Freeze(length));
            }
            if let Some(length) = limits.past_task() {
                add(die, Fault::Freeze(length));
            }
            add(true, Fault::Cancel);
            add(die, Fault::Stop);
        }
        Site::Effect(_) => {
            add(die, Fault::CrashBefore);
            add(die, Fault::CrashAfter);
            add(end, Fault::FailUnapplied);
            add(end, Fault::FailApplied);
        }
        Site::Heartbeat(_) => {
            add(end, Fault::CrashBefore);
            add(end, Fault::CrashAfterSent);
            add(end, Fault::CrashAfterUnsent);
            add(end, Fault::RequestLost);
            add(end, Fault::AnswerLost);
            for length in limits.lengths().into_iter().flatten() {
                add(true, Fault::Delayed(length));
            }
        }
        Site::Deadline(_) => {
            if end && limits.time_left.is_some() {
                add(true, Fault::DeadlineBefore(STEP));
                add(true, Fault::DeadlineAt);
                add(true, Fault::DeadlineAtLate);
                add(true, Fault::DeadlineAfter(STEP));
            }
        }
        // Its end goes no further than its worker.
        Site::Completion if is_local => {
            add(die, Fault::Crash);
            add(true, Fault::Cancel);
        }
        Site::Completion => {
            add(end, Fault::RequestLost);
            add(true, Fault::AnswerLost);
            for length in limits.lengths().into_iter().flatten() {
                add(true, Fault::Delayed(length));
            }
            add(end, Fault::Crash);
            add(true, Fault::Cancel);
        }
        Site::Backoff => {
            add(true, Fault::Cancel);
            // A local activity begins anew without its worker, and would never end.
            add(!is_local || die, Fault::WorkerGone);
        }
        Site::Task(_) => {
            add(end, Fault::Crash);
            add(true, Fault::CompletionLost);
            add(true, Fault::Evicted);
            add(true, Fault::Late(MOMENT));
            add(true, Fault::Cancel);
            limits.asked.deploys.faults().for_each(|fault| add(end, fault));
        }
        Site::Signal(_) | Site::Timer(_) | Site::Child(_) | Site::ChildEnd(_) | Site::Message(_) => {
            add(true, Fault::Delayed(MOMENT));
            add(true, Fault::Cancel);
            // Most code need not stand it.
            add(limits.asked.duplicates && matches!(site, Site::Signal(_)), Fault::Duplicated);
        }
        // One whose request is lost is as late as one that is delayed.
        Site::Update(_) => {
            add(true, Fault::RequestLost);
            add(true, Fault::AnswerLost);
            add(end, Fault::Crash);
            add(true, Fault::Cancel);
        }
        Site::UpdateEnd(_) => {
            add(true, Fault::AnswerLost);
            add(true, Fault::Cancel);
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(may_end: bool) -> Limits {
        Limits {
            timeouts: Timeouts { heartbeat: Span::from_secs(30), ..Default::default() },
            backoff: Span::from_secs(1),
            attempt_length: Duration::from_secs(10),
            time_left: Some(Duration::from_secs(300)),
            silence: Duration::from_secs(5),
            may_end,
            local: None,
            asked: Asked::default(),
        }
    }

    fn limits_of(may_die: bool) -> LocalLimits {
        LocalLimits { task_timeout: Duration::from_secs(10), may_die }
    }

    #[test]
    fn a_local_activity_dies_with_its_worker_whatever_its_policy() {
        let local = Limits { timeouts: Timeouts::default(), local: Some(limits_of(true)), ..limits(false) };
        let freeze = Fault::Freeze(Duration::from_secs(11));
        assert_eq!(menu(Site::Await(1), &local), [Fault::Crash, freeze, Fault::Cancel, Fault::Stop]);
        assert_eq!(menu(Site::Effect(1), &local), [Fault::CrashBefore, Fault::CrashAfter]);
        assert_eq!(menu(Site::Completion, &local), [Fault::Crash, Fault::Cancel]);
        let weary = Limits { local: Some(limits_of(false)), ..local };
        assert_eq!(menu(Site::Await(1), &weary), [Fault::Cancel]);
        assert_eq!(menu(Site::Backoff, &weary), [Fault::Cancel]);
        assert_eq!(menu(Site::Backoff, &local), [Fault::Cancel, Fault::WorkerGone]);
        assert_eq!(menu(Site::Dispatch, &local), []);
        assert_eq!(menu(Site::Deadline(1), &Limits { may_end: true, ..local }), []);
    }

    #[test]
    fn an_attempt_that_must_not_end_is_neither_ended_nor_slowed_down() {
        assert_eq!(menu(Site::Await(3), &limits(false)), [Fault::Cancel]);
        assert_eq!(menu(Site::Heartbeat(1), &limits(false)), []);
        assert_eq!(menu(Site::Completion, &limits(false)), [Fault::AnswerLost, Fault::Cancel]);
    }

    #[test]
    fn a_stall_that_would_end_after_the_heartbeat_timeout_is_not_called_short() {
        let silent = Limits { silence: Duration::from_secs(30), ..limits(true) };
        let expected = [36_001, 301_000].map(|millis| Fault::Stall(Duration::from_millis(millis)));
        let stalls: Vec<Fault> =
            menu(Site::Await(3), &silent).into_iter().filter(|fault| matches!(fault, Fault::Stall(_))).collect();
        assert_eq!(stalls, expected);
    }

    #[test]
    fn stalls_are_tried_below_the_heartbeat_timeout_beside_a_successor_and_past_the_deadline() {
        let stalls: Vec<Duration> = menu(Site::Await(3), &limits(true))
            .into_iter()
            .filter_map(|fault| if let Fault::Stall(length) = fault { Some(length) } else { None })
            .collect();
        assert_eq!(stalls, [24_400, 36_001, 301_000].map(Duration::from_millis));
    }
}
