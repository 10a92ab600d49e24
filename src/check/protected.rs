//! [`protected`]: somebody notices that a worker died.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Check;
use super::earliest::Earliest;
use super::reference::{Memory, Reference};
use super::violation::Violation;
use crate::program::TimeoutType;
use crate::trace::attempts::{ActivityExecution, AttemptExecution, Executions, Moment, WorkflowEnd};
use crate::world::Run;

/// A worker's death is noticed in time for a retry: every attempt that is lost is ended by a heartbeat timeout or a
/// start-to-close timeout, and not by the schedule-to-close timeout or the workflow's own, after which there is no retry.
///
/// Runs that such an activity fails count as over budget, which the other checks excuse: the options are wrong, not the
/// code. An attempt is lost if its worker dies, or if the report of its end is lost. The last attempt that the retry
/// policy allows is not judged, and neither is an attempt for whose timeout there was no time left.
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

/// The check that [`protected`] makes.
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
type Heartbeating = BTreeSet<Arc<str>>;

/// An attempt that the service still counts as running though it will never report.
#[derive(Clone, Copy)]
struct Lost<'a> {
    attempt: &'a AttemptExecution,
    at: Moment,
}

impl Check for Protected {
    fn name(&self) -> &str {
        "protected"
    }

    fn activity(&self) -> Option<&str> {
        self.activity.as_deref()
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let attempts = reference.executions().attempts().values();
        let heartbeating = attempts.filter(|attempt| !attempt.heartbeats.is_empty());
        let types = heartbeating.map(|attempt| reference.trace().activities()[attempt.activity].activity_type.clone());
        Some(Arc::new(types.collect::<Heartbeating>()))
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        reference.trace().attempts().is_empty().then(|| "without faults, no activity runs".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        let executions = run.executions();
        let is_of_it = |activity: &ActivityExecution| {
            // The timeout of the workflow task ends a local activity that is lost.
            !run.trace().activities()[activity.key].is_local
                && self.activity.as_deref().is_none_or(|wanted| wanted == run.trace().activity_type(activity.key))
        };
        executions.activities().values().any(|activity| is_of_it(activity) && lost(executions, activity).is_some())
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let executions = run.executions();
        let mut earliest = Earliest::default();
        for activity in executions.activities().values() {
            if !run.trace().activities()[activity.key].is_local
                && let Some(lost) = lost(executions, activity)
                && let Some((end, by)) = ended_by(executions, activity, lost)
                && let Err(violation) = self.judge(run, reference, lost, end, by)
            {
                earliest.take(end, violation);
            }
        }
        earliest.into_result()
    }
}

/// The last attempt of an activity, if it has ended.
fn lost<'a>(executions: &'a Executions, activity: &ActivityExecution) -> Option<Lost<'a>> {
    let attempt = executions.attempts_of(activity.key).next_back()?;
    Some(Lost { attempt, at: attempt.ended? })
}

/// The moment at which the activity was given up, and the timeout that did so and leaves no retry. `None` if the
/// service had news of the lost attempt, or if another timeout came first.
fn ended_by(executions: &Executions, activity: &ActivityExecution, lost: Lost<'_>) -> Option<(Moment, &'static str)> {
    let later = activity.timeouts.partition_point(|(moment, _)| *moment < lost.at);
    let timed_out = activity.timeouts[later..].first().map(|(moment, timeout)| {
        (*moment, (*timeout == TimeoutType::ScheduleToClose).then_some("the schedule-to-close timeout"))
    });
    let workflow_timed_out = match executions.workflows()[activity.workflow].closed {
        Some((moment, WorkflowEnd::TimedOut)) => Some((moment, Some("the workflow's own timeout"))),
        _ => None,
    };
    let retried = lost.attempt.retried.map(|moment| (moment, None));
    let closed = activity.closed.map(|(moment, _)| (moment, None));
    let ends = [timed_out, workflow_timed_out, retried, closed].into_iter().flatten();
    let (moment, by) = ends.filter(|(moment, _)| *moment > lost.at).min_by_key(|(moment, _)| *moment)?;
    Some((moment, by?))
}

impl Protected {
    /// Judges a lost attempt that only `by` has ended.
    fn judge(&self, run: &Run, reference: &Reference, lost: Lost<'_>, end: Moment, by: &str) -> Result<(), Violation> {
        let Lost { attempt, at } = lost;
        let name = &run.trace().activities()[attempt.activity].activity_type;
        let (timeouts, retry) = run.limits(attempt.activity);
        // Timeouts of zero are not set; the service clips the others to the longest of them.
        let is_shorter = |timeout| timeout != Default::default() && timeout < timeouts.schedule_to_close;
        let has_retries = retry.maximum_attempts == 0 || i64::from(attempt.number) < i64::from(retry.maximum_attempts);
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
        let message = format!("attempt {} of {name} was lost, and nothing but {by} ended it: {lacks}", attempt.number);
        Err(Violation::new("not noticed", message)
            .expected(
                "a heartbeat timeout or a start-to-close timeout ends it, and a retry follows",
                format!("lost at {}, given up at {} without a retry", at.at, end.at),
            )
            .proved_by([at.event, end.event]))
    }
}
