//! Runs in which a deploy put a new version of the code in place, beside the run without faults of that version.

use crate::fault::Fault;
use crate::service::WorkflowOutcome;
use crate::trace::attempts::Moment;
use crate::world::{Outcome, Run};

/// Says whether a deploy struck.
pub(super) fn is_deployed(run: &Run) -> bool {
    run.trace().faults().values().any(|(_, fault)| fault.deploys().is_some())
}

/// The moment from which the workers that this fault, which struck at `at`, was about have all started anew; `None` if the
/// fault is no deploy, or if one of them has not.
pub(super) fn deployed_by(run: &Run, fault: Fault, at: Moment) -> Option<Moment> {
    let only = fault.deploys()?;
    let workers = run.executions().workers().iter();
    let mut struck = workers.filter(|(worker, _)| only.is_none_or(|number| worker.number() == number as usize));
    struck.try_fold(at, |latest, (_, worker)| {
        let started = worker.started.iter().copied().find(|started| *started > at)?;
        Some(latest.max(started))
    })
}

/// Says whether the end has a result.
pub(super) fn has_result(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Closed(WorkflowOutcome::Completed(_)) | Outcome::Script(_))
}
