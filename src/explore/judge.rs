//! [`Judge`]: a check with what it knows of the run without faults; and what a run is found to violate.

use std::sync::Arc;

use super::repeat::DETERMINISTIC;
use crate::check::{Check, Class, Reference, Violation, classify};
use crate::program::panics;
use crate::run::{Finished, Run, RunError};

/// The name under which runs that could not be finished are reported.
pub(super) const UNFINISHED: &str = "finishes";

/// The kind of a violation that was not there again.
pub(super) const DOES_NOT_REPEAT: &str = "does not repeat";

/// A check with what it knows of the fault-free run.
pub(super) struct Judge {
    pub(super) check: Arc<dyn Check>,
    pub(super) reference: Reference,
}

/// What a run was found to violate: what a check minds, or the error that ended it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Finding {
    pub(super) check: String,
    /// Which of the exploration's checks, if it is one: two may have the same name.
    pub(super) place: Option<usize>,
    pub(super) violation: Violation,
}

impl Finding {
    /// Of a run that goes another way when it is made again.
    pub(super) fn not_deterministic(violation: Violation) -> Finding {
        Finding { check: DETERMINISTIC.to_owned(), place: None, violation }
    }

    /// Whether it is the same failure, with maybe another plan.
    pub(super) fn is_same(&self, other: &Finding) -> bool {
        self.check == other.check && self.place == other.place && self.violation.kind == other.violation.kind
    }

    /// Whether the plan shows it again: what depends on more than the plan has no smallest one.
    pub(super) fn is_repeatable(&self) -> bool {
        self.check != DETERMINISTIC && self.violation.kind != DOES_NOT_REPEAT
    }
}

/// What a run violates: the error that ended it, or what each check minds.
pub(super) fn findings(finished: &Finished, judges: &[Judge]) -> Vec<Finding> {
    match &finished.error {
        Some(error) => {
            if matches!(error, RunError::Horizon { .. } | RunError::TooLong { .. }) {
                let known = judge(&finished.run, judges, |check| check.judges_runs_without_end());
                if !known.is_empty() {
                    return known;
                }
            }
            let violation = Violation::new(error.kind(), error.to_string());
            vec![Finding { check: UNFINISHED.to_owned(), place: None, violation }]
        }
        None => judge(&finished.run, judges, |_| true),
    }
}

/// What each check minds of those that are asked.
pub(super) fn judge(run: &Run, judges: &[Judge], asked: fn(&dyn Check) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, judge) in judges.iter().enumerate() {
        if !asked(&*judge.check) {
            continue;
        }
        let violation = match panics::catch(|| judge.check.check(run, &judge.reference)) {
            Ok(Ok(())) => continue,
            Ok(Err(violation)) => violation,
            Err(unwound) => Violation::new("panics", format!("the check itself panicked: {}", unwound.words())),
        };
        findings.push(Finding { check: judge.check.name().to_owned(), place: Some(place), violation });
    }
    findings
}

/// The class of a run that violates nothing.
pub(super) fn class(run: &Run, judges: &[Judge]) -> Option<Class> {
    judges.first().map(|judge| classify(run, &judge.reference))
}
