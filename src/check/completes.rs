//! [`completes`]: once the faults are over, a retry succeeds.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use super::Check;
use super::class::Class;
use super::disturbance::Disturbances;
use super::earliest::Earliest;
use super::lost::is_slow;
use super::reference::{Memory, Reference};
use super::twins::Twins;
use super::violation::Violation;
use crate::program::{CancelReason, TimeoutType};
use crate::service::ActivityKey;
use crate::trace::attempts::{ActivityEnd, ActivityExecution, AttemptEnd, AttemptExecution, Executions, Moment};
use crate::trace::{Bytes, Trace};
use crate::world::Run;

/// The first attempt that starts after the last fault ends as it does without faults: the things that earlier attempts
/// left behind do not keep it from succeeding. The check does not wait for a policy of a hundred attempts, and a policy
/// without end is no excuse.
///
/// Each activity of the run is compared with its twin of the fault-free run: same workflow, same type, same number,
/// same input. Where the twin's attempts fail before one succeeds, those of the run may fail too. Where a retry has to
/// wait for a thing that a dead attempt holds, [`Completes::attempts_after_last_fault`] allows it.
///
/// Runs of [another order](crate::Exploration::every_order) are not judged where something came that loses a race without
/// faults, and where the workflow asks for other things than without faults and does not fail.
///
/// Some attempts are not judged: those that are told to stop, those beside another attempt that the service has given
/// up, those that run while a fault still holds up another activity, and those that have less time left than their twin
/// had and than two attempts take. Activities that have no twin, or whose twin does not complete, are not judged
/// either. Nor are runs that are [cancelled](super::Class), nor the rest of a run [over budget](super::Class) once its
/// first activity was given up.
///
/// ```
/// use durasim::check;
/// let check = check::completes().of("process_large_file");
/// ```
pub fn completes() -> Completes {
    Completes { activity: None, except: Vec::new(), attempts: None, is_standard: false }
}

/// The same, for an exploration that does not ask for it, or for some activities only. A failure says how to take it away.
pub(crate) fn standard_completes(except: Vec<String>) -> Completes {
    Completes { except, is_standard: true, ..completes() }
}

/// The check that [`completes`] makes.
#[derive(Clone, Debug)]
pub struct Completes {
    activity: Option<String>,
    /// The activities that a check of their own judges.
    except: Vec<String>,
    /// The number that was asked for; the default depends on the activity.
    attempts: Option<u32>,
    /// The exploration does not ask for it.
    is_standard: bool,
}

/// The number of attempts that may fail if an activity's attempts fail without faults too, unless another number is
/// asked for.
const ATTEMPTS_THAT_MAY_FAIL: u32 = 3;

impl Completes {
    /// Judges this activity only.
    pub fn of(self, activity: impl Into<String>) -> Completes {
        Completes { activity: Some(activity.into()), ..self }
    }

    /// Sets how many attempts of an activity may fail after the last fault, though nothing strikes them. This is for an
    /// activity that is refused until the lease of a dead attempt has ended, say. As many as fail without faults may
    /// always fail.
    ///
    /// By default, no attempt may fail of an activity that succeeds at once without faults, and 3 attempts of other
    /// activities.
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

/// An activity of the fault-free run that completed.
struct Twin {
    input: Vec<u8>,
    /// The number of attempts that did not complete.
    failing: u32,
    /// The least time that an attempt had until its deadline, if it had one.
    time: Option<Duration>,
}

/// The way in which an attempt did not succeed.
enum End {
    ByItself(AttemptEnd, Option<Bytes>),
    TimedOut(TimeoutType),
}

impl Check for Completes {
    fn name(&self) -> &str {
        "completes"
    }

    fn replaces(&self) -> Option<&str> {
        Some("completes")
    }

    fn is_general(&self) -> bool {
        true
    }

    fn activity(&self) -> Option<&str> {
        self.activity.as_deref()
    }

    fn judges_runs_without_end(&self) -> bool {
        true
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let (trace, executions) = (reference.trace(), reference.executions());
        Some(Arc::new(Twins::of(reference, |activity| {
            let Some((_, ActivityEnd::Completed(_))) = activity.closed else { return None };
            let attempts = executions.attempts_of(activity.key);
            let failing = attempts.clone().filter(|attempt| failed_by_itself(attempt.end)).count() as u32;
            let deadline =
                |attempt: &AttemptExecution| Some(reference.attempt_deadline(attempt.key)? - attempt.started.at);
            let time = attempts.filter_map(deadline).min();
            Some(Twin { input: trace.bytes(activity.input).to_vec(), failing, time })
        })))
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        reference.trace().attempts().is_empty().then(|| "without faults, no activity runs".to_owned())
    }

