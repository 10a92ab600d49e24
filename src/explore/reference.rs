//! The run without faults: what the checks learn from it, and what it may violate itself.

use std::sync::Arc;
use std::time::Instant;

use serde::de::IgnoredAny;

use super::Exploration;
use super::checks::shows_nothing;
use super::explain::{add_places, logs_of};
use super::failed::Failed;
use super::finding::{Cause, Finding, Judge, judge, of_dropped_state};
use super::repeat::Once;
use super::report::{Part, PartKind, Report};
use super::suggest::suggestions;
use super::tally::Tally;
use super::validate;
use crate::check::{Class, Declared, Reference, Violation};
use crate::fault::Plan;
use crate::program::{TimeoutType, list_names, panics};
use crate::trace::{What, Who};
use crate::world::stuck::MAYBE_OUTSIDE;
use crate::world::{Outcome, Run, RunError};

impl Exploration {
    /// The run without faults, and what the checks learn from it. `None` if it does not end well, or fails a check.
    pub(super) fn reference(&self, report: &mut Report) -> Result<Option<(Vec<Judge>, Run)>, RunError> {
        let started = Instant::now();
        let mut tally = Tally::default();
        let run = self.start.with_places().run(&Plan::none()).into_result()?;
        if let Some(error) = run.failed_task() {
            return Err(error);
        }
        // A timeout that makes it fail is the better story, and what the attempt waits for an even better one.
        let waits = waits_for_nothing(&run);
        let times_out = times_out(&run);
        let fails = if times_out.is_none() { fails(&run) } else { None };
        let (waits, times_out, fails) = if self.reference_may_fail {
            report.excused = Some(fails.or(times_out));
            (None, None, None)
        } else {
            (waits, times_out, fails)
        };
        // The checks are not asked then: that the run fails says it all.
        let mut finding = waits.map(|violation| Finding::of_reference("finishes", violation));
        finding = finding.or(fails.map(|violation| Finding::of_reference("ends well", violation)));
        let new_version = if finding.is_none() { self.new_version()? } else { None };
        let judges = if finding.is_none() { self.judges(&run, new_version.as_ref())? } else { Vec::new() };
        if finding.is_none() && times_out.is_none() {
            self.checks.look_at_something(&run)?;
        }
        let weak = judges.iter().filter_map(|judge| panics::catch(|| judge.check.shows_little(&run)).ok().flatten());
        report.notes.extend(weak);
        if finding.is_none() {
            let mut found = judge(&run, &judges, |_| true);
            // A stable sort: of those that tell as much, the first.
            found.sort_by_key(|found| found.is_general);
            let mut found = found.into_iter();
            finding = found.next();
            found.for_each(|other| tally.note_violation(&other.check));
        }
        // Notes look at what the run left, so this comes last.
        finding = of_dropped_state(&run).filter(|_| finding.is_none()).or(finding);
        if finding.is_none() {
            finding = times_out.map(|violation| Finding::of_reference("finishes", violation));
        }
        if finding.is_none() && self.deterministic {
            finding = Once::new(&run, Plan::none()).differs_on_another_thread(&self.start);
        }
        for Judge { check, reference, .. } in judges.iter().filter(|judge| judge.check.is_sometimes()) {
            tally.note_judged(check.name(), panics::catch(|| check.has_something(&run, reference)).unwrap_or(false));
        }
        tally.count(&run, finding.is_none().then_some(Class::Survive));
        // It is the run that the others are compared with.
        (tally.survive, tally.quiet) = (tally.quiet, 0);
        let failed = finding.is_some();
        if !failed {
            report.suggestions = suggestions(&run, &self.checks);
        }
        if let Some(mut finding) = finding {
            if finding.cause == Cause::NotDeterministic {
                Once::new(&run, Plan::none()).add_place(&mut finding, &self.start);
            } else {
                add_places(&mut finding, &run);
            }
            tally.note_violation(&finding.check);
            let finding = Finding { logs: logs_of(&self.start, &Plan::none(), run.trace()), ..finding };
            let failed = Failed::new(report.test(), run.trace(), Plan::none(), finding, 1);
            report.failures.push(failed);
        }
        report.parts.push(Part {
            name: "without faults".to_owned(),
            tally,
            sampled: None,
            long: None,
            seeds: None,
            impossible: 0,
            observed: None,
            ended_early: None,
            elapsed: started.elapsed(),
            kind: PartKind::Reference,
        });
        Ok((!failed).then_some((judges, run)))
    }

    /// The run without faults of the new version of the code, if there is one.
    fn new_version(&self) -> Result<Option<Run>, RunError> {
        let Some(start) = self.start.of_new_version() else { return Ok(None) };
        let says = |why: String| {
            RunError::Setup(format!(
                "the new version, which `.deploy(..)` gives, is run without faults beside the old one, and does not end well: \
                 {why}. Explore it by itself first; `.reference_may_fail()` allows a workflow that fails"
            ))
        };
        let run = start.run(&Plan::none()).into_result().map_err(|error| says(error.to_string()))?;
        match fails(&run).or_else(|| times_out(&run)).filter(|_| !self.reference_may_fail) {
            Some(violation) => Err(says(violation.message)),
            None => Ok(Some(run)),
        }
    }

