//! [`stops_in_time`]: attempts end soon after they are told to, and before their deadline.

use std::time::Duration;

use super::Check;
use super::disturbance::{earlier, stalled_until};
use super::earliest::Earliest;
use super::lost::is_slow;
use super::reference::Reference;
use super::violation::Violation;
use crate::program::Time;
use crate::trace::attempts::{AttemptEnd, AttemptExecution, Moment};
use crate::world::Run;

/// An attempt ends within this time of being told to stop, by a cancellation that reached it, whatever the reason. With
/// [`StopsInTime::before_deadline`], it also ends before its deadline.
///
/// The clock starts when code that waits for [`ActivityContext::cancelled`](crate::ActivityContext::cancelled) is told,
/// not when the cancel is requested: an attempt that records no heartbeats is never told, and is not judged. An attempt
/// that dies with its worker is not judged either. A worker that stops tells its attempts when its grace period is
/// over, and drops them at once; [`StopsInTime::from_worker_stop`] counts from the beginning of that period.
///
/// An attempt that a fault has kept from being polled has the same time again from when it goes on.
///
/// ```
/// use std::time::Duration;
/// use durasim::check;
/// // Looks up between steps of 5 s, and wants 10 s to put things in order.
/// let check = check::stops_in_time(Duration::from_secs(5)).before_deadline(Duration::from_secs(10));
/// ```
pub fn stops_in_time(within: Duration) -> StopsInTime {
    StopsInTime { within, margin: None, activity: None, worker_stop: false }
}

/// The check that [`stops_in_time`] makes.
#[derive(Clone, Debug)]
pub struct StopsInTime {
    within: Duration,
    margin: Option<Duration>,
    activity: Option<String>,
    worker_stop: bool,
}

impl StopsInTime {
    /// Asks attempts to end so long before the deadline that
    /// [`ActivityContext::get_deadline`](crate::ActivityContext::get_deadline) gives; zero means at the deadline at the
    /// latest. An attempt that starts or goes on later than that has the time of [`stops_in_time`] from then. Without
    /// this, deadlines are not looked at.
    pub fn before_deadline(self, margin: Duration) -> StopsInTime {
        StopsInTime { margin: Some(margin), ..self }
    }

    /// Judges this activity only.
    pub fn of(self, activity: impl Into<String>) -> StopsInTime {
        StopsInTime { activity: Some(activity.into()), ..self }
    }

    /// Counts from the moment at which the attempt's worker begins to stop, too: for code that looks at
    /// [`ActivityContext::is_worker_stopping`](crate::ActivityContext::is_worker_stopping).
    ///
    /// An attempt that its worker drops at the end of the grace period before the time is over is not judged, so ask
    /// for less than that period (by default 10 s).
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::check;
    /// let check = check::stops_in_time(Duration::from_secs(5)).from_worker_stop();
    /// ```
    pub fn from_worker_stop(self) -> StopsInTime {
        StopsInTime { worker_stop: true, ..self }
    }

    /// Lets attempts run on when their worker begins to stop, until it cancels them: the default.
    pub fn until_cancelled(self) -> StopsInTime {
        StopsInTime { worker_stop: false, ..self }
    }
}

/// The way in which an attempt was seen to stop.
#[derive(Clone, Copy)]
enum Stop {
    /// The attempt's code ended.
    Ended(Time),
    /// The attempt's worker dropped it.
    Dropped(Time),
    /// The attempt waits for something that never comes.
    Never,
}

