//! Properties of a finished run, which an exploration judges every run by.
//!
//! - [`same_result`]: the outcome is the fault-free run's. Needs no specification.
//! - [`progress`]: every retry resumes from its checkpoint, and no checkpoint goes backwards.
//! - [`effects`]: nothing was lost, nothing invented, and repeated within a bound.
//! - [`heartbeats_in_time`]: the service hears of every attempt before its heartbeat timeout.
//! - [`stops_in_time`]: attempts end soon after they are told to, and before their deadline.
//! - [`cleaned_up`]: nothing is left behind when an attempt ends.
//! - [`completes`]: once the faults are over, a retry succeeds.
//! - [`replays`]: a replay of the workflow's history asks for the same things, arguments included.
//! - [`protected`]: a retry follows when a worker dies, before the time for all attempts is up.
//! - [`named`] and [`judged`]: your own.

use std::sync::Arc;

mod class;
mod cleaned_up;
mod completes;
mod earliest;
mod effect_counts;
mod effects;
mod heartbeats_in_time;
mod named;
mod progress;
mod protected;
mod reference;
mod replays;
mod same_result;
mod stops_in_time;
mod twins;
mod violation;

pub use class::{Budget, Class};
pub use cleaned_up::{CleanedUp, cleaned_up};
pub use completes::{Completes, completes};
pub use effects::{Effects, effects};
pub use heartbeats_in_time::{HeartbeatsInTime, heartbeats_in_time};
pub use named::{ByJudged, Judged, Named, Verdict, judged, named};
pub use progress::{Progress, progress};
pub use protected::{Protected, protected};
pub use reference::{Memory, Reference};
pub use replays::{Replays, replays};
pub use same_result::{SameResult, same_result};
pub use stops_in_time::{StopsInTime, stops_in_time};
pub use violation::Violation;

pub(crate) use reference::Normalizer;

use crate::world::Run;
use crate::world::watch::Watch;

/// A property of a finished run.
///
/// Most are made by [`named`]. Implement this for a check that learns something from the fault-free run first.
#[diagnostic::on_unimplemented(
    message = "this is not a check",
    label = "expected a check such as `check::same_result()`",
    note = "a closure becomes a check with `check::named(\"its name\", |run: &Run| ..)`"
)]
pub trait Check: Send + Sync {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// Learns from the fault-free run what later runs are compared with. Called once, before any [`check`](Check::check).
    fn learn(&self, reference: &Run) -> Option<Memory> {
        let _ = reference;
        None
    }

    /// Judges a run. The fault-free run itself is judged too.
    ///
    /// # Errors
    /// The [`Violation`], if there is one.
    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation>;

    /// The activity that the check is about, if it is about one. A simulation that does not have it is told so.
    fn activity(&self) -> Option<&str> {
        None
    }

    /// Whether it also judges runs that were ended at the horizon or at the event budget, where it knows more than that.
    #[doc(hidden)]
    fn judges_runs_without_end(&self) -> bool {
        false
    }

    /// What may differ between results that count as the same.
    #[doc(hidden)]
    fn normalizer(&self) -> Option<Normalizer> {
        None
    }

    /// What looks at the state during runs.
    #[doc(hidden)]
    fn watch(&self) -> Option<Arc<Watch>> {
        None
    }
}
