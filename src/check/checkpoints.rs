//! [`checkpoints`]: progress without a measure.

use std::sync::Arc;

use super::Check;
use super::earliest::Earliest;
use super::reference::{Memory, Reference};
use super::resumption::{Usual, begins_anew, does_it_all, never_looks};
use super::violation::Violation;
use crate::trace::attempts::{AttemptEnd, AttemptExecution, HeartbeatExecution, Moment};
use crate::trace::{Bytes, Trace};
use crate::world::Run;

/// Follows the heartbeat details of all activities from attempt to attempt, as [`progress`](super::progress) does for one,
/// without a measure. It is reported as `progress`, and is one of the [standard checks](super#standard-checks).
///
/// - An attempt that is given details and completes has looked at them. It need not if it sees otherwise that there is
///   nothing left to do: if it does less than without faults, effect by effect, or heartbeat by heartbeat where it does no
///   effects.
/// - An attempt that is given details, completes and does all the work does not begin with a checkpoint that an attempt recorded
///   before the one that it was given. So code is found that begins anew and of which an adapter cannot say whether it looks.
/// - Details that the code decodes do decode.
/// - The checkpoint of the service is never erased by a heartbeat without details.
///
/// Details that are JSON's `null`, as `heartbeat(&())` records them, are a sign of life and no checkpoint.
///
/// ```
/// use durasim::check;
/// let check = check::checkpoints().of("process_large_file");
/// ```
///
/// An activity whose details are for people to look at, and which may begin anew, is not judged by it: say
/// [`.without("progress")`](crate::Exploration::without).
pub fn checkpoints() -> Checkpoints {
    Checkpoints { activity: None, except: Vec::new() }
}

/// The check that [`checkpoints`] makes.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    activity: Option<String>,
    except: Vec<String>,
}

impl Checkpoints {
    /// Judges this activity only.
    pub fn of(self, activity: impl Into<String>) -> Checkpoints {
        Checkpoints { activity: Some(activity.into()), ..self }
    }

    /// Leaves out the activities that a check of their own judges.
    pub(crate) fn except(self, activities: impl IntoIterator<Item = String>) -> Checkpoints {
        Checkpoints { except: activities.into_iter().collect(), ..self }
    }

    fn judges(&self, activity_type: &str) -> bool {
        self.activity.as_deref().is_none_or(|wanted| wanted == activity_type)
            && self.except.iter().all(|other| other != activity_type)
    }
}

impl Check for Checkpoints {
    fn name(&self) -> &str {
        "progress"
    }

    fn replaces(&self) -> Option<&str> {
        Some("progress")
    }

