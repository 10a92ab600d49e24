//! [`Orders`]: what a workflow observes in another order than in the run without faults.

use super::singles::evenly;
use crate::fault::{Entry, Fault, Observable, Point, Site};
use crate::program::Counted;
use crate::service::WorkflowKey;
use crate::trace::attempts::{ActivityEnd, ActivityExecution, Moment, ReportEnd, WorkflowExecution};
use crate::trace::{Event, What, Who};
use crate::world::Run;

/// Later things that each thing is held behind, and lost ones.
const NEAR: usize = 3;

/// Trace events that the runs of all orders may have together, if each is as long as the run without faults.
const EVENTS: u64 = 50_000_000;

/// A thing that a workflow observes, or might have.
struct Seen {
    /// `None` if it can only be held.
    what: Option<Observable>,
    /// The moment at which code asked for it; `None` if it comes from outside.
    asked: Option<Moment>,
    /// The moment at which it came to the workflow.
    told: Option<Moment>,
    /// The moment at which the workflow took it back.
    cancelled: Option<Moment>,
    /// The point at which it can be held.
    point: Option<Point>,
}

/// The orders worth trying, in the order of the run without faults.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// One thing behind another, where both come without faults.
    pub(super) swaps: Vec<Entry>,
    /// One thing behind another that does not come without faults: it lost a race.
    pub(super) races: Vec<Entry>,
    /// Orders that there are, if some are left out because a run is long.
    pub(super) there: Option<u64>,
    /// The things that workflows observe, in words: `one activity`.
    pub(super) observed: String,
}

impl Orders {
    /// Reads them from the run without faults.
    pub(super) fn of(run: &Run) -> Orders {
        let mut groups = Vec::new();
        let (mut activities, mut timers, mut children, mut others) = (0, 0, 0, 0);
        for workflow in run.executions().workflows().values() {
            let all = seen(run, workflow);
            for seen in all.iter().filter(|seen| seen.told.is_some()) {
                match seen.what {
                    Some(Observable::Activity(_)) => activities += 1,
                    Some(Observable::Timer(_)) => timers += 1,
                    Some(Observable::Child(_)) => children += 1,
                    Some(_) => others += 1,
                    None => {}
                }
            }
            groups.extend(of_workflow(run, workflow, &all));
        }
        let observed = match (activities, timers, children, others) {
            (0, 0, 0, 0) => "no activity, timer or signal".to_owned(),
            (1, 0, 0, 0) => "one activity".to_owned(),
            (0, 1, 0, 0) => "one timer".to_owned(),
            (0, 0, 1, 0) => "one child".to_owned(),
            (0, 0, 0, 1) => "one signal".to_owned(),
            _ => format!("{}, each after the one before", Counted(activities + timers + children + others, "thing")),
        };
        let runs: u64 = groups.iter().map(|group| (group.0.len() + group.1.len()) as u64).sum();
        let cost = runs.saturating_mul(run.trace().events().len() as u64);
        let mut orders = Orders { observed, ..Orders::default() };
        if cost > EVENTS {
            orders.there = Some(runs);
            let most = (groups.len() as u64 * EVENTS / cost).max(1) as usize;
            let chosen: Vec<usize> = evenly(groups.len(), most).collect();
            let kept = groups.into_iter().enumerate().filter(|(index, _)| chosen.contains(index));
            groups = kept.map(|(_, group)| group).collect();
        }
        for (swaps, races) in groups {
            orders.swaps.extend(swaps);
            orders.races.extend(races);
        }
        orders
    }
}

/// The plan to try where a report cannot be held so long: its task waits for a worker instead.
pub(super) fn at_dispatch(entry: &Entry) -> Option<Entry> {
    let held = matches!((entry.point.site, entry.fault), (Site::Completion, Fault::Behind(_)));
    held.then(|| Entry::new(Point { site: Site::Dispatch, ..entry.point.clone() }, entry.fault))
}

