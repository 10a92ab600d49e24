//! [`heartbeats_in_time`]: the service hears of every attempt before its heartbeat timeout.

use std::time::Duration;

use super::Check;
use super::reference::Reference;
use super::violation::Violation;
use crate::program::{Table, Time, TimeoutType};
use crate::trace::{AttemptKey, Ended, Trace, What, Who};
use crate::world::Run;

/// Without faults, the service never goes without news of an attempt for as long as the heartbeat timeout: from its start,
/// between its heartbeats, and from the last of them to its end.
///
/// What counts is when heartbeats become *visible*, since the worker holds them back. Only runs in which no fault struck are
/// judged: what stalls and lost messages do to an attempt is no fault of its code. Activities without a heartbeat timeout
/// are let alone.
///
/// The message names the attempt, the longest silence, and what it began and ended with. Of an attempt that the service
/// has given up, the silence goes on until the attempt is next heard of.
///
/// ```
/// use std::time::Duration;
/// use durasim::check;
/// let check = check::heartbeats_in_time().margin(Duration::from_secs(2));
/// ```
pub fn heartbeats_in_time() -> HeartbeatsInTime {
    HeartbeatsInTime { margin: Duration::ZERO }
}

/// Made by [`heartbeats_in_time`].
#[derive(Clone, Debug)]
pub struct HeartbeatsInTime {
    margin: Duration,
}

impl HeartbeatsInTime {
    /// How much of the heartbeat timeout must be left at the end of every silence. Zero, the default, means that it must only
    /// not run out.
    ///
    /// The worker lets out one heartbeat in 0.8 of the timeout, so no more than 0.2 of it can be asked for where an attempt
    /// heartbeats more often than that.
    pub fn margin(self, margin: Duration) -> HeartbeatsInTime {
        HeartbeatsInTime { margin }
    }

    fn is_too_long(&self, silence: Duration, timeout: Duration) -> bool {
        silence >= timeout || timeout - silence < self.margin
    }
}

/// What is awaited of an attempt.
#[derive(Clone, Copy, PartialEq)]
enum Ear {
    /// Its next heartbeat, or its end.
    Listening,
    /// Any sign of life: the service has given it up for its silence.
    GivenUp,
    /// Nothing any more.
    Closed,
}

struct Follow {
    ear: Ear,
    timeout: Duration,
    /// When the service last heard of it, and the event.
    since: (Time, usize),
}

/// A silence that is too long.
struct Silence {
    length: Duration,
    attempt: AttemptKey,
    timeout: Duration,
    from: usize,
    to: usize,
}

impl Check for HeartbeatsInTime {
    fn name(&self) -> &str {
        "heartbeats_in_time"
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let trace = run.trace();
        if !trace.faults().is_empty() {
            return Ok(());
        }
        match self.longest(run) {
            Some(silence) => Err(self.violation(trace, &silence)),
            None => Ok(()),
        }
    }
}

