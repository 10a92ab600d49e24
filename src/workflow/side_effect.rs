//! Side effects, versions and patches: what a workflow decides once and has to decide the same way in every replay.

use std::any::type_name;
use std::panic::Location;

use serde::Serialize;

use super::context::WorkflowContext;
use super::markers::BEFORE_THE_CHANGE;
use super::state::WorkflowState;
use crate::program::{Command, Decode, Marker, Payload, Seq, TaskFailure, places};

impl WorkflowContext {
    /// [`version`](Self::version) gives this to a run that passed the site of the change before it was made.
    ///
    /// Source: Temporal's Go SDK, `workflow.DefaultVersion`.
    pub const DEFAULT_VERSION: i32 = BEFORE_THE_CHANGE;

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
    #[track_caller]
    pub fn side_effect<T: Serialize + Decode>(&self, effect: impl FnOnce() -> T) -> T {
        let at = places::called("ctx.side_effect");
        let instance = &self.instance;
        let (seq, value) = instance.side_effect(at, |seq| {
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

    /// Looks up a value that may be another one each time, such as a setting of the worker: it is recorded in the history if it is not
    /// the one of the last call for this `id`, and every replay gets what the first execution saw. A workflow that looks often at
    /// something that seldom changes keeps a short history in this way. The rest is as for [`side_effect`](Self::side_effect).
    ///
    /// The values are compared as the JSON in which they travel.
    ///
    /// Source: Temporal's Go SDK, `workflow.MutableSideEffect`.
    ///
    /// ```
    /// # use durasim::{WorkflowContext, WorkflowError};
    /// # use std::time::Duration;
    /// # fn rate_of_today() -> u32 { 7 }
    /// async fn billing(ctx: &WorkflowContext, months: u32) -> Result<u32, WorkflowError> {
    ///     let mut sum = 0;
    ///     for _ in 0..months {
    ///         sum += ctx.mutable_side_effect("rate", rate_of_today);
    ///         ctx.sleep(Duration::from_secs(30 * 24 * 3600)).await?;
    ///     }
    ///     Ok(sum)
    /// }
    /// ```
    ///
    /// # Panics
    /// The workflow task fails if the value cannot be encoded, or the recorded one is not a `T`.
    #[track_caller]
    pub fn mutable_side_effect<T: Serialize + Decode>(&self, id: &str, effect: impl FnOnce() -> T) -> T {
        let at = places::called("ctx.mutable_side_effect");
        let instance = &self.instance;
        let value = instance.mutable_side_effect(at, id, || {
            Payload::from_json(&effect()).unwrap_or_else(|why| {
                let what = format!("the value of `{id}`, a `{}`,", type_name::<T>());
                instance.throw(TaskFailure::Misuse(format!("{what} cannot be encoded: {why}")))
            })
        });
        T::decode(value.as_bytes()).unwrap_or_else(|why| {
            let what = format!("the value of `{id}` is {value}");
            instance
                .throw(TaskFailure::Misuse(format!("{what}, which does not decode as `{}`: {why}", type_name::<T>())))
        })
    }

    /// Gives the version of a change that the run follows, from `min` to `max`: which way to go where the code has been
    /// changed since runs passed it.
    ///
    /// A run that comes here for the first time takes `max` and records it; every replay then gets that. A run whose
    /// history passed this call before it was there gets [`DEFAULT_VERSION`](Self::DEFAULT_VERSION). Within a
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
    #[track_caller]
    pub fn version(&self, change_id: &str, min: i32, max: i32) -> i32 {
        places::called("ctx.version");
        let instance = &self.instance;
        let version = instance.version(change_id, max);
        if !(min..=max).contains(&version) {
            instance.throw(TaskFailure::Misuse(format!(
                "the run follows version {version} of change `{change_id}`, but the code knows {min} to {max} only"
            )));
        }
        version
    }

    /// Says whether the run goes the new way of a patch: a change of the code since runs have passed it.
    ///
    /// A run that comes here for the first time goes the new way and records that; every replay then does so too. A run whose
    /// history passed this call before it was there goes the old way. Within a run all calls for one patch say the same.
    ///
    /// When no run needs the old way any more, take it out and leave [`deprecate_patch`](Self::deprecate_patch) in the place of
    /// this call. When no run that has the marker is open any more, take that out too. A call that is taken out earlier fails the
    /// tasks of those runs: their histories have a marker for which the code does not ask.
    ///
    /// Source: crate temporalio-sdk 1.1.1, `WorkflowContext::patched`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{WorkflowContext, WorkflowError};
    ///
    /// async fn reminder(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
    ///     let wait = if ctx.patched("wait longer") { 7200 } else { 3600 };
    ///     ctx.sleep(Duration::from_secs(wait)).await
    /// }
    /// ```
    #[track_caller]
    pub fn patched(&self, id: &str) -> bool {
        places::called("ctx.patched");
        self.instance.patch(id, false)
    }

    /// Says that only the new way of a [patch](Self::patched) is left. Histories that have its marker are replayed, and so are those
    /// that do not: take the call out when no run of the first sort is open any more.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{WorkflowContext, WorkflowError};
    ///
    /// async fn reminder(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
    ///     ctx.deprecate_patch("wait longer");
    ///     ctx.sleep(Duration::from_secs(7200)).await
    /// }
    /// ```
    #[track_caller]
    pub fn deprecate_patch(&self, id: &str) {
        places::called("ctx.deprecate_patch");
        self.instance.patch(id, true);
    }
}

impl WorkflowState {
    fn side_effect(&self, at: &'static Location<'static>, make: impl FnOnce(Seq) -> Payload) -> (Seq, Payload) {
        self.called();
        if !self.is_usable() {
            return (0, make(0));
        }
        let (seq, recorded) = self.markers.borrow_mut().next_side_effect();
        let value = match recorded {
            Some(value) => value,
            None if self.is_replaying() => self.throw(TaskFailure::NonDeterministic(format!(
                "a replayed workflow task asks for side effect {seq}, which the history does not have there"
            ))),
            None => self.limited("a side effect", || self.link.call_outside(|| make(seq))),
        };
        // The value may come of calls of its own.
        places::called_at("ctx.side_effect", at);
        self.ask(Command::RecordMarker(Marker::SideEffect { seq, value: value.clone() }));
        (seq, value)
    }

    fn mutable_side_effect(&self, at: &'static Location<'static>, id: &str, make: impl FnOnce() -> Payload) -> Payload {
        self.called();
        if !self.is_usable() {
            return make();
        }
        let (call, known) = self.markers.borrow_mut().look_up(id);
        if self.is_replaying() {
            return known.unwrap_or_else(|| {
                self.throw(TaskFailure::NonDeterministic(format!(
                    "a replayed workflow task asks for the value of `{id}`, which the history does not have there"
                )))
            });
        }
        let value = self.limited("a side effect", || self.link.call_outside(make));
        if known.as_ref() == Some(&value) {
            return value;
        }
        self.markers.borrow_mut().keep_value(id, value.clone());
        // The value may come of calls of its own.
        places::called_at("ctx.mutable_side_effect", at);
        self.ask(Command::RecordMarker(Marker::MutableSideEffect { id: id.into(), call, value: value.clone() }));
        value
    }

    fn version(&self, change_id: &str, max: i32) -> i32 {
        self.called();
        if !self.is_usable() {
            return max;
        }
        let newest = if self.is_replaying() { None } else { Some(max) };
        let (version, is_recorded) = self.markers.borrow_mut().version(change_id, newest);
        if is_recorded {
            self.ask(Command::RecordMarker(Marker::Version { change_id: change_id.into(), version }));
        }
        version
    }

    fn patch(&self, id: &str, deprecated: bool) -> bool {
        self.called();
        if !self.is_usable() {
            return true;
        }
        let (is_on, is_recorded) = self.markers.borrow_mut().patch(id, self.is_replaying());
        if is_recorded {
            self.ask(Command::RecordMarker(Marker::Patch { id: id.into(), deprecated }));
        }
        is_on
    }
}
