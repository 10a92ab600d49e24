//! An exploration is carried out: as it says, or as the environment asks in its place.

use super::Exploration;
use super::coverage::Coverage;
use super::depth::{Depth, TimeLimit};
use super::environment::{Environment, Wanted};
use super::message::Extent;
use super::notes::tell;
use super::regressions::Kept;
use super::repeat::Once;
use super::report::Report;
use super::restricted::{tell_nothing_seen, tell_of_time};
use super::sweep::Sweep;
use super::validate::showed_something;
use crate::fault::Plan;
use crate::program::Counted;
use crate::world::RunError;
use crate::world::interrupt::Exploring;
use crate::world::logging::silence;

impl Exploration {
    /// Makes all runs, or those that the environment asks for in their place.
    pub(super) fn sweep(&self, report: &mut Report) -> Result<(), RunError> {
        self.validate_checks()?;
        let environment = Environment::read()?;
        let in_place = environment.in_place(&report.name, self.has_seeds(), self.every_pair);
        let Environment { wanted, shard, depth, writes, decided_by } = environment;
        let until = depth.time.as_ref().filter(|_| matches!(wanted, Wanted::Everything)).and_then(TimeLimit::end);
        let regressions = self.kept_plans(report, writes)?;
        self.validate_parts(&wanted, !regressions.is_empty())?;
        if let Wanted::Plan(plan) = &wanted {
            if let Some(other) = plan.exploration.as_deref().filter(|other| **other != *report.name) {
                if !self.inputs.are_called(other) {
                    tell(&format!("{} is skipped, since DURASIM_PLAN is for {other}", report.name));
                }
                report.skipped = true;
                return Ok(());
            }
            report.extent = Extent::Whole;
        }
        in_place.into_iter().for_each(|line| report.tell(line));
        let (_exploring, _silence) = (Exploring::begin(), silence());
        let Some((judges, reference)) = self.reference(report)? else { return Ok(()) };
        self.start.learn(&reference);
        let mut sweep = Sweep::new(self, &judges, report);
        sweep.reference = Some(Once::new(&reference, Plan::none()));
        (sweep.depth, sweep.until) = (depth, until);
        match wanted {
            Wanted::Everything => {
                sweep.shard = shard;
                sweep.report.shard = (!shard.is_whole()).then_some(shard);
                sweep.regressions(regressions)?;
                sweep.everything(&reference);
                if sweep.report.holds() {
                    sweep.reference_again();
                }
                tell_of_time(sweep.report, sweep.depth.time.as_ref());
                showed_something(sweep.report)?;
                // Fewer runs than the test asks for may not come there.
                if shard.is_whole() && sweep.depth == Depth::default() {
                    sweep.report.sometimes = self.checks.sometimes();
                }
            }
            Wanted::Plan(plan) => sweep.replay(plan)?,
            Wanted::Seed(seed) => {
                sweep.seeds(format!("seed {seed}"), seed..=seed);
                sweep.report.coverage = Coverage::default();
            }
        }
        if let Some(variable) = decided_by {
            tell_nothing_seen(report, &variable);
        }
        if writes {
            self.keep(report)?;
        }
        Ok(())
    }

    /// Makes the run of one plan: [`Exploration::replay`].
    pub(super) fn replay_into(&self, report: &mut Report, plan: &Plan) -> Result<(), RunError> {
        self.validate_checks()?;
        report.extent = Extent::Whole;
        let (_exploring, _silence) = (Exploring::begin(), silence());
        let Some((judges, _)) = self.reference(report)? else { return Ok(()) };
        Sweep::new(self, &judges, report).replay(plan.clone())
    }

    /// The plans of the exploration's file.
    fn kept_plans(&self, report: &mut Report, writes: bool) -> Result<Vec<Kept>, RunError> {
        let Some(file) = &self.regressions else { return Ok(Vec::new()) };
        report.file = Some(file.to_string());
        let (own, others) = file.of(&report.name, writes)?;
        if own.is_empty()
            && let Some(kept) = others.first()
            && !others
                .iter()
                .filter_map(|kept| kept.plan.exploration.as_deref())
                .any(|name| self.inputs.are_called(name))
        {
            let other = kept.plan.exploration.as_deref().unwrap_or_default();
            let passed_over = format!(
                "regressions: 0 of {} of {file} are for {}; the first is for {other}",
                Counted(others.len(), "plan"),
                report.name
            );
            tell(&format!("{passed_over}. Did the test get another name?"));
            report.notes.push(passed_over);
        }
        Ok(own)
    }

    /// Appends the plans of new failures to the exploration's file.
    fn keep(&self, report: &mut Report) -> Result<(), RunError> {
        match &self.regressions {
            Some(file) => report.written = Some(file.write(&report.failures)?),
            None if report.failures.is_empty() => {}
            None => tell(&format!(
                "{} has no file for what fails, as DURASIM_REGRESSIONS=write wants it: add \
                 `.regressions(\"tests/my_test.regressions\")`",
                report.name
            )),
        }
        Ok(())
    }
}
