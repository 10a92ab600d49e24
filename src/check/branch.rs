//! [`Branch`]: what the workflows of a run have asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::trace::{What, Who};
use crate::world::Run;

/// The activities, timers, markers, children, and messages to other workflows that the workflows of a run have asked for, by kind,
/// type and number. Their arguments do not count, and neither does the command that closes the workflow.
///
/// A run that asks for others than the fault-free run has taken another branch: faults change when things happen, and code may
/// rightly depend on that.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Branch(BTreeMap<(Arc<str>, Asked), u32>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Asked {
    Activity(Arc<str>),
    Timer,
    Marker,
    Child,
    Signal,
    Cancel,
}

impl Branch {
    pub(super) fn of(run: &Run) -> Branch {
        let trace = run.trace();
        let mut branch = Branch::default();
        for event in trace.events() {
            let (workflow, asked) = match (event.who, event.what) {
                (Who::Activity(activity), What::Scheduled(_)) => {
                    let activity = &trace.activities()[activity];
                    (activity.workflow, Asked::Activity(activity.activity_type.clone()))
                }
                (Who::Workflow(workflow), What::TimerStarted { .. }) => (workflow, Asked::Timer),
                (Who::Workflow(workflow), What::MarkerRecorded(_)) => (workflow, Asked::Marker),
                (Who::Workflow(workflow), What::ChildInitiated { .. }) => (workflow, Asked::Child),
                (Who::Workflow(workflow), What::SignalSent(_)) => (workflow, Asked::Signal),
                (Who::Workflow(workflow), What::CancelSent(_)) => (workflow, Asked::Cancel),
                _ => continue,
            };
            *branch.0.entry((trace.workflows()[workflow].workflow_id.clone(), asked)).or_default() += 1;
        }
        branch
    }
}
