//! [`protected`]: somebody notices that a worker died.

use std::sync::Arc;

use super::Check;
use super::reference::{Memory, Reference};
use super::violation::Violation;
use crate::program::TimeoutType;
use crate::service::ActivityKey;
use crate::trace::{AttemptKey, Trace, What, Who};
use crate::world::Run;

/// A worker's death is noticed in time for a retry: every attempt that is lost is ended by a heartbeat timeout or a
/// start-to-close timeout, and not by the schedule-to-close timeout or the workflow's own, after which there is no retry.
///
/// Runs that such an activity fails count as over budget, which the other checks excuse: it is the options that are wrong,
/// not the code. An attempt is lost if its worker dies, or if the report of its end is. The last one that the retry policy
/// allows is not minded, and neither is one for whose timeout there was no time left.
///
/// ```
/// use durasim::check;
/// let check = check::protected().of("process_large_file");
/// ```
///
/// The violation names the activity, and the option that it lacks. The exploration has to let workers die, as
/// [`every_fault`](crate::Exploration::every_fault) does.
pub fn protected() -> Protected {
    Protected { activity: None }
}

/// Made by [`protected`].
#[derive(Clone, Debug)]
pub struct Protected {
    activity: Option<String>,
}

impl Protected {
    /// Judges this activity only.
    pub fn of(self, activity: impl Into<String>) -> Protected {
        Protected { activity: Some(activity.into()) }
    }
}

/// The activity types that heartbeat without faults.
type Heartbeating = Vec<Arc<str>>;

/// An attempt of which the service will hear no more, and does not know it.
#[derive(Clone, Copy)]
struct Lost {
    /// Its number, from 1.
    number: u32,
    place: usize,
}

impl Check for Protected {
    fn name(&self) -> &str {
        "protected"
    }

    fn activity(&self) -> Option<&str> {
        self.activity.as_deref()
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let trace = reference.trace();
        let mut heartbeating: Heartbeating = Vec::new();
        for event in trace.events() {
            if let (Who::Attempt(attempt), What::HeartbeatRecorded(_)) = (event.who, event.what) {
                let name = &trace.activities()[trace.attempts()[attempt].activity].activity_type;
                if !heartbeating.contains(name) {
                    heartbeating.push(name.clone());
                }
            }
        }
        Some(Arc::new(heartbeating))
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let trace = run.trace();
        // By activity.
        let mut lost = trace.activities().map(|_| None::<Lost>);
        for (place, event) in trace.events().iter().enumerate() {
            match (event.who, event.what) {
                (Who::Attempt(attempt), what) => {
                    let name = trace.attempts()[attempt];
                    match what {
                        What::AttemptStarted(_) => lost[name.activity] = None,
                        What::Died | What::Aborted | What::Ended { .. } if is_last(trace, attempt) => {
                            lost[name.activity].get_or_insert(Lost { number: name.number, place });
                        }
                        _ => {}
                    }
                }
                (Who::Activity(activity), What::RetryScheduled(_)) => lost[activity] = None,
                (Who::Activity(activity), What::TimedOut(TimeoutType::ScheduleToClose)) => {
                    if let Some(lost) = lost[activity].take() {
                        self.judge(run, reference, activity, lost, place, "the schedule-to-close timeout")?;
                    }
                }
                (
                    Who::Activity(activity),
                    What::TimedOut(_)
                    | What::ActivityCompleted(_)
                    | What::ActivityFailed { .. }
                    | What::ActivityTimedOut { .. }
                    | What::ActivityCanceled,
                ) => lost[activity] = None,
                (Who::Workflow(workflow), What::WorkflowTimedOut) => {
                    for (activity, name) in trace.activities() {
                        if name.workflow == workflow
                            && let Some(lost) = lost[activity].take()
                        {
                            self.judge(run, reference, activity, lost, place, "the workflow's own timeout")?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Protected {
    /// Only `by` has ended the lost attempt, at that place.
    fn judge(
        &self,
        run: &Run,
        reference: &Reference,
        activity: ActivityKey,
        lost: Lost,
        place: usize,
        by: &str,
    ) -> Result<(), Violation> {
        let trace = run.trace();
        let name = &trace.activities()[activity].activity_type;
        let (timeouts, retry) = run.limits(activity);
        // Timeouts of zero are not set; the service clips the others to the longest of them.
        let is_shorter = |timeout| timeout != Default::default() && timeout < timeouts.schedule_to_close;
        let has_retries = retry.maximum_attempts == 0 || i64::from(lost.number) < i64::from(retry.maximum_attempts);
        if self.activity.as_ref().is_some_and(|wanted| **wanted != **name)
            || is_shorter(timeouts.heartbeat)
            || is_shorter(timeouts.start_to_close)
            || !has_retries
        {
            return Ok(());
        }
        let heartbeats = reference.memory::<Heartbeating>().is_some_and(|types| types.contains(name));
        let lacks = if heartbeats {
            "it has no `heartbeat_timeout` that is shorter, though it heartbeats"
        } else {
            "it has no `start_to_close_timeout` that is shorter"
        };
        let at = |place: usize| trace.events()[place].at;
        let message = format!("attempt {} of {name} was lost, and nothing but {by} ended it: {lacks}", lost.number);
        Err(Violation::new("not noticed", message)
            .expected(
                "a heartbeat timeout or a start-to-close timeout ends it, and a retry follows",
                format!("lost at {}, given up at {} without a retry", at(lost.place), at(place)),
            )
            .proved_by([lost.place, place]))
    }
}

/// Whether no other attempt of its activity follows.
fn is_last(trace: &Trace, attempt: AttemptKey) -> bool {
    let activity = trace.attempts()[attempt].activity;
    trace.attempts().values().skip(attempt.index() + 1).all(|later| later.activity != activity)
}
