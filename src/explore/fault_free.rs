//! The run without faults: what the checks learn from it, and what it may violate itself.

use std::time::Instant;

use super::Exploration;
use super::judge::{Finding, Judge, UNFINISHED, judge};
use super::refusal;
use super::report::{Failed, Part, Report};
use super::tally::Tally;
use crate::check::{Class, Reference, Violation};
use crate::engine::panics;
use crate::fault::Plan;
use crate::report::timeout_words;
use crate::run::{Run, RunError};
use crate::trace::{What, Who};

impl Exploration {
    /// The run without faults, and what the checks learn from it. `None` if it fails a check itself.
    pub(super) fn reference(&self, report: &mut Report) -> Result<Option<(Vec<Judge>, Run)>, RunError> {
        let started = Instant::now();
        let run = self.start.run(&Plan::none()).into_result()?;
        let mut normalizers = self.checks.iter().filter_map(|check| check.normalizer());
        let normalizer = normalizers.next();
        if normalizers.next().is_some() {
            return Err(refusal::two_normalizers());
        }
        refusal::normalizes(&run.outcome(), normalizer.as_ref())?;
        let shared = Reference::new(&run, normalizer);
        let mut judges = Vec::new();
        for check in &self.checks {
            let known = &self.start.setup.activities;
            if let Some(activity) = check.activity().filter(|activity| !known.contains_key(*activity)) {
                return Err(RunError::Setup(format!(
                    "the check `{}` is about the activity `{activity}`, which is not registered (registered: {})",
                    check.name(),
                    crate::run::setup::known(&mut known.keys())
                )));
            }
            let memory = panics::catch(|| check.learn(&run)).map_err(|unwound| {
                RunError::Setup(format!(
                    "the check `{}` cannot look at the run without faults: {}",
                    check.name(),
                    unwound.words()
                ))
            })?;
            judges.push(Judge { check: check.clone(), reference: shared.with_memory(memory) });
        }
        let mut tally = Tally::default();
        let mut finding = judge(&run, &judges, |_| true).into_iter().next();
        if finding.is_none() {
            finding = times_out(&run).map(|violation| Finding { check: UNFINISHED.to_owned(), place: None, violation });
        }
        if finding.is_none() && self.deterministic {
            finding = self.not_reproduced(&Plan::none(), run.trace(), &run.outcome());
        }
        tally.count(&run, finding.is_none().then_some(Class::Survive));
        let failed = finding.is_some();
        if let Some(finding) = finding {
            tally.note_violation(&finding.check);
            report.failures.push(Failed::new(&report.name, run.trace(), Plan::none(), finding, 1));
        }
        report.parts.push(Part { name: "without faults".to_owned(), tally, sampled: None, elapsed: started.elapsed() });
        Ok((!failed).then_some((judges, run)))
    }
}

/// Whether a run without faults runs into a timeout: whatever comes after that, the code or its options are wrong.
fn times_out(run: &Run) -> Option<Violation> {
    let trace = run.trace();
    trace.events().iter().enumerate().find_map(|(place, event)| {
        let message = match (event.who, event.what) {
            (_, What::WorkflowTimedOut) => "the workflow times out without any fault".to_owned(),
            (Who::Activity(activity), What::TimedOut(timeout)) => format!(
                "the activity {} runs into its {} timeout without any fault",
                trace.activity_words(activity),
                timeout_words(timeout)
            ),
            _ => return None,
        };
        Some(Violation::new("times out", message).proved_by([place]))
    })
}
