//! [`progress`]: every retry resumes from its checkpoint.

use std::any::type_name;
use std::fmt::{self, Debug};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::Check;
use super::reference::{Memory, Reference};
use super::violation::Violation;
use crate::program::Table;
use crate::service::ActivityKey;
use crate::trace::{AttemptKey, Bytes, Ended, Trace, What, Who};
use crate::world::Run;

/// Follows an activity's heartbeat details from attempt to attempt. `measure` says how far a checkpoint is.
///
/// - An attempt that is given details reads them, and they decode. One that completes need not if it sees otherwise that
///   there is nothing left to do: if it records nothing, and does fewer effects than without faults, or none.
/// - The first checkpoint it records is not behind the one it was given.
/// - What the service has never goes backwards and is never erased.
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

/// Made by [`progress`].
pub struct Progress<M> {
    activity: String,
    read: Read<M>,
    at_most: Option<u32>,
}

impl<M> Progress<M> {
    /// How many effects may be done between two recorded checkpoints: what a crash may cost.
    pub fn at_most(mut self, effects: u32) -> Progress<M> {
        self.at_most = Some(effects);
        self
    }
}

/// How many effects the attempt that completed each activity of the fault-free run did, by its name.
type Usual = Vec<(Arc<str>, Arc<str>, u32, u32)>;

/// What is known of one attempt so far.
struct Follow<M> {
    activity: ActivityKey,
    /// The checkpoint it was given, and the event that says so.
    given: Option<(M, usize)>,
    read: bool,
    recorded: bool,
    /// Since its last heartbeat.
    effects: u32,
    all_effects: u32,
}

