//! [`stops_in_time`]: attempts end soon after they are told to, and before their deadline.

use std::time::Duration;

use super::Check;
use super::reference::Reference;
use super::violation::Violation;
use crate::fault::Fault;
use crate::program::{Table, Time};
use crate::trace::{AttemptKey, Trace, What, Who, WorkerKey};
use crate::world::Run;

/// An attempt ends within this time of being told to stop: by a cancellation that reached it, whatever the reason, or by its
/// worker beginning to stop. With [`StopsInTime::before_deadline`], it also ends before its deadline.
///
/// The clock starts when the attempt is told, not when the cancel is requested: one that records no heartbeats never hears
/// of it, and is not judged. Nor is one that dies with its worker.
///
/// An attempt that a fault has kept from being polled has the same time again from when it goes on. One that its worker drops
/// at the end of the grace period before the time is over is not judged, so ask for less than that period (by default 10 s).
///
/// ```
/// use std::time::Duration;
/// use durasim::check;
/// // Looks up between steps of 5 s, and wants 10 s to put things in order.
/// let check = check::stops_in_time(Duration::from_secs(5)).before_deadline(Duration::from_secs(10));
/// ```
pub fn stops_in_time(within: Duration) -> StopsInTime {
    StopsInTime { within, margin: None, activity: None, worker_stop: true }
}

/// Made by [`stops_in_time`].
#[derive(Clone, Debug)]
pub struct StopsInTime {
    within: Duration,
    margin: Option<Duration>,
    activity: Option<String>,
    worker_stop: bool,
}

impl StopsInTime {
    /// Asks attempts to end so long before their deadline, which is what
    /// [`ActivityContext::get_deadline`](crate::ActivityContext::get_deadline) says; zero means at the deadline at the
    /// latest. One that starts or goes on later than that has the time of [`stops_in_time`] from then. Without this,
    /// deadlines are not looked at.
    pub fn before_deadline(self, margin: Duration) -> StopsInTime {
        StopsInTime { margin: Some(margin), ..self }
    }

    /// Judges this activity only.
    pub fn of(self, activity: impl Into<String>) -> StopsInTime {
        StopsInTime { activity: Some(activity.into()), ..self }
    }

    /// Lets attempts run on when their worker begins to stop, until it cancels them.
    pub fn until_cancelled(self) -> StopsInTime {
        StopsInTime { worker_stop: false, ..self }
    }
}

/// What is known of one attempt so far.
struct Follow {
    judged: bool,
    worker: WorkerKey,
    /// When it started, or went on after it was kept from being polled.
    moves_since: Time,
    /// When it was first told to stop, and the event.
    told: Option<(Time, usize)>,
    deadline: Option<Time>,
}

/// How an attempt was seen to stop.
#[derive(Clone, Copy)]
enum Stop {
    /// Its code ended.
    Ended(Time),
    /// Its worker dropped it.
    Dropped(Time),
    /// It waits for something that never comes.
    Never,
}

impl Stop {
    fn is_later_than(self, limit: Time) -> bool {
        match self {
            Stop::Ended(at) => at > limit,
            // It would have gone on.
            Stop::Dropped(at) => at >= limit,
            Stop::Never => true,
        }
    }

    fn words(self) -> String {
        match self {
            Stop::Ended(at) => format!("ended at {at}"),
            Stop::Dropped(at) => format!("dropped by its worker at {at}"),
            Stop::Never => "never ended".to_owned(),
        }
    }
}

impl Check for StopsInTime {
    fn name(&self) -> &str {
        "stops_in_time"
    }

