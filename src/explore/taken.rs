//! A [`Sweep`] takes the runs that were made: counts them, explains what fails, repeats some.

use super::explain::explain;
use super::finding::{Cause, Finding};
use super::ongoing::Ongoing;
use super::pool::{Block, Broken, Passed};
use super::repeat::{Once, REPEATED, differ_in_another_order};
use super::report::Part;
use super::sweep::{EXPLAINED, Sweep};

impl Sweep<'_> {
    /// Counts a block of runs, explains those of its failures that are new, and repeats some of the runs that passed.
    pub(super) fn take(&mut self, part: &mut Ongoing, block: Block) {
        let before = part.tally.runs;
        part.tally.add(block.tally);
        part.impossible += block.impossible;
        part.failing.add(block.failing);
        self.report.coverage.add(block.coverage);
        for accepted in &mut self.report.accepted {
            accepted.runs += block.accepted.get(&accepted.line).copied().unwrap_or_default();
        }
        let mut broken = block.broken.into_iter().peekable();
        let mut passed = block.passed.into_iter().peekable();
        // In the order of the runs.
        loop {
            let next_passed = passed.peek().map_or(u64::MAX, |passed| passed.run);
            if let Some(broken) = broken.next_if(|broken| broken.run < next_passed) {
                self.take_broken(part, broken, before);
            } else if let Some(passed) = passed.next() {
                Sweep::take_passed(part, passed, before);
            } else {
                break;
            }
        }
    }

    /// Explains a failure, if it is new. Code that goes another way each time has no smallest plan: then that is the failure,
    /// and not what it led to.
    pub(super) fn take_broken(&mut self, part: &mut Ongoing, broken: Broken, before: u64) {
        let Broken { run, finding, once } = broken;
        if !self.is_new(&finding) {
            return;
        }
        let is_known = finding.cause == Cause::NotDeterministic || !self.exploration.deterministic;
        let other = if is_known { None } else { once.differs_on_another_thread(&self.exploration.start) };
        if let Some(other) = &other {
            part.tally.note_violation(&other.check);
        }
        self.report_failure(once, other.unwrap_or(finding), before + run);
    }

    /// Keeps a run that passed, to be repeated when the part ends, if not enough of them have been.
    pub(super) fn take_passed(part: &mut Ongoing, mut passed: Passed, before: u64) {
        if part.sample.len() < REPEATED {
            passed.run += before;
            part.sample.push(passed);
        }
    }

    /// Repeats the sample of a part on another thread, the last of its runs first.
    pub(super) fn repeat(&mut self, part: &mut Ongoing) {
        let sample = std::mem::take(&mut part.sample);
        if self.report.interrupted {
            return;
        }
        let start = &self.exploration.start;
        let found = differ_in_another_order(sample.iter().map(|passed| &passed.once), start);
        if found.iter().any(Option::is_some) {
            self.reference_again();
        }
        for (Passed { run, class, once }, finding) in sample.into_iter().zip(found) {
            if let Some(finding) = finding {
                part.tally.fails_after_all(&once.trace, class, &finding.check);
                self.report_failure(once, finding, run);
            }
        }
    }

    /// Makes the run without faults once more: what runs with faults have left outside of the run shows in it.
    pub(super) fn reference_again(&mut self) {
        if !self.exploration.deterministic || self.report.interrupted {
            return;
        }
        let Some(once) = self.reference.take() else { return };
        if let Some(finding) = once.differs_after_faults(&self.exploration.start) {
            if let Some(Part { tally, .. }) = self.report.parts.first_mut() {
                (tally.survive, tally.failed) = (0, 1);
                tally.note_violation(&finding.check);
            }
            self.report_failure(once, finding, 1);
        }
    }

    pub(super) fn is_new(&self, finding: &Finding) -> bool {
        let failures = &self.report.failures;
        failures.len() < EXPLAINED && !failures.iter().any(|failed| failed.finding.is_same(finding))
    }

    /// Explains a failure, which takes runs of its own, if it is new.
    pub(super) fn report_failure(&mut self, once: Once, finding: Finding, run: u64) {
        if self.is_new(&finding) {
            let failed = explain(&self.exploration.start, self.report, self.judges, once, finding, run);
            self.report.failures.push(failed);
        }
    }
}