    /// The checks, with what they learn from the run without faults, and from that of the new version of the code.
    fn judges(&self, run: &Run, new: Option<&Run>) -> Result<Vec<Judge>, RunError> {
        let given = self.checks.all();
        let mut normalizers = given.iter().filter_map(|check| check.normalizer());
        let normalizer = normalizers.next();
        if normalizers.next().is_some() {
            return Err(validate::two_normalizers());
        }
        validate::normalizes(&run.outcome(), normalizer.as_ref())?;
        let knowing = given.clone();
        let declared: Declared =
            Arc::new(move |run, reference| knowing.iter().any(|check| check.declares(run, reference)));
        let shared = Reference::new(run, new, normalizer, declared);
        let mut judges = Vec::new();
        for check in given {
            let is_known = |activity: &str| self.start.activities().any(|known| **known == *activity);
            if let Some(activity) = check.activity().filter(|activity| !is_known(activity)) {
                return Err(RunError::Setup(format!(
                    "the check `{}` is about the activity `{activity}`, which is not registered (registered: {})",
                    check.name(),
                    list_names(self.start.activities())
                )));
            }
            let learn = |run: &Run| {
                panics::catch(|| check.learn(run)).map_err(|unwound| {
                    RunError::Setup(format!(
                        "the check `{}` cannot look at the run without faults: {}",
                        check.name(),
                        unwound.words()
                    ))
                })
            };
            let memory = learn(run)?;
            let new_memory = new.map(learn).transpose()?.flatten();
            let shows_nothing = shows_nothing(&*check, run).is_some();
            judges.push(Judge { check, shows_nothing, reference: shared.with_memory(memory, new_memory) });
        }
        Ok(judges)
    }
}

/// Finds out whether a run without faults fails: one of its workflows, unless the script asked it to stop, or the script.
fn fails(run: &Run) -> Option<Violation> {
    let trace = run.trace();
    let mut asked_to_stop = trace.workflows().map(|_| false);
    for (index, event) in trace.events().iter().enumerate() {
        let Who::Workflow(workflow) = event.who else { continue };
        let found = match event.what {
            What::CancelRequested | What::WorkflowTerminated(_) => {
                asked_to_stop[workflow] = true;
                continue;
            }
            What::WorkflowFailed(failure) => format!("failed: {}", trace.failure(failure)),
            What::WorkflowCanceled => "cancelled, although nobody asked it to cancel".to_owned(),
            _ => continue,
        };
        // A run that another one retries has not ended its chain.
        if !asked_to_stop[workflow] && !run.is_followed(workflow) {
            let message = format!("the workflow {} does not complete", trace.coordinate(event.who));
            return Some(does_not_end_well(&message).expected("it completes", found).proved_by([index]));
        }
    }
    match run.outcome() {
        // Whoever stops a workflow and then waits for its result gets an error.
        Outcome::Script(result) if is_error(result.as_bytes()) && !asked_to_stop.values().any(|asked| *asked) => {
            let message = does_not_end_well("the script returns an error");
            Some(message.expected("it returns `Ok`, or what is no `Result`", result.to_string()))
        }
        _ => None,
    }
}

fn does_not_end_well(what: &str) -> Violation {
    let message = format!(
        "{what} without any fault, and every other run would be compared with that. Correct it; if it is meant to end so, \
         say `.reference_may_fail()`"
    );
    Violation::new("fails", message)
}

/// Says whether this is how serde writes the `Err` of a `Result`.
fn is_error(json: &[u8]) -> bool {
    matches!(serde_json::from_slice::<Result<IgnoredAny, IgnoredAny>>(json), Ok(Err(_)))
}

/// Finds out whether a run without faults runs into a timeout because an attempt waits for something that nothing in the
/// simulation wakes: a mistake, also where a timeout is meant.
fn waits_for_nothing(run: &Run) -> Option<Violation> {
    run.trace().events().iter().enumerate().find_map(|(index, event)| {
        let timeout = match event.what {
            What::WorkflowTimedOut => "its workflow times out",
            What::TimedOut(timeout) => &format!("it runs into its {} timeout", timeout.words()),
            _ => return None,
        };
        let waits = run.waits_for_nothing(event.who)?;
        let message = format!("{waits}. So {timeout}, without any fault: {MAYBE_OUTSIDE}");
        Some(Violation::new("waits for nothing", message).proved_by([index]))
    })
}

/// Finds out whether a run without faults runs into a timeout. Unless the user says otherwise, the code or its options are
/// wrong then, whatever comes after it.
fn times_out(run: &Run) -> Option<Violation> {
    let trace = run.trace();
    trace.events().iter().enumerate().find_map(|(index, event)| {
        let message = match (event.who, event.what) {
            (_, What::WorkflowTimedOut) => "the workflow times out".to_owned(),
            (Who::Activity(activity), What::TimedOut(timeout)) => {
                let words = format!(
                    "the activity {} runs into its {} timeout",
                    trace.activity_words(activity),
                    timeout.words()
                );
                let why = if timeout == TimeoutType::Heartbeat { UNHEARD } else { "" };
                return Some(timed_out(&words, why).proved_by([index]));
            }
            _ => return None,
        };
        Some(timed_out(&message, "").proved_by([index]))
    })
}

/// The likely mistake behind a heartbeat timeout without any fault.
const UNHEARD: &str = ": the service does not hear of the attempt in time. Heartbeat more often, also while the code waits, or \
                       allow more; `check::heartbeats_in_time()` says how long the service waits";

fn timed_out(what: &str, why: &str) -> Violation {
    let message = format!("{what} without any fault{why}; if that is meant, say `.reference_may_fail()`");
    Violation::new("times out", message)
}
