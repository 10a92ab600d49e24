//! The points of a run, each with the faults worth trying there.

use std::time::Duration;

use crate::fault::menu::{AttemptLengths, Limits, menu};
use crate::fault::swarm::Family;
use crate::fault::{Entry, Fault, Point, Site};
use crate::program::{Table, Time};
use crate::service::{ActivityKey, WorkflowKey};
use crate::trace::{AttemptKey, Event, What, Who};
use crate::world::Run;

/// More points of one kind than this in an attempt are sampled.
const MANY: u32 = 200;
/// How many of the first and of the last are kept then, and roughly how many between them.
const KEPT: u32 = 50;

/// Every point of a run with every fault that fits it.
#[derive(Debug)]
pub(super) struct Singles {
    /// Crashes come first, then failing code, then the rest, each in the order of the run: the first plan that shows a bug
    /// is the one that is explained, and everybody understands a crash.
    pub(super) entries: Vec<Entry>,
    /// Points that are tried, of so many there are.
    pub(super) tried: u64,
    pub(super) points: u64,
}

impl Singles {
    /// Reads them from a run's trace.
    pub(super) fn of(run: &Run) -> Singles {
        let places = Places::of(run);
        let (tried, points) = (places.tried.len() as u64, places.points);
        let mut families = vec![Vec::new(); Family::COUNT];
        for place in places.tried {
            for fault in place.faults {
                families[fault.family() as usize].push(Entry::new(place.point.clone(), fault));
            }
        }
        Singles { entries: families.concat(), tried, points }
    }
}

/// A point, when the run came to it, and the faults worth trying there, of which there is at least one.
#[derive(Debug)]
pub(crate) struct Place {
    #[cfg_attr(not(feature = "proptest"), expect(dead_code, reason = "for plans that shrink to earlier points"))]
    pub(crate) at: Time,
    /// The trace event that shows that the run came to it, by index.
    pub(crate) event: usize,
    pub(crate) point: Point,
    pub(crate) faults: Vec<Fault>,
}

/// When something happened, and the trace event that says so.
#[derive(Clone, Copy)]
struct Moment {
    at: Time,
    event: usize,
}

/// The points of a run: those of each attempt, then those of the workflows.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Those to be tried.
    pub(crate) tried: Vec<Place>,
    /// How many there are.
    points: u64,
}

impl Places {
    /// Reads them from a run's trace.
    pub(crate) fn of(run: &Run) -> Places {
        Places::read(run, |attempt| attempt.length())
    }

    /// Reads them from the trace of a run in which faults may have drawn attempts out.
    pub(super) fn drawn_out(run: &Run, usual: &AttemptLengths) -> Places {
        Places::read(run, |attempt| {
            let (timeouts, _) = run.limits(attempt.activity);
            usual.bound(&attempt.point.name, attempt.length(), timeouts.heartbeat.to_duration())
        })
    }

    fn read(run: &Run, length: impl Fn(&Seen) -> Duration) -> Places {
        let mut places = Places::default();
        for attempt in attempts(run) {
            places.add_attempt(run, &attempt, length(&attempt));
        }
        places.add_workflow_sites(run);
        places
    }

    fn add_attempt(&mut self, run: &Run, attempt: &Seen, attempt_length: Duration) {
        let (timeouts, retry) = run.limits(attempt.activity);
        let limits = |at: Time| Limits {
            timeouts,
            backoff: retry.initial_interval,
            attempt_length,
            time_left: attempt.deadline(timeouts).map(|deadline| deadline - at),
            silence: at - attempt.heard(at),
            may_end: true,
        };
        let menu_at = |site: Site, at: Time| (attempt.point(site), menu(site, &limits(at)));
        self.add(attempt.started, menu_at(Site::Dispatch, attempt.started.at));
        self.add_each(&attempt.awaits, &menu_at, Site::Await);
        self.add_each(&attempt.effects, &menu_at, Site::Effect);
        self.add_each(
            &attempt.heartbeats,
            &|site, at| {
                let Site::Heartbeat(count) = site else { return (attempt.point(site), Vec::new()) };
                let mut faults = menu(site, &limits(at));
                // A message can be lost only where one was sent.
                if !attempt.sent[count as usize - 1] {
                    faults.retain(|fault| {
                        matches!(fault, Fault::CrashBefore | Fault::CrashAfterSent | Fault::CrashAfterUnsent)
                    });
                }
                (attempt.point(site), faults)
            },
            Site::Heartbeat,
        );
        self.add_each(&attempt.awaits, &menu_at, Site::Deadline);
        if let Some(ended) = attempt.ended {
            self.add(ended, menu_at(Site::Completion, ended.at));
        }
        if let Some(retried) = attempt.retried {
            self.add(retried, menu_at(Site::Backoff, retried.at));
        }
    }

    /// Tasks, signals and timers of workflows.
    fn add_workflow_sites(&mut self, run: &Run) {
        let limits = Limits::of_workflow(true);
        for (place, workflow, site) in workflow_sites(run) {
            let event = &run.trace().events()[place];
            let point = run.trace().workflow_point(workflow, site);
            let mut faults = menu(site, &limits);
            let signal_follows = |(later, other): (usize, &Event)| {
                later > place && other.who == event.who && matches!(other.what, What::SignalReceived(_))
            };
            if matches!(site, Site::Task(_)) && run.trace().events().iter().enumerate().any(signal_follows) {
                faults.push(Fault::Signal);
            }
            self.add(Moment { at: event.at, event: place }, (point, faults));
        }
    }

