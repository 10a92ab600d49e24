//! [`Twins`]: the facts about the activities of the fault-free run, each the twin of an activity in a run with faults.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::service::ActivityKey;
use crate::trace::Trace;
use crate::trace::attempts::ActivityExecution;
use crate::world::Run;

/// The name of an activity, which is the same in every run: the workflow's id, the activity's type, and its execution.
type Name = (Arc<str>, u32, Arc<str>, u32);

/// A fact about each activity of the fault-free run.
pub(super) struct Twins<T>(BTreeMap<Name, T>);

impl<T> Twins<T> {
    /// Keeps the facts that `learn` finds about the activities of the fault-free run.
    pub(super) fn of(reference: &Run, learn: impl Fn(&ActivityExecution) -> Option<T>) -> Twins<T> {
        let activities = reference.executions().activities().values();
        let known = activities.filter_map(|activity| Some((name(reference.trace(), activity.key), learn(activity)?)));
        Twins(known.collect())
    }

    /// The twin of an activity: the one of the same workflow and type, with the same number.
    pub(super) fn twin(&self, trace: &Trace, activity: ActivityKey) -> Option<&T> {
        self.0.get(&name(trace, activity))
    }
}

fn name(trace: &Trace, activity: ActivityKey) -> Name {
    let activity = &trace.activities()[activity];
    let workflow = &trace.workflows()[activity.workflow];
    (workflow.workflow_id.clone(), workflow.run, activity.activity_type.clone(), activity.execution)
}
