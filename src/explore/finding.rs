//! [`Finding`]: what a run was found to violate, and by which check.

use std::mem::Discriminant;
use std::sync::Arc;

use crate::check::{Check, Class, Reference, Violation};
use crate::program::panics;
use crate::world::logs::Logs;
use crate::world::shown::Shown;
use crate::world::violated::Seen;
use crate::world::{Finished, Run, RunError};

/// A check with what it knows of the run without faults.
pub(super) struct Judge {
    pub(super) check: Arc<dyn Check>,
    /// The run without faults has nothing for it, so that it may have nothing to judge in any run.
    pub(super) shows_nothing: bool,
    pub(super) reference: Reference,
}

/// A violation that was found in a run.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Finding {
    pub(super) cause: Cause,
    /// The name under which it is reported.
    pub(super) check: String,
    pub(super) violation: Violation,
    /// The lines of the code under test that it is about, in words.
    pub(super) places: Vec<String>,
    /// True if the same plan shows it again, as far as that is known.
    pub(super) repeats: bool,
    /// The lines that the code of the run has logged, once they are known.
    pub(super) logs: Logs,
    /// True if it says little of the cause: that a run ends otherwise, or not at all.
    pub(super) is_general: bool,
}

/// Where a finding comes from. Findings of the same cause are the same failure, with maybe another plan.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Cause {
    /// A rule of a check. Two checks of an exploration may have the same name, so the check is known by its index.
    Check { index: usize, rule: String },
    /// An error that ended the run early.
    Unfinished(Discriminant<RunError>),
    /// The run without faults does not end well.
    Reference,
    /// A fake saw what must not be: its words without their numbers.
    Seen(String),
    /// A state of the run panicked when it was dropped.
    DroppedState,
    /// The run went another way when it was made again.
    NotDeterministic,
}

impl Finding {
    /// A check of this index found this.
    fn of_check(index: usize, check: &dyn Check, violation: Violation) -> Finding {
        let cause = Cause::Check { index, rule: violation.kind.clone() };
        let (name, is_general) = (check.name().to_owned(), check.is_general());
        Finding { cause, check: name, violation, places: Vec::new(), repeats: true, is_general, logs: Logs::default() }
    }

    /// This error ended a run.
    fn unfinished(error: &RunError) -> Finding {
        let violation = Violation::new(error.kind(), error.to_string());
        Finding {
            cause: Cause::Unfinished(std::mem::discriminant(error)),
            check: "finishes".to_owned(),
            violation,
            places: Vec::new(),
            repeats: true,
            is_general: true,
            logs: Logs::default(),
        }
    }

    /// The run without faults fails, as `ends well` says, or runs into a timeout, as `finishes` says.
    pub(super) fn of_reference(check: &str, violation: Violation) -> Finding {
        let (cause, check, places) = (Cause::Reference, check.to_owned(), Vec::new());
        Finding { cause, check, violation, places, repeats: true, is_general: true, logs: Logs::default() }
    }

    /// A run went another way when it was made again, where its code had come so far.
    pub(super) fn not_deterministic(violation: Violation, place: Option<String>) -> Finding {
        let (check, places) = ("deterministic".to_owned(), place.into_iter().collect());
        Finding {
            cause: Cause::NotDeterministic,
            check,
            violation,
            places,
            repeats: false,
            is_general: false,
            logs: Logs::default(),
        }
    }

    /// The same, if the run itself goes the same way when it is made again, as far as that was looked at, but this is not
    /// found then.
    pub(super) fn that_does_not_repeat(mut self) -> Finding {
        self.repeats = false;
        self.violation.kind = "does not repeat".to_owned();
        self.violation.message.push_str(
            ". This happened once, and not when the same plan ran again: the check or the state that it looks at depends \
             on something that is not simulated, such as the real clock, a global, or the order of a `HashMap`",
        );
        self
    }

    /// Says whether it is the same failure, with maybe another plan.
    pub(super) fn is_same(&self, other: &Finding) -> bool {
        self.cause == other.cause && self.repeats == other.repeats
    }
}

/// The findings of a run: the error that ended it, or those of the checks.
pub(super) fn findings(finished: &Finished, judges: &[Judge]) -> Vec<Finding> {
    let Some(error) = &finished.error else {
        if let Some(error) = finished.run.failed_task() {
            return vec![Finding::unfinished(&error)];
        }
        let mut found = judge(&finished.run, judges, |_| true);
        found.extend(of_dropped_state(&finished.run));
        return found;
    };
    if matches!(error, RunError::Horizon { .. } | RunError::StillRunning { .. } | RunError::TooLong { .. }) {
        let known = judge(&finished.run, judges, |check| check.judges_runs_without_end());
        if !known.is_empty() {
            return known;
        }
    }
    vec![Finding::unfinished(error)]
}

/// A mock that verifies its calls when it is dropped does so after all checks have looked at it.
pub(super) fn of_dropped_state(run: &Run) -> Option<Finding> {
    let violation = Violation::new("panics when dropped", run.drop_state()?);
    let (cause, check) = (Cause::DroppedState, "state".to_owned());
    Some(Finding {
        cause,
        check,
        violation,
        places: Vec::new(),
        repeats: true,
        is_general: false,
        logs: Logs::default(),
    })
}

/// The things that fakes saw and that must not be, each kind once.
fn of_violations(run: &Run) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for Seen { message, place, event } in run.violations() {
        let rule: String = message.chars().filter(|character| !character.is_ascii_digit()).collect();
        let violation = Violation::new(rule.clone(), format!("a fake saw what must not be: {message}"));
        let cause = Cause::Seen(rule);
        if findings.iter().any(|known| known.cause == cause) {
            continue;
        }
        findings.push(Finding {
            cause,
            check: "violation".to_owned(),
            violation: violation.proved_by(Vec::from_iter(event)),
            places: Vec::from_iter(place),
            repeats: true,
            is_general: false,
            logs: Logs::default(),
        });
    }
    findings
}

/// The findings of the checks that are asked.
pub(super) fn judge(run: &Run, judges: &[Judge], is_asked: fn(&dyn Check) -> bool) -> Vec<Finding> {
    let shown = Shown::of_this_thread();
    let asked = judges.iter().enumerate().filter(|(_, judge)| is_asked(&*judge.check));
    let found = asked.filter_map(|(index, judge)| {
        let violation = match shown.checking(|| panics::catch(|| judge.check.check(run, &judge.reference))) {
            Ok(judged) => judged.err()?,
            Err(unwound) => Violation::new("panics", format!("the check itself panicked: {}", unwound.words())),
        };
        Some(Finding::of_check(index, &*judge.check, violation))
    });
    of_violations(run).into_iter().chain(found).collect()
}

/// The class of a run that violates nothing.
pub(super) fn class(run: &Run, judges: &[Judge]) -> Option<Class> {
    judges.first().map(|judge| judge.reference.class_of(run))
}
