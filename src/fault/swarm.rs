//! [`Swarm`]: faults drawn from a seed.
//!
//! Each seed switches whole families of faults on or off and draws how often they strike. A run with one kind of
//! trouble, such as many lost messages, finds bugs that a little of everything does not.
//!
//! Source of the idea: Groce et al., "Swarm testing", ISSTA 2012.
//!
//! A run that meets no fault shows nothing. So the rates follow the number of sites that the run without faults has, at
//! least one family can strike at one of them, and a strike that is due waits for a site where it can.

use std::sync::Arc;

use super::family::Families;
use super::kind::Fault;
use super::menu::{Limits, menu};
use super::point::Site;
use super::source::{Faults, Location};
use super::survey::Survey;
use crate::engine::choice::{Draws, Stream};

/// The number of rates, of which each seed has one.
const RATES: u32 = 5;

/// The faults of one run, drawn from its seed.
#[derive(Debug)]
pub(crate) struct Swarm {
    draws: Draws,
    /// The families that are on.
    families: Families,
    /// The kinds of site where one of those families may fit, a bit for each. No other kinds count.
    kinds: u16,
    /// The average number of sites between two strikes.
    gap: u32,
    /// The number of sites until the next strike.
    left: u32,
    over_budget: bool,
    survey: Arc<Survey>,
}

impl Swarm {
    /// Draws which families are on and how often they strike, as it suits a run with such sites.
    pub(crate) fn new(seed: u64, over_budget: bool, survey: Arc<Survey>) -> Swarm {
        let mut draws = Draws::new(seed, Stream::Faults);
        let sites = survey.sites(over_budget);
        let families = Families::drawn(&mut draws, sites.families());
        let sites = sites.fitting(families);
        let gap = gap(sites, draws.below(RATES));
        // The first strike comes even at the lowest rate.
        let left = draws.below(sites.clamp(1, 2 * gap));
        Swarm { draws, families, kinds: survey.kinds(families), gap, left, over_budget, survey }
    }
}

/// The average number of sites between two strikes at this rate, of which 0 is the highest. The rates go from a gap of
/// some 4 sites, or fewer where there are few, to half of all, in even steps of proportion.
fn gap(sites: u32, rate: u32) -> u32 {
    let widest = f64::from((sites / 2).clamp(1, u32::MAX / 4));
    let narrowest = (widest / 4.0).clamp(1.0, 4.0);
    // This is the fourth root. Square roots are the same on every machine, other powers are not.
    let step = (widest / narrowest).sqrt().sqrt();
    (0..rate).fold(narrowest, |gap, _| gap * step).round() as u32
}

impl Faults for Swarm {
    fn may_strike(&self, site: Site) -> bool {
        self.kinds & 1 << site.kind() != 0
    }

    fn strike(&mut self, at: Location<'_>, limits: &dyn Fn() -> Limits) -> Option<Fault> {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return None;
        }
        let mut limits = limits();
        let unknown = limits.timeouts.heartbeat.to_duration();
        limits.attempt_length = self.survey.lengths().bound(at.name, limits.attempt_length, unknown);
        let mut faults = menu(at.site, &limits);
        faults.retain(|fault| self.families.has(fault.family()));
        // Where no fault fits, the strike stays due.
        let many = faults.len();
        let fault = if many == 0 { None } else { Some(faults[self.draws.index(many)]) }?;
        self.left = self.draws.below(2 * self.gap);
        Some(fault)
    }

    fn is_over_budget(&self) -> bool {
        self.over_budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::asked::Asked;

    #[test]
    fn rates_follow_the_number_of_sites() {
        let gaps = |sites| [0, 1, 2, 3, 4].map(|rate| gap(sites, rate));
        assert_eq!(gaps(0), [1; 5]);
        assert_eq!(gaps(10), [1, 2, 3, 4, 5]);
        assert_eq!(gaps(64), [4, 7, 11, 19, 32]);
        assert_eq!(gaps(400), [4, 11, 28, 75, 200]);
        assert_eq!(gaps(400_000), [4, 60, 894, 13_375, 200_000]);
        assert!(gaps(u32::MAX).into_iter().all(|gap| gap.checked_mul(2).is_some()));
    }

    /// The faults that strike an attempt of four steps, in which all goes as it does without faults.
    fn strikes(seed: u64, survey: &Arc<Survey>, may_end: bool) -> Vec<Fault> {
        let mut swarm = Swarm::new(seed, false, survey.clone());
        let limits = || Limits::of_workflow(may_end);
        let mut struck = Vec::new();
        for site in sites() {
            let at = Location {
                workflow_id: "w",
                first_workflow: true,
                run: 1,
                name: "a",
                execution: 1,
                attempt: Some(1),
                site,
            };
            if swarm.may_strike(site) {
                struck.extend(swarm.strike(at, &limits));
            }
        }
        struck
    }

    fn sites() -> impl Iterator<Item = Site> {
        let steps = (1..=4).flat_map(|step| [Site::Await(step), Site::Effect(step), Site::Heartbeat(step)]);
        [Site::Task(1), Site::Dispatch].into_iter().chain(steps).chain([Site::Completion])
    }

    #[test]
    fn every_seed_strikes_where_it_can() {
        for may_end in [true, false] {
            let mut survey = Survey::new(Asked::default());
            sites().for_each(|site| survey.add_site(site, may_end, true));
            let survey = Arc::new(survey);
            let without: Vec<u64> = (0..1_000).filter(|seed| strikes(*seed, &survey, may_end).is_empty()).collect();
            assert!(without.is_empty(), "may end: {may_end}: {} seeds, {without:?}", without.len());
        }
    }

    #[test]
    fn a_strike_that_is_due_waits_until_it_fits() {
        let survey = Arc::new(Survey::unknown(Asked::default()));
        let has_failures_alone =
            |swarm: &Swarm| swarm.may_strike(Site::Effect(1)) && !swarm.may_strike(Site::Completion);
        let seeds = (0..).map(|seed| Swarm::new(seed, false, survey.clone()));
        // These are failures alone, at awaits and effects.
        let mut swarm = seeds.into_iter().find(has_failures_alone).expect("a seed with failures alone");
        let site = Site::Await(1);
        let at = Location {
            workflow_id: "w",
            first_workflow: true,
            run: 1,
            name: "a",
            execution: 1,
            attempt: Some(1),
            site,
        };
        assert!((0..1_000).all(|_| swarm.strike(at, &|| Limits::of_workflow(false)).is_none()));
        assert_eq!(swarm.strike(at, &|| Limits::of_workflow(true)), Some(Fault::Fail));
    }
}
