//! Mistakes of an exploration itself: it asks for nothing, for what cannot be, or for what could show nothing.

use super::environment::Wanted;
use super::report::{PartKind, Report};
use super::thread::on_another;
use super::variables::refuse_unknown;
use super::{Exploration, OneRun};
use crate::check::Normalizer;
use crate::program::{Payload, panics};
use crate::service::WorkflowOutcome;
use crate::world::{Outcome, RunError};

impl Exploration {
    /// Mistakes that make every run meaningless.
    pub(super) fn validate_checks(&self) -> Result<(), RunError> {
        self.validate_simulation()?;
        self.checks.validate()
    }

    /// The simulation has something of its own that no run would follow, or the environment something that means nothing.
    pub(super) fn validate_simulation(&self) -> Result<(), RunError> {
        refuse_unknown()?;
        match self.ignores {
            Some(ignored) => Err(is_of_one_run(ignored)),
            None => Ok(()),
        }
    }

    /// Mistakes in what is asked for: the parts, and what the environment wants in their place. `has_regressions` says
    /// whether there are plans that failed once.
    pub(super) fn validate_parts(&self, wanted: &Wanted, has_regressions: bool) -> Result<(), RunError> {
        let explores = matches!(wanted, Wanted::Everything);
        if self.every_pair && self.budget == Some(0) {
            return Err(RunError::Setup("the budget for pairs is zero: leave `.every_pair()` away instead".to_owned()));
        }
        if let Some(share) = self.over_budget {
            if !share.is_valid() {
                return Err(RunError::Setup(format!(
                    "`.over_budget({})` is not a share of the seeds: write from 0.0 for none to 1.0 for all",
                    share.0
                )));
            }
            if explores && !self.has_seeds() {
                return Err(RunError::Setup(
                    "`.over_budget(..)` is about seeds, and the exploration has none: add `.seeds(0..1_000)`"
                        .to_owned(),
                ));
            }
        }
        if explores && !self.tries_faults() && !has_regressions {
            return Err(RunError::Setup(
                "the exploration asks for no run: add `.every_fault()` or `.seeds(0..1_000)`".to_owned(),
            ));
        }
        Ok(())
    }

    /// Says whether any run is asked for in which faults strike.
    pub(super) fn tries_faults(&self) -> bool {
        self.strikes_points() || self.every_order
    }

    /// Says whether any run is asked for in which faults strike at points of their own.
    pub(super) fn strikes_points(&self) -> bool {
        self.every_fault || self.every_pair || self.has_seeds()
    }

    pub(super) fn has_seeds(&self) -> bool {
        self.seeds.iter().any(|seeds| !seeds.is_empty())
    }
}

/// A part in which no fault struck could show nothing, and neither could an exploration in which faults always ended all that
/// there was to judge: each is an error.
pub(super) fn showed_something(report: &Report) -> Result<(), RunError> {
    // A shard may have got nothing, and so may an exploration that was stopped: that is no mistake.
    if report.shard.is_some() || report.is_stopped() {
        return Ok(());
    }
    // A plan that failed once may be excused by now.
    let counted = |kind: &PartKind| matches!(kind, PartKind::Faults | PartKind::Pairs | PartKind::Seeds);
    let silent = report.parts.iter().find(|part| counted(&part.kind) && part.tally.struck == 0);
    if let Some(part) = silent {
        let has_faults = report.parts.iter().any(|part| part.kind == PartKind::Faults && part.tally.runs > 0);
        return Err(RunError::Setup(match part.tally.runs {
            0 if part.kind == PartKind::Pairs && has_faults => format!(
                "`{}` has no run: no fault of this code is followed by a point at which a second one could strike. Leave \
                 `.every_pair()` away",
                part.name
            ),
            0 => format!(
                "`{}` has no run: the run without faults comes to no point at which a fault could strike. Explore what runs an \
                 activity or a workflow",
                part.name
            ),
            runs => format!(
                "`{}` shows nothing: no fault struck in any of its {runs} runs. Use more seeds, or `.every_fault()`, which \
                 strikes at every point",
                part.name
            ),
        }));
    }
    let parts: Vec<_> = report.parts.iter().filter(|part| counted(&part.kind)).map(|part| &part.tally).collect();
    let all: u64 = parts.iter().map(|tally| tally.runs).sum();
    let excused: u64 = parts.iter().map(|tally| tally.over_budget + tally.cancelled).sum();
    if parts.is_empty() || all > excused {
        return Ok(());
    }
    Err(RunError::Setup(format!(
        "no run with faults could show anything: of {all}, {excused} are over budget or cancelled. An activity that may be \
         tried once cannot survive a fault: allow it more attempts, or more time"
    )))
}

/// The error of a simulation with a setting for a single run, which an exploration would not follow.
fn is_of_one_run(setting: OneRun) -> RunError {
    let seeds = "to try seeds, say `.seeds(0..1_000)`; to try one, set DURASIM_SEED; to run it, use `Simulation::run`";
    let (call, instead) = match setting {
        OneRun::Plan => (
            ".plan(..)",
            "to explore one plan, hand it to `Exploration::replay` or set DURASIM_PLAN; to run it, use `Simulation::run`",
        ),
        OneRun::Order => (".order(..)", "odd seeds draw the order of ready tasks: `.seeds(0..1_000)`"),
        OneRun::Seed => (".seed(..)", seeds),
        OneRun::RandomFaults => (".random_faults(..)", seeds),
    };
    RunError::Setup(format!(
        "the simulation has `{call}`, which an exploration would not follow: its runs have plans of their own. Leave \
         `{call}` away; {instead}"
    ))
}

/// All runs are classified by one comparison with the run without faults.
pub(super) fn two_normalizers() -> RunError {
    RunError::Setup(
        "two checks have a `.normalize(..)`, and runs are compared in one way only: give them to one check, \
         `same_result().normalize(..).normalize(..)`"
            .to_owned(),
    )
}

/// A `normalize` that answers differently for the same result would let runs fail or hold by chance: it is asked twice here
/// and once on another thread.
pub(super) fn normalizes(outcome: &Outcome, normalizer: Option<&Normalizer>) -> Result<(), RunError> {
    let (Outcome::Closed(WorkflowOutcome::Completed(result)) | Outcome::Script(result)) = outcome else {
        return Ok(());
    };
    let Some(normalize) = normalizer else { return Ok(()) };
    let ask = || panics::catch(|| normalize(result.as_bytes())).map_err(|unwound| unwound.words());
    let answers = [ask(), ask(), on_another(ask).unwrap_or_else(ask)];
    let mut normal: Vec<Vec<u8>> = Vec::new();
    for answer in answers {
        match answer {
            Ok(Some(answer)) => normal.push(answer),
            Ok(None) => {
                return Err(RunError::Setup(format!(
                    "the result of the run without faults does not decode as what `.normalize(..)` takes, or what that makes \
                     of it cannot be encoded as JSON; the result is {result}"
                )));
            }
            Err(why) => {
                return Err(RunError::Setup(format!(
                    "`.normalize(..)` panicked at the result of the run without faults, {result}: {why}"
                )));
            }
        }
    }
    let first = &normal[0];
    match normal.iter().find(|other| *other != first) {
        None => Ok(()),
        Some(other) => Err(RunError::Setup(format!(
            "`.normalize(..)` is not deterministic: of the same result it makes {}, and then {}; it may depend on nothing but \
             the result, so no clock, counter, or `HashMap`",
            Payload::new(first),
            Payload::new(other)
        ))),
    }
}
