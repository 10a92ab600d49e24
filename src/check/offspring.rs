//! [`Offspring`]: the children of the workflows of a run, and those that faults ended while nobody waited for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::class::{timed_out, used_up};
use super::excuse::Excuses;
use super::heeded::{asked_to_cancel, ends_because_of};
use super::reference::Reference;
use crate::trace::AttemptKey;
use crate::trace::attempts::{ActivityExecution, ChildExecution, WorkflowEnd, WorkflowExecution};
use crate::world::Run;

/// The parents of the children that the workflows of a run have asked for, by workflow id.
pub(super) struct Offspring(BTreeMap<Arc<str>, Arc<str>>);

impl Offspring {
    pub(super) fn of(run: &Run) -> Offspring {
        let workflows = run.executions().workflows().values();
        let children = workflows.flat_map(|workflow| workflow.children.iter().map(move |child| (workflow, child)));
        Offspring(children.map(|(workflow, child)| (id_of(run, child), workflow_id(run, workflow))).collect())
    }

    /// The ids of a workflow and of its parents, but for the oldest, which is nobody's child.
    pub(super) fn lineage(&self, workflow_id: &Arc<str>) -> Vec<Arc<str>> {
        let mut lineage = Vec::new();
        let mut id = workflow_id;
        // An id may be used again, by a child of what was its child.
        while let Some(parent) = self.0.get(id).filter(|_| !lineage.contains(id)) {
            lineage.push(Arc::clone(id));
            id = parent;
        }
        lineage
    }

    /// The lineage of the workflow that an attempt works for; it is empty for one that is nobody's child.
    pub(super) fn of_attempt(&self, run: &Run, attempt: Option<AttemptKey>) -> Vec<Arc<str>> {
        let executions = run.executions();
        let activity = attempt.map(|attempt| &executions.activities()[executions.attempts()[attempt].activity]);
        activity.map_or_else(Vec::new, |activity| self.of_activity(run, activity))
    }

    fn of_activity(&self, run: &Run, activity: &ActivityExecution) -> Vec<Arc<str>> {
        self.lineage(&run.trace().workflows()[activity.workflow].workflow_id)
    }
}

/// The ids of children of whose end their parent has not heard: it had closed before.
pub(super) fn unheard(run: &Run) -> BTreeSet<Arc<str>> {
    let unheard = |child: &&ChildExecution| child.closed.is_none() && child.refused.is_none();
    let children = run.executions().workflows().values().flat_map(|workflow| &workflow.children);
    children.filter(unheard).map(|child| id_of(run, child)).collect()
}

/// The ids of children that ended because a fault cancelled them, or used up what their options allow, and whose parent can end
/// without having heard of it, as in this run or as `usually`, without faults. Nobody claims that such a child has done its
/// work.
pub(super) fn ended_unheard(run: &Run, reference: &Reference, usually: &BTreeSet<Arc<str>>) -> BTreeSet<Arc<str>> {
    let mut ids = unheard(run);
    ids.extend(usually.iter().cloned());
    if ids.is_empty() || run.trace().faults().is_empty() {
        return BTreeSet::new();
    }
    let (offspring, excuses) = (Offspring::of(run), Excuses::of(run, reference));
    let given_up = run.executions().activities().values().filter(|activity| used_up(run, activity, &excuses).is_some());
    let given_up: BTreeSet<Arc<str>> = given_up.flat_map(|activity| offspring.of_activity(run, activity)).collect();
    ids.retain(|id| {
        let newest = run.executions().workflows().values().filter(|other| workflow_id(run, other) == *id).last();
        newest.is_some_and(|newest| match newest.closed {
            Some((_, WorkflowEnd::Canceled | WorkflowEnd::Failed(_))) => {
                given_up.contains(id) || ends_by_a_cancel(run, newest, &offspring)
            }
            Some((_, WorkflowEnd::TimedOut)) => timed_out(run, newest).is_some(),
            _ => false,
        })
    });
    ids
}

/// Says whether a fault asked a workflow to cancel, or one of its parents, and the workflow ended because of it.
fn ends_by_a_cancel(run: &Run, workflow: &WorkflowExecution, offspring: &Offspring) -> bool {
    let id = workflow_id(run, workflow);
    let lineage = offspring.lineage(&id);
    let parents = lineage.iter().filter_map(|id| offspring.0.get(id)).chain([&id]);
    let parents: BTreeSet<&Arc<str>> = parents.collect();
    let theirs = run.executions().workflows().values().filter(|other| parents.contains(&workflow_id(run, other)));
    let asked = theirs.filter_map(|other| asked_to_cancel(run, other)).min();
    asked.is_some_and(|asked| ends_because_of(run, workflow, asked))
}

fn id_of(run: &Run, child: &ChildExecution) -> Arc<str> {
    String::from_utf8_lossy(run.trace().bytes(child.id)).into()
}

fn workflow_id(run: &Run, workflow: &WorkflowExecution) -> Arc<str> {
    Arc::clone(&run.trace().workflows()[workflow.key].workflow_id)
}
