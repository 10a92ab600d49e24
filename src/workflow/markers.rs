//! [`Markers`]: what is known of side effects and versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::program::{Marker, Payload, Seq};

/// The version that a run follows which passed a change before it was made.
pub(super) const BEFORE_THE_CHANGE: i32 = -1;

/// The side effects and versions that are known.
#[derive(Debug, Default)]
pub(super) struct Markers {
    /// How many side effects the code has asked for.
    side_effects: Seq,
    /// Values from the history that the code has not asked for yet.
    recorded: BTreeMap<Seq, Payload>,
    /// The values that are looked up again and again, by their names.
    values: BTreeMap<Arc<str>, LookedUp>,
    /// By the changes' ids.
    versions: BTreeMap<Arc<str>, Followed>,
    /// By the patches' ids.
    patches: BTreeMap<Arc<str>, Passed>,
}

/// A patch that the run has come to.
#[derive(Debug)]
struct Passed {
    /// Says whether the run goes the new way.
    is_on: bool,
    /// Says whether the code has asked: one that comes from the history may be ahead of that.
    asked: bool,
}

/// A value that the code looks up again and again.
#[derive(Debug, Default)]
struct LookedUp {
    /// How often the code has looked it up.
    calls: u32,
    /// The value that the code saw last.
    value: Option<Payload>,
    /// Values from the history that the code has not seen yet, by the number of the call that found them.
    recorded: BTreeMap<u32, Payload>,
}

/// Which version of a change the run follows.
#[derive(Debug)]
struct Followed {
    version: i32,
    /// Says whether the code has asked: one that comes from the history may be ahead of that.
    asked: bool,
}

impl Markers {
    /// Takes in what the history has of a task's answer.
    pub fn recall(&mut self, marker: &Marker) {
        match marker {
            Marker::SideEffect { seq, value } => {
                self.recorded.insert(*seq, value.clone());
            }
            Marker::MutableSideEffect { id, call, value } => {
                self.values.entry(id.clone()).or_default().recorded.insert(*call, value.clone());
            }
            // The worker gives their ends.
            Marker::LocalActivity(_) => {}
            Marker::Version { change_id, version } => {
                let followed = Followed { version: *version, asked: false };
                self.versions.entry(change_id.clone()).or_insert(followed);
            }
            Marker::Patch { id, .. } => {
                self.patches.entry(id.clone()).or_insert(Passed { is_on: true, asked: false });
            }
            Marker::Upserted { .. } => {}
        }
    }

    /// The number of the next side effect, and its value if the history has one.
    pub fn next_side_effect(&mut self) -> (Seq, Option<Payload>) {
        self.side_effects += 1;
        (self.side_effects, self.recorded.remove(&self.side_effects))
    }

    /// Counts a look at a value. Gives the number of the call, and the value if the history has one for it, or else the value of
    /// the call before.
    pub fn look_up(&mut self, id: &str) -> (u32, Option<Payload>) {
        let known = self.values.entry(id.into()).or_default();
        known.calls += 1;
        // A history of code that did not count its calls has the next value under 0.
        let recorded = known.recorded.remove(&known.calls).or_else(|| known.recorded.remove(&0));
        if let Some(recorded) = recorded {
            known.value = Some(recorded);
        }
        (known.calls, known.value.clone())
    }

    /// Keeps the value that a look has found.
    pub fn keep_value(&mut self, id: &str, value: Payload) {
        self.values.entry(id.into()).or_default().value = Some(value);
    }

    /// The version of a change that the run follows, and whether a marker has to say so now. `newest` is what a run
    /// follows that comes here for the first time; `None` in a replay, whose history would have it.
    pub fn version(&mut self, change_id: &str, newest: Option<i32>) -> (i32, bool) {
        if let Some(followed) = self.versions.get_mut(change_id) {
            let is_first = !std::mem::replace(&mut followed.asked, true);
            return (followed.version, is_first);
        }
        let version = newest.unwrap_or(BEFORE_THE_CHANGE);
        self.versions.insert(change_id.into(), Followed { version, asked: true });
        (version, newest.is_some())
    }

    /// Says whether the run goes the new way of a patch, and whether a marker has to say so now.
    pub fn patch(&mut self, id: &str, is_replaying: bool) -> (bool, bool) {
        if let Some(passed) = self.patches.get_mut(id) {
            let is_first = !std::mem::replace(&mut passed.asked, true);
            return (passed.is_on, passed.is_on && is_first);
        }
        // The history of a run that was here before would have it.
        let is_on = !is_replaying;
        self.patches.insert(id.into(), Passed { is_on, asked: true });
        (is_on, is_on)
    }
}