impl<M: PartialOrd + Debug + 'static> Check for Progress<M> {
    fn name(&self) -> &str {
        "progress"
    }

    fn activity(&self) -> Option<&str> {
        Some(&self.activity)
    }

    fn learn(&self, reference: &Run) -> Option<Memory> {
        let trace = reference.trace();
        let mut effects = trace.attempts().map(|_| 0);
        let mut usual = Usual::new();
        for event in trace.events() {
            let Who::Attempt(index) = event.who else { continue };
            match event.what {
                What::Effect { .. } => effects[index] += 1,
                What::Ended { how: Ended::Completed, .. } => {
                    let activity = &trace.activities()[trace.attempts()[index].activity];
                    let workflow = trace.workflows()[activity.workflow].workflow_id.clone();
                    let name = activity.activity_type.clone();
                    usual.push((workflow, name, activity.execution, effects[index]));
                }
                _ => {}
            }
        }
        Some(Arc::new(usual))
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        let trace = run.trace();
        let mut attempts = Table::<AttemptKey, Option<Follow<M>>>::new();
        // What the service has, by activity.
        let mut visible = trace.activities().map(|_| None::<(M, usize)>);
        for (place, event) in trace.events().iter().enumerate() {
            let Who::Attempt(index) = event.who else { continue };
            if let What::AttemptStarted(details) = event.what {
                let activity = trace.attempts()[index].activity;
                let followed = *trace.activities()[activity].activity_type == *self.activity;
                attempts.push(if followed {
                    let given = details.map(|bytes| self.measure(trace, index, bytes, place)).transpose()?;
                    let given = given.map(|measure| (measure, place));
                    Some(Follow { activity, given, read: false, recorded: false, effects: 0, all_effects: 0 })
                } else {
                    None
                });
                continue;
            }
            let Some(follow) = &mut attempts[index] else { continue };
            if let What::Effect { .. } = event.what {
                follow.all_effects += 1;
            }
            match event.what {
                What::DetailsRead => follow.read = true,
                What::HeartbeatRecorded(details) => {
                    follow.effects = 0;
                    self.recorded(trace, index, follow, details, place)?;
                }
                What::HeartbeatVisible(details) => {
                    let former = &mut visible[follow.activity];
                    *former = self.became_visible(trace, index, former.take(), details, place)?;
                }
                What::Effect { applied: true, .. } => {
                    follow.effects += 1;
                    if self.at_most.is_some_and(|most| follow.effects > most) {
                        return Err(Violation::new(
                            "too much at risk",
                            format!(
                                "{} did {} effects since its last heartbeat: a crash now would have them done again",
                                trace.attempt_in_a_sentence(index),
                                follow.effects
                            ),
                        )
                        .expected(format!("at most {}", self.at_most.unwrap_or(0)), follow.effects.to_string())
                        .proved_by([place]));
                    }
                }
                // One that fails may have failed before it came to look, and has lost nothing.
                What::Ended { how: Ended::Completed, .. } => {
                    if let Some((_, start)) = &follow.given
                        && !follow.read
                        && does_it_all(trace, follow.activity, follow.all_effects, reference)
                    {
                        return Err(never_read(trace, index, *start, place));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl<M: PartialOrd + Debug> Progress<M> {
    fn measure(&self, trace: &Trace, attempt: AttemptKey, details: Bytes, place: usize) -> Result<M, Violation> {
        (self.read)(trace.bytes(details)).map_err(|why| {
            let text = String::from_utf8_lossy(trace.bytes(details)).into_owned();
            Violation::new(
                "does not decode",
                format!("the details of {} {why}; they are {text}", trace.attempt_in_a_sentence(attempt)),
            )
            .proved_by([place])
        })
    }

    fn recorded(
        &self,
        trace: &Trace,
        attempt: AttemptKey,
        follow: &mut Follow<M>,
        details: Option<Bytes>,
        place: usize,
    ) -> Result<(), Violation> {
        if std::mem::replace(&mut follow.recorded, true) {
            return Ok(());
        }
        let Some((given, start)) = &follow.given else { return Ok(()) };
        if !follow.read {
            return Err(never_read(trace, attempt, *start, place));
        }
        let Some(details) = details else { return Ok(()) };
        let first = self.measure(trace, attempt, details, place)?;
        if first < *given {
            return Err(Violation::new(
                "starts behind its checkpoint",
                format!(
                    "{} was given a checkpoint, and the first it records is behind that",
                    trace.attempt_in_a_sentence(attempt)
                ),
            )
            .expected(format!("at least {given:?}"), format!("{first:?}"))
            .proved_by([*start, place]));
        }
        Ok(())
    }

    fn became_visible(
        &self,
        trace: &Trace,
        attempt: AttemptKey,
        former: Option<(M, usize)>,
        details: Option<Bytes>,
        place: usize,
    ) -> Result<Option<(M, usize)>, Violation> {
        let Some(details) = details else {
            return match former {
                None => Ok(None),
                Some((former, before)) => Err(Violation::new(
                    "erased",
                    format!(
                        "a heartbeat of {} without details erased the checkpoint",
                        trace.attempt_in_a_sentence(attempt)
                    ),
                )
                .expected(format!("{former:?} or more"), "none")
                .proved_by([before, place])),
            };
        };
        let now = self.measure(trace, attempt, details, place)?;
        match former {
            Some((former, before)) if now < former => Err(Violation::new(
                "goes backwards",
                format!(
                    "the checkpoint that the service has went backwards with {}",
                    trace.attempt_in_a_sentence(attempt)
                ),
            )
            .expected(format!("at least {former:?}"), format!("{now:?}"))
            .proved_by([before, place])),
            _ => Ok(Some((now, place))),
        }
    }
}

/// Whether an attempt with so many effects does the work anew. One that does less has seen otherwise that there is nothing
/// left to do; what it would record on the way to where its checkpoint was made would give it away.
fn does_it_all(trace: &Trace, activity: ActivityKey, effects: u32, reference: &Reference) -> bool {
    let activity = &trace.activities()[activity];
    let workflow = &trace.workflows()[activity.workflow].workflow_id;
    let usual = reference.memory::<Usual>().and_then(|usual| {
        usual.iter().find(|(of, name, execution, _)| {
            (of, name, *execution) == (workflow, &activity.activity_type, activity.execution)
        })
    });
    effects > 0 && usual.is_none_or(|(_, _, _, usual)| effects >= *usual)
}

fn never_read(trace: &Trace, attempt: AttemptKey, start: usize, place: usize) -> Violation {
    Violation::new(
        "never read",
        format!("{} was given a checkpoint and never looked at it", trace.attempt_in_a_sentence(attempt)),
    )
    .expected(format!("it resumes from {}", given(trace, start)), "it begins anew")
    .proved_by([start, place])
}

/// The details that an attempt was given, by the event that says so.
fn given(trace: &Trace, start: usize) -> String {
    match trace.events()[start].what {
        What::AttemptStarted(Some(details)) => String::from_utf8_lossy(trace.bytes(details)).into_owned(),
        _ => "its checkpoint".to_owned(),
    }
}

impl<M> fmt::Debug for Progress<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("activity", &self.activity)
            .field("at_most", &self.at_most)
            .finish_non_exhaustive()
    }
}
