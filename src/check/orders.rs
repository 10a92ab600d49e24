//! [`OtherOrder`]: a run in which a workflow observed things in another order than without faults, and what that excuses.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use super::branch::Branch;
use crate::fault::{Fault, Observable, Point, Site};
use crate::service::{ActivityKey, WorkflowKey};
use crate::trace::attempts::{Executions, Moment, WorkflowEnd, WorkflowExecution};
use crate::trace::{Trace, What, Who};
use crate::world::Run;

/// The part of another order that is another way through the code, and no mistake by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OtherOrder {
    /// Something came that loses a race without faults, or was taken back that wins one; or an attempt had waited so long beside
    /// what was held that its own patience may have ended.
    LostRace,
    /// The workflows ask for other things than without faults.
    OtherBranch,
}

/// The things that came to the workflows of the fault-free run of their own accord, and those that its workflows asked for.
#[derive(Debug)]
pub(super) struct Observed {
    came: BTreeSet<(WorkflowKey, Observable)>,
    asked: BTreeSet<(WorkflowKey, Observable)>,
    branch: Branch,
    failed: BTreeSet<WorkflowKey>,
}

impl Observed {
    pub(super) fn of(run: &Run) -> Observed {
        let mut asked = BTreeSet::new();
        for workflow in run.executions().workflows().values() {
            let activities = (1..=workflow.activities.len() as u32).map(Observable::Activity);
            let timers = workflow.timers.iter().map(|timer| Observable::Timer(timer.number));
            let children = workflow.children.iter().map(|child| Observable::Child(child.number));
            asked.extend(activities.chain(timers).chain(children).map(|what| (workflow.key, what)));
        }
        Observed { came: all_that_came(run).collect(), asked, branch: Branch::of(run), failed: failed(run).collect() }
    }

    /// The reason for which a run of another order may rightly end otherwise. `None` for other runs. `usual` is the length of
    /// the longest attempt of such an activity without faults.
    pub(super) fn other_order(&self, run: &Run, usual: impl Fn(&str) -> Option<Duration>) -> Option<OtherOrder> {
        let trace = run.trace();
        let mut orders = orders(trace).peekable();
        orders.peek()?;
        let is_race = |(point, fault): (&Point, Fault)| {
            let came = trace.workflow_of(point).zip(fault.waits_for());
            came.is_some_and(|came| !self.came.contains(&came)) || is_taken_back(run, point)
        };
        // Something else was quicker than what was held.
        let has_lost = |what: (WorkflowKey, Observable)| self.asked.contains(&what) && !self.came.contains(&what);
        if orders.any(is_race) || all_that_came(run).any(has_lost) || is_waited_for_too_long(run, usual) {
            return Some(OtherOrder::LostRace);
        }
        // Code that fails has not taken another branch: it has not come as far.
        let is_branch = Branch::of(run) != self.branch && failed(run).all(|workflow| self.failed.contains(&workflow));
        is_branch.then_some(OtherOrder::OtherBranch)
    }
}

/// The things that came to the workflows of a run of their own accord.
fn all_that_came(run: &Run) -> impl Iterator<Item = (WorkflowKey, Observable)> {
    let executions = run.executions();
    let of_workflow = |workflow: &WorkflowExecution| {
        came_to(executions, workflow).into_iter().map(|what| (workflow.key, what)).collect::<Vec<_>>()
    };
    executions.workflows().values().flat_map(of_workflow)
}

/// The workflows that closed with a failure, or ran out of time.
fn failed(run: &Run) -> impl Iterator<Item = WorkflowKey> {
    let is_failed = |workflow: &&WorkflowExecution| {
        matches!(workflow.closed, Some((_, WorkflowEnd::Failed(_) | WorkflowEnd::TimedOut)))
    };
    run.executions().workflows().values().filter(is_failed).map(|workflow| workflow.key)
}

/// Says whether an attempt may have lost its patience with what was held: it ended by itself beside a hold, later than any
/// attempt of its type does without faults.
fn is_waited_for_too_long(run: &Run, usual: impl Fn(&str) -> Option<Duration>) -> bool {
    let (trace, executions) = (run.trace(), run.executions());
    let holds: Vec<(Moment, Moment)> =
        executions.faults().iter().filter_map(|(fault, struck)| Some((*struck, executions.let_go(fault)?))).collect();
    let mut attempts =
        executions.attempts().values().filter(|attempt| attempt.ended_by_itself() && attempt.faults.is_empty());
    attempts.any(|attempt| {
        let usual = usual(trace.activity_type(attempt.activity));
        let is_late = attempt.length().is_some_and(|length| usual.is_none_or(|usual| length > usual));
        is_late
            && holds.iter().any(|(from, to)| attempt.started < *to && attempt.ended.is_some_and(|ended| ended > *from))
    })
}

