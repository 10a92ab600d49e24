//! [`recovers_within`]: a lost attempt is followed by another soon enough.

use std::time::Duration;

use super::Check;
use super::disturbance::stalled_until;
use super::earliest::Earliest;
use super::lost::{is_lost_to_a_fault, is_slow};
use super::reference::Reference;
use super::violation::Violation;
use crate::program::Time;
use crate::trace::attempts::{AttemptEnd, AttemptExecution, Moment};
use crate::world::Run;

/// After a fault that ends an attempt is over, the next attempt runs within this time. It finds timeouts that are longer
/// than the business can wait: a start-to-close timeout of 30 min and no heartbeats, and a dead worker is noticed after
/// half an hour.
///
/// The time counts from the moment at which the attempt died or ended, or could go on again after a stall, and from the
/// last fault of the run before the next attempt: to the start of that, or to the close of the activity where none follows.
/// It covers the timeout that notices it, the backoff, and the start of a worker. An activity that was given up at the same
/// moment for want of further attempts is not judged, and neither is one whose next attempt another fault held up.
///
/// ```
/// use std::time::Duration;
/// use durasim::check;
/// let check = check::recovers_within(Duration::from_secs(120)).of("process_large_file");
/// ```
pub fn recovers_within(within: Duration) -> RecoversWithin {
    RecoversWithin { within, activity: None }
}

/// The check that [`recovers_within`] makes.
#[derive(Clone, Debug)]
pub struct RecoversWithin {
    within: Duration,
    activity: Option<String>,
}

/// An attempt that was lost to a fault, and what came of it.
struct Recovery<'a> {
    lost: &'a AttemptExecution,
    since: Time,
    /// The next attempt's start, or the activity's close.
    until: Moment,
    by_attempt: bool,
}

impl RecoversWithin {
    /// Judges this activity only.
    pub fn of(self, activity: impl Into<String>) -> RecoversWithin {
        RecoversWithin { activity: Some(activity.into()), ..self }
    }

    fn recoveries<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = Recovery<'a>> {
        let executions = run.executions();
        executions.attempts().values().filter_map(move |lost| {
            let activity = &executions.activities()[lost.activity];
            let is_of_another = |wanted: &String| wanted != run.trace().activity_type(activity.key);
            if self.activity.as_ref().is_some_and(is_of_another) || is_slow(run, lost) || !is_lost_to_a_fault(run, lost)
            {
                return None;
            }
            let next = executions.successor(lost);
            let until = next.map(|next| next.started).or(activity.closed.map(|(closed, _)| closed))?;
            let held_up = next.is_some_and(|next| next.faults.iter().any(|fault| fault.moment <= next.started));
            let is_held_up = held_up || activity.faults.iter().any(|fault| fault.moment > lost.started);
            (!is_held_up).then_some(Recovery { lost, since: over(run, lost, until), until, by_attempt: next.is_some() })
        })
    }
}

/// The time at which an attempt that a fault struck had ended, and from which no fault held up its successor.
fn over(run: &Run, attempt: &AttemptExecution, until: Moment) -> Time {
    let (trace, executions) = (run.trace(), run.executions());
    let deadline = run.attempt_deadline(attempt.key);
    let own = attempt.faults.iter().filter(|fault| fault.moment < until);
    let stalls = own.filter_map(|fault| stalled_until(trace.faults()[fault.key].1, fault.moment.at, deadline));
    let freezes = executions.workers().values().flat_map(|worker| &worker.freezes);
    let thawed = freezes.filter(|freeze| freeze.from < until).filter_map(|freeze| freeze.until).map(|thawed| thawed.at);
    let died = matches!(attempt.end, AttemptEnd::Died | AttemptEnd::Aborted);
    let ended = attempt.ended.filter(|_| died || attempt.zombie.is_none()).map(|ended| ended.at);
    let struck = executions.faults().values().filter(|moment| **moment < until).map(|moment| moment.at).max();
    stalls.chain(thawed).chain(ended).chain(struck).fold(attempt.started.at, Time::max).min(until.at)
}

impl Check for RecoversWithin {
    fn name(&self) -> &str {
        "recovers_within"
    }

    fn activity(&self) -> Option<&str> {
        self.activity.as_deref()
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        reference.trace().attempts().is_empty().then(|| "without faults, no activity runs".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        self.recoveries(run).next().is_some()
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let mut earliest = Earliest::default();
        for Recovery { lost, since, until, by_attempt } in self.recoveries(run) {
            let took = until.at.since(since);
            if took <= self.within {
                continue;
            }
            let who = run.trace().attempt_in_a_sentence(lost.key);
            let by = match lost.timed_out {
                Some((_, timeout)) => format!("its {} timeout notices it", timeout.words()),
                None => "nothing but the backoff ends the wait".to_owned(),
            };
            let next = if by_attempt { "the next attempt starts" } else { "the activity is given up" };
            let message = format!("{who} was lost, and it takes {took:?} until {next}: {by}");
            let lost_at = lost.ended.map_or(lost.started.event, |ended| ended.event);
            let violation = Violation::new("recovers late", message)
                .expected(
                    format!("an attempt by {}, {:?} later", since + self.within, self.within),
                    format!("at {}", until.at),
                )
                .proved_by([lost_at, until.event]);
            earliest.take(until, violation);
        }
        earliest.into_result()
    }
}