impl HeartbeatsInTime {
    /// The longest of the silences that are too long.
    fn longest(&self, run: &Run) -> Option<Silence> {
        let trace = run.trace();
        let mut follows = Table::<AttemptKey, Follow>::new();
        let mut longest: Option<Silence> = None;
        let mut hear = |attempt: AttemptKey, follow: &mut Follow, at: Time, place: usize, then: Ear| {
            let (length, timeout) = (at - follow.since.0, follow.timeout);
            let from = follow.since.1;
            if self.is_too_long(length, timeout) && longest.as_ref().is_none_or(|known| known.length < length) {
                longest = Some(Silence { length, attempt, timeout, from, to: place });
            }
            follow.since = (at, place);
            follow.ear = then;
        };
        for (place, event) in trace.events().iter().enumerate() {
            match (event.who, event.what) {
                (Who::Attempt(index), What::AttemptStarted(_)) => {
                    let (timeouts, _) = run.limits(trace.attempts()[index].activity);
                    let timeout = timeouts.heartbeat.to_duration();
                    let ear = if timeout.is_zero() { Ear::Closed } else { Ear::Listening };
                    follows.push(Follow { ear, timeout, since: (event.at, place) });
                }
                (Who::Attempt(index), what) => {
                    let follow = &mut follows[index];
                    match (follow.ear, what) {
                        (Ear::Listening, What::HeartbeatVisible(_)) => {
                            hear(index, follow, event.at, place, Ear::Listening);
                        }
                        // Somebody else goes on with it; the timeout stays.
                        (_, What::Ended { how: Ended::Async, .. }) => {}
                        (Ear::GivenUp, What::HeartbeatSent(_))
                        | (Ear::Listening | Ear::GivenUp, What::Ended { .. } | What::Died | What::Aborted) => {
                            hear(index, follow, event.at, place, Ear::Closed)
                        }
                        _ => {}
                    }
                }
                (who, what) => {
                    for (index, follow) in follows.iter_mut() {
                        if follow.ear == Ear::Listening
                            && let Some(then) = given_up(trace, index, who, what)
                        {
                            if then == Ear::GivenUp {
                                follow.ear = then;
                            } else {
                                hear(index, follow, event.at, place, then);
                            }
                        }
                    }
                }
            }
        }
        // A zombie of which nothing is heard until the end of the run.
        if let Some(last) = trace.events().last() {
            for (index, follow) in follows.iter_mut().filter(|(_, follow)| follow.ear == Ear::GivenUp) {
                hear(index, follow, last.at, trace.events().len() - 1, Ear::Closed);
            }
        }
        longest
    }

    fn violation(&self, trace: &Trace, silence: &Silence) -> Violation {
        let Silence { length, attempt, timeout, from, to } = *silence;
        let wanted = if self.margin.is_zero() {
            format!("less than {timeout:?}")
        } else {
            format!("no more than {:?}, so that {:?} are left", timeout.saturating_sub(self.margin), self.margin)
        };
        let (begin, end) = (&trace.events()[from], &trace.events()[to]);
        Violation::new(
            "silent",
            format!(
                "the service hears nothing of {} for {length:?}; its heartbeat timeout is {timeout:?}",
                trace.attempt_in_a_sentence(attempt)
            ),
        )
        .expected(
            wanted,
            format!("{length:?}, from {} at {} to {} at {}", words(begin.what), begin.at, words(end.what), end.at),
        )
        .proved_by([from, to])
    }
}

/// Whether an event that is not the attempt's own ends the wait for it, and how.
fn given_up(trace: &Trace, attempt: AttemptKey, who: Who, what: What) -> Option<Ear> {
    let name = trace.attempts()[attempt];
    match (who, what) {
        (Who::Activity(activity), What::TimedOut(TimeoutType::Heartbeat)) if activity == name.activity => {
            Some(Ear::GivenUp)
        }
        (
            Who::Activity(activity),
            What::TimedOut(_)
            | What::ActivityCompleted(_)
            | What::ActivityFailed { .. }
            | What::ActivityTimedOut { .. }
            | What::ActivityCanceled,
        ) if activity == name.activity => Some(Ear::Closed),
        (Who::Workflow(workflow), what)
            if what.closes_workflow() && workflow == trace.activities()[name.activity].workflow =>
        {
            Some(Ear::Closed)
        }
        _ => None,
    }
}

/// What a silence begins or ends with.
fn words(what: What) -> &'static str {
    match what {
        What::AttemptStarted(_) => "its start",
        What::HeartbeatVisible(_) => "a heartbeat",
        What::HeartbeatSent(_) => "a heartbeat that comes too late",
        What::Ended { .. } | What::Died | What::Aborted => "its end",
        what if what.closes_workflow() => "the end of its workflow",
        What::TimedOut(_) => "another timeout",
        What::ActivityCompleted(_) | What::ActivityFailed { .. } | What::ActivityTimedOut { .. } => {
            "the end of the activity"
        }
        What::ActivityCanceled => "its cancellation",
        _ => "the end of the run",
    }
}
