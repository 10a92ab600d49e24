//! [`heeds_a_cancel`]: a workflow that a fault cancelled ends because of that.

use crate::fault::Fault;
use crate::program::{CancelReason, FailureKind, RetryState};
use crate::service::WorkflowKey;
use crate::trace::FailureKey;
use crate::trace::attempts::{ActivityEnd, ActivityExecution, Moment, StruckFault, WorkflowEnd, WorkflowExecution};
use crate::world::Run;

/// Says whether a fault asked a workflow to cancel, and that workflow ended because of it. A cancel that a script asks
/// for is no excuse, and neither is a cancel of another workflow.
pub(super) fn heeds_a_cancel(run: &Run) -> bool {
    run.executions().workflows().values().any(|workflow| ends_by_a_cancel(run, workflow))
}

/// The same for one workflow.
fn ends_by_a_cancel(run: &Run, workflow: &WorkflowExecution) -> bool {
    asked_to_cancel(run, workflow).is_some_and(|asked| ends_because_of(run, workflow, asked))
}

/// The moment at which a fault first asked a workflow to cancel.
pub(super) fn asked_to_cancel(run: &Run, workflow: &WorkflowExecution) -> Option<Moment> {
    let cancels = |fault: &&StruckFault| run.trace().faults()[fault.key].1 == Fault::Cancel;
    faults_of(run, workflow.key).filter(cancels).map(|fault| fault.moment).min()
}

/// The faults that struck at the sites of a workflow, of its activities and of their attempts.
fn faults_of(run: &Run, workflow: WorkflowKey) -> impl Iterator<Item = &StruckFault> {
    let executions = run.executions();
    let workflow = &executions.workflows()[workflow];
    let activities = workflow.activities.iter().map(|activity| &executions.activities()[*activity]);
    let attempts = activities.clone().flat_map(|activity| executions.attempts_of(activity.key));
    let of_attempts = attempts.flat_map(|attempt| &attempt.faults);
    workflow.faults.iter().chain(activities.flat_map(|activity| &activity.faults)).chain(of_attempts)
}

/// Says whether the workflow closed as cancelled, or failed once the cancel had reached something of it.
pub(super) fn ends_because_of(run: &Run, workflow: &WorkflowExecution, asked: Moment) -> bool {
    match workflow.closed {
        Some((closed, WorkflowEnd::Canceled)) => closed > asked,
        // This is the code's own error on cancellation, or the end of an attempt that did not heed it.
        Some((closed, WorkflowEnd::Failed(failure))) => {
            closed > asked && (is_a_cancellation(run, failure) || is_reached(run, workflow, asked))
        }
        _ => false,
    }
}

fn is_a_cancellation(run: &Run, failure: FailureKey) -> bool {
    matches!(run.trace().failure(failure).root().kind, FailureKind::Canceled { .. })
}

/// Says whether the workflow's cancellation ended a timer or an activity of it, was told to an attempt, or went to a child.
fn is_reached(run: &Run, workflow: &WorkflowExecution, asked: Moment) -> bool {
    let executions = run.executions();
    let is_told = |activity: &ActivityExecution| {
        let mut told = executions.attempts_of(activity.key).filter_map(|attempt| attempt.cancelled);
        told.any(|(moment, reason)| reason == CancelReason::Requested && moment > asked)
    };
    let is_closed_by_it = |activity: &ActivityExecution| {
        let (closed, end) = activity.closed?;
        let by_it = matches!(
            end,
            ActivityEnd::Canceled
                | ActivityEnd::Failed(_, RetryState::CancelRequested)
                | ActivityEnd::TimedOut(_, RetryState::CancelRequested)
        );
        Some(by_it && closed > asked)
    };
    let mut activities = workflow.activities.iter().map(|activity| &executions.activities()[*activity]);
    let timers = workflow.timers.iter().filter_map(|timer| timer.cancelled);
    let children = workflow.children.iter().filter_map(|child| child.cancel_requested);
    timers.chain(children).any(|cancelled| cancelled > asked)
        || activities.any(|activity| is_told(activity) || is_closed_by_it(activity).unwrap_or(false))
}
