//! [`Planned`]: the faults of a plan.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::kind::Fault;
use super::menu::Limits;
use super::plan::Entry;
use super::point::{Point, Site};
use super::source::{Faults, LateDispatch, Location};

/// The faults of a plan. Each strikes at most once.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The entries, sorted by [`Pending::key`]; those of one key are in the plan's order.
    entries: Vec<Pending>,
    /// The sites of the entries, sorted, each once.
    sites: Vec<Site>,
    /// The number of entries that have not struck.
    left: usize,
}

/// An entry of a plan, and whether it has struck.
#[derive(Debug)]
struct Pending {
    entry: Entry,
    /// Its index in the plan.
    index: usize,
    state: State,
    /// The simulation has nothing that this fault could do: it never strikes.
    is_barred: bool,
    /// The time by which the attempt is dispatched later to meet a deadline, if it is met in that way.
    dispatch_delay: Option<Duration>,
}

/// The state of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Waiting,
    Struck,
    /// It struck, and waited for something that does not come.
    InVain,
}

/// The attempt or workflow that a fault strikes: name, execution, attempt, and the workflow's id, if the plan says it.
type Owner<'a> = (&'a str, u32, Option<u32>, Option<&'a str>, u32);

/// The sites of deadlines.
const DEADLINES: RangeInclusive<Site> = Site::Deadline(0)..=Site::Deadline(u32::MAX);

/// The run of a workflow that a point names: the first, unless it says another.
fn run_of(point: &Point) -> u32 {
    point.run.unwrap_or(1)
}

impl Pending {
    fn key(&self) -> (Owner<'_>, Site) {
        let point = &self.entry.point;
        ((&point.name, point.execution, point.attempt, point.workflow_id.as_deref(), run_of(point)), point.site)
    }

    fn may_strike(&self) -> bool {
        self.state == State::Waiting && !self.is_barred
    }

    /// Says whether it holds a task back which no worker has taken.
    fn holds_a_task(&self) -> bool {
        self.entry.fault.waits_for().is_some() && matches!(self.entry.point.site, Site::Dispatch | Site::Task(_))
    }
}

impl Planned {
    /// Takes the faults of these entries. `dispatch_delays` are those of the entries that are deadlines, index by
    /// index, or none.
    pub(crate) fn new(entries: &[Entry], dispatch_delays: &[Option<Duration>]) -> Planned {
        let pending = |(index, entry): (usize, &Entry)| {
            let dispatch_delay = dispatch_delays.get(index).copied().flatten();
            Pending { entry: entry.clone(), index, state: State::Waiting, is_barred: false, dispatch_delay }
        };
        let mut entries: Vec<Pending> = entries.iter().enumerate().map(pending).collect();
        entries.sort_by(|one, other| one.key().cmp(&other.key()));
        let mut sites: Vec<Site> = entries.iter().map(|pending| pending.entry.point.site).collect();
        sites.sort_unstable();
        sites.dedup();
        Planned { left: entries.len(), entries, sites }
    }

    /// The same without the faults that are barred: they stay among those that have not struck.
    pub(crate) fn barring(mut self, is_barred: impl Fn(Fault) -> bool) -> Planned {
        for pending in &mut self.entries {
            pending.is_barred = is_barred(pending.entry.fault);
        }
        self
    }

    /// Strikes with the plan's first entry that may strike there, at one of these sites, and that is `wanted`.
    fn take(
        &mut self,
        at: Location<'_>,
        sites: RangeInclusive<Site>,
        wanted: fn(&Pending) -> bool,
    ) -> Option<&Pending> {
        // The plan need not say the id of the first workflow, nor any workflow's id where the point is a workflow's.
        let may_be_unsaid = at.attempt.is_none() || at.first_workflow;
        let ids = [Some(Some(at.workflow_id)), may_be_unsaid.then_some(None)];
        let entries = &self.entries;
        let positions = ids.into_iter().flatten().flat_map(|workflow_id| {
            let owner = (at.name, at.execution, at.attempt, workflow_id, at.run);
            let first = entries.partition_point(|pending| pending.key() < (owner, *sites.start()));
            let end = (owner, *sites.end());
            (first..entries.len()).take_while(move |position| entries[*position].key() <= end)
        });
        let position = positions
            .filter(|position| self.entries[*position].may_strike() && wanted(&self.entries[*position]))
            .min_by_key(|position| self.entries[*position].index)?;
        let pending = &mut self.entries[position];
        pending.state = State::Struck;
        self.left -= 1;
        Some(pending)
    }
}

