//! [`completes`]: once the faults are over, a retry succeeds.

use std::sync::Arc;
use std::time::Duration;

use super::Check;
use super::class::{Class, classify};
use super::reference::{Memory, Reference};
use super::violation::Violation;
use crate::program::{CancelReason, Table, TimeoutType};
use crate::service::ActivityKey;
use crate::sorted::Sorted;
use crate::trace::{ActivityName, AttemptKey, Bytes, Ended, Trace, What, Who, WorkerKey};
use crate::world::Run;

/// The first attempt that starts after the last fault ends as it does without faults: what earlier attempts left behind does
/// not keep it from succeeding. A policy of a hundred attempts is not waited for, and one without end is no excuse.
///
/// Each activity of the run is compared with its twin of the fault-free run: same workflow, same type, same number, same
/// input. Where the twin's attempts fail before one succeeds, those of the run may fail too; and where a retry has to wait
/// for what a dead attempt holds, [`Completes::attempts_after_last_fault`] allows it.
///
/// Not judged are attempts that are told to stop, that have another attempt beside them that the service has given up, or that
/// have less time left than their twin had and than two attempts take; activities that have no twin, or whose twin does not
/// complete; and runs that are [over budget or cancelled](super::Class).
///
/// ```
/// use durasim::check;
/// let check = check::completes().of("process_large_file");
/// ```
pub fn completes() -> Completes {
    Completes { activity: None, attempts: None }
}

/// Made by [`completes`].
#[derive(Clone, Debug)]
pub struct Completes {
    activity: Option<String>,
    /// Asked for; the default depends on the activity.
    attempts: Option<u32>,
}

/// How many attempts may fail of an activity whose attempts fail without faults too, unless something else is said.
const ATTEMPTS_THAT_MAY_FAIL: u32 = 3;

impl Completes {
    /// Judges this activity only.
    pub fn of(self, activity: impl Into<String>) -> Completes {
        Completes { activity: Some(activity.into()), ..self }
    }

    /// How many attempts of an activity may fail after the last fault, though nothing strikes them: of one that is refused
    /// until the lease of a dead attempt has ended, say. As many as fail without faults may always fail.
    ///
    /// By default, none of an activity that succeeds at once without faults, and 3 of others.
    ///
    /// ```
    /// use durasim::check;
    /// // A lock has a lease of 15 s, and there are 5 s between attempts.
    /// let check = check::completes().of("nightly_job").attempts_after_last_fault(3);
    /// ```
    pub fn attempts_after_last_fault(self, attempts: u32) -> Completes {
        Completes { attempts: Some(attempts), ..self }
    }
}

/// By workflow id and activity type: the activities of the fault-free run, by execution.
type Twins = Sorted<(Arc<str>, Arc<str>), Vec<Twin>>;

/// An activity of the fault-free run.
#[derive(Default)]
struct Twin {
    input: Vec<u8>,
    completed: bool,
    /// Attempts that did not complete.
    failing: u32,
    /// The least time that an attempt had until its deadline, if it had one.
    time: Option<Duration>,
}

/// An attempt that started after the last fault.
struct Follow {
    activity: ActivityKey,
    start: usize,
    /// Something but its own code may have decided its end.
    disturbed: bool,
    running: bool,
}

/// How an attempt did not succeed.
enum End {
    Failed(Ended, Option<Bytes>),
    TimedOut(TimeoutType),
}

impl Check for Completes {
    fn name(&self) -> &str {
        "completes"
    }

    fn activity(&self) -> Option<&str> {
        self.activity.as_deref()
    }

