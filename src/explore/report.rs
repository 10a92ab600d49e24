//! [`Report`]: what an exploration found.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::accepted::Accepted;
use super::coverage::Coverage;
use super::failed::{Failed, Test};
use super::message::Extent;
use super::notes::tell;
use super::regressions::{Regression, RegressionState};
use super::rerun::Rerun;
use super::shard::Shard;
use super::tally::Tally;
use crate::check::{SOMETIMES, Violation};
use crate::fault::Plan;
use crate::program::Counted;
use crate::world::RunError;

/// The result of an exploration. Its `Display` is the summary.
#[derive(Clone, Debug)]
#[must_use = "a report that nobody reads lets every test pass: ask whether it `.holds()`, or use `.assert()`"]
pub struct Report {
    pub(super) name: Arc<str>,
    pub(super) workflow: Arc<str>,
    /// How the test is started again.
    pub(super) rerun: Rerun,
    pub(super) parts: Vec<Part>,
    pub(super) failures: Vec<Failed>,
    pub(super) error: Option<RunError>,
    /// The environment asks for a plan of another exploration.
    pub(super) skipped: bool,
    /// The extent of the timeline in failures.
    pub(super) extent: Extent,
    /// Only this share of the runs was made.
    pub(super) shard: Option<Shard>,
    /// If the run without faults may fail: how it did, if it did.
    pub(super) excused: Option<Option<Violation>>,
    /// Ctrl-C or SIGTERM ended it before all runs were made.
    pub(super) interrupted: bool,
    /// The time that the environment allows was over before all runs were made.
    pub(super) out_of_time: bool,
    pub(super) coverage: Coverage,
    /// The file of the regressions, as messages call it.
    pub(super) file: Option<String>,
    pub(super) regressions: Vec<Regression>,
    /// In the order of the file.
    pub(super) accepted: Vec<Accepted>,
    /// Plans that were appended to the file, if that was asked for.
    pub(super) written: Option<usize>,
    /// The things that were not looked at, as far as a reader should know of them, each a line.
    pub(super) notes: Vec<String>,
    /// The names of checks that have to have something to judge in some run, if all runs were made.
    pub(super) sometimes: Vec<String>,
    /// Checks that the run without faults suggests, each a line.
    pub(super) suggestions: Vec<String>,
}

/// One part of an exploration: the fault-free run, every fault, a range of seeds, or one plan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Part {
    /// `without faults`, `regressions`, `every fault` (`faults` if only a sample of the points was tried), `every order`, `lost
    /// races`, `every pair` (`pairs` if not all were tried), `seeds 0..1000`, `seed 7`, `the plan`.
    pub name: String,
    /// Its counts.
    pub tally: Tally,
    /// If not every point or pair was tried: how many were, and how many there are.
    pub sampled: Option<(u64, u64)>,
    /// If fewer points were tried than otherwise, because each run is long: the trace events of the run without faults.
    pub long: Option<u64>,
    /// If its runs are those of seeds: the first and the last of them.
    pub seeds: Option<(u64, u64)>,
    /// The orders of a part that no server could give, which are no runs.
    pub impossible: u64,
    /// If there is no order to try: the things that workflows observe, in words.
    pub(super) observed: Option<String>,
    /// If it ended before all its runs were made, because enough of them had failed in the same way.
    pub ended_early: Option<EndedEarly>,
    /// The real time that it took.
    pub elapsed: Duration,
    pub(super) kind: PartKind,
}

/// Why a part of an exploration ended before all its runs were made: 1,000 runs had failed in the same way, or at least 10 of
/// 5 million events together.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct EndedEarly {
    /// The check that failed.
    pub check: String,
    /// The number of runs in which it failed in the same way.
    pub runs: u64,
}

/// Which part of an exploration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PartKind {
    /// The run without faults.
    Reference,
    /// Plans that failed once.
    Regressions,
    /// Every fault.
    Faults,
    /// Every order of things that come without faults.
    Orders,
    /// Every order in which something comes that loses a race without faults.
    Races,
    Pairs,
    Seeds,
    /// One plan that was asked for.
    Plan,
}

impl Report {
    pub(super) fn new(name: Arc<str>, workflow: Arc<str>, rerun: Rerun) -> Report {
        Report {
            name,
            workflow,
            rerun,
            parts: Vec::new(),
            failures: Vec::new(),
            error: None,
            skipped: false,
            extent: Extent::default(),
            shard: None,
            excused: None,
            interrupted: false,
            out_of_time: false,
            coverage: Coverage::default(),
            file: None,
            regressions: Vec::new(),
            accepted: Vec::new(),
            written: None,
            notes: Vec::new(),
            sometimes: Vec::new(),
            suggestions: Vec::new(),
        }
    }

