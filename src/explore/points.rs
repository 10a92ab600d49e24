//! The points of a run, each with the faults worth trying there.

use std::collections::BTreeSet;
use std::time::Duration;

use super::slow;
use crate::fault::menu::{AttemptLengths, Limits, menu};
use crate::fault::{Fault, Point, Site};
use crate::program::{Span, Time, Timeouts};
use crate::service::WorkflowKey;
use crate::trace::attempts::{AttemptExecution, Executions, Moment, WorkflowExecution};
use crate::trace::sites;
use crate::world::Run;

/// More points of one kind than this in an attempt or a workflow are sampled.
const MANY: u32 = 200;
/// How many of the first and of the last are kept then, and roughly how many between them.
const KEPT: u32 = 50;

/// A point, when the run came to it, and the faults worth trying there, of which there is at least one.
#[derive(Debug)]
pub(crate) struct TriedPoint {
    pub(crate) moment: Moment,
    pub(crate) point: Point,
    pub(crate) faults: Vec<Fault>,
}

/// The points of a run: those of each attempt, then those of the workflows.
#[derive(Debug, Default)]
pub(crate) struct Points {
    /// Those to be tried.
    pub(crate) tried: Vec<TriedPoint>,
    /// The number of those that there are.
    pub(super) count: u64,
}

impl Points {
    /// Reads them from a run, in time linear in its events.
    pub(crate) fn of(run: &Run) -> Points {
        Points::read(run, length)
    }

    /// Reads them from a run in which faults may have drawn attempts out.
    pub(super) fn drawn_out(run: &Run, usual: &AttemptLengths) -> Points {
        Points::read(run, |attempt| {
            let (timeouts, _) = run.limits(attempt.activity);
            let activity_type = &run.trace().activities()[attempt.activity].activity_type;
            usual.bound(activity_type, length(attempt), timeouts.heartbeat.to_duration())
        })
    }

    fn read(run: &Run, length: impl Fn(&AttemptExecution) -> Duration) -> Points {
        let mut points = Points::default();
        for attempt in run.executions().attempts().values() {
            points.add_attempt(run, attempt, length(attempt));
        }
        points.add_workflow_sites(run);
        points
    }

    fn add_attempt(&mut self, run: &Run, attempt: &AttemptExecution, attempt_length: Duration) {
        let (timeouts, retry) = run.limits(attempt.activity);
        let scheduled = run.executions().activities()[attempt.activity].scheduled.at;
        let deadline = deadline(timeouts, scheduled, attempt.started.at);
        let visible: Vec<Time> =
            attempt.heartbeats.iter().filter_map(|heartbeat| Some(heartbeat.visible?.at)).collect();
        let last_visible = |at: Time| {
            let before = visible.partition_point(|visible| *visible <= at);
            visible[..before].last().copied().unwrap_or(attempt.started.at)
        };
        let faults_at = |site: Site, at: Time| {
            let limits = Limits {
                timeouts,
                backoff: retry.initial_interval,
                attempt_length,
                time_left: deadline.map(|deadline| deadline - at),
                silence: at - last_visible(at),
                may_end: true,
                local: run.local_limits(attempt.activity),
                asked: run.asked(),
            };
            menu(site, &limits)
        };
        let point = |site| run.trace().activity_point(attempt.activity, attempt.number, site);
        let faults_at_heartbeat = |site: Site, at: Time| {
            let mut faults = faults_at(site, at);
            let number = site.number().unwrap_or(0) as usize;
            let is_sent =
                attempt.heartbeats.get(number.wrapping_sub(1)).is_some_and(|heartbeat| heartbeat.sent.is_some());
            // A message can be lost only where one was sent.
            if !is_sent {
                faults.retain(|fault| {
                    matches!(fault, Fault::CrashBefore | Fault::CrashAfterSent | Fault::CrashAfterUnsent)
                });
            }
            faults
        };
        for (site, moment, is_kept) in sampled_sites(attempt) {
            if !is_kept {
                self.count += 1;
                continue;
            }
            let faults = match site {
                Site::Dispatch => {
                    let mut faults = faults_at(site, moment.at);
                    faults.extend(slow::factors(attempt, timeouts).into_iter().map(Fault::Slow));
                    faults
                }
                Site::Heartbeat(_) => faults_at_heartbeat(site, moment.at),
                _ => faults_at(site, moment.at),
            };
            self.add(moment, point(site), faults);
        }
    }

