//! [`menu`]: the faults worth trying at a site, with the lengths that matter there.

use std::time::Duration;

use super::kind::Fault;
use super::site::Site;
use crate::instant::Span;
use crate::program::Timeouts;

/// What the lengths of stalls and delays depend on, and what a fault may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeouts: Timeouts,
    /// Before the next attempt.
    pub(crate) backoff: Span,
    /// How long an attempt takes, as far as known.
    pub(crate) attempt_length: Duration,
    /// From now to the attempt's deadline, if it has one.
    pub(crate) time_left: Option<Duration>,
    /// Whether the policy allows another attempt if this one ends.
    pub(crate) may_end: bool,
}

impl Limits {
    /// Just under the heartbeat timeout, if there is one.
    fn short(&self) -> Duration {
        let heartbeat = self.timeouts.heartbeat.to_duration();
        if heartbeat.is_zero() { Duration::from_secs(1) } else { heartbeat - heartbeat / 50 }
    }

    /// Long enough that a successor runs beside this attempt: heartbeat timeout, backoff and half an attempt.
    fn zombie(&self) -> Option<Duration> {
        let heartbeat = self.timeouts.heartbeat.to_duration();
        (!heartbeat.is_zero()).then(|| {
            let length = heartbeat + self.backoff.to_duration() + self.attempt_length / 2;
            // Whole milliseconds read better in a plan.
            Duration::from_millis(length.as_millis() as u64 + 1)
        })
    }

    /// Past the deadline, if there is one.
    fn past_deadline(&self) -> Option<Duration> {
        self.time_left.map(|left| Duration::from_millis(left.as_millis() as u64 + 1000))
    }

    fn lengths(&self) -> impl Iterator<Item = Duration> {
        let ending = if self.may_end { [self.zombie(), self.past_deadline()] } else { [None, None] };
        let short = self.short();
        std::iter::once(short).chain(ending.into_iter().flatten().filter(move |length| *length > short))
    }
}

/// The smallest step around a deadline.
const STEP: Duration = Duration::from_millis(1);

/// The faults worth trying at a site. Without `may_end`, only those that leave the attempt alive.
pub(crate) fn menu(site: Site, limits: &Limits) -> Vec<Fault> {
    let mut faults = Vec::new();
    let end = limits.may_end;
    let mut add = |allowed: bool, fault: Fault| {
        if allowed {
            faults.push(fault);
        }
    };
    match site {
        Site::Dispatch => {
            add(true, Fault::Delayed(limits.short()));
            add(end, Fault::WorkerDies);
            add(true, Fault::Cancel);
        }
        Site::Await(_) => {
            add(end, Fault::Crash);
            add(end, Fault::CrashAttempt);
            add(end, Fault::Fail);
            limits.lengths().for_each(|length| add(true, Fault::Stall(length)));
            limits.lengths().for_each(|length| add(true, Fault::Freeze(length)));
            add(true, Fault::Cancel);
            add(end, Fault::Stop);
        }
        Site::Effect(_) => {
            add(end, Fault::CrashBefore);
            add(end, Fault::CrashAfter);
            add(end, Fault::FailUnapplied);
            add(end, Fault::FailApplied);
        }
        Site::Heartbeat(_) => {
            add(end, Fault::CrashBefore);
            add(end, Fault::CrashAfterSent);
            add(end, Fault::CrashAfterUnsent);
            add(end, Fault::RequestLost);
            add(end, Fault::AnswerLost);
            limits.lengths().for_each(|length| add(end, Fault::Delayed(length)));
        }
        Site::Deadline(_) => {
            if end && limits.time_left.is_some() {
                add(true, Fault::DeadlineBefore(STEP));
                add(true, Fault::DeadlineAt);
                add(true, Fault::DeadlineAtLate);
                add(true, Fault::DeadlineAfter(STEP));
            }
        }
        Site::Completion => {
            add(end, Fault::RequestLost);
            add(true, Fault::AnswerLost);
            limits.lengths().for_each(|length| add(true, Fault::Delayed(length)));
            add(end, Fault::Crash);
            add(true, Fault::Cancel);
        }
        Site::Backoff => {
            add(true, Fault::Cancel);
            add(true, Fault::WorkerGone);
        }
        Site::Task(_) => {
            add(end, Fault::Crash);
            add(true, Fault::CompletionLost);
            add(true, Fault::Evicted);
            add(true, Fault::Late(limits.short()));
            add(true, Fault::Cancel);
        }
        // A duplicated signal is left to plans: most code need not stand it.
        Site::Signal(_) | Site::Timer(_) => {
            add(true, Fault::Delayed(limits.short()));
            add(true, Fault::Cancel);
        }
    }
    faults
}