    /// The test that it is the report of.
    pub(super) fn test(&self) -> Test<'_> {
        Test { exploration: &self.name, rerun: &self.rerun, extent: self.extent }
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

    /// The coverage: what was struck, and what might have been and was not. It is empty if only plans, or one seed, were asked
    /// for.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// The plans of the exploration's [file](super::Exploration::regressions), in its order, with what came of them.
    pub fn regressions(&self) -> &[Regression] {
        &self.regressions
    }

    /// The failures that the exploration's [file](super::Exploration::regressions) accepts, in its order, with the number of
    /// runs in which each was found.
    pub fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    /// A number for all that happened in all runs. Two reports of one simulation with the same counts and another fingerprint
    /// differ in some run: code that depends on something that is not simulated. It may differ between versions of Rust.
    pub fn fingerprint(&self) -> u64 {
        self.parts.iter().fold(0, |all, part| all.wrapping_mul(31).wrapping_add(part.tally.fingerprint))
    }

    /// Lists the things that were asked for and not looked at, or could show little: a file whose plans are all for other
    /// tests, a result in which there is nothing to compare. Each is a line.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Lists the checks that say more of this code and are not asked for, as the run without faults suggests them: a
    /// worker's death that is noticed late, an activity that cannot hear of a cancel. Each is a line.
    pub fn suggestions(&self) -> &[String] {
        &self.suggestions
    }

    /// Says whether Ctrl-C or SIGTERM ended the exploration before all its runs were made. The findings up to then are there.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Says whether the time of `DURASIM_TIME` was over before all runs were made. The findings up to then are there.
    pub fn is_out_of_time(&self) -> bool {
        self.out_of_time
    }

    /// Says whether no more runs are to be made.
    pub(super) fn is_stopped(&self) -> bool {
        self.interrupted || self.out_of_time
    }

    /// Keeps a note, and tells it past the capture of libtest.
    pub(super) fn tell(&mut self, note: String) {
        tell(&note);
        self.notes.push(note);
    }

    /// Has an error if a thing that some run has to show was shown by none.
    pub(super) fn judge_sometimes(&mut self) {
        if self.error.is_some() || !self.holds() || self.is_stopped() {
            return;
        }
        let met = |name: &String| self.parts.iter().any(|part| part.tally.judged.get(name).is_some_and(|met| *met > 0));
        let runs: u64 = self.parts.iter().map(|part| part.tally.runs).sum();
        if let Some(name) = self.sometimes.iter().find(|name| !met(name)) {
            self.error = Some(RunError::Setup(format!(
                "`{name}`: none of the {} is so. Explore more, or give an input that leads there",
                Counted(runs, "run")
            )));
        }
    }

    /// Says whether there was no error, no run violates a check, and the exploration was not interrupted.
    pub fn holds(&self) -> bool {
        self.error.is_none() && !self.interrupted && self.parts.iter().all(|part| part.tally.failed == 0)
    }

    /// Says whether something fails that could be kept and is not in the file.
    pub(super) fn has_news(&self) -> bool {
        // Which exploration a plan of the file is for may be left away.
        let same =
            |one: &Plan, other: &Plan| (&one.entries, one.seed, one.order) == (&other.entries, other.seed, other.order);
        let kept = |plan: &Plan| self.regressions.iter().any(|kept| same(&kept.plan, plan));
        self.failures.iter().any(|failed| failed.can_be_kept() && !kept(&failed.plan))
    }

    /// Writes the coverage. For a shard only its numbers: the other shards may have struck what this one did not.
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
        match &self.excused {
            Some(Some(violation)) => {
                let how = violation.found.as_ref().unwrap_or(&violation.message);
                writeln!(f, "  without faults it may fail, and does: {}", how.lines().next().unwrap_or_default())?;
            }
            Some(None) => writeln!(f, "  without faults it does not fail: `.reference_may_fail()` can be left away")?,
            None => {}
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        if self.interrupted {
            writeln!(f, "  interrupted by Ctrl-C or SIGTERM: not all runs were made")?;
        }
        if let Some(file) = &self.file {
            for Regression { line, plan, state } in &self.regressions {
                match state {
                    RegressionState::StillFails => writeln!(f, "  {file}:{line} still fails: {plan}")?,
                    RegressionState::Fixed => {
                        writeln!(f, "  {file}:{line} is fixed; keep the line to keep it so, or remove it: {plan}")?;
                    }
                    RegressionState::NoLongerApplies(_) => writeln!(f, "  {file}:{line} no longer applies: {plan}")?,
                }
            }
            for Accepted { line, check, kind, reason, runs, .. } in &self.accepted {
                let runs = Counted(*runs, "run");
                writeln!(f, "  {file}:{line} accepted: {runs} fail `{check}` by `{kind}`: {reason}")?;
            }
            match self.written {
                Some(0) | None => {}
                Some(plans) => writeln!(f, "  {} appended to {file}", Counted(plans, "plan"))?,
            }
        }
        let unprotected: u64 = self.parts.iter().map(|part| part.tally.unprotected).sum();
        if unprotected > 0 {
            writeln!(
                f,
                "  {unprotected} of the runs over budget had an attempt that was lost and that neither a heartbeat nor a \
                 start-to-close timeout could end"
            )?;
        }
        let redone = self.parts.iter().map(|part| part.tally.redone).max().unwrap_or(0);
        if redone > 0 {
            let effects = Counted(redone, "effect");
            writeln!(f, "  resumes do up to {effects} again that their checkpoint covers")?;
        }
        for suggestion in &self.suggestions {
            writeln!(f, "  suggested: {suggestion}")?;
        }
        self.write_coverage(f)
    }
}