    /// Adds the sites of one kind, all of them or a sample.
    fn add_each(
        &mut self,
        moments: &[Moment],
        make: &dyn Fn(Site, Time) -> (Point, Vec<Fault>),
        site: fn(u32) -> Site,
    ) {
        let count = moments.len() as u32;
        for number in 1..=count {
            if is_kept(number, count) {
                let moment = moments[number as usize - 1];
                self.add(moment, make(site(number), moment.at));
            } else {
                self.points += 1;
            }
        }
    }

    fn add(&mut self, moment: Moment, (point, faults): (Point, Vec<Fault>)) {
        if faults.is_empty() {
            return;
        }
        self.points += 1;
        let Moment { at, event } = moment;
        self.tried.push(Place { at, event, point, faults });
    }
}

/// Every point that a run comes to, whether anything is worth trying there or not.
pub(super) fn every_point(run: &Run) -> Vec<Point> {
    let mut points = Vec::new();
    for attempt in attempts(run) {
        let mut add = |count: usize, site: fn(u32) -> Site| {
            for number in 1..=count as u32 {
                points.push(attempt.point(site(number)));
            }
        };
        add(1, |_| Site::Dispatch);
        add(attempt.awaits.len(), Site::Await);
        add(attempt.effects.len(), Site::Effect);
        add(attempt.heartbeats.len(), Site::Heartbeat);
        add(attempt.awaits.len(), Site::Deadline);
        add(usize::from(attempt.ended.is_some()), |_| Site::Completion);
        add(usize::from(attempt.retried.is_some()), |_| Site::Backoff);
    }
    for (_, workflow, site) in workflow_sites(run) {
        points.push(run.trace().workflow_point(workflow, site));
    }
    points
}

/// The sites of workflows, with the trace event that shows each.
fn workflow_sites(run: &Run) -> Vec<(usize, WorkflowKey, Site)> {
    let mut signals = run.trace().workflows().map(|_| 0);
    let mut sites = Vec::new();
    for (place, event) in run.trace().events().iter().enumerate() {
        let Who::Workflow(workflow) = event.who else { continue };
        let site = match event.what {
            What::TaskStarted { task, attempt: 1 } => Site::Task(task),
            What::TimerFired(timer) => Site::Timer(timer),
            What::SignalReceived(_) => {
                let count = &mut signals[workflow];
                *count += 1;
                Site::Signal(*count)
            }
            _ => continue,
        };
        sites.push((place, workflow, site));
    }
    sites
}

/// All of a few; of many the first, the last and an even choice between.
fn is_kept(number: u32, count: u32) -> bool {
    if count <= MANY || number <= KEPT || number > count - KEPT {
        return true;
    }
    let stride = (count - 2 * KEPT).div_ceil(KEPT);
    (number - KEPT).is_multiple_of(stride)
}

/// An attempt as a trace shows it.
struct Seen {
    activity: ActivityKey,
    point: Point,
    scheduled: Time,
    started: Moment,
    ended: Option<Moment>,
    retried: Option<Moment>,
    awaits: Vec<Moment>,
    effects: Vec<Moment>,
    heartbeats: Vec<Moment>,
    /// Whether each heartbeat was sent.
    sent: Vec<bool>,
    /// When heartbeats became visible.
    heard: Vec<Time>,
}

impl Seen {
    fn point(&self, site: Site) -> Point {
        Point { site, ..self.point.clone() }
    }

    fn length(&self) -> Duration {
        self.ended.unwrap_or(self.started).at - self.started.at
    }

    /// When the service last heard of it by then.
    fn heard(&self, at: Time) -> Time {
        self.heard.iter().rev().copied().find(|heard| *heard <= at).unwrap_or(self.started.at)
    }

    fn deadline(&self, timeouts: crate::program::Timeouts) -> Option<Time> {
        let from = |start: Time, span: crate::program::Span| (!span.is_zero()).then(|| start.plus(span));
        let close = from(self.started.at, timeouts.start_to_close);
        let overall = from(self.scheduled, timeouts.schedule_to_close);
        close.into_iter().chain(overall).min()
    }
}

fn attempts(run: &Run) -> Vec<Seen> {
    let trace = run.trace();
    let mut scheduled = trace.activities().map(|_| Time::ZERO);
    let mut seen = Table::<AttemptKey, Seen>::new();
    for (place, event) in trace.events().iter().enumerate() {
        let moment = Moment { at: event.at, event: place };
        match (event.who, event.what) {
            (Who::Activity(activity), What::Scheduled(_)) => scheduled[activity] = event.at,
            (Who::Activity(activity), What::RetryScheduled(_)) => {
                if let Some(last) = seen.values_mut().rev().find(|attempt| attempt.activity == activity) {
                    last.retried = Some(moment);
                }
            }
            (Who::Attempt(index), What::AttemptStarted(_)) => {
                let name = trace.attempts()[index];
                seen.push(Seen {
                    activity: name.activity,
                    point: trace.activity_point(name.activity, name.number, Site::Dispatch),
                    scheduled: scheduled[name.activity],
                    started: moment,
                    ended: None,
                    retried: None,
                    awaits: Vec::new(),
                    effects: Vec::new(),
                    heartbeats: Vec::new(),
                    sent: Vec::new(),
                    heard: Vec::new(),
                });
            }
            (Who::Attempt(index), what) => {
                let attempt = &mut seen[index];
                match what {
                    What::Awaited(_) => attempt.awaits.push(moment),
                    What::Effect { .. } => attempt.effects.push(moment),
                    What::HeartbeatRecorded(_) => {
                        attempt.heartbeats.push(moment);
                        attempt.sent.push(false);
                    }
                    // The newest is what is sent.
                    What::HeartbeatSent(_) => {
                        if let Some(sent) = attempt.sent.last_mut() {
                            *sent = true;
                        }
                    }
                    What::HeartbeatVisible(_) => attempt.heard.push(event.at),
                    What::Ended { .. } => attempt.ended = Some(moment),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    seen.into_values()
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
