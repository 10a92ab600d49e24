//! How an attempt is made to meet its deadline at a certain await.

use std::time::Duration;

use super::run::Run;
use crate::fault::deadline::{Approach, dispatch_delay};
use crate::fault::{Entry, Site};
use crate::service::{ActivityKey, WorkflowKey};
use crate::trace::{What, Who};

impl Run {
    /// How much later the attempt of a `deadlineN` entry must be dispatched so that its N-th await, as it happened in this
    /// run, falls where the entry says. `None` if that is [not the way](dispatch_delay), or if the await did not happen.
    pub(super) fn dispatch_delay(&self, entry: &Entry) -> Option<Duration> {
        let Site::Deadline(count) = entry.point.site else { return None };
        let activity = self.activity_of(entry)?;
        let (timeouts, _) = self.limits(activity);
        let trace = self.trace();
        let (attempt, _) = trace
            .attempts()
            .iter()
            .find(|(_, name)| name.activity == activity && Some(name.number) == entry.point.attempt)?;
        let mut scheduled = None;
        let (mut started, mut awaited) = (None, None);
        for event in trace.events() {
            match (event.who, event.what) {
                (Who::Activity(index), What::Scheduled(_)) if index == activity => scheduled = Some(event.at),
                (Who::Attempt(index), What::AttemptStarted(_)) if index == attempt => started = Some(event.at),
                (Who::Attempt(index), What::Awaited(n)) if index == attempt && n == count => awaited = Some(event.at),
                _ => {}
            }
        }
        let (scheduled, started, awaited) = (scheduled?, started?, awaited?);
        dispatch_delay(entry.fault, &Approach { scheduled, started, awaited, timeouts })
    }

    /// The activity that an entry names.
    pub(crate) fn activity_of(&self, entry: &Entry) -> Option<ActivityKey> {
        let trace = self.trace();
        let found = trace.activities().iter().find(|(_, name)| {
            let workflow = &trace.workflows()[name.workflow];
            name.activity_type == entry.point.name
                && name.execution == entry.point.execution
                && match &entry.point.workflow_id {
                    Some(id) => *id == workflow.workflow_id,
                    None => name.workflow == WorkflowKey::FIRST,
                }
        });
        found.map(|(activity, _)| activity)
    }
}
