//! A [`Sweep`] of plans that are known: those of the regressions file, and the one that was asked for.

use super::accepted::{Accepted, Words};
use super::coverage::Coverage;
use super::finding::{Finding, findings};
use super::ongoing::Ongoing;
use super::pool::Block;
use super::regressions::{Kept, Regression, RegressionState};
use super::report::PartKind;
use super::sweep::Sweep;
use super::thread::on_fresh;
use crate::fault::Plan;
use crate::world::{Finished, RunError};

impl Sweep<'_> {
    /// Plans that failed once, strictly: one whose points the run does not come to guards against nothing.
    pub(super) fn regressions(&mut self, regressions: Vec<Kept>) -> Result<(), RunError> {
        if regressions.is_empty() {
            return Ok(());
        }
        let mut part = self.begin(PartKind::Regressions, "regressions".to_owned(), Some(regressions.len() as u64));
        let mut stale = None;
        for Kept { line, plan, accepted } in regressions {
            if self.stops() {
                break;
            }
            if let Some(words) = accepted {
                self.accept(&mut part, line, plan, words)?;
                continue;
            }
            let state = match self.judge_strictly(&part, &plan, &[]) {
                Ok(block) => {
                    let failed = part.tally.failed;
                    self.take(&mut part, block);
                    if part.tally.failed > failed { RegressionState::StillFails } else { RegressionState::Fixed }
                }
                Err(why) => {
                    let why = why.to_string();
                    stale.get_or_insert((line, why.clone()));
                    RegressionState::NoLongerApplies(why)
                }
            };
            self.report.regressions.push(Regression { line, plan, state });
        }
        self.end(part);
        match (stale, &self.report.file) {
            (Some((line, why)), Some(file)) => Err(RunError::PlanNotFired(format!(
                "{file}:{line}: {why}. A plan that does not apply guards against nothing: correct the line or remove it"
            ))),
            _ => Ok(()),
        }
    }

    /// A failure that is accepted: from here on it fails nothing. An error, unless its plan still fails so.
    pub(super) fn accept(&mut self, part: &mut Ongoing, line: usize, plan: Plan, words: Words) -> Result<(), RunError> {
        let Words { check, kind, reason } = words;
        let accepted = Accepted { line, check, kind, reason, plan: plan.clone(), runs: 0 };
        let judges = self.judges;
        let found = self.run_strictly(&plan, |finished| findings(&finished, judges))?;
        if !found.iter().any(|finding| accepted.covers(finding)) {
            let now = match found.first() {
                Some(Finding { check, violation, .. }) => format!("it fails `{check}` by `{}`", violation.kind),
                None => "no check fails".to_owned(),
            };
            return Err(RunError::Setup(format!(
                "{}:{line}: the plan does not fail `{}` by `{}` any more, which the line accepts: {now}. Remove the line, or \
                 correct it",
                self.report.file.as_deref().unwrap_or_default(),
                accepted.check,
                accepted.kind
            )));
        }
        self.report.accepted.push(accepted);
        let accepted = self.report.accepted.clone();
        // Its state is gone with the findings.
        let block = self.judge_strictly(part, &plan, &accepted)?;
        self.take(part, block);
        Ok(())
    }

    /// One plan, strictly: the run must come to each of its points.
    pub(super) fn replay(&mut self, plan: Plan) -> Result<(), RunError> {
        let mut part = self.begin(PartKind::Plan, "the plan".to_owned(), Some(1));
        // It shows what it shows.
        let block = self.judge_strictly(&part, &plan, &[])?;
        self.take(&mut part, block);
        self.report.coverage = Coverage::default();
        self.end(part);
        Ok(())
    }

    /// Makes a run of the plan and takes what is wanted of it. An error, unless the run comes to all its points, or cannot be
    /// finished.
    pub(super) fn run_strictly<T: Send>(
        &self,
        plan: &Plan,
        take: impl FnOnce(Finished) -> T + Send,
    ) -> Result<T, RunError> {
        let start = &self.exploration.start;
        on_fresh(|| {
            let finished = start.run(plan);
            match finished.run.plan_error() {
                Some(error) if finished.error.is_none() => Err(error),
                _ => Ok(take(finished)),
            }
        })
    }

    /// The same, judged and counted.
    fn judge_strictly(&self, part: &Ongoing, plan: &Plan, accepted: &[Accepted]) -> Result<Block, RunError> {
        let (start, judges, care) = (&self.exploration.start, self.judges, self.care(part, accepted));
        self.run_strictly(plan, |finished| {
            let mut block = Block::default();
            block.take(start, judges, finished, plan.clone(), care);
            block
        })
    }
}
