//! [`same_result`]: the outcome is the fault-free run's.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Check;
use super::class::{Class, classify};
use super::reference::{Normalizer, Reference};
use super::violation::Violation;
use crate::run::{Outcome, Run, outcome_words};

/// The run ended as the fault-free run, unless faults used up what the options allow or a cancel was requested.
///
/// A run that completes although a cancel was requested must complete with the same result.
pub fn same_result() -> SameResult {
    SameResult { normalizer: None }
}

/// Made by [`same_result`].
#[derive(Clone)]
pub struct SameResult {
    normalizer: Option<Normalizer>,
}

impl SameResult {
    /// Says what may differ: `clear` removes it from both results before they are compared.
    ///
    /// ```
    /// use durasim::check;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Report { rows: u64, attempts_made: u32 }
    /// let check = check::same_result().normalize(|report: &mut Report| report.attempts_made = 0);
    /// ```
    pub fn normalize<T>(self, clear: impl Fn(&mut T) + Send + Sync + 'static) -> SameResult
    where
        T: DeserializeOwned + Serialize + 'static,
    {
        let normalizer: Normalizer = Arc::new(move |bytes: &[u8]| {
            let mut value: T = serde_json::from_slice(bytes).ok()?;
            clear(&mut value);
            serde_json::to_vec(&value).ok()
        });
        SameResult { normalizer: Some(normalizer) }
    }
}

impl Check for SameResult {
    fn name(&self) -> &str {
        "same_result"
    }

    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation> {
        if classify(run, reference) != Class::Different {
            return Ok(());
        }
        let words = |outcome: &Outcome| match outcome {
            Outcome::Open => "still open".to_owned(),
            Outcome::Closed(outcome) => outcome_words(outcome),
            Outcome::Script(result) => format!("the script returned {result}"),
        };
        let last = run.trace().events().iter().rposition(|event| event.what.closes_workflow());
        Err(Violation::new("different result", "the workflow did not end as it does without faults")
            .expected(words(reference.outcome()), words(&run.outcome()))
            .proved_by(last.into_iter().collect::<Vec<_>>()))
    }

    fn normalizer(&self) -> Option<Normalizer> {
        self.normalizer.clone()
    }
}

impl fmt::Debug for SameResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameResult").field("normalizes", &self.normalizer.is_some()).finish()
    }
}