/// All that a workflow observes, and that it asked for.
fn seen(run: &Run, workflow: &WorkflowExecution) -> Vec<Seen> {
    let (trace, executions) = (run.trace(), run.executions());
    let mut all = Vec::new();
    for (activity, number) in workflow.activities.iter().zip(1..) {
        // The end of a local activity does not travel: nothing can overtake it.
        if trace.activities()[*activity].is_local {
            continue;
        }
        let activity = &executions.activities()[*activity];
        all.push(Seen {
            what: Some(Observable::Activity(number)),
            asked: Some(activity.scheduled),
            told: activity.closed.map(|(closed, _)| closed),
            cancelled: activity.cancel_requested,
            point: report_point(run, activity),
        });
    }
    for timer in &workflow.timers {
        all.push(Seen {
            what: Some(Observable::Timer(timer.number)),
            asked: Some(timer.started),
            told: timer.fired,
            cancelled: timer.cancelled,
            point: Some(trace.workflow_point(workflow.key, Site::Timer(timer.number))),
        });
    }
    let point = |site| Some(trace.workflow_point(workflow.key, site));
    for child in &workflow.children {
        all.push(Seen {
            what: None,
            asked: Some(child.asked),
            told: child.started,
            cancelled: child.cancel_requested,
            point: point(Site::Child(child.number)),
        });
        all.push(Seen {
            what: Some(Observable::Child(child.number)),
            asked: Some(child.asked),
            told: child.closed.or(child.refused),
            cancelled: child.cancel_requested,
            point: child.closed.and_then(|_| point(Site::ChildEnd(child.number))),
        });
    }
    for (message, number) in workflow.messages.iter().zip(1..) {
        all.push(Seen {
            what: None,
            asked: Some(message.sent),
            told: message.answered.map(|(answered, _)| answered),
            cancelled: None,
            point: point(Site::Message(number)),
        });
    }
    // Without faults they arrive in the order in which they were sent.
    for ((moment, _), number) in workflow.signals.iter().zip(1..) {
        let point = Some(trace.workflow_point(workflow.key, Site::Signal(number)));
        all.push(Seen {
            what: Some(Observable::Signal(number)),
            asked: None,
            told: Some(*moment),
            cancelled: None,
            point,
        });
    }
    if let Some(moment) = workflow.cancel_requested {
        all.push(Seen {
            what: Some(Observable::Cancel),
            asked: None,
            told: Some(moment),
            cancelled: None,
            point: None,
        });
    }
    all
}

/// The point of the report with which an activity closed. `None` if the service closed it by a timeout, or somebody else.
fn report_point(run: &Run, activity: &ActivityExecution) -> Option<Point> {
    let (_, end) = activity.closed?;
    let attempt = run.executions().attempts_of(activity.key).next_back()?;
    let reported = attempt.report == ReportEnd::Taken && !matches!(end, ActivityEnd::TimedOut(..));
    reported.then(|| run.trace().activity_point(activity.key, attempt.number, Site::Completion))
}

/// The orders of a workflow: for each thing that can be held, the swaps and the lost races.
fn of_workflow(run: &Run, workflow: &WorkflowExecution, all: &[Seen]) -> Vec<(Vec<Entry>, Vec<Entry>)> {
    let answered = answers(run, workflow.key);
    let closed = workflow.closed.map_or(usize::MAX, |(closed, _)| closed.event);
    let mut told: Vec<(Moment, &Seen)> = all.iter().filter_map(|seen| Some((seen.told?, seen))).collect();
    told.retain(|(moment, _)| moment.event < closed);
    told.sort_by_key(|(moment, _)| *moment);
    let mut groups = vec![(first_task(run, workflow, &told), Vec::new())];
    for (rank, (moment, seen)) in told.iter().enumerate() {
        let Some(point) = &seen.point else { continue };
        // Code that has seen it may ask for things because of it.
        let taken_in = workflow.tasks.iter().find(|task| task.started > *moment).and_then(|task| {
            let after = answered.partition_point(|answer| *answer < task.started.event);
            answered.get(after).copied()
        });
        let is_asked = |asked: Moment| taken_in.is_none_or(|taken_in| asked.event < taken_in);
        // A server fires the timers of a workflow in the order of their times.
        let is_timer = matches!(seen.what, Some(Observable::Timer(_)));
        // A child starts before it ends.
        let itself = Observable::at(point.site);
        let may_overtake = move |other: &&Seen| {
            other.what.is_some()
                && !(is_timer && matches!(other.what, Some(Observable::Timer(_))))
                && (itself.is_none() || other.what != itself)
        };
        let later = told[rank + 1..].iter().map(|(_, other)| *other).filter(may_overtake);
        let swaps = later.filter(|other| other.asked.is_none_or(is_asked) && !has_lost(other, closed));
        // It was under way when this came.
        let under_way = |other: &&Seen| {
            other.asked.is_some_and(|asked| asked < *moment)
                && other.cancelled.is_none_or(|cancelled| cancelled > *moment)
                && other.told.is_none_or(|told| told > *moment)
        };
        let losers = all.iter().filter(may_overtake).filter(|other| has_lost(other, closed)).filter(under_way);
        let entries = |others: &mut dyn Iterator<Item = &Seen>| -> Vec<Entry> {
            let faults = others
                .filter_map(|other| other.what)
                .take(NEAR)
                .flat_map(|other| [Fault::Behind(other), Fault::NextTask(other)]);
            faults.map(|fault| Entry::new(point.clone(), fault)).collect()
        };
        groups.push((entries(&mut { swaps }), entries(&mut { losers })));
    }
    groups.retain(|(swaps, races)| !swaps.is_empty() || !races.is_empty());
    groups
}