impl Faults for Planned {
    fn is_quiet(&self) -> bool {
        self.left == 0
    }

    fn are_ahead(&self) -> bool {
        !self.is_quiet() && self.entries.iter().any(Pending::may_strike)
    }

    fn may_strike(&self, site: Site) -> bool {
        // A deadline may be met by a late dispatch.
        let has_deadlines = || {
            let first = self.sites.partition_point(|site| site < DEADLINES.start());
            self.sites.get(first).is_some_and(|site| DEADLINES.contains(site))
        };
        !self.is_quiet() && (self.sites.binary_search(&site).is_ok() || (site == Site::Dispatch && has_deadlines()))
    }

    fn strike(&mut self, at: Location<'_>, _limits: &dyn Fn() -> Limits) -> Option<Fault> {
        let struck =
            self.take(at, at.site..=at.site, |pending| pending.dispatch_delay.is_none() && !pending.holds_a_task())?;
        Some(struck.entry.fault)
    }

    fn holds_tasks(&self) -> bool {
        self.entries.iter().any(Pending::holds_a_task)
    }

    fn strike_task(&mut self, at: Location<'_>) -> Option<Fault> {
        self.take(at, at.site..=at.site, Pending::holds_a_task).map(|struck| struck.entry.fault)
    }

    fn in_vain(&mut self, point: &Point) {
        // The run names the points of its first workflow without the workflow's id, which a plan may say.
        let said = |point: &Point| Point { run: Some(run_of(point)), ..point.clone() };
        let unsaid = |point: &Point| Point { workflow_id: None, ..said(point) };
        let names_it = |pending: &Pending| match point.workflow_id {
            Some(_) => said(&pending.entry.point) == said(point),
            None => unsaid(&pending.entry.point) == said(point),
        };
        let struck = self.entries.iter_mut().filter(|pending| pending.state == State::Struck && names_it(pending));
        if let Some(pending) = struck.min_by_key(|pending| pending.entry.point != *point) {
            pending.state = State::InVain;
        }
    }

    fn strike_deadline(&mut self, at: Location<'_>) -> Option<LateDispatch> {
        let struck = self.take(at, DEADLINES, |pending| pending.dispatch_delay.is_some())?;
        let Entry { point, fault } = &struck.entry;
        Some(LateDispatch { site: point.site, fault: *fault, by: struck.dispatch_delay? })
    }

