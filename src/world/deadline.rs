//! Reads from a run beforehand how an attempt can meet its deadline at a certain await.

use std::collections::BTreeMap;
use std::time::Duration;

use super::run::Run;
use crate::fault::deadline::{Approach, dispatch_delay};
use crate::fault::{Entry, Site};
use crate::service::{ActivityKey, WorkflowKey};

impl Run {
    /// The time by which the attempt of each `deadlineN` entry must be dispatched later so that its N-th await, as it happened
    /// in this run, falls where the entry says. `None` if that is [not the way](dispatch_delay), if the await did not happen,
    /// and for other entries.
    pub(super) fn dispatch_delays(&self, entries: &[Entry]) -> Vec<Option<Duration>> {
        let activities = self.activities_of(entries).into_iter();
        activities.zip(entries).map(|(activity, entry)| self.dispatch_delay(activity?, entry)).collect()
    }

    fn dispatch_delay(&self, activity: ActivityKey, entry: &Entry) -> Option<Duration> {
        let Site::Deadline(count) = entry.point.site else { return None };
        let executions = self.executions();
        let mut attempts = executions.attempts_of(activity);
        let attempt = attempts.find(|attempt| Some(attempt.number) == entry.point.attempt)?;
        let approach = Approach {
            scheduled: executions.activities()[activity].scheduled.at,
            started: attempt.started.at,
            awaited: attempt.awaits.get(count.checked_sub(1)? as usize)?.at,
            timeouts: self.limits(activity).0,
        };
        dispatch_delay(entry.fault, &approach)
    }

    /// The activity that each entry names: one of the first workflow, if the entry does not say which.
    pub(crate) fn activities_of(&self, entries: &[Entry]) -> Vec<Option<ActivityKey>> {
        let trace = self.trace();
        let mut activities = BTreeMap::new();
        for (activity, name) in trace.activities().iter() {
            let workflow = &trace.workflows()[name.workflow];
            // The first of those that have the same name.
            let key = (&*workflow.workflow_id, workflow.run, &*name.activity_type, name.execution);
            activities.entry(key).or_insert(activity);
        }
        let first = trace.workflows().get(WorkflowKey::FIRST).map(|name| &*name.workflow_id);
        let activity_of = |Entry { point, .. }: &Entry| {
            let workflow_id = point.workflow_id.as_deref().or(first)?;
            activities.get(&(workflow_id, point.run.unwrap_or(1), &*point.name, point.execution)).copied()
        };
        entries.iter().map(activity_of).collect()
    }
}