/// Says whether the workflow took back what was held: it lost a race that it wins without faults.
fn is_taken_back(run: &Run, point: &Point) -> bool {
    let executions = run.executions();
    let Some(workflow) = run.trace().workflow_of(point) else { return false };
    match point.site {
        Site::Timer(number) => {
            let timers = &executions.workflows()[workflow].timers;
            timers.iter().any(|timer| timer.number == number && timer.cancelled.is_some())
        }
        Site::Child(number) | Site::ChildEnd(number) => {
            let children = &executions.workflows()[workflow].children;
            children.iter().any(|child| child.number == number && child.cancel_requested.is_some())
        }
        Site::Completion | Site::Dispatch => {
            let named = run.trace().activities().iter().find(|(_, name)| {
                name.workflow == workflow && name.activity_type == point.name && name.execution == point.execution
            });
            named.is_some_and(|(activity, _)| executions.activities()[activity].cancel_requested.is_some())
        }
        _ => false,
    }
}

/// The faults of a run that change an order.
fn orders(trace: &Trace) -> impl Iterator<Item = (&Point, Fault)> {
    trace.faults().values().filter(|(_, fault)| fault.waits_for().is_some()).map(|(point, fault)| (point, *fault))
}

/// The things that came to a workflow before it closed, and that it had not taken back.
fn came_to(executions: &Executions, workflow: &WorkflowExecution) -> Vec<Observable> {
    let closed = workflow.closed.map(|(closed, _)| closed);
    let in_time = |moment| closed.is_none_or(|closed| moment < closed);
    let activities = workflow.activities.iter().zip(1..).filter_map(|(activity, number)| {
        let activity = &executions.activities()[*activity];
        let (ended, _) = activity.closed.filter(|(ended, _)| in_time(*ended))?;
        let taken_back = activity.cancel_requested.is_some_and(|cancelled| cancelled < ended);
        (!taken_back).then_some(Observable::Activity(number))
    });
    let timers = workflow.timers.iter().filter(|timer| timer.fired.is_some());
    let timers = timers.map(|timer| Observable::Timer(timer.number));
    let children = workflow.children.iter().filter_map(|child| {
        let ended = child.closed.or(child.refused)?;
        let taken_back = child.cancel_requested.is_some_and(|cancelled| cancelled < ended);
        (!taken_back).then_some(Observable::Child(child.number))
    });
    let signals = (1..=workflow.signals.len() as u32).map(Observable::Signal);
    let cancel = workflow.cancel_requested.map(|_| Observable::Cancel);
    activities.chain(timers).chain(children).chain(signals).chain(cancel).collect()
}

/// The words of the orders of a run, and the signals whose time they change: `whether signal go comes before or after ..`.
pub(super) struct OrderWords {
    pub(super) words: String,
    pub(super) signals: Vec<String>,
}

impl OrderWords {
    /// `None` if no fault of the run changes an order. `usual` is the trace of the fault-free run.
    pub(super) fn of(run: &Run, usual: &Trace) -> Option<OrderWords> {
        let trace = run.trace();
        let (mut words, mut signals) = (String::new(), Vec::new());
        for (point, fault) in orders(trace) {
            let (Some(other), Some(workflow)) = (fault.waits_for(), trace.workflow_of(point)) else { continue };
            let mut signal = |number: u32| {
                let name = signal_name(usual, workflow, number).or_else(|| signal_name(trace, workflow, number));
                let shown =
                    name.clone().map_or(format!("signal {number}"), |name| format!("signal {number} (`{name}`)"));
                signals.extend(name);
                shown
            };
            let held = match point.site {
                Site::Signal(number) => signal(number),
                Site::Timer(number) => format!("timer {number}"),
                Site::Task(number) => format!("workflow task {number}"),
                Site::Child(number) => format!("the start of child {number}"),
                Site::ChildEnd(number) => format!("the end of child {number}"),
                Site::Message(number) => format!("message {number} to another workflow"),
                _ => format!("the end of {}#{}", point.name, point.execution),
            };
            let other = match other {
                Observable::Signal(number) => signal(number),
                Observable::Timer(number) => format!("timer {number}"),
                Observable::Child(number) => format!("the end of child {number}"),
                Observable::Cancel => "the request to cancel".to_owned(),
                _ => trace.awaited_words(point, fault).map_or(other.to_string(), |name| format!("the end of {name}")),
            };
            let between = if words.is_empty() { "whether" } else { ", and whether" };
            let _ = write!(words, "{between} {held} comes before or after {other}");
        }
        (!words.is_empty()).then_some(OrderWords { words, signals })
    }
}

/// The name of the signal of a workflow that arrived with this number.
fn signal_name(trace: &Trace, workflow: WorkflowKey, number: u32) -> Option<String> {
    let signals = trace.events().iter().filter_map(|event| match (event.who, event.what) {
        (Who::Workflow(whose), What::SignalReceived(signal)) if whose == workflow => Some(signal),
        _ => None,
    });
    let signal = signals.into_iter().nth(number.checked_sub(1)? as usize)?;
    Some(trace.signals()[signal].name.to_string())
}

