//! [`progress`]: every retry resumes from its checkpoint.

use std::any::type_name;
use std::fmt::{self, Debug};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::Check;
use super::earliest::Earliest;
use super::reference::{Memory, Reference};
use super::resumption::{Usual, never_looks, never_read};
use super::violation::Violation;
use crate::trace::attempts::{AttemptExecution, Moment};
use crate::trace::{AttemptKey, Bytes, Trace};
use crate::world::Run;

/// Follows an activity's heartbeat details from attempt to attempt. `measure` says how far a checkpoint is.
///
/// - The first checkpoint that an attempt records is not behind the one it was given. A sign of life that repeats the
///   given checkpoint, before the code looks at it, loses nothing.
/// - An attempt that is given details and completes has read them, and they decode. It need not if it sees otherwise
///   that there is nothing left to do: if it does less than without faults, effect by effect, or heartbeat by heartbeat
///   where it does no effects.
/// - The checkpoint of the service never goes backwards and is never erased, unless an operator takes it away.
/// - With [`Progress::at_most`], so many effects at the most are done between two recorded checkpoints.
///
/// ```
/// use durasim::check;
/// #[derive(serde::Deserialize)]
/// struct Checkpoint { chunks_done: u32 }
/// let check = check::progress("process_large_file", |checkpoint: &Checkpoint| checkpoint.chunks_done);
/// ```
pub fn progress<D, M>(activity: impl Into<String>, measure: impl Fn(&D) -> M + Send + Sync + 'static) -> Progress<M>
where
    D: DeserializeOwned + 'static,
    M: PartialOrd + Debug + 'static,
{
    let read = move |bytes: &[u8]| match serde_json::from_slice::<D>(bytes) {
        Ok(details) => Ok(measure(&details)),
        Err(why) => Err(format!("do not decode as `{}`: {why}", type_name::<D>())),
    };
    Progress { activity: activity.into(), read: Box::new(read), at_most: None }
}

/// Reads how far a checkpoint is.
type Read<M> = Box<dyn Fn(&[u8]) -> Result<M, String> + Send + Sync>;

/// The check that [`progress`] makes.
pub struct Progress<M> {
    activity: String,
    read: Read<M>,
    at_most: Option<u32>,
}

impl<M> Progress<M> {
    /// Sets how many effects may be done between two recorded checkpoints, which a crash may cost.
    pub fn at_most(mut self, effects: u32) -> Progress<M> {
        self.at_most = Some(effects);
        self
    }
}

impl<M: PartialOrd + Debug + 'static> Check for Progress<M> {
    fn name(&self) -> &str {
        "progress"
    }

    fn replaces(&self) -> Option<&str> {
        Some("progress")
    }

    fn activity(&self) -> Option<&str> {
        Some(&self.activity)
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        Some(Arc::new(Usual::of_run(reference)))
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        let trace = reference.trace();
        let recorded: Vec<Bytes> = self
            .attempts(reference)
            .flat_map(|attempt| &attempt.heartbeats)
            .filter_map(|heartbeat| heartbeat.details)
            .collect();
        if recorded.is_empty() {
            return Some(format!(
                "without faults, no attempt of `{}` records a heartbeat with details, so that there is no checkpoint to resume \
                 from",
                self.activity
            ));
        }
        // Details that do not decode are told where they are judged.
        let measures: Vec<M> = recorded.iter().map_while(|details| (self.read)(trace.bytes(*details)).ok()).collect();
        let never_moves = measures.len() > 1
            && measures.len() == recorded.len()
            && measures.iter().all(|other| *other == measures[0]);
        never_moves.then(|| {
            format!(
                "its measure never moves: it is {:?} at each of the {} checkpoints of the run without faults. Give a measure \
                 that grows with the work that is done",
                measures[0],
                measures.len()
            )
        })
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        let mut attempts = self.attempts(run);
        attempts.any(|attempt| {
            attempt.details.is_some() || attempt.heartbeats.iter().any(|heartbeat| heartbeat.visible.is_some())
        })
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let (trace, executions) = (run.trace(), run.executions());
        let mut earliest = Earliest::default();
        for activity in executions.activities().values() {
            if trace.activity_type(activity.key) != self.activity {
                continue;
            }
            for attempt in executions.attempts_of(activity.key) {
                self.resumes(trace, attempt, reference, &mut earliest);
                self.risks_little(trace, attempt, &mut earliest);
            }
            self.only_goes_forwards(trace, executions.attempts_of(activity.key), &mut earliest);
        }
        earliest.into_result()
    }
}