/// Says whether a thing was asked for and never came of its own accord: the workflow had taken it back, or closed.
fn has_lost(seen: &Seen, closed: usize) -> bool {
    seen.asked.is_some()
        && seen.told.is_none_or(|told| told.event > closed || seen.cancelled.is_some_and(|cancelled| cancelled < told))
}

/// The first task behind what comes from outside, as after a start with a signal.
fn first_task(run: &Run, workflow: &WorkflowExecution, told: &[(Moment, &Seen)]) -> Vec<Entry> {
    let Some(task) = workflow.tasks.first() else { return Vec::new() };
    let later = told.iter().filter(|(moment, seen)| seen.asked.is_none() && *moment > task.started);
    let later = later.filter_map(|(_, seen)| seen.what);
    let point = run.trace().workflow_point(workflow.key, Site::Task(1));
    later.take(NEAR).map(|what| Entry::new(point.clone(), Fault::Behind(what))).collect()
}

/// The events at which the workflow's tasks were answered.
fn answers(run: &Run, workflow: WorkflowKey) -> Vec<usize> {
    let events = run.trace().events().iter().enumerate();
    let is_answer =
        |event: &Event| event.who == Who::Workflow(workflow) && matches!(event.what, What::TaskCompleted(_));
    events.filter(|(_, event)| is_answer(event)).map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::sleep;
    use crate::{
        ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError, WorkflowFn,
    };

    fn options() -> ActivityOptions {
        ActivityOptions { start_to_close_timeout: Duration::from_secs(600), ..Default::default() }
    }

    async fn work(_: &ActivityContext, seconds: u64) -> Result<(), ActivityError> {
        sleep(Duration::from_secs(seconds)).await;
        Ok(())
    }

    fn orders(main: impl WorkflowFn<(), ()>) -> Orders {
        let simulation = Simulation::temporal().activity("work", work).workflow("main", main);
        Orders::of(&simulation.run("main", &()).unwrap())
    }

    fn texts(entries: &[Entry]) -> Vec<String> {
        entries.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_comes_anyway_is_swapped_with_what_does_not_depend_on_it() {
        let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            let (worked, slept) = futures::join!(
                ctx.execute_activity::<()>("work", &5u64, options()),
                ctx.sleep(Duration::from_secs(10))
            );
            worked.and(slept)?;
            ctx.execute_activity::<()>("work", &1u64, options()).await
        };
        let orders = orders(main);
        let swaps = ["work#1@1:completion=behind(timer1)", "work#1@1:completion=next_task(timer1)"];
        assert_eq!(texts(&orders.swaps), swaps);
        assert_eq!(texts(&orders.races), [] as [&str; 0]);
    }

    #[test]
    fn a_timer_that_is_taken_back_has_lost_a_race() {
        let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            let mut working = ctx.execute_activity::<()>("work", &5u64, options());
            let mut patience = ctx.sleep(Duration::from_secs(10));
            futures::select_biased! {
                worked = working => worked,
                slept = patience => slept,
            }
        };
        let orders = orders(main);
        assert_eq!(texts(&orders.swaps), [] as [&str; 0]);
        let races = ["work#1@1:completion=behind(timer1)", "work#1@1:completion=next_task(timer1)"];
        assert_eq!(texts(&orders.races), races);
    }

    #[test]
    fn each_is_held_behind_the_next_three() {
        let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            let work = |seconds: u64| ctx.execute_activity::<()>("work", &seconds, options());
            let all: Vec<_> = (1..=10).map(work).collect();
            for one in all {
                one.await?;
            }
            Ok(())
        };
        let orders = orders(main);
        assert_eq!((orders.swaps.len(), orders.races.len(), orders.there), (48, 0, None));
        let last = texts(&orders.swaps).pop();
        assert_eq!(last.as_deref(), Some("work#9@1:completion=next_task(activity10)"));
    }

    #[test]
    fn one_after_the_other_cannot_be_swapped() {
        let one = async |ctx: &WorkflowContext, (): ()| ctx.execute_activity::<()>("work", &5u64, options()).await;
        let alone = orders(one);
        assert_eq!((alone.swaps.len() + alone.races.len(), alone.observed.as_str()), (0, "one activity"));
        let two = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            ctx.sleep(Duration::from_secs(1)).await?;
            ctx.execute_activity::<()>("work", &5u64, options()).await
        };
        let after = orders(two);
        let observed = "2 things, each after the one before";
        assert_eq!((after.swaps.len() + after.races.len(), after.observed.as_str()), (0, observed));
    }
}