    /// Tasks, signals, timers, children and messages of workflows.
    fn add_workflow_sites(&mut self, run: &Run) {
        let limits = Limits { asked: run.asked(), ..Limits::of_workflow(true) };
        let names = run.trace().workflows();
        let runs: BTreeSet<(&str, u32)> = names.values().map(|name| (&*name.workflow_id, name.run)).collect();
        let is_followed =
            |workflow: WorkflowKey| runs.contains(&(&*names[workflow].workflow_id, names[workflow].run + 1));
        for WorkflowSite { workflow, site, moment, is_kept } in workflow_sites(run.executions()) {
            if !is_kept {
                self.count += 1;
                continue;
            }
            let mut faults = menu(site, &limits);
            let execution = &run.executions().workflows()[workflow];
            if let Site::Task(number) = site {
                if execution.signals.last().is_some_and(|(signal, _)| *signal > moment) {
                    faults.push(Fault::Signal);
                }
                if execution.tasks.last().is_some_and(|last| last.number == number) && is_followed(workflow) {
                    faults.push(Fault::AnswerLost);
                }
            }
            self.add(moment, run.trace().workflow_point(workflow, site), faults);
        }
    }

    fn add(&mut self, moment: Moment, point: Point, faults: Vec<Fault>) {
        if !faults.is_empty() {
            self.count += 1;
            self.tried.push(TriedPoint { moment, point, faults });
        }
    }
}

/// The sites of an attempt, the moment at which it came to each, and whether that is one of a sample.
fn sampled_sites(attempt: &AttemptExecution) -> impl Iterator<Item = (Site, Moment, bool)> {
    sites::of_attempt(attempt).map(|(site, moment)| {
        let count = match site {
            Site::Await(_) | Site::Deadline(_) => attempt.awaits.len(),
            Site::Effect(_) => attempt.effects.len(),
            Site::Heartbeat(_) => attempt.heartbeats.len(),
            _ => 1,
        };
        (site, moment, is_kept(site.number().unwrap_or(1), count as u32))
    })
}

/// How long an attempt took until it ended by its own code.
fn length(attempt: &AttemptExecution) -> Duration {
    attempt.length().filter(|_| attempt.ended_by_itself()).unwrap_or_default()
}

/// When an attempt has to be done at the latest.
fn deadline(timeouts: Timeouts, scheduled: Time, started: Time) -> Option<Time> {
    let after = |start: Time, span: Span| (!span.is_zero()).then(|| start.plus(span));
    let close = after(started, timeouts.start_to_close);
    close.into_iter().chain(after(scheduled, timeouts.schedule_to_close)).min()
}

/// A site of a workflow, the moment at which the run came to it, and whether it is one of a sample.
#[derive(Clone, Copy)]
struct WorkflowSite {
    workflow: WorkflowKey,
    site: Site,
    moment: Moment,
    is_kept: bool,
}

