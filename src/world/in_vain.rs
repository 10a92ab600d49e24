//! [`InVain`]: why something is not held until another thing has come.

use super::error::RunError;
use crate::fault::{Entry, Point};
use crate::program::{Seq, TimeoutType};
use crate::service::{ActivityKey, WorkflowKey};
use crate::trace::{Trace, Who};

/// Other things that a workflow observes while one is held, at most.
pub(super) const PATIENCE: u32 = 64;

/// The reason for which a hold ends before the thing that it waits for has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InVain {
    /// It waits for itself.
    Itself,
    /// The worker does not send the report.
    NotSent,
    /// Nothing else would happen.
    NothingComes,
    /// This timeout would pass first.
    Timeout(ActivityKey, TimeoutType),
    /// The run timeout of this workflow would pass first.
    RunTimeout(WorkflowKey),
    /// This timer of the workflow would fire first, and timers fire in the order of their times.
    Timer(WorkflowKey, Seq),
    /// The horizon would come first.
    Horizon,
    /// The run has more events than it may have.
    TooLong,
    /// Too many other things have come.
    Passed,
    /// The workflow closes first.
    Closed(WorkflowKey),
    /// The workflow task that takes in the thing closes the workflow, which refuses the signal.
    Refused(WorkflowKey),
}

/// The error of a plan with an order that is impossible.
pub(super) fn impossible(trace: &Trace, in_vain: &[(Point, InVain)], entry: &Entry) -> Option<RunError> {
    let other = entry.fault.waits_for()?;
    // A plan may say the id of the first workflow, and the run does not.
    let unsaid = |point: &Point| Point { workflow_id: None, ..point.clone() };
    let is_it = |point: &Point| *point == entry.point || *point == unsaid(&entry.point);
    let (_, why) = in_vain.iter().find(|(point, _)| is_it(point))?;
    let workflow = |key: WorkflowKey| trace.coordinate(Who::Workflow(key));
    let why = match *why {
        InVain::Itself => format!("{other} is what is held"),
        InVain::NotSent => "its worker does not send it".to_owned(),
        InVain::NothingComes => format!("{other} does not come while it is held: nothing else would happen"),
        InVain::Timeout(activity, timeout) => format!(
            "{other} does not come while it is held: {} of {} would pass first",
            timeout.words(),
            trace.activity_words(activity)
        ),
        InVain::RunTimeout(key) => {
            format!("{other} does not come while it is held: the run timeout of {} would pass first", workflow(key))
        }
        InVain::Timer(key, timer) => format!(
            "{other} does not come while it is held: timer {timer} of {} would fire first, and timers fire in their order",
            workflow(key)
        ),
        InVain::Horizon => format!("{other} does not come while it is held: the horizon of the run comes first"),
        InVain::TooLong => {
            format!("{other} does not come while it is held: the run has too many events before that")
        }
        InVain::Passed => {
            format!("{other} does not come while it is held: {PATIENCE} other things come to the workflow first")
        }
        InVain::Closed(key) => format!("{other} does not come while it is held: {} closes first", workflow(key)),
        InVain::Refused(key) => {
            format!("the workflow task that takes in {other} closes {}, which refuses the signal", workflow(key))
        }
    };
    Some(RunError::PlanNotFired(format!("the order of the plan is impossible: `{entry}` is in vain, since {why}")))
}