    fn judges_runs_without_end(&self) -> bool {
        true
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let trace = reference.trace();
        let mut twins = trace.activities().map(|_| Twin::default());
        for event in trace.events() {
            match (event.who, event.what) {
                (Who::Activity(activity), What::Scheduled(input)) => {
                    twins[activity].input = trace.bytes(input).to_vec();
                }
                (Who::Activity(activity), What::ActivityCompleted(_)) => {
                    twins[activity].completed = true;
                }
                (Who::Attempt(attempt), what) => {
                    let twin = &mut twins[trace.attempts()[attempt].activity];
                    match what {
                        What::AttemptStarted(_) => {
                            let time = reference.attempt_deadline(attempt).map(|deadline| deadline - event.at);
                            twin.time = twin.time.into_iter().chain(time).min();
                        }
                        What::Ended { how: Ended::Completed | Ended::Async, .. } => {}
                        What::Ended { .. } => twin.failing += 1,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        let mut by_type = Twins::default();
        for (activity, twin) in trace.activities().values().zip(twins.into_values()) {
            by_type.or_default(&name(trace, activity)).push(twin);
        }
        Some(Arc::new(by_type))
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let trace = run.trace();
        let last_fault = trace.events().iter().rposition(|event| matches!(event.what, What::Fault(_)));
        let (Some(last_fault), Some(twins)) = (last_fault, reference.memory::<Twins>()) else {
            return Ok(());
        };
        if !matches!(classify(run, reference), Class::Survive | Class::Different) {
            return Ok(());
        }
        let mut judging = Judging { check: self, run, reference, twins, failed: trace.activities().map(|_| 0) };
        judging.judge(last_fault)
    }
}

struct Judging<'a> {
    check: &'a Completes,
    run: &'a Run,
    reference: &'a Reference,
    twins: &'a Twins,
    /// By activity, the attempts after the last fault that did not succeed.
    failed: Table<ActivityKey, u32>,
}

impl Judging<'_> {
    fn judge(&mut self, last_fault: usize) -> Result<(), Violation> {
        let trace = self.run.trace();
        let mut follows = Table::<AttemptKey, Option<Follow>>::new();
        let mut zombies: Vec<AttemptKey> = Vec::new();
        let mut frozen: Vec<WorkerKey> = Vec::new();
        for (place, event) in trace.events().iter().enumerate() {
            match (event.who, event.what) {
                (Who::Attempt(index), What::AttemptStarted(_)) => {
                    let name = trace.attempts()[index];
                    let disturbed = !zombies.is_empty() || frozen.contains(&name.worker);
                    let follow = Follow { activity: name.activity, start: place, disturbed, running: true };
                    follows.push((place > last_fault).then_some(follow));
                }
                (Who::Attempt(index), What::Zombie) => {
                    zombies.push(index);
                    for (other, follow) in follows.iter_mut() {
                        if let Some(follow) = follow
                            && other != index
                        {
                            follow.disturbed |= follow.running;
                        }
                    }
                }
                (Who::Attempt(index), what) => {
                    if matches!(what, What::Ended { .. } | What::Died | What::Aborted) {
                        zombies.retain(|zombie| *zombie != index);
                    }
                    let Some(follow) = follows[index].as_mut().filter(|follow| follow.running) else {
                        continue;
                    };
                    match what {
                        What::CancelDelivered(reason) => follow.disturbed |= reason != CancelReason::TimedOut,
                        What::WorkerStopping => follow.disturbed = true,
                        What::Died | What::Aborted => follow.running = false,
                        What::Ended { how, detail } => {
                            follow.running = false;
                            if !matches!(how, Ended::Completed | Ended::Async) {
                                self.did_not_succeed(index, follow, End::Failed(how, detail), place)?;
                            }
                        }
                        _ => {}
                    }
                }
                (Who::Activity(activity), what) => {
                    let running = follows.iter_mut().rev().find_map(|(index, follow)| {
                        let follow = follow.as_mut()?;
                        (follow.activity == activity && follow.running).then_some((index, follow))
                    });
                    let Some((index, follow)) = running else { continue };
                    match what {
                        What::ActivityCancelRequested => follow.disturbed = true,
                        What::TimedOut(timeout) => {
                            follow.running = false;
                            self.did_not_succeed(index, follow, End::TimedOut(timeout), place)?;
                        }
                        _ => {}
                    }
                }
                (Who::Worker(worker), What::Frozen) => frozen.push(worker),
                (Who::Worker(worker), What::Thawed | What::WorkerCrashed) => frozen.retain(|other| *other != worker),
                _ => {}
            }
        }
        Ok(())
    }

    /// An attempt after the last fault did not succeed. Is that its code's fault?
    fn did_not_succeed(
        &mut self,
        attempt: AttemptKey,
        follow: &Follow,
        end: End,
        place: usize,
    ) -> Result<(), Violation> {
        let trace = self.run.trace();
        let activity = &trace.activities()[follow.activity];
        if follow.disturbed || self.check.activity.as_ref().is_some_and(|wanted| **wanted != *activity.activity_type) {
            return Ok(());
        }
        let twin = self.twins.get(&name(trace, activity)).and_then(|twins| twins.get(activity.execution as usize - 1));
        let twin = twin.filter(|twin| twin.completed && twin.input == input(trace, follow.activity));
        let Some(twin) = twin else { return Ok(()) };
        if !self.had_time(attempt, follow, twin) {
            return Ok(());
        }
        let failed = &mut self.failed[follow.activity];
        *failed += 1;
        let usual = if twin.failing == 0 { 0 } else { ATTEMPTS_THAT_MAY_FAIL };
        let may_fail = twin.failing.max(self.check.attempts.unwrap_or(usual));
        if *failed <= may_fail {
            return Ok(());
        }
        let who = trace.attempt_in_a_sentence(attempt);
        let violation = if may_fail == 0 {
            Violation::new(
                "a retry fails",
                format!("{who} starts after the last fault and meets none, and does not succeed all the same"),
            )
        } else {
            let before = if may_fail == 1 { "does the one".to_owned() } else { format!("do the {may_fail}") };
            let message = format!("{who} does not succeed, and neither {before} before it that met no fault");
            Violation::new("still fails", message)
        };
        let expected = match twin.failing {
            0 if may_fail > 0 => format!("one of {may_fail} more attempts completes: without faults, the first does"),
            0 => "it completes, as the first attempt does without faults".to_owned(),
            1 => format!("one of {may_fail} more attempts completes: without faults, one fails before"),
            many => format!("one of {may_fail} more attempts completes: without faults, {many} fail before"),
        };
        Err(violation.expected(expected, words(trace, &end)).proved_by([follow.start, place]))
    }

    /// Whether it had the time that it needs when nothing strikes.
    fn had_time(&self, attempt: AttemptKey, follow: &Follow, twin: &Twin) -> bool {
        let trace = self.run.trace();
        let Some(deadline) = self.run.attempt_deadline(attempt) else { return true };
        let started = trace.events()[follow.start].at;
        let time = if deadline > started { deadline - started } else { Duration::ZERO };
        let activity_type = &trace.activities()[follow.activity].activity_type;
        let usual = self.reference.attempt_length(activity_type).unwrap_or_default();
        twin.time.is_none_or(|twin| time >= twin) || time >= 2 * usual
    }
}

/// Workflow id and activity type.
fn name(trace: &Trace, activity: &ActivityName) -> (Arc<str>, Arc<str>) {
    (trace.workflows()[activity.workflow].workflow_id.clone(), activity.activity_type.clone())
}

fn input(trace: &Trace, activity: ActivityKey) -> &[u8] {
    let scheduled = trace.events().iter().find_map(|event| match event.what {
        What::Scheduled(input) if event.who == Who::Activity(activity) => Some(input),
        _ => None,
    });
    scheduled.map_or(&[], |input| trace.bytes(input))
}

fn words(trace: &Trace, end: &End) -> String {
    match end {
        End::TimedOut(timeout) => format!("it runs into its {} timeout", timeout.words()),
        End::Failed(how, detail) => {
            let how = match how {
                Ended::Panicked => "it panics",
                Ended::Cancelled => "it ends as cancelled",
                _ => "it fails",
            };
            match detail {
                Some(detail) => format!("{how}: {}", String::from_utf8_lossy(trace.bytes(*detail))),
                None => how.to_owned(),
            }
        }
    }
}
