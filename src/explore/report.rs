//! [`Report`]: what an exploration found.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::coverage::Coverage;
use super::judge::Finding;
use super::shard::Shard;
use super::tally::Tally;
use crate::check::Violation;
use crate::fault::{Entry, Plan};
use crate::report::failure;
use crate::run::{Run, RunError};
use crate::trace::Trace;

/// What an exploration found. Its `Display` is the summary.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) name: Arc<str>,
    pub(super) workflow: Arc<str>,
    pub(super) parts: Vec<Part>,
    pub(super) failures: Vec<Failed>,
    pub(super) error: Option<RunError>,
    /// The environment asks for a plan of another exploration.
    pub(super) skipped: bool,
    /// Only this share of the runs was made.
    pub(super) shard: Option<Shard>,
    /// Ctrl-C ended it before all runs were made.
    pub(super) interrupted: bool,
    /// Passing runs that were run again.
    pub(super) repeated: u64,
    pub(super) coverage: Coverage,
}

/// One part of an exploration: the fault-free run, every fault, a range of seeds, or one plan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Part {
    /// `without faults`, `every fault` (`faults` if only a sample of the points was tried), `seeds 0..1000`, `seed 7`, `the
    /// plan`.
    pub name: String,
    /// Its counts.
    pub tally: Tally,
    /// If not every point or pair was tried: how many were, and how many there are.
    pub sampled: Option<(u64, u64)>,
    /// How long it took, in real time.
    pub elapsed: Duration,
}

/// One distinct failure, with the smallest plan that shows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failed {
    /// The check that minds.
    pub check: String,
    /// What it found.
    pub violation: Violation,
    /// The plan.
    pub plan: Plan,
    /// The whole message, as [`Exploration::assert`](super::Exploration::assert) panics with.
    pub text: String,
    /// Which run of its part found it, from 1. Runs that shrank an earlier failure are not counted.
    pub found_by_run: u64,
    pub(super) finding: Finding,
}

impl Failed {
    pub(super) fn new(
        exploration: &Arc<str>,
        trace: &Trace,
        plan: Plan,
        finding: Finding,
        found_by_run: u64,
    ) -> Failed {
        let plan = plan.with_exploration(exploration.clone());
        let text = failure::text(exploration, &finding.check, &finding.violation, &plan, trace);
        Failed { check: finding.check.clone(), violation: finding.violation.clone(), plan, text, found_by_run, finding }
    }
}

impl Report {
    pub(super) fn new(name: Arc<str>, workflow: Arc<str>) -> Report {
        Report {
            name,
            workflow,
            parts: Vec::new(),
            failures: Vec::new(),
            error: None,
            skipped: false,
            shard: None,
            interrupted: false,
            repeated: 0,
            coverage: Coverage::default(),
        }
    }

    /// Why nothing was learned: the fault-free run cannot be finished, the exploration asks for nothing or for nothing that
    /// could show anything, or the environment asks for something that cannot be done.
    pub fn error(&self) -> Option<&RunError> {
        self.error.as_ref()
    }

    /// The parts, in the order in which they ran.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The first distinct failures, by check and kind. [`Tally::violations`] counts all.
    pub fn failures(&self) -> &[Failed] {
        &self.failures
    }

    /// What was struck, and what might have been and was not. Empty if only one plan or one seed was asked for.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Whether Ctrl-C ended the exploration before all its runs were made. What it had found by then is there.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Whether all runs were made, there was no error, and no run violates a check.
    pub fn holds(&self) -> bool {
        self.error.is_none() && !self.interrupted && self.parts.iter().all(|part| part.tally.failed == 0)
    }

    /// What [`Exploration::assert`](super::Exploration::assert) panics with.
    pub(super) fn failure_text(&self) -> String {
        if let Some(error) = &self.error {
            return format!("{}: {error}", self.name);
        }
        let mut text = String::new();
        for failed in &self.failures {
            text.push_str(&failed.text);
            text.push('\n');
        }
        text.push_str(&self.to_string());
        text
    }
}

impl Report {
    /// What a shard leaves out, the others may have: only the numbers are told.
    fn write_coverage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.coverage.there() == 0 {
            return Ok(());
        }
        let text = self.coverage.to_string();
        let lines = if self.shard.is_some() { 1 } else { usize::MAX };
        text.lines().take(lines).try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.skipped {
            return writeln!(f, "{}: skipped, the plan is for another exploration", self.workflow);
        }
        if let Some(error) = &self.error {
            return writeln!(f, "{}: {error}", self.workflow);
        }
        match self.shard {
            Some(shard) => writeln!(f, "{}, shard {shard}", self.workflow)?,
            None => writeln!(f, "{}", self.workflow)?,
        }
        for part in &self.parts {
            writeln!(f, "  {part}")?;
        }
        if self.interrupted {
            writeln!(f, "  interrupted by Ctrl-C: not all runs were made")?;
        }
        let unprotected: u64 = self.parts.iter().map(|part| part.tally.unprotected).sum();
        if unprotected > 0 {
            writeln!(
                f,
                "  {unprotected} of the runs over budget had an attempt that was lost and that neither a heartbeat nor a \
                 start-to-close timeout could end"
            )?;
        }
        self.write_coverage(f)
    }
}

/// One line.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { runs, survive, over_budget, cancelled, differ, failed, .. } = &self.tally;
        write!(
            f,
            "{:<15} {}/{runs} hold ({survive} survive, {over_budget} over budget, {cancelled} cancelled",
            format!("{}:", self.name),
            self.tally.hold()
        )?;
        if *differ > 0 {
            write!(f, ", {differ} end otherwise")?;
        }
        f.write_str(")")?;
        if *failed > 0 {
            write!(f, ", {failed} FAILED")?;
        }
        if let Some((tried, points)) = self.sampled {
            let what = if self.name == "pairs" { "pairs, by novelty" } else { "points (sampled)" };
            write!(f, ", {tried} of {points} {what}")?;
        }
        Ok(())
    }
}

/// For a plan whose points are not there.
pub(super) fn not_fired(run: &Run, entries: &[Entry]) -> RunError {
    let entry = &entries[0];
    let attempts: Vec<String> = (0..run.trace().attempts().len() as u32)
        .filter(|attempt| run.activity_of(entry) == Some(run.trace().attempts()[*attempt as usize].activity))
        .map(|attempt| run.trace().attempt_words(attempt))
        .collect();
    let there = if attempts.is_empty() {
        let activities: Vec<String> =
            (0..run.trace().activities().len() as u32).map(|activity| run.trace().activity_words(activity)).collect();
        format!("its activities are {}", list(&activities))
    } else {
        format!("the attempts of that activity are {}", list(&attempts))
    };
    RunError::PlanNotFired(format!(
        "the plan no longer applies: the run does not come to `{}` (`{entry}` did not strike); {there}",
        entry.point
    ))
}

fn list(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
