//! Properties of a finished run. An exploration judges every run by the checks that it is given.
//!
//! # Standard checks
//!
//! Every exploration has these, unasked. They need no specification. [`Exploration::without`](crate::Exploration::without)
//! takes one away by its name. [`Exploration::check`](crate::Exploration::check) puts the same check with other options in its
//! place, such as `check::same_result().normalize(..)`; a check of your own needs a name that none of them has.
//!
//! | name | says |
//! | --- | --- |
//! | `same_result` | a run ends as it does without faults, unless faults used up what the options allow: [`same_result`] |
//! | `completes` | once the faults are over, a retry succeeds: [`completes`]. It does not judge ends that `same_result` was told to accept |
//! | `progress` | a checkpoint that is there is read, decoded, resumed from and never erased: [`checkpoints`] |
//! | `replays` | a replay of a workflow asks for the same things: [`replays`] |
//! | `reported` | the service takes what an attempt says of its end: [`reported`] |
//! | `no_leftovers` | no task heartbeats for an attempt that has ended: [`no_leftovers`] |
//! | `updates` | an update that was accepted has ended before its workflow completes: [`updates`] |
//! | `ledgers` | what is done without faults is done: [`ledgers`] |
//! | `deterministic` | a run that is made again goes the same way: [`Exploration::without_repeats`](crate::Exploration::without_repeats) takes it away |
//! | `finishes` | a run is over before its horizon and its budget of events. It cannot be taken away |
//!
//! # Checks that say more
//!
//! | if the code | add | which says |
//! | --- | --- | --- |
//! | heartbeats with details | [`progress`] | every retry resumes from its checkpoint, and no checkpoint goes backwards |
//! | | [`heartbeats_in_time`] | the service hears of every attempt before its heartbeat timeout |
//! | does things outside | [`effects`] | nothing is lost, nothing invented, and repeats stay within a bound |
//! | is retried | [`protected`] | a retry follows when a worker dies, before the time for all attempts is up |
//! | | [`recovers_within`] | the next attempt runs soon enough after a worker's death |
//! | may be cancelled, or has a deadline | [`hears_cancel`] | no attempt works on for a workflow that does not wait for it |
//! | | [`stops_in_time`] | attempts end soon after they are asked to, and before their deadline |
//! | spawns tasks | [`no_leftovers`], asked for | no task does an effect after its attempt has ended |
//! | holds a lock or a temporary file | [`cleaned_up`] | nothing is left behind when an attempt ends |
//! | does and undoes | [`kept_or_undone`] | each thing is kept, or undone exactly once: sagas |
//! | has a branch that only faults lead to | [`sometimes`] | at least one run takes it |
//! | has a rule of its own | [`named`], [`judged`] | your own property of the run; the second knows the class of the run |
//!
//! A check only reads the run, its trace and the state that it left. To write a check that compares runs with the run
//! without faults, implement [`Check`].

use std::sync::Arc;

mod branch;
mod checkpoints;
mod class;
mod cleaned_up;
mod completes;
mod disturbance;
mod earliest;
mod effect_counts;
mod effect_findings;
mod effects;
mod ends;
mod excuse;
mod hears_cancel;
mod heartbeats_in_time;
mod heeded;
mod kept_or_undone;
mod ledgers;
mod lost;
mod named;
mod no_leftovers;
mod offspring;
mod orders;
mod outcomes;
mod progress;
mod protected;
mod recovers_within;
mod redone;
mod reference;
mod refusal;
mod replays;
mod reported;
mod resumption;
mod same_result;
mod sometimes;
mod stops_in_time;
mod twins;
mod updates;
mod versions;
mod violation;