/// `progress in 212`.
fn words((check, runs): (&String, &u64)) -> String {
    format!("{check} in {runs}")
}

/// A list after its title. It goes on in further lines where it is longer than a terminal is wide.
fn wrapped(title: &str, items: &[String]) -> String {
    let (mut text, mut column) = (title.to_owned(), 4 + title.len());
    for (number, item) in items.iter().enumerate() {
        let comma = if number + 1 < items.len() { "," } else { "" };
        if number > 0 && column + 1 + item.len() + comma.len() > 80 {
            text += "\n       ";
            column = 7;
        }
        let space = if number > 0 { " " } else { "" };
        text += &format!("{space}{item}{comma}");
        column += space.len() + item.len() + comma.len();
    }
    text
}

/// A line, and what its runs could show below it.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(observed) = &self.observed {
            return write!(f, "{:<15} nothing to change ({observed})", format!("{}:", self.name));
        }
        let Tally { runs, survive, over_budget, cancelled, differ, quiet, without_effect, accepted, failed, .. } =
            &self.tally;
        let Part { impossible, .. } = self;
        if *runs == 0 && *impossible > 0 {
            let all =
                if *impossible == 1 { "its only order is".to_owned() } else { format!("all {impossible} orders are") };
            return write!(f, "{:<15} nothing to change ({all} impossible)", format!("{}:", self.name));
        }
        write!(
            f,
            "{:<15} {}/{runs} hold ({survive} survive, {over_budget} over budget, {cancelled} cancelled",
            format!("{}:", self.name),
            self.tally.hold()
        )?;
        if *differ > 0 {
            write!(f, ", {differ} end otherwise")?;
        }
        if self.tally.other_branch > 0 {
            write!(f, ", {} of them on another branch", self.tally.other_branch)?;
        }
        if *quiet > 0 {
            write!(f, ", {quiet} without a fault")?;
        }
        f.write_str(")")?;
        if *accepted > 0 {
            write!(f, ", {accepted} accepted")?;
        }
        if *failed > 0 {
            write!(f, ", {failed} FAILED")?;
        }
        if *impossible > 0 {
            let all = runs + impossible;
            match self.kind {
                PartKind::Pairs => write!(f, ", {impossible} with an impossible order")?,
                _ => write!(f, ", {impossible} of {all} orders are impossible")?,
            }
        }
        if let Some((tried, points)) = self.sampled {
            let what = match (self.kind, self.long) {
                (PartKind::Pairs, _) => "pairs, by novelty".to_owned(),
                (PartKind::Orders | PartKind::Races, events) => {
                    let events = events.unwrap_or_default();
                    format!("orders (sampled, fewer because each run has some {events} events)")
                }
                (_, None) => "points (sampled)".to_owned(),
                (_, Some(events)) => format!("points (sampled, fewer because each run has some {events} events)"),
            };
            write!(f, ", {tried} of {points} {what}")?;
        }
        if let Some(EndedEarly { check, runs }) = &self.ended_early {
            write!(f, ", ended early: `{check}` had failed in the same way in {runs} of them")?;
        }
        if *without_effect > 0 {
            write!(f, "\n    {without_effect} with faults that changed nothing")?;
        }
        // A check that is not named had something to judge in all of them.
        let (sometimes, always): (Vec<_>, Vec<_>) =
            self.tally.judged.iter().partition(|(name, _)| name.starts_with(SOMETIMES));
        let fewer: Vec<String> = always.into_iter().filter(|(_, judged)| *judged < runs).map(words).collect();
        if !fewer.is_empty() {
            write!(f, "\n    {}", wrapped("something to judge: ", &fewer))?;
        }
        for (name, met) in sometimes {
            write!(f, "\n    {name} in {}", Counted(*met, "run"))?;
        }
        Ok(())
    }
}
