//! [`updates`]: every update that was accepted is ended before its run closes.

use super::Check;
use super::earliest::Earliest;
use super::reference::Reference;
use super::violation::Violation;
use crate::trace::attempts::{Moment, UpdateEnd, UpdateExecution, WorkflowEnd, WorkflowExecution};
use crate::world::Run;

/// A workflow that completes or continues as new has ended the updates that it has accepted. The caller of one that it forgets
/// hears of a failure, although the workflow's code has promised to do it.
///
/// A workflow that fails, times out, is terminated, or was asked to cancel may leave updates behind: those are not judged. It is
/// one of the [standard checks](super#standard-checks).
///
/// ```
/// use durasim::check;
/// let check = check::updates();
/// ```
pub fn updates() -> Updates {
    Updates { is_standard: false }
}

/// The same where nobody has asked for it.
pub(crate) fn standard_updates() -> Updates {
    Updates { is_standard: true }
}

/// The check that [`updates`] makes.
#[derive(Clone, Debug)]
pub struct Updates {
    is_standard: bool,
}

impl Check for Updates {
    fn name(&self) -> &str {
        "updates"
    }

    fn replaces(&self) -> Option<&str> {
        Some("updates")
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        let is_asked = !self.is_standard;
        (is_asked && accepted(reference).next().is_none())
            .then(|| "without faults, no workflow accepts an update".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        accepted(run).next().is_some()
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let mut earliest = Earliest::default();
        for (workflow, update, accepted) in accepted(run) {
            let Some(closed) = closes_well(workflow) else { continue };
            if matches!(update.ended, Some((_, UpdateEnd::Aborted))) {
                earliest.take(closed, violation(run, workflow, update, accepted, closed));
            }
        }
        earliest.into_result()
    }
}

/// The updates that workflows have accepted, and when they did.
fn accepted(run: &Run) -> impl Iterator<Item = (&WorkflowExecution, &UpdateExecution, Moment)> {
    let workflows = run.executions().workflows().values();
    workflows.flat_map(|workflow| {
        workflow.updates.iter().filter_map(move |update| Some((workflow, update, update.accepted?)))
    })
}

/// The moment at which a workflow closes of its own accord, with its work done.
fn closes_well(workflow: &WorkflowExecution) -> Option<Moment> {
    let (closed, end) = workflow.closed?;
    let is_done = matches!(end, WorkflowEnd::Completed(_) | WorkflowEnd::ContinuedAsNew);
    (is_done && workflow.cancel_requested.is_none()).then_some(closed)
}

fn violation(
    run: &Run,
    workflow: &WorkflowExecution,
    update: &UpdateExecution,
    accepted: Moment,
    closed: Moment,
) -> Violation {
    let trace = run.trace();
    let name = &trace.updates()[update.key].name;
    let workflow = &trace.workflows()[workflow.key].workflow_type;
    let message = format!(
        "workflow `{workflow}` closes while its handler of update `{name}`, which it has accepted, still runs: its caller \
         hears of a failure. Wait for the handlers first, with `ctx.updates_finished()` or what your SDK has for it"
    );
    Violation::new("forgotten", message)
        .expected("an update that has ended", "one that the workflow closes with")
        .proved_by(vec![accepted.event, closed.event])
}