impl<M: PartialOrd + Debug> Progress<M> {
    /// The attempts of the activity.
    fn attempts<'a>(&self, run: &'a Run) -> impl Iterator<Item = &'a AttemptExecution> {
        let attempts = run.executions().attempts().values();
        attempts.filter(|attempt| run.trace().activity_type(attempt.activity) == self.activity)
    }

    /// Judges that an attempt does not start behind the checkpoint it is given, and has looked at it when it completes.
    fn resumes(&self, trace: &Trace, attempt: &AttemptExecution, reference: &Reference, earliest: &mut Earliest) {
        let Some(checkpoint) = attempt.details else { return };
        let given = match self.measure(trace, attempt, checkpoint, attempt.started) {
            Ok(given) => given,
            Err(violation) => return earliest.take(attempt.started, violation),
        };
        let first = attempt.heartbeats.first();
        if let Some((recorded, details)) = first.and_then(|first| Some((first.recorded, first.details?))) {
            match self.measure(trace, attempt, details, recorded) {
                Ok(first_value) if first_value < given => {
                    let violation = match attempt.details_read {
                        None => never_read(trace, attempt, checkpoint, recorded),
                        Some(read) => starts_behind(trace, attempt, read > recorded, recorded)
                            .expected(format!("at least {given:?}"), format!("{first_value:?}")),
                    };
                    earliest.take(recorded, violation);
                }
                Ok(_) => {}
                Err(violation) => earliest.take(recorded, violation),
            }
        }
        if let Some((shown, violation)) = never_looks(trace, attempt, reference) {
            earliest.take(shown, violation);
        }
    }

    /// Judges that an attempt does not do too many effects between two heartbeats.
    fn risks_little(&self, trace: &Trace, attempt: &AttemptExecution, earliest: &mut Earliest) {
        let Some(most) = self.at_most else { return };
        let mut heartbeats = attempt.heartbeats.iter().peekable();
        let mut effects = 0;
        for effect in attempt.effects.iter().filter(|effect| effect.applied) {
            while heartbeats.next_if(|heartbeat| heartbeat.recorded < effect.moment).is_some() {
                effects = 0;
            }
            effects += 1;
            if effects > most {
                let message = format!(
                    "{} did {effects} effects since its last heartbeat: a crash now would have them done again",
                    trace.attempt_in_a_sentence(attempt.key)
                );
                let violation = Violation::new("too much at risk", message)
                    .expected(format!("at most {most}"), effects.to_string())
                    .proved_by([effect.moment.event]);
                return earliest.take(effect.moment, violation);
            }
        }
    }

    /// Judges that the checkpoint that the service has of an activity never goes backwards and is never erased.
    fn only_goes_forwards<'a>(
        &self,
        trace: &Trace,
        attempts: impl Iterator<Item = &'a AttemptExecution>,
        earliest: &mut Earliest,
    ) {
        let mut visible: Vec<(Moment, &AttemptExecution, Option<Bytes>)> = attempts
            .flat_map(|attempt| attempt.heartbeats.iter().map(move |heartbeat| (attempt, heartbeat)))
            .filter_map(|(attempt, heartbeat)| Some((heartbeat.visible?, attempt, heartbeat.details)))
            .collect();
        visible.sort_by_key(|(moment, ..)| *moment);
        let mut former: Option<(M, Moment)> = None;
        let mut latest: Option<AttemptKey> = None;
        for (moment, attempt, details) in visible {
            // An operator may have taken it away, or somebody has spoken for the attempt before by its id.
            if latest.replace(attempt.key) != Some(attempt.key) {
                let given = attempt.details.map(|details| self.measure(trace, attempt, details, attempt.started));
                former = given.and_then(Result::ok).map(|given| (given, attempt.started));
            }
            match self.becomes_visible(trace, attempt, former, details, moment) {
                Ok(now) => former = now,
                Err(violation) => return earliest.take(moment, violation),
            }
        }
    }

    fn becomes_visible(
        &self,
        trace: &Trace,
        attempt: &AttemptExecution,
        former: Option<(M, Moment)>,
        details: Option<Bytes>,
        moment: Moment,
    ) -> Result<Option<(M, Moment)>, Violation> {
        let words = || trace.attempt_in_a_sentence(attempt.key);
        let now = details.map(|details| self.measure(trace, attempt, details, moment)).transpose()?;
        match (former, now) {
            (Some((former, before)), None) => {
                let message = format!("a heartbeat of {} without details erased the checkpoint", words());
                Err(Violation::new("erased", message)
                    .expected(format!("{former:?} or more"), "none")
                    .proved_by([before.event, moment.event]))
            }
            (Some((former, before)), Some(now)) if now < former => {
                let message = format!("the checkpoint that the service has went backwards with {}", words());
                Err(Violation::new("goes backwards", message)
                    .expected(format!("at least {former:?}"), format!("{now:?}"))
                    .proved_by([before.event, moment.event]))
            }
            (_, now) => Ok(now.map(|now| (now, moment))),
        }
    }

    fn measure(
        &self,
        trace: &Trace,
        attempt: &AttemptExecution,
        details: Bytes,
        moment: Moment,
    ) -> Result<M, Violation> {
        (self.read)(trace.bytes(details)).map_err(|why| {
            let text = String::from_utf8_lossy(trace.bytes(details)).into_owned();
            let words = trace.attempt_in_a_sentence(attempt.key);
            Violation::new("does not decode", format!("the details of {words} {why}; they are {text}"))
                .proved_by([moment.event])
        })
    }
}

fn starts_behind(trace: &Trace, attempt: &AttemptExecution, unread: bool, recorded: Moment) -> Violation {
    let who = trace.attempt_in_a_sentence(attempt.key);
    let message = if unread {
        format!("{who} was given a checkpoint, and records one that is behind it before it looks at it")
    } else {
        format!("{who} was given a checkpoint, and the first it records is behind that")
    };
    Violation::new("starts behind its checkpoint", message).proved_by([attempt.started.event, recorded.event])
}

impl<M> fmt::Debug for Progress<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("activity", &self.activity)
            .field("at_most", &self.at_most)
            .finish_non_exhaustive()
    }
}
