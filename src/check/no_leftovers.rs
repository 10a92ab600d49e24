//! [`no_leftovers`]: nothing of an attempt goes on after its end.

use super::Check;
use super::earliest::Earliest;
use super::reference::Reference;
use super::violation::Violation;
use crate::trace::attempts::{AttemptEnd, AttemptExecution, Moment};
use crate::world::Run;

/// No task that an attempt's code has spawned records a heartbeat, or does an effect, after the attempt has ended by
/// itself: later than the same moment. The service does not know of that work: a retry may be under way beside it, and a
/// crash would lose it.
///
/// Attempts that leave their completion to somebody else are not judged.
///
/// As one of the [standard checks](super#standard-checks) it judges heartbeats alone: a task that lives as long as its process,
/// such as one that keeps a connection warm, may well do effects after the attempt that spawned it.
///
/// ```
/// use durasim::check;
/// let check = check::no_leftovers();
/// ```
pub fn no_leftovers() -> NoLeftovers {
    NoLeftovers { judges_effects: true }
}

/// The same for heartbeats alone, for an exploration that does not ask for it.
pub(crate) fn standard_no_leftovers() -> NoLeftovers {
    NoLeftovers { judges_effects: false }
}

/// The check that [`no_leftovers`] makes.
#[derive(Clone, Debug)]
pub struct NoLeftovers {
    judges_effects: bool,
}

impl NoLeftovers {
    /// The first thing that an attempt's tasks did after its end, in words.
    fn leftover(&self, attempt: &AttemptExecution) -> Option<(Moment, &'static str)> {
        let ended = attempt.ended.filter(|_| attempt.ended_by_itself() && attempt.end != AttemptEnd::Async)?;
        let is_later = |moment: &&Moment| moment.at > ended.at;
        let heartbeat =
            attempt.heartbeats_after_end.iter().find(is_later).map(|moment| (*moment, "records a heartbeat"));
        let effect = attempt.effects.iter().map(|effect| &effect.moment).find(is_later);
        let effect = effect.filter(|_| self.judges_effects).map(|moment| (*moment, "does an effect"));
        heartbeat.into_iter().chain(effect).min_by_key(|(moment, _)| *moment)
    }
}

impl Check for NoLeftovers {
    fn name(&self) -> &str {
        "no_leftovers"
    }

    fn replaces(&self) -> Option<&str> {
        Some("no_leftovers")
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        reference.trace().attempts().is_empty().then(|| "without faults, no activity runs".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        run.executions().attempts().values().any(AttemptExecution::ended_by_itself)
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let mut earliest = Earliest::default();
        for attempt in run.executions().attempts().values() {
            if let Some((moment, does)) = self.leftover(attempt) {
                let who = run.trace().attempt_in_a_sentence(attempt.key);
                let message = format!("{who} has ended, and a task that it left behind {does}");
                let ended = attempt.ended.map(|ended| ended.event);
                let violation = Violation::new("goes on", message)
                    .expected("nothing of it after its end", format!("at {}", moment.at))
                    .proved_by(Vec::from_iter(ended.into_iter().chain([moment.event])));
                earliest.take(moment, violation);
            }
        }
        earliest.into_result()
    }
}
