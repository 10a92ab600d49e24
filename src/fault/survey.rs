//! [`Survey`]: the facts about the run without faults, for those who draw faults for other runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::asked::Asked;
use super::family::Families;
use super::menu::{AttemptLengths, Limits, menu};
use super::point::Site;

/// A site of each kind at which a drawn fault may strike. Deadlines are not among them: the time of a deadline's await
/// would have to be known beforehand.
const SITES: [Site; 14] = [
    Site::Dispatch,
    Site::Await(1),
    Site::Effect(1),
    Site::Heartbeat(1),
    Site::Completion,
    Site::Backoff,
    Site::Task(1),
    Site::Signal(1),
    Site::Timer(1),
    Site::Child(1),
    Site::ChildEnd(1),
    Site::Message(1),
    Site::Update(1),
    Site::UpdateEnd(1),
];

/// The number of sites in a run of which nothing is known.
const UNKNOWN: u32 = 32;

/// The facts that the run without faults shows: where faults can strike, how many of these sites there are, and how
/// long attempts take. The survey is made once and read by the run of each seed.
#[derive(Debug)]
pub(crate) struct Survey {
    kinds: [Kind; SITES.len()],
    lengths: AttemptLengths,
    within_budget: Sites,
    over_budget: Sites,
    /// Says for each activity type whether any of its attempts may be ended within the budget.
    may_end: BTreeMap<Arc<str>, bool>,
}

/// A kind of site, and the families of which a fault fits there.
#[derive(Clone, Copy, Debug)]
struct Kind {
    kind: u8,
    /// The families that fit where attempts may be ended.
    freely: Families,
    /// The families that fit where no attempt may be ended.
    bound: Families,
}

impl Kind {
    fn of(site: Site, asked: Asked) -> Kind {
        let families = |may_end| Families::of(&menu(site, &Limits { asked, ..Limits::of_workflow(may_end) }));
        Kind { kind: site.kind(), freely: families(true), bound: families(false) }
    }

    fn fitting(self, may_end: bool) -> Families {
        if may_end { self.freely } else { self.bound }
    }
}

/// Numbers of sites, by the families of which a fault fits there.
#[derive(Clone, Debug, Default)]
pub(super) struct Sites(BTreeMap<Families, u32>);

impl Sites {
    fn add(&mut self, fitting: Families, count: u32) {
        let known = self.0.entry(fitting).or_default();
        *known = known.saturating_add(count);
    }

    /// The families of which a fault fits somewhere.
    pub(super) fn families(&self) -> Families {
        self.0.keys().fold(Families::default(), |all, fitting| all.with(*fitting))
    }

    /// The number of sites where a fault of one of these families fits.
    pub(super) fn fitting(&self, families: Families) -> u32 {
        let counts = self.0.iter().filter(|(fitting, _)| fitting.meets(families)).map(|(_, count)| *count);
        counts.fold(0, u32::saturating_add)
    }
}

impl Survey {
    /// The survey of a run, of which the user asks for these faults, to which nothing is added yet.
    pub(crate) fn new(asked: Asked) -> Survey {
        Survey {
            kinds: SITES.map(|site| Kind::of(site, asked)),
            lengths: AttemptLengths::default(),
            within_budget: Sites::default(),
            over_budget: Sites::default(),
            may_end: BTreeMap::new(),
        }
    }

    /// An assumption about a run that nobody has seen without faults: 32 sites, at each of which every family fits.
    pub(crate) fn unknown(asked: Asked) -> Survey {
        let mut survey = Survey::new(asked);
        let all = survey.kinds.iter().fold(Families::default(), |all, kind| all.with(kind.freely));
        survey.within_budget.add(all, UNKNOWN);
        survey.over_budget.add(all, UNKNOWN);
        survey
    }

    /// Adds a site, and says whether attempts may be ended there: within the budget, and over it.
    pub(crate) fn add_site(&mut self, site: Site, may_end: bool, may_end_over_budget: bool) {
        if let Some(kind) = self.kinds.iter().find(|kind| kind.kind == site.kind()) {
            self.within_budget.add(kind.fitting(may_end), 1);
            self.over_budget.add(kind.fitting(may_end_over_budget), 1);
        }
    }

    /// Adds an attempt: how long it took, if it came to an end, and whether faults may end it within the budget.
    pub(crate) fn add_attempt(&mut self, activity_type: &Arc<str>, length: Option<Duration>, may_end: bool) {
        if let Some(length) = length {
            self.lengths.add(activity_type, length);
        }
        *self.may_end.entry(activity_type.clone()).or_default() |= may_end;
    }

    /// The lengths of attempts.
    pub(crate) fn lengths(&self) -> &AttemptLengths {
        &self.lengths
    }

    /// The activity types of which no attempt may be ended within the budget, if there are any, and whether those are all.
    pub(crate) fn never_ended(&self) -> Option<(Vec<&Arc<str>>, bool)> {
        let never: Vec<&Arc<str>> =
            self.may_end.iter().filter(|(_, may_end)| !**may_end).map(|(activity_type, _)| activity_type).collect();
        let all = never.len() == self.may_end.len();
        (!never.is_empty()).then_some((never, all))
    }

    pub(super) fn sites(&self, over_budget: bool) -> &Sites {
        if over_budget { &self.over_budget } else { &self.within_budget }
    }

    /// The kinds of site, a bit for each, where a fault of one of these families may fit.
    pub(super) fn kinds(&self, families: Families) -> u16 {
        let kinds = self.kinds.iter().filter(|kind| kind.freely.meets(families));
        kinds.fold(0, |bits, kind| bits | 1 << kind.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn every_kind_of_site_but_deadlines_may_be_struck() {
        let kinds: Vec<u8> = SITES.iter().map(|site| site.kind()).collect();
        assert_eq!(kinds, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
        let mut survey = Survey::new(Asked::default());
        survey.add_site(Site::Deadline(1), true, true);
        assert_eq!(survey.sites(true).families(), Families::default());
    }

    #[test]
    fn sites_are_counted_for_the_families_that_fit_them() {
        let mut survey = Survey::new(Asked::default());
        let sites = [Site::Dispatch, Site::Await(1), Site::Await(2), Site::Effect(1), Site::Completion];
        sites.into_iter().for_each(|site| survey.add_site(site, false, true));
        let count = |over_budget, fault| survey.sites(over_budget).fitting(Families::of(&[fault]));
        // Where no attempt may end, a crash, a failure and a stall fit nowhere. A cancel fits, but not at an effect.
        assert_eq!(
            [Fault::Crash, Fault::Fail, Fault::Stop, Fault::Cancel].map(|fault| count(false, fault)),
            [0, 0, 0, 4]
        );
        assert_eq!(
            [Fault::Crash, Fault::Fail, Fault::Stop, Fault::Cancel].map(|fault| count(true, fault)),
            [5, 3, 2, 4]
        );
        assert_eq!(survey.kinds(Families::of(&[Fault::Evicted])), 1 << Site::Task(1).kind());
    }
}