    fn has_something(&self, run: &Run, reference: &Reference) -> bool {
        let Some(Judged { last_fault, given_up, excused }) = self.judged(run, reference) else { return false };
        let Some(twins) = reference.memory::<Twins<Twin>>() else { return false };
        let executions = run.executions();
        let is_judged = |started: Moment| started > last_fault && given_up.is_none_or(|until| started < until);
        executions.activities().values().any(|activity| {
            excused != Some(activity.key)
                && executions.attempts_of(activity.key).any(|attempt| is_judged(attempt.started))
                && self.twin(run, activity, twins).is_some()
        })
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let executions = run.executions();
        let Some(Judged { last_fault, given_up, excused }) = self.judged(run, reference) else { return Ok(()) };
        let Some(twins) = reference.memory::<Twins<Twin>>() else { return Ok(()) };
        let disturbances = OnceCell::new();
        let zombies = Zombies::of(executions);
        let mut earliest = Earliest::default();
        for activity in executions.activities().values() {
            let judging = Judging { check: self, run, reference, activity, given_up, disturbances: &disturbances };
            if excused != Some(activity.key)
                && let Some(twin) = self.twin(run, activity, twins)
            {
                judging.judge(twin, last_fault, &zombies, &mut earliest);
            }
        }
        earliest.into_result()
    }
}

/// The part of a run that is judged.
struct Judged {
    last_fault: Moment,
    /// The moment at which the first activity of the run was given up, if faults are the reason. The code may do as it likes
    /// about that.
    given_up: Option<Moment>,
    /// The activity that was given up, where the user has declared such an end.
    excused: Option<ActivityKey>,
}

impl Completes {
    /// The part of a run that is judged, if any is.
    fn judged(&self, run: &Run, reference: &Reference) -> Option<Judged> {
        let last_fault = *run.executions().faults().values().last()?;
        // Another way through the code has other twins, or none.
        if reference.other_order(run).is_some() {
            return None;
        }
        let is_declared = || self.is_standard && reference.is_declared(run);
        let given_up = match reference.class_of(run) {
            Class::Survive => None,
            // An activity that gives up by itself is the reason for such an end.
            Class::Different if is_declared() => return None,
            Class::Different => None,
            Class::OverBudget(_) => reference.given_up(run),
            Class::Cancelled => return None,
        };
        // The same is true of the activity that was given up, where it had some attempts of its own; not of others.
        let excused = match given_up {
            Some(given_up) if is_declared() => {
                let mut activities = run.executions().activities().values();
                let is_given_up =
                    |activity: &&ActivityExecution| activity.closed.is_some_and(|(closed, _)| closed == given_up);
                Some(activities.find(is_given_up)?.key)
            }
            _ => None,
        };
        Some(Judged { last_fault, given_up, excused })
    }

    /// The twin of an activity, if it is to be judged by one.
    fn twin<'t>(&self, run: &Run, activity: &ActivityExecution, twins: &'t Twins<Twin>) -> Option<&'t Twin> {
        let trace = run.trace();
        let name = trace.activity_type(activity.key);
        let is_another = self.activity.as_ref().is_some_and(|wanted| *wanted != name);
        if is_another || self.except.iter().any(|other| *other == name) {
            return None;
        }
        twins.twin(trace, activity.key).filter(|twin| twin.input == trace.bytes(activity.input))
    }
}

/// Says whether an attempt came to an end by its own code and did not complete.
fn failed_by_itself(end: AttemptEnd) -> bool {
    matches!(end, AttemptEnd::Failed | AttemptEnd::Cancelled | AttemptEnd::Panicked)
}

/// The times in which attempts ran that the service had given up.
struct Zombies {
    /// The beginning of each, in order, with the latest end among it and those before it; `None` is the end of the run.
    begun: Vec<(Moment, Option<Moment>)>,
}

impl Zombies {
    fn of(executions: &Executions) -> Zombies {
        let attempts = executions.attempts().values();
        let mut begun: Vec<_> = attempts.filter_map(|attempt| Some((attempt.zombie?, attempt.ended))).collect();
        begun.sort_by_key(|(from, _)| *from);
        let mut latest = begun.first().and_then(|(_, until)| *until);
        for (_, until) in &mut begun {
            latest = latest.zip(*until).map(|(latest, until)| latest.max(until));
            *until = latest;
        }
        Zombies { begun }
    }

