//! [`Injector`]: decides, site by site, whether a fault strikes.

use std::time::Duration;

use super::kind::Fault;
use super::menu::{Limits, menu};
use super::plan::Entry;
use super::site::Site;
use super::swarm::Swarm;
use crate::engine::choice::Choice;

/// Where faults come from in a run.
#[derive(Debug, Default)]
pub(crate) enum Injector {
    /// From nowhere: the reference run.
    #[default]
    Quiet,
    /// From a plan. Each entry strikes at most once; so many have not yet.
    Planned { entries: Vec<Planned>, left: usize },
    /// From the run's seed.
    Swarm(Swarm),
}

/// An entry of a plan and whether it has struck.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) entry: Entry,
    pub(crate) struck: bool,
    /// For a deadline: how much later the attempt is to be dispatched to meet it, where that is the way.
    pub(crate) dispatch_delay: Option<Duration>,
}

/// A site that a run has come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The workflow that owns it, and whether that is the first one started.
    pub(crate) workflow_id: &'a str,
    pub(crate) first_workflow: bool,
    pub(crate) name: &'a str,
    pub(crate) execution: u32,
    pub(crate) attempt: Option<u32>,
    pub(crate) site: Site,
}

impl Injector {
    /// Takes faults from these entries from now on, in their order. Keeps the memory of those before. The dispatch delays
    /// are the entries' in their order, or none at all.
    pub(crate) fn plan(&mut self, entries: &[Entry], delays: &[Option<Duration>]) {
        self.clear();
        if let Injector::Quiet = self {
            *self = Injector::Planned { entries: Vec::new(), left: 0 };
        }
        if let Injector::Planned { entries: planned, left } = self {
            for (place, entry) in entries.iter().enumerate() {
                let dispatch_delay = delays.get(place).copied().flatten();
                planned.push(Planned { entry: entry.clone(), struck: false, dispatch_delay });
            }
            *left = planned.len();
        }
    }

    /// No fault strikes from now on.
    pub(crate) fn clear(&mut self) {
        match self {
            Injector::Planned { entries, left } => {
                entries.clear();
                *left = 0;
            }
            Injector::Quiet | Injector::Swarm(_) => *self = Injector::Quiet,
        }
    }

    /// A deadline that is met by dispatching the attempt later. `place` is its dispatch.
    pub(crate) fn strike_deadline(&mut self, place: Place<'_>) -> Option<(Site, Fault, Duration)> {
        let Injector::Planned { entries, left } = self else { return None };
        entries.iter_mut().filter(|planned| !planned.struck).find_map(|planned| {
            let delay = planned.dispatch_delay?;
            let site = planned.entry.point.site;
            Place { site, ..place }.is(&planned.entry).then(|| {
                planned.struck = true;
                *left -= 1;
                (site, planned.entry.fault, delay)
            })
        })
    }

    /// Whether no fault strikes any more.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Injector::Quiet => true,
            Injector::Planned { left, .. } => *left == 0,
            Injector::Swarm(_) => false,
        }
    }

    /// Whether a fault may strike where an attempt is dispatched; a planned deadline is one.
    #[inline]
    pub(crate) fn may_strike_dispatch(&self) -> bool {
        match self {
            Injector::Quiet => false,
            Injector::Planned { left: 0, .. } => false,
            Injector::Planned { entries, .. } => entries.iter().any(|planned| {
                !planned.struck && (planned.dispatch_delay.is_some() || planned.entry.point.site == Site::Dispatch)
            }),
            Injector::Swarm(_) => true,
        }
    }

    /// Whether a fault may strike at such a site. To be asked before the place is looked up: almost all sites are passed
    /// without a fault.
    #[inline]
    pub(crate) fn may_strike(&self, site: Site) -> bool {
        match self {
            Injector::Quiet => false,
            Injector::Planned { left: 0, .. } => false,
            Injector::Planned { entries, .. } => {
                entries.iter().any(|planned| !planned.struck && planned.entry.point.site == site)
            }
            // A planned deadline needs to know the attempt's course beforehand.
            Injector::Swarm(_) => !matches!(site, Site::Deadline(_)),
        }
    }

    /// Whether a fault strikes here, where it [may](Injector::may_strike), and which.
    pub(crate) fn strike(
        &mut self,
        place: Place<'_>,
        limits: &dyn Fn() -> Limits,
        choice: &mut Choice,
    ) -> Option<Fault> {
        match self {
            Injector::Quiet => None,
            Injector::Planned { entries, left } => {
                let planned = entries
                    .iter_mut()
                    .find(|planned| !planned.struck && planned.dispatch_delay.is_none() && place.is(&planned.entry))?;
                planned.struck = true;
                *left -= 1;
                Some(planned.entry.fault)
            }
            Injector::Swarm(swarm) => {
                if !swarm.is_due(choice) {
                    return None;
                }
                let mut limits = limits();
                let unknown = limits.timeouts.heartbeat.to_duration();
                limits.attempt_length = swarm.usual.bound(place.name, limits.attempt_length, unknown);
                let mut faults = menu(place.site, &limits);
                faults.retain(|fault| swarm.allows(*fault));
                swarm.pick(&faults, choice)
            }
        }
    }

    /// Entries of the plan that have not struck.
    pub(crate) fn not_struck(&self) -> Vec<Entry> {
        let mut not_struck = Vec::new();
        if let Injector::Planned { entries, .. } = self {
            for Planned { entry, struck, .. } in entries {
                if !struck {
                    not_struck.push(entry.clone());
                }
            }
        }
        not_struck
    }
}

impl Place<'_> {
    /// Whether an entry is about this place. Cheap comparisons first: most entries are not.
    fn is(&self, entry: &Entry) -> bool {
        let point = &entry.point;
        point.site == self.site
            && point.attempt == self.attempt
            && point.execution == self.execution
            && *point.name == *self.name
            && match &point.workflow_id {
                Some(id) => **id == *self.workflow_id,
                None => self.attempt.is_none() || self.first_workflow,
            }
            && point.run.is_none_or(|run| run == 1)
    }
}