/// The time of a signal, by what comes to its workflow.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct SignalTime {
    workflow: WorkflowKey,
    /// The things that had come before it.
    behind: BTreeSet<Observable>,
    /// Those that the workflow had dealt with in tasks before the one that takes it in.
    dealt_with: BTreeSet<Observable>,
}

/// The times of the signals of this name, workflow by workflow.
pub(super) fn signal_times(trace: &Trace, name: &str) -> Vec<SignalTime> {
    let mut arrivals: BTreeMap<WorkflowKey, Arrivals> = BTreeMap::new();
    let mut numbers: BTreeMap<ActivityKey, Observable> = BTreeMap::new();
    for event in trace.events() {
        match (event.who, event.what) {
            (Who::Activity(activity), What::Scheduled(_)) => {
                let of_it = arrivals.entry(trace.activities()[activity].workflow).or_default();
                of_it.activities += 1;
                numbers.insert(activity, Observable::Activity(of_it.activities));
            }
            (
                Who::Activity(activity),
                What::ActivityCompleted(_)
                | What::ActivityFailed { .. }
                | What::ActivityTimedOut { .. }
                | What::ActivityCanceled,
            ) => {
                let of_it = arrivals.entry(trace.activities()[activity].workflow).or_default();
                of_it.came.extend(numbers.get(&activity));
            }
            (Who::Workflow(workflow), what) => {
                let of_it = arrivals.entry(workflow).or_default();
                match what {
                    What::TimerFired(timer) => of_it.came.push(Observable::Timer(timer)),
                    What::ChildClosed(child) | What::ChildRefused(child) => of_it.came.push(Observable::Child(child)),
                    What::CancelRequested => of_it.came.push(Observable::Cancel),
                    What::Fault(fault) if trace.faults()[fault].1 == Fault::Duplicated => of_it.duplicate = 2,
                    // The second of two that are one.
                    What::SignalReceived(_) if of_it.duplicate == 1 => of_it.duplicate = 0,
                    What::SignalReceived(signal) => {
                        of_it.duplicate = of_it.duplicate.saturating_sub(1);
                        if *trace.signals()[signal].name == *name {
                            of_it.signals.push(of_it.came.len());
                        }
                    }
                    // A task that is repeated takes in what has come since.
                    What::TaskStarted { task, .. } => {
                        of_it.tasks.insert(task, (of_it.came.len(), of_it.signals.len()));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    arrivals.into_iter().flat_map(|(workflow, arrivals)| arrivals.times(workflow)).collect()
}

/// The things that have come to a workflow, in their order.
#[derive(Default)]
struct Arrivals {
    activities: u32,
    /// Arrivals that are still to come of a signal that a fault delivers twice.
    duplicate: u32,
    came: Vec<Observable>,
    /// For each signal of the name, how many things had come before it.
    signals: Vec<usize>,
    /// For each task, how many things and signals it and those before it take in.
    tasks: BTreeMap<u32, (usize, usize)>,
}

impl Arrivals {
    fn times(&self, workflow: WorkflowKey) -> Vec<SignalTime> {
        let first = |count: usize| self.came[..count].iter().copied().collect();
        let time = |(index, before): (usize, &usize)| {
            let earlier = self.tasks.values().take_while(|(_, signals)| *signals <= index).last();
            SignalTime { workflow, behind: first(*before), dealt_with: first(earlier.map_or(0, |(things, _)| *things)) }
        };
        self.signals.iter().enumerate().map(time).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Time;

    /// A workflow that is told these things: `s` is the signal, `t` a timer, and `1` a task of this number.
    fn times(story: &str) -> Vec<SignalTime> {
        let mut trace = Trace::default();
        let mut timers = 0;
        for word in story.split(' ') {
            let what = match word {
                "s" => What::SignalReceived(trace.store_signal("stop".into(), b"null")),
                "t" => {
                    timers += 1;
                    What::TimerFired(timers)
                }
                task => What::TaskStarted { task: task.parse().unwrap(), attempt: 1 },
            };
            trace.push(Time::ZERO, Who::Workflow(WorkflowKey::FIRST), what);
        }
        signal_times(&trace, "stop")
    }

    #[test]
    fn a_signal_has_another_time_behind_other_things_and_in_the_task_of_other_things() {
        let usual = times("1 t 2 s 3");
        assert_eq!(usual, times("1 t 2 2 s 3 t 4"));
        assert_ne!(usual, times("1 s 2 t 3"));
        assert_ne!(usual, times("1 t 2 t 3 s 4"));
        // The second task is repeated, and takes in the signal with the timer.
        assert_ne!(usual, times("1 t 2 s 2"));
        assert_ne!(usual, times("1 t s 2"));
    }
}
