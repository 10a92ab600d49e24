//! [`replays`]: a replay asks for the same things.

use super::Check;
use super::reference::Reference;
use super::versions::is_deployed;
use super::violation::Violation;
use crate::world::Run;
use crate::world::replay::{Difference, Lost, Otherwise};

/// A replay of each workflow's history asks for the same things, arguments and options included.
///
/// A worker replays a workflow's code after it was evicted from the cache, or after a crash, and compares what the code
/// asks for with the history: kind, number, id and type. A difference there fails the workflow task for good. The
/// worker does *not* compare inputs, timeouts, policies, durations and results: code whose replay has others (*drift*)
/// goes on with values that never were, and nobody notices. Both come from code that depends on something that its
/// history does not hold: the order of a `HashMap`, the real clock, random numbers, a global,
/// [`is_replaying`](crate::WorkflowContext::is_replaying).
///
/// Where a deploy struck, the code that answered a workflow's last task replays its history, and only the things that a worker
/// compares count, since two versions of the code have asked for them.
///
/// Each run is replayed when it is over, whether or not a fault made a worker do so. The fault-free run is replayed
/// from every workflow task on (from 200 of them where there are more). Workflow code then runs more often than without
/// this check.
///
/// ```
/// use durasim::check;
/// let check = check::replays();
/// ```
pub fn replays() -> Replays {
    Replays { _private: () }
}

/// The check that [`replays`] makes.
#[derive(Clone, Debug)]
pub struct Replays {
    _private: (),
}

impl Check for Replays {
    fn name(&self) -> &str {
        "replays"
    }

    fn replaces(&self) -> Option<&str> {
        Some("replays")
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        let has_none = reference.trace().workflows().values().all(|name| name.is_activity);
        has_none.then(|| "without faults, no workflow runs".to_owned())
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        let lost = if run.trace().faults().is_empty() { Lost::AfterEachTask } else { Lost::AtTheEnd };
        let Some(Difference { workflow, what, events, call }) = run.replay_difference(lost) else { return Ok(()) };
        let workflow = &run.trace().workflows()[workflow].workflow_type;
        let place = call.map(|call| format!("; it is asked for by {call}")).unwrap_or_default();
        let violation = match what {
            Otherwise::Noticed(problem) => {
                let message = format!("a replay of the workflow `{workflow}` fails: {problem}{place}");
                Violation::new("goes another way", message)
            }
            // New code may ask with other arguments: no worker compares those.
            Otherwise::Drifts(_) if is_deployed(run) => return Ok(()),
            Otherwise::Drifts(drift) => Violation::new(
                "drift",
                format!("a replay of the workflow `{workflow}` {}, which no worker notices{place}", drift.words),
            )
            .expected(format!("{}, as in the history", drift.expected), drift.found),
        };
        Err(violation.proved_by(events))
    }
}