pub(crate) use checkpoints::checkpoint;
pub use checkpoints::{Checkpoints, checkpoints};
pub use class::{Budget, Class};
pub use cleaned_up::{CleanedUp, cleaned_up};
pub(crate) use completes::standard_completes;
pub use completes::{Completes, completes};
pub use effects::{Effects, effects};
pub use hears_cancel::{HearsCancel, hears_cancel};
pub use heartbeats_in_time::{HeartbeatsInTime, heartbeats_in_time};
pub use kept_or_undone::{KeptOrUndone, kept_or_undone};
pub use ledgers::{Ledgers, ledgers};
pub use named::{ByJudged, Judged, Named, Verdict, judged, named};
pub(crate) use no_leftovers::standard_no_leftovers;
pub use no_leftovers::{NoLeftovers, no_leftovers};
pub(crate) use orders::OtherOrder;
pub use progress::{Progress, progress};
pub use protected::{Protected, protected};
pub use recovers_within::{RecoversWithin, recovers_within};
pub use reference::{Memory, Reference};
pub use replays::{Replays, replays};
pub use reported::{Reported, reported};
pub(crate) use same_result::standard_same_result;
pub use same_result::{SameResult, same_result};
pub use sometimes::{Sometimes, sometimes};
pub use stops_in_time::{StopsInTime, stops_in_time};
pub(crate) use updates::standard_updates;
pub use updates::{Updates, updates};
pub use violation::Violation;

pub(crate) use redone::most_redone;
pub(crate) use reference::{Declared, Normalizer};
pub(crate) use sometimes::PREFIX as SOMETIMES;

use crate::world::Run;
use crate::world::watch::Watch;

/// A property of a finished run.
///
/// Most checks are made by [`named`]. Implement this trait for a check that learns something from the fault-free run
/// first.
#[diagnostic::on_unimplemented(
    message = "this is not a check",
    label = "expected a check such as `check::same_result()`",
    note = "a closure becomes a check with `check::named(\"its name\", |run: &Run| ..)`"
)]
pub trait Check: Send + Sync {
    /// The name of the check in reports.
    fn name(&self) -> &str;

    /// Learns from the fault-free run what later runs are compared with. It is called once, before any
    /// [`check`](Check::check).
    fn learn(&self, reference: &Run) -> Option<Memory> {
        let _ = reference;
        None
    }

    /// Judges a run. The fault-free run itself is judged too.
    ///
    /// # Errors
    /// The error is the [`Violation`], if there is one.
    fn check(&self, run: &Run, reference: &Reference) -> Result<(), Violation>;

    /// Names the activity that the check is about, if there is such an activity. A simulation without that activity is
    /// refused, and so is an exploration whose fault-free run never comes to it.
    fn activity(&self) -> Option<&str> {
        None
    }

    /// Names the [standard check](self#standard-checks) whose place it takes, if it takes the place of one. The standard check
    /// then judges only activities that this one leaves out by its [`activity`](Check::activity). A check around another hands
    /// this on; a check of your own that takes nobody's place needs a name that no standard check has.
    fn replaces(&self) -> Option<&str> {
        None
    }

    /// Says why the check can show nothing, from the fault-free run: its ledger is empty, its measure never moves. Such a
    /// check would hold whatever the code does, so the exploration refuses it with these words.
    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        let _ = reference;
        None
    }

    /// Names the thing of which the check can show little, from the fault-free run: a line of the report, and no
    /// failure.
    fn shows_little(&self, reference: &Run) -> Option<String> {
        let _ = reference;
        None
    }

    /// Says whether a run has something for the check to judge. The parts of a report count these runs.
    fn has_something(&self, run: &Run, reference: &Reference) -> bool {
        let _ = (run, reference);
        true
    }

    /// Says whether the check also judges runs that the horizon or the event budget has ended. Such a run has failed
    /// already; the check can give the reason.
    #[doc(hidden)]
    fn judges_runs_without_end(&self) -> bool {
        false
    }

    /// True if the check says that a run ends otherwise and little of the cause. Another check that fails with it is told
    /// first.
    #[doc(hidden)]
    fn is_general(&self) -> bool {
        false
    }

    /// Says whether the user has declared the end of a run as one that the code may choose.
    #[doc(hidden)]
    fn declares(&self, run: &Run, reference: &Reference) -> bool {
        let _ = (run, reference);
        false
    }

    /// Says whether at least one run has to have something for the check.
    #[doc(hidden)]
    fn is_sometimes(&self) -> bool {
        false
    }

    /// Gives the addresses of the ledgers that the check judges in a run.
    #[doc(hidden)]
    fn judged_ledgers(&self, run: &Run) -> Vec<usize> {
        let _ = run;
        Vec::new()
    }

    /// Takes away from a result the part that may differ.
    #[doc(hidden)]
    fn normalizer(&self) -> Option<Normalizer> {
        None
    }

    /// Gives the watch that looks at the state during runs.
    #[doc(hidden)]
    fn watch(&self) -> Option<Arc<Watch>> {
        None
    }
}