    fn activity(&self) -> Option<&str> {
        self.activity.as_deref()
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let trace = run.trace();
        let mut follows = Table::<AttemptKey, Follow>::new();
        for (place, event) in trace.events().iter().enumerate() {
            match (event.who, event.what) {
                (Who::Attempt(index), What::AttemptStarted(_)) => {
                    follows.push(self.follow(run, index, event.at));
                }
                (Who::Attempt(index), what) => {
                    let follow = &mut follows[index];
                    match what {
                        What::Fault(fault) => follow.stands_still(trace.faults()[fault].1, event.at),
                        What::CancelDelivered(_) => {
                            follow.told.get_or_insert((event.at, place));
                        }
                        What::WorkerStopping if self.worker_stop => {
                            follow.told.get_or_insert((event.at, place));
                        }
                        What::Ended { .. } => {
                            self.judge(trace, index, follow, Stop::Ended(event.at), Some(place))?;
                            follow.judged = false;
                        }
                        What::Aborted => {
                            self.judge(trace, index, follow, Stop::Dropped(event.at), Some(place))?;
                            follow.judged = false;
                        }
                        What::Died => follow.judged = false,
                        _ => {}
                    }
                }
                (Who::Worker(worker), What::Thawed) => {
                    for follow in follows.values_mut().filter(|follow| follow.worker == worker) {
                        follow.moves_since = follow.moves_since.max(event.at);
                    }
                }
                _ => {}
            }
        }
        for (index, follow) in &follows {
            self.judge(trace, index, follow, Stop::Never, None)?;
        }
        Ok(())
    }
}

impl StopsInTime {
    fn follow(&self, run: &Run, attempt: AttemptKey, started: Time) -> Follow {
        let trace = run.trace();
        let name = trace.attempts()[attempt];
        let activity_type = &trace.activities()[name.activity].activity_type;
        Follow {
            judged: self.activity.as_ref().is_none_or(|activity| **activity == **activity_type),
            worker: name.worker,
            moves_since: started,
            told: None,
            deadline: run.attempt_deadline(attempt),
        }
    }

    fn judge(
        &self,
        trace: &Trace,
        attempt: AttemptKey,
        follow: &Follow,
        stop: Stop,
        place: Option<usize>,
    ) -> Result<(), Violation> {
        if !follow.judged {
            return Ok(());
        }
        let who = || trace.attempt_in_a_sentence(attempt);
        if let Some((told, signal)) = follow.told {
            let from = told.max(follow.moves_since);
            let limit = from + self.within;
            if stop.is_later_than(limit) {
                let mut events = vec![signal];
                events.extend(place);
                let (within, why) = (self.within, if from == told { "it was told to stop" } else { "it went on" });
                return Err(Violation::new("told to stop", format!("{} was told to stop, and goes on", who()))
                    .expected(format!("ended by {limit}, {within:?} after {why}"), stop.words())
                    .proved_by(events));
            }
        }
        if let (Some(margin), Some(deadline)) = (self.margin, follow.deadline) {
            let wanted = Time::from_nanos(deadline.as_nanos().saturating_sub(margin.as_nanos() as u64));
            let limit = wanted.max(follow.moves_since + self.within);
            if stop.is_later_than(limit) {
                let expected = if limit == deadline {
                    format!("ended by {limit}, its deadline")
                } else if limit == wanted {
                    format!("ended by {limit}, {margin:?} before its deadline")
                } else {
                    format!("ended by {limit}, {:?} after it began or went on near its deadline", self.within)
                };
                return Err(Violation::new(
                    "deadline",
                    format!("{} minds its deadline too late, or not at all", who()),
                )
                .expected(expected, format!("{}; its deadline is {deadline}", stop.words()))
                .proved_by(Vec::from_iter(place)));
            }
        }
        Ok(())
    }
}

impl Follow {
    /// A fault strikes the attempt. Some keep it from being polled; a frozen worker shows in the trace by itself.
    fn stands_still(&mut self, fault: Fault, at: Time) {
        let until = match (fault, self.deadline) {
            (Fault::Stall(length), _) => at + length,
            (Fault::DeadlineBefore(by), Some(deadline)) => {
                Time::from_nanos(deadline.as_nanos().saturating_sub(by.as_nanos() as u64))
            }
            (Fault::DeadlineAt | Fault::DeadlineAtLate, Some(deadline)) => deadline,
            (Fault::DeadlineAfter(by), Some(deadline)) => deadline + by,
            _ => return,
        };
        self.moves_since = self.moves_since.max(until);
    }
}