    fn activity(&self) -> Option<&str> {
        self.activity.as_deref()
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        Some(Arc::new(Usual::of_run(reference)))
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        let trace = reference.trace();
        let mut attempts = reference.executions().attempts().values();
        let records = attempts.any(|attempt| {
            self.judges(trace.activity_type(attempt.activity))
                && attempt.heartbeats.iter().any(|heartbeat| checkpoint(trace, heartbeat.details).is_some())
        });
        (!records).then(|| "without faults, no attempt records a heartbeat with details".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        let trace = run.trace();
        let mut attempts = run.executions().attempts().values();
        let is_visible = |heartbeat: &HeartbeatExecution| {
            heartbeat.visible.is_some() && checkpoint(trace, heartbeat.details).is_some()
        };
        attempts.any(|attempt| {
            self.judges(trace.activity_type(attempt.activity))
                && (checkpoint(trace, attempt.details).is_some() || attempt.heartbeats.iter().any(is_visible))
        })
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let (trace, executions) = (run.trace(), run.executions());
        let mut earliest = Earliest::default();
        for activity in executions.activities().values() {
            if !self.judges(trace.activity_type(activity.key)) {
                continue;
            }
            for attempt in executions.attempts_of(activity.key) {
                if checkpoint(trace, attempt.details).is_some() {
                    let anew = begins_anew(trace, executions.attempts_of(activity.key), attempt, reference);
                    if let Some((shown, violation)) = never_looks(trace, attempt, reference).or(anew) {
                        earliest.take(shown, hinted(violation));
                    }
                }
                if let Some((moment, violation)) = does_not_decode(trace, attempt, reference) {
                    earliest.take(moment, violation);
                }
            }
            never_erased(trace, executions.attempts_of(activity.key), &mut earliest);
        }
        earliest.into_result()
    }
}

/// The details, if they are more than a sign of life.
pub(crate) fn checkpoint(trace: &Trace, details: Option<Bytes>) -> Option<Bytes> {
    details.filter(|details| trace.bytes(*details).trim_ascii() != b"null")
}

/// The word for details that nobody resumes from.
const WITHOUT: &str = "; if its details are for people only, say `.without(\"progress\")`";

/// The violation, with the word for details that nobody resumes from.
fn hinted(mut violation: Violation) -> Violation {
    violation.message += WITHOUT;
    violation
}

/// Finds details that the code could not decode, and did not decode in another way afterwards.
fn does_not_decode(trace: &Trace, attempt: &AttemptExecution, reference: &Reference) -> Option<(Moment, Violation)> {
    let (moment, why) = attempt.details_undecoded?;
    checkpoint(trace, attempt.details)?;
    // One that died or met a fault may have come to another way of reading them, and one that does less has seen otherwise
    // what is left to do.
    let met_a_fault = || attempt.faults.iter().any(|struck| struck.moment > moment);
    let is_at_a_loss = match attempt.end {
        AttemptEnd::Completed => does_it_all(trace, attempt, reference),
        _ => attempt.ended_by_itself() && !met_a_fault(),
    };
    if !is_at_a_loss {
        return None;
    }
    let who = trace.attempt_in_a_sentence(attempt.key);
    let why = String::from_utf8_lossy(trace.bytes(why));
    let violation =
        Violation::new("does not decode", format!("the checkpoint of {who} does not decode: {why}{WITHOUT}"));
    let checkpoint = attempt.details.map(|details| String::from_utf8_lossy(trace.bytes(details)).into_owned());
    let found = checkpoint.unwrap_or_else(|| "details of another kind".to_owned());
    Some((moment, violation.expected("it resumes from its checkpoint", found).proved_by([moment.event])))
}

/// Judges that the checkpoint that the service has of an activity is never erased.
fn never_erased<'a>(trace: &Trace, attempts: impl Iterator<Item = &'a AttemptExecution>, earliest: &mut Earliest) {
    let mut visible: Vec<_> = attempts
        .flat_map(|attempt| attempt.heartbeats.iter().map(move |heartbeat| (attempt, heartbeat)))
        .filter_map(|(attempt, heartbeat)| Some((heartbeat.visible?, attempt, heartbeat.details)))
        .collect();
    visible.sort_by_key(|(moment, ..)| *moment);
    let is_erasing = |before, after: Option<Bytes>| checkpoint(trace, before).is_some() && after.is_none();
    // One that was given nothing erases nothing: an operator has taken the checkpoint away.
    let was_taken =
        |before: &AttemptExecution, after: &AttemptExecution| before.key != after.key && after.details.is_none();
    let erasing = visible.windows(2).find(|pair| is_erasing(pair[0].2, pair[1].2) && !was_taken(pair[0].1, pair[1].1));
    let Some([(before, _, Some(checkpoint)), (moment, attempt, None)]) = erasing else { return };
    let who = trace.attempt_in_a_sentence(attempt.key);
    let violation =
        Violation::new("erased", format!("a heartbeat of {who} without details erased the checkpoint{WITHOUT}"));
    let checkpoint = String::from_utf8_lossy(trace.bytes(*checkpoint));
    earliest.take(*moment, violation.expected(checkpoint, "none").proved_by([before.event, moment.event]));
}