    fn not_struck(&self) -> Vec<Entry> {
        let mut left: Vec<&Pending> = self.entries.iter().filter(|pending| pending.state != State::Struck).collect();
        left.sort_unstable_by_key(|pending| pending.index);
        left.into_iter().map(|pending| pending.entry.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Plan;

    fn planned(plan: &str) -> Planned {
        Planned::new(&plan.parse::<Plan>().unwrap().entries, &[])
    }

    /// A site of the first execution of `a`.
    fn at(workflow_id: &str, first_workflow: bool, attempt: Option<u32>, site: Site) -> Location<'_> {
        Location { workflow_id, first_workflow, run: 1, name: "a", execution: 1, attempt, site }
    }

    fn strike(planned: &mut Planned, at: Location<'_>) -> Option<String> {
        let limits = || Limits::of_workflow(true);
        planned.strike(at, &limits).map(|fault| fault.to_string())
    }

    #[test]
    fn a_fault_strikes_once_at_its_own_point() {
        let mut planned = planned("a#1@1:await2=crash; a#1@2:await2=fail; b#1@1:await2=stop");
        let site = Site::Await(2);
        assert!(planned.may_strike(site) && !planned.may_strike(Site::Await(1)));
        assert_eq!(strike(&mut planned, at("w", true, Some(3), site)), None);
        assert_eq!(strike(&mut planned, at("w", true, Some(2), site)), Some("fail".to_owned()));
        assert_eq!(strike(&mut planned, at("w", true, Some(2), site)), None);
        assert_eq!(strike(&mut planned, at("w", true, Some(1), site)), Some("crash".to_owned()));
        assert!(planned.may_strike(site) && !planned.is_quiet());
        let left: Vec<String> = planned.not_struck().iter().map(ToString::to_string).collect();
        assert_eq!(left, ["b#1@1:await2=stop"]);
    }

    #[test]
    fn a_fault_in_vain_has_not_struck_and_strikes_no_more() {
        let mut planned = planned("v:a#1@1:completion=behind(timer1); w:a#1@1:completion=behind(timer1)");
        let site = Site::Completion;
        for (workflow_id, first) in [("v", false), ("w", true)] {
            let struck = strike(&mut planned, at(workflow_id, first, Some(1), site));
            assert_eq!(struck, Some("behind(timer1)".to_owned()));
        }
        let point: Entry = "a#1@1:completion=cancel".parse().unwrap();
        // As the run names it, whose first workflow is `w`: one of the two that could be meant.
        planned.in_vain(&Point { workflow_id: Some("w".into()), ..point.point });
        let left: Vec<String> = planned.not_struck().iter().map(ToString::to_string).collect();
        assert_eq!(left, ["w:a#1@1:completion=behind(timer1)"]);
        assert_eq!(strike(&mut planned, at("w", true, Some(1), site)), None);
        assert!(planned.is_quiet());
    }

    #[test]
    fn a_task_is_held_before_a_worker_takes_it() {
        let mut planned = planned("w#1:task1=behind(signal1); a#1@1:dispatch=behind(timer1)");
        let (task, dispatch) =
            (Location { name: "w", ..at("w", true, None, Site::Task(1)) }, at("w", true, Some(1), Site::Dispatch));
        assert_eq!([strike(&mut planned, task), strike(&mut planned, dispatch)], [None, None]);
        let held = [task, dispatch].map(|at| planned.strike_task(at).map(|fault| fault.to_string()));
        assert_eq!(held, [Some("behind(signal1)".to_owned()), Some("behind(timer1)".to_owned())]);
    }

    #[test]
    fn a_plan_without_faults_left_is_quiet() {
        let mut planned = planned("a#1@1:dispatch=cancel");
        assert_eq!(strike(&mut planned, at("w", true, Some(1), Site::Dispatch)), Some("cancel".to_owned()));
        assert!(planned.is_quiet() && !planned.may_strike(Site::Dispatch));
    }

    #[test]
    fn an_activity_of_no_named_workflow_is_the_first_ones() {
        let site = Site::Await(1);
        let mut planned = planned("a#1@1:await1=crash; v:a#1@1:await1=fail; a#1:task1=crash");
        assert_eq!(strike(&mut planned, at("u", false, Some(1), site)), None);
        assert_eq!(strike(&mut planned, at("v", false, Some(1), site)), Some("fail".to_owned()));
        assert_eq!(strike(&mut planned, at("w", true, Some(1), site)), Some("crash".to_owned()));
        // A workflow's own site is found by its type and number.
        assert_eq!(strike(&mut planned, at("u", false, None, Site::Task(1))), Some("crash".to_owned()));
    }

    #[test]
    fn a_run_that_is_not_there_is_not_struck() {
        let mut planned = planned("/2:a#1@1:await1=crash; /1:a#1@1:await2=fail");
        assert_eq!(strike(&mut planned, at("w", true, Some(1), Site::Await(1))), None);
        assert_eq!(strike(&mut planned, at("w", true, Some(1), Site::Await(2))), Some("fail".to_owned()));
        assert_eq!(planned.not_struck().len(), 1);
    }

    #[test]
    fn a_deadline_strikes_at_the_dispatch_or_at_its_await_and_not_at_both() {
        let plan: Plan = "a#1@1:deadline3=at; a#1@1:deadline2=at_late".parse().unwrap();
        let late = Duration::from_secs(7);
        let mut planned = Planned::new(&plan.entries, &[None, Some(late)]);
        let dispatch = at("w", true, Some(1), Site::Dispatch);
        assert!(planned.may_strike(Site::Dispatch) && !planned.may_strike(Site::Await(3)));
        let expected = LateDispatch { site: Site::Deadline(2), fault: Fault::DeadlineAtLate, by: late };
        assert_eq!(planned.strike_deadline(dispatch), Some(expected));
        assert_eq!(planned.strike_deadline(dispatch), None);
        assert_eq!(strike(&mut planned, at("w", true, Some(1), Site::Deadline(2))), None);
        assert_eq!(strike(&mut planned, at("w", true, Some(1), Site::Deadline(3))), Some("at".to_owned()));
    }
}
