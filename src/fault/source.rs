//! [`Faults`]: the source from which the faults of a run come.
//!
//! There is a file for each source: [`Quiet`](super::quiet::Quiet) has none, [`Planned`](super::planned::Planned) has
//! those of a plan, and [`Swarm`](super::swarm::Swarm) draws them from a seed.
//!
//! A run passes thousands of sites, almost all of them without a fault. So it first asks [`Faults::may_strike`], which
//! knows only the kind of site and its number. The run looks up its place, a [`Location`], only if the answer is yes.

use std::fmt;
use std::time::Duration;

use super::kind::Fault;
use super::menu::Limits;
use super::plan::Entry;
use super::point::{Point, Site};

/// A source of the faults of a run.
pub(crate) trait Faults: fmt::Debug {
    /// Says whether no fault strikes any more, wherever the run goes.
    fn is_quiet(&self) -> bool {
        false
    }

    /// Says whether there are planned faults that may strike later.
    fn are_ahead(&self) -> bool {
        false
    }

    /// Says whether a fault may strike at such a site, in whatever attempt or workflow.
    fn may_strike(&self, site: Site) -> bool;

    /// The fault that strikes at this location, if one does. Faults that are drawn must keep to `limits`.
    fn strike(&mut self, at: Location<'_>, limits: &dyn Fn() -> Limits) -> Option<Fault>;

    /// The planned deadline that this attempt meets by a later dispatch. `at` is its dispatch.
    fn strike_deadline(&mut self, at: Location<'_>) -> Option<LateDispatch> {
        let _ = at;
        None
    }

    /// Says whether there are planned faults that hold tasks back which no worker has taken.
    fn holds_tasks(&self) -> bool {
        false
    }

    /// The planned fault that holds a task back which no worker has taken. `at` is the dispatch of an attempt, or a workflow
    /// task.
    fn strike_task(&mut self, at: Location<'_>) -> Option<Fault> {
        let _ = at;
        None
    }

    /// The fault at this point has waited for something that does not come: it counts as not struck.
    fn in_vain(&mut self, point: &Point) {
        let _ = point;
    }

    /// Says whether faults may end more attempts than the retry policy allows.
    fn is_over_budget(&self) -> bool {
        false
    }

    /// The entries of a plan that have not struck, in the plan's order.
    fn not_struck(&self) -> Vec<Entry> {
        Vec::new()
    }
}

/// The place of a site in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location<'a> {
    /// The workflow to which it belongs, whether that is the first one started, and which of its runs this is.
    pub(crate) workflow_id: &'a str,
    pub(crate) first_workflow: bool,
    pub(crate) run: u32,
    /// The type of the activity, or of the workflow at its own sites.
    pub(crate) name: &'a str,
    pub(crate) execution: u32,
    pub(crate) attempt: Option<u32>,
    pub(crate) site: Site,
}

/// A planned deadline that is met by a later dispatch of the attempt.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct LateDispatch {
    /// The site of the deadline, and the fault that says how it falls.
    pub(crate) site: Site,
    pub(crate) fault: Fault,
    /// The time by which the attempt is dispatched later.
    pub(crate) by: Duration,
}
