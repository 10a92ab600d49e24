//! The sites that a run came to, each with its moment, which a plan can name.

use super::Trace;
use super::attempts::{
    AttemptExecution, ChildExecution, Executions, Moment, TimerExecution, UpdateEnd, UpdateExecution, WorkflowExecution,
};
use crate::fault::{Point, Site};

/// The sites of an attempt, those of one kind after those of another.
pub(crate) fn of_attempt(attempt: &AttemptExecution) -> impl Iterator<Item = (Site, Moment)> {
    let awaits = || attempt.awaits.iter().copied();
    let effects = attempt.effects.iter().map(|effect| effect.moment);
    let heartbeats = attempt.heartbeats.iter().map(|heartbeat| heartbeat.recorded);
    let completed = attempt.ended.filter(|_| attempt.ended_by_itself());
    std::iter::once((Site::Dispatch, attempt.started))
        .chain(numbered(awaits(), Site::Await))
        .chain(numbered(effects, Site::Effect))
        .chain(numbered(heartbeats, Site::Heartbeat))
        .chain(numbered(awaits(), Site::Deadline))
        .chain(completed.map(|moment| (Site::Completion, moment)))
        .chain(attempt.retried.map(|moment| (Site::Backoff, moment)))
}

fn numbered(moments: impl Iterator<Item = Moment>, site: fn(u32) -> Site) -> impl Iterator<Item = (Site, Moment)> {
    moments.zip(1..).map(move |(moment, number)| (site(number), moment))
}

/// The sites of a workflow: tasks, timers, signals, starts and ends of children, and messages to other workflows,
/// arrivals and ends of updates, those of each
/// kind in the order of the run.
pub(crate) fn of_workflow(workflow: &WorkflowExecution) -> [Vec<(Site, Moment)>; 8] {
    let first_attempts = workflow.tasks.iter().filter(|task| task.attempt == 1);
    let fired = |timer: &TimerExecution| Some((Site::Timer(timer.number), timer.fired?));
    let signals = workflow.signals.iter().map(|(moment, _)| *moment);
    let started = |child: &ChildExecution| Some((Site::Child(child.number), child.started?));
    let closed = |child: &ChildExecution| Some((Site::ChildEnd(child.number), child.closed?));
    let ended = |(update, number): (&UpdateExecution, u32)| match update.ended? {
        (moment, UpdateEnd::Completed(_) | UpdateEnd::Failed(_)) => Some((Site::UpdateEnd(number), moment)),
        _ => None,
    };
    let messages = workflow.messages.iter().zip(1..);
    [
        first_attempts.map(|task| (Site::Task(task.number), task.started)).collect(),
        workflow.timers.iter().filter_map(fired).collect(),
        numbered(signals, Site::Signal).collect(),
        workflow.children.iter().filter_map(started).collect(),
        workflow.children.iter().filter_map(closed).collect(),
        messages.filter_map(|(message, number)| Some((Site::Message(number), message.answered?.0))).collect(),
        numbered(workflow.updates.iter().map(|update| update.admitted), Site::Update).collect(),
        workflow.updates.iter().zip(1..).filter_map(ended).collect(),
    ]
}

/// Every point that a run came to, whether a fault fits there or not: those of each attempt, then those of the workflows.
pub(crate) fn every_point(trace: &Trace, executions: &Executions) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for attempt in executions.attempts().values() {
        points
            .extend(of_attempt(attempt).map(|(site, _)| trace.activity_point(attempt.activity, attempt.number, site)));
    }
    let mut of_workflows: Vec<(Moment, Point)> = Vec::new();
    for workflow in executions.workflows().values() {
        let sites = of_workflow(workflow).into_iter().flatten();
        of_workflows.extend(sites.map(|(site, moment)| (moment, trace.workflow_point(workflow.key, site))));
    }
    of_workflows.sort_by_key(|(moment, _)| *moment);
    points.extend(of_workflows.into_iter().map(|(_, point)| point));
    points
}
