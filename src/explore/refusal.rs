//! What is a mistake of the exploration itself, some of which only the run without faults shows.

use super::elsewhere::elsewhere;
use crate::check::Normalizer;
use crate::program::{Payload, panics};
use crate::run::{Outcome, RunError};
use crate::service::WorkflowOutcome;

/// Of two sources of faults one would be dropped.
pub(super) fn says_of_one_run(call: &str) -> RunError {
    let instead = match call {
        ".plan(..)" => {
            "to explore one plan, hand it to `Exploration::replay` or set DURASIM_PLAN; to run it, use `Simulation::run`"
        }
        ".order(..)" => "odd seeds draw the order of ready tasks: `.seeds(0..1_000)`",
        _ => "to try seeds, say `.seeds(0..1_000)`; to try one, set DURASIM_SEED; to run it, use `Simulation::run`",
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
    let answers = [ask(), ask(), elsewhere(ask).unwrap_or_else(ask)];
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