    /// Says whether one of them ran at some time from `start` to `end`.
    fn overlap(&self, start: Moment, end: Moment) -> bool {
        let before_the_end = self.begun.partition_point(|(from, _)| *from < end);
        self.begun[..before_the_end].last().is_some_and(|(_, until)| until.is_none_or(|until| until > start))
    }
}

/// An activity of the run that is judged.
struct Judging<'a> {
    check: &'a Completes,
    run: &'a Run,
    reference: &'a Reference,
    activity: &'a ActivityExecution,
    /// The moment at which the first activity of the run was given up, if faults are the reason.
    given_up: Option<Moment>,
    /// The disturbances of the run. They are read once an attempt comes to nothing.
    disturbances: &'a OnceCell<Disturbances>,
}

impl Judging<'_> {
    /// Looks at the attempts that started after the last fault.
    fn judge(&self, twin: &Twin, last_fault: Moment, zombies: &Zombies, earliest: &mut Earliest) {
        let usual = if twin.failing == 0 { 0 } else { ATTEMPTS_THAT_MAY_FAIL };
        let may_fail = twin.failing.max(self.check.attempts.unwrap_or(usual));
        let mut failed = 0;
        for attempt in self.run.executions().attempts_of(self.activity.key) {
            if attempt.started < last_fault {
                continue;
            }
            let Some((moment, end)) = did_not_succeed(attempt) else { continue };
            if self.given_up.is_some_and(|given_up| moment > given_up) {
                return;
            }
            if self.is_disturbed(attempt, moment, zombies) || !self.had_time(attempt, twin) {
                continue;
            }
            failed += 1;
            if failed > may_fail {
                return earliest.take(moment, self.violation(attempt, twin, may_fail, (moment, end)));
            }
        }
    }

    /// Says whether something but its own code may have decided the end of an attempt.
    fn is_disturbed(&self, attempt: &AttemptExecution, end: Moment, zombies: &Zombies) -> bool {
        let cancelled = attempt.cancelled.is_some_and(|(at, reason)| at < end && reason != CancelReason::TimedOut);
        let stopping = attempt.worker_stopping.is_some_and(|at| at < end);
        let asked = self.activity.cancel_requested.is_some_and(|at| attempt.started < at && at < end);
        let disturbances = self.disturbances.get_or_init(|| Disturbances::of(self.run));
        let others = disturbances.touch(self.activity.key, attempt.started.at, end.at);
        is_slow(self.run, attempt) || cancelled || stopping || asked || others || zombies.overlap(attempt.started, end)
    }

    fn violation(&self, attempt: &AttemptExecution, twin: &Twin, may_fail: u32, end: (Moment, End)) -> Violation {
        let trace = self.run.trace();
        let who = trace.attempt_in_a_sentence(attempt.key);
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
        let (moment, end) = end;
        let mut violation = violation;
        if self.check.is_standard {
            violation.message += "; if it waits for something, say \
                                  `.check(check::completes().attempts_after_last_fault(n))`; if it may give up, \
                                  `.without(\"completes\")`";
        }
        violation.expected(expected, words(trace, &end)).proved_by([attempt.started.event, moment.event])
    }

    /// Says whether an attempt had the time that it needs when nothing strikes.
    fn had_time(&self, attempt: &AttemptExecution, twin: &Twin) -> bool {
        let Some(deadline) = self.run.attempt_deadline(attempt.key) else { return true };
        let time = deadline - attempt.started.at;
        let usual = self.reference.attempt_length(self.run.trace().activity_type(self.activity.key));
        twin.time.is_none_or(|twin| time >= twin) || time >= 2 * usual.unwrap_or_default()
    }
}

/// The moment and the way in which an attempt came to nothing: by its own code or by a timeout, whichever comes first.
fn did_not_succeed(attempt: &AttemptExecution) -> Option<(Moment, End)> {
    match (attempt.timed_out, attempt.ended) {
        (Some((at, timeout)), ended) if ended.is_none_or(|ended| at < ended) => Some((at, End::TimedOut(timeout))),
        (_, Some(ended)) if failed_by_itself(attempt.end) => Some((ended, End::ByItself(attempt.end, attempt.detail))),
        _ => None,
    }
}

fn words(trace: &Trace, end: &End) -> String {
    match end {
        End::TimedOut(timeout) => format!("it runs into its {} timeout", timeout.words()),
        End::ByItself(how, detail) => {
            let how = match how {
                AttemptEnd::Panicked => "it panics",
                AttemptEnd::Cancelled => "it ends as cancelled",
                _ => "it fails",
            };
            match detail {
                Some(detail) => format!("{how}: {}", String::from_utf8_lossy(trace.bytes(*detail))),
                None => how.to_owned(),
            }
        }
    }
}