impl Stop {
    fn is_later_than(self, limit: Time) -> bool {
        match self {
            Stop::Ended(at) => at > limit,
            // The attempt would have gone on.
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

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        reference.trace().attempts().is_empty().then(|| "without faults, no activity runs".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        let mut attempts = run.executions().attempts().values();
        attempts.any(|attempt| {
            self.judges(run.trace().activity_type(attempt.activity))
                && (attempt.cancelled.is_some()
                    || self.worker_stop && attempt.worker_stopping.is_some()
                    || run.attempt_deadline(attempt.key).is_some())
        })
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let (trace, executions) = (run.trace(), run.executions());
        let Some(end_of_run) = executions.end() else { return Ok(()) };
        let mut earliest = Earliest::default();
        for attempt in executions.attempts().values() {
            if !self.judges(trace.activity_type(attempt.activity)) {
                continue;
            }
            let stop = match (attempt.end, attempt.ended) {
                (AttemptEnd::Died, _) => continue,
                (AttemptEnd::Aborted, Some(ended)) => Stop::Dropped(ended.at),
                (_, Some(ended)) => Stop::Ended(ended.at),
                (_, None) => Stop::Never,
            };
            if let Err(violation) = self.judge(run, attempt, stop) {
                // An attempt that never ends shows when the run is over.
                earliest.take(attempt.ended.unwrap_or(end_of_run), violation);
            }
        }
        earliest.into_result()
    }
}

impl StopsInTime {
    fn judges(&self, activity_type: &str) -> bool {
        self.activity.as_deref().is_none_or(|wanted| wanted == activity_type)
    }

    fn judge(&self, run: &Run, attempt: &AttemptExecution, stop: Stop) -> Result<(), Violation> {
        let words = || run.trace().attempt_in_a_sentence(attempt.key);
        let deadline = run.attempt_deadline(attempt.key);
        let moves_since = moves_since(run, attempt, deadline);
        if let Some(told) = self.told(attempt) {
            let from = told.at.max(moves_since);
            let limit = from + self.within;
            if stop.is_later_than(limit) {
                let mut events = vec![told.event];
                events.extend(attempt.ended.map(|ended| ended.event));
                let (within, why) = (self.within, if from == told.at { "it was told to stop" } else { "it went on" });
                return Err(Violation::new("told to stop", format!("{} was told to stop, and goes on", words()))
                    .expected(format!("ended by {limit}, {within:?} after {why}"), stop.words())
                    .proved_by(events));
            }
        }
        // A slow attempt does not see its deadline come while it waits.
        let deadline = deadline.filter(|_| !is_slow(run, attempt));
        let (Some(margin), Some(deadline)) = (self.margin, deadline) else { return Ok(()) };
        let wanted = earlier(deadline, margin);
        let limit = wanted.max(moves_since + self.within);
        if !stop.is_later_than(limit) {
            return Ok(());
        }
        let expected = if limit == deadline {
            format!("ended by {limit}, its deadline")
        } else if limit == wanted {
            format!("ended by {limit}, {margin:?} before its deadline")
        } else {
            format!("ended by {limit}, {:?} after it began or went on near its deadline", self.within)
        };
        Err(Violation::new("deadline", format!("{} minds its deadline too late, or not at all", words()))
            .expected(expected, format!("{}; its deadline is {deadline}", stop.words()))
            .proved_by(Vec::from_iter(attempt.ended.map(|ended| ended.event))))
    }

    /// The moment at which an attempt was first told to stop.
    fn told(&self, attempt: &AttemptExecution) -> Option<Moment> {
        let cancelled = attempt.cancelled.map(|(moment, _)| moment);
        let stopping = attempt.worker_stopping.filter(|_| self.worker_stop);
        cancelled.into_iter().chain(stopping).min()
    }
}

/// The time at which an attempt started, or last went on after a fault had kept it from being polled.
fn moves_since(run: &Run, attempt: &AttemptExecution, deadline: Option<Time>) -> Time {
    let own = attempt.faults.iter().filter(|fault| fault.moment > attempt.started);
    let stalls = own.filter_map(|fault| stalled_until(run.trace().faults()[fault.key].1, fault.moment.at, deadline));
    let ended_by = |until: &Moment| attempt.ended.is_none_or(|ended| *until < ended);
    let freezes = run.executions().freezes_of(attempt).iter().filter_map(|freeze| freeze.until).filter(ended_by);
    freezes.map(|until| until.at).chain(stalls).fold(attempt.started.at, Time::max)
}
