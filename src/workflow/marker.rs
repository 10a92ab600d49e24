//! [`Markers`]: what a workflow decides once and has to decide the same way in every replay.

use std::any::type_name;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::context::WorkflowContext;
use super::state::WorkflowState;
use crate::program::{Command, Decode, Marker, Payload, Seq, TaskFailure};

/// What is known of side effects and versions.
#[derive(Debug, Default)]
pub(super) struct Markers {
    /// How many side effects the code has asked for.
    side_effects: Seq,
    /// Values from the history that the code has not asked for yet.
    recorded: BTreeMap<Seq, Payload>,
    /// By the changes' ids.
    versions: BTreeMap<Arc<str>, Followed>,
}

/// Which version of a change the run follows.
#[derive(Debug)]
struct Followed {
    version: i32,
    /// Whether the code has asked: one that comes from the history may be ahead of that.
    asked: bool,
}

impl WorkflowContext {
    /// What [`version`](Self::version) gives to a run that passed the place before the change was made.
    ///
    /// Source: Temporal's Go SDK, `workflow.DefaultVersion`.
    pub const DEFAULT_VERSION: i32 = -1;

    /// Does something that is not deterministic, once: its value is recorded in the history, and every replay gets that
    /// value without calling `effect` again. It must not fail, wait, or ask the context for anything, and should not
    /// change the world: if the worker dies before the task is answered, it is done again. Inside it
    /// [`durasim::random`](crate::random()), [`durasim::state`](crate::state()) and
    /// [`durasim::time::now`](crate::time::now) may be used.
    ///
    /// The value travels as JSON, also when it is not replayed, so that the code sees the same value in both cases.
    ///
    /// ```
    /// # use durasim::{WorkflowContext, WorkflowError};
    /// async fn order(ctx: &WorkflowContext, item: String) -> Result<String, WorkflowError> {
    ///     let number: u64 = ctx.side_effect(durasim::random);
    ///     Ok(format!("{item}-{number:x}"))
    /// }
    /// ```
    ///
    /// # Panics
    /// The workflow task fails if the value cannot be encoded, or the recorded one is not a `T`.
    pub fn side_effect<T: Serialize + Decode>(&self, effect: impl FnOnce() -> T) -> T {
        let instance = &self.instance;
        let (seq, value) = instance.side_effect(|seq| {
            Payload::from_json(&effect()).unwrap_or_else(|why| {
                let what = format!("the value of side effect {seq}, a `{}`,", type_name::<T>());
                instance.throw(TaskFailure::Misuse(format!("{what} cannot be encoded: {why}")))
            })
        });
        T::decode(value.as_bytes()).unwrap_or_else(|why| {
            let what = format!("the value of side effect {seq} is {value}");
            instance
                .throw(TaskFailure::Misuse(format!("{what}, which does not decode as `{}`: {why}", type_name::<T>())))
        })
    }

    /// Which way to go at a place where the code has been changed since runs passed it: the version that the run follows,
    /// from `min` to `max`.
    ///
    /// A run that comes here for the first time takes `max` and records it; every replay then gets that. A run whose
    /// history passed this place before there was such a call gets [`DEFAULT_VERSION`](Self::DEFAULT_VERSION). Within a
    /// run all calls for one change give the same version. Raise `max` with each further change, and `min` when no run
    /// follows the old way any more.
    ///
    /// Source: Temporal's Go SDK, `workflow.GetVersion`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{WorkflowContext, WorkflowError};
    ///
    /// async fn reminder(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
    ///     match ctx.version("wait-longer", WorkflowContext::DEFAULT_VERSION, 1) {
    ///         1 => ctx.sleep(Duration::from_secs(7200)).await,
    ///         _ => ctx.sleep(Duration::from_secs(3600)).await,
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    /// The workflow task fails if the run follows a version that is not from `min` to `max`.
    pub fn version(&self, change_id: &str, min: i32, max: i32) -> i32 {
        let instance = &self.instance;
        let version = instance.version(change_id, max);
        if !(min..=max).contains(&version) {
            instance.throw(TaskFailure::Misuse(format!(
                "the run follows version {version} of change `{change_id}`, but the code knows {min} to {max} only"
            )));
        }
        version
    }
}

impl WorkflowState {
    /// Takes in what the history has of a task's answer.
    pub(super) fn recall(&self, marker: &Marker) {
        let mut markers = self.markers.borrow_mut();
        match marker {
            Marker::SideEffect { seq, value } => {
                markers.recorded.insert(*seq, value.clone());
            }
            Marker::Version { change_id, version } => {
                let followed = Followed { version: *version, asked: false };
                markers.versions.entry(change_id.clone()).or_insert(followed);
            }
        }
    }

    fn side_effect(&self, make: impl FnOnce(Seq) -> Payload) -> (Seq, Payload) {
        if !self.is_usable() {
            return (0, make(0));
        }
        let (seq, recorded) = {
            let mut markers = self.markers.borrow_mut();
            markers.side_effects += 1;
            let seq = markers.side_effects;
            (seq, markers.recorded.remove(&seq))
        };
        let value = match recorded {
            Some(value) => value,
            None if self.is_replaying() => self.throw(TaskFailure::NonDeterministic(format!(
                "a replayed workflow task asks for side effect {seq}, which the history does not have there"
            ))),
            None => self.limited("a side effect", || self.link.call_outside(|| make(seq))),
        };
        self.ask(Command::RecordMarker(Marker::SideEffect { seq, value: value.clone() }));
        (seq, value)
    }

    fn version(&self, change_id: &str, max: i32) -> i32 {
        if !self.is_usable() {
            return max;
        }
        let version = {
            let Markers { versions, .. } = &mut *self.markers.borrow_mut();
            match versions.get_mut(change_id) {
                Some(Followed { version, asked: true }) => return *version,
                Some(followed) => {
                    followed.asked = true;
                    followed.version
                }
                None => {
                    let is_new = !self.is_replaying();
                    let version = if is_new { max } else { WorkflowContext::DEFAULT_VERSION };
                    versions.insert(change_id.into(), Followed { version, asked: true });
                    if !is_new {
                        return version;
                    }
                    version
                }
            }
        };
        self.ask(Command::RecordMarker(Marker::Version { change_id: change_id.into(), version }));
        version
    }
}