/// The sites of the workflows, in the order of the run.
fn workflow_sites(executions: &Executions) -> Vec<WorkflowSite> {
    let mut sites = Vec::new();
    for workflow in executions.workflows().values() {
        let mut own = Vec::new();
        for kind in sites::of_workflow(workflow) {
            let count = kind.len() as u32;
            own.extend(kind.into_iter().zip(1..).map(|((site, moment), number)| WorkflowSite {
                workflow: workflow.key,
                site,
                moment,
                is_kept: is_kept(number, count),
            }));
        }
        own.sort_by_key(|site| site.moment);
        for moment in landmarks(executions, workflow) {
            let before = own.partition_point(|site| site.moment < moment).checked_sub(1);
            let after = own.partition_point(|site| site.moment <= moment);
            for neighbour in before.into_iter().chain([after]) {
                if let Some(site) = own.get_mut(neighbour) {
                    site.is_kept = true;
                }
            }
        }
        sites.extend(own);
    }
    sites.sort_by_key(|site| site.moment);
    sites
}

/// The moments of everything that happens seldom in a workflow. The sites right before and after each are kept.
fn landmarks(executions: &Executions, workflow: &WorkflowExecution) -> Vec<Moment> {
    let activities = workflow.activities.iter().map(|activity| &executions.activities()[*activity]);
    let landmarks: [Vec<Moment>; 7] = [
        workflow.timers.iter().filter_map(|timer| timer.fired).collect(),
        workflow.signals.iter().map(|(moment, _)| *moment).collect(),
        activities.filter_map(|activity| Some(activity.closed?.0)).collect(),
        workflow.cancel_requested.into_iter().collect(),
        workflow.children.iter().filter_map(|child| child.started).collect(),
        workflow.children.iter().filter_map(|child| child.closed).collect(),
        workflow.messages.iter().filter_map(|message| Some(message.answered?.0)).collect(),
    ];
    landmarks.into_iter().filter(|moments| moments.len() <= KEPT as usize).flatten().collect()
}

/// All of a few; of many the first, the last and an even choice between.
fn is_kept(number: u32, count: u32) -> bool {
    if count <= MANY || number <= KEPT || number > count - KEPT {
        return true;
    }
    let stride = (count - 2 * KEPT).div_ceil(KEPT);
    (number - KEPT).is_multiple_of(stride)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::explore::singles::Singles;
    use crate::{Simulation, WorkflowContext, WorkflowError};

    #[test]
    fn tasks_and_timers_of_a_workflow_are_points() {
        async fn sleeper(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
            // Cancelled at once: it never fires, so it is no point.
            drop(ctx.sleep(Duration::from_secs(9)));
            ctx.sleep(Duration::from_secs(1)).await
        }
        let run = Simulation::temporal().workflow("sleeper", sleeper).run("sleeper", &()).unwrap();
        let entries: Vec<String> = Singles::of(&run).entries.iter().map(ToString::to_string).collect();
        assert_eq!(
            entries,
            [
                "sleeper#1:task1=crash",
                "sleeper#1:task2=crash",
                "sleeper#1:task1=late(1s)",
                "sleeper#1:timer2=delayed(1s)",
                "sleeper#1:task2=late(1s)",
                "sleeper#1:task1=completion_lost",
                "sleeper#1:task2=completion_lost",
                "sleeper#1:task1=cancel",
                "sleeper#1:timer2=cancel",
                "sleeper#1:task2=cancel",
                "sleeper#1:task1=evicted",
                "sleeper#1:task2=evicted",
            ]
        );
    }

    #[test]
    fn the_points_of_a_long_workflow_are_read_about_as_fast_as_it_runs() {
        async fn sleeper(ctx: &WorkflowContext, count: u32) -> Result<(), WorkflowError> {
            for _ in 0..count {
                ctx.sleep(Duration::from_secs(1)).await?;
            }
            Ok(())
        }
        let once = || {
            let start = Instant::now();
            let run = Simulation::temporal().workflow("sleeper", sleeper).run("sleeper", &16_000).unwrap();
            let made = start.elapsed();
            assert!(!Points::of(&run).tried.is_empty());
            (start.elapsed() - made, made)
        };
        let (read, made) = (0..3).map(|_| once()).min().unwrap_or_default();
        // A search of the trace for each task takes a hundred times as long as the run.
        assert!(read < 5 * made, "made in {made:?}, read in {read:?}");
    }
}
