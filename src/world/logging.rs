//! [`Silence`]: the logs of user code go nowhere in runs, and are kept in a run that is made for its story.
//!
//! Without the feature `tracing` nothing here does anything.

#[cfg(feature = "tracing")]
use tracing_core::dispatcher::DefaultGuard;

use super::logs::{Logs, Place};
#[cfg(feature = "tracing")]
use super::subscriber::{self, State};

/// A silent thread: as long as this is there, no subscriber of the user's hears what code on the thread logs.
#[must_use = "logs are heard again once it is dropped"]
pub(crate) struct Silence {
    #[cfg(feature = "tracing")]
    _default: DefaultGuard,
    #[cfg(feature = "tracing")]
    before: State,
}

/// Makes this thread silent.
pub(crate) fn silence() -> Silence {
    Silence {
        #[cfg(feature = "tracing")]
        _default: subscriber::make_default(),
        #[cfg(feature = "tracing")]
        before: subscriber::state(),
    }
}

/// Makes this thread silent for a run, or for what a run has left. If the thread keeps logs, it keeps those of a run that
/// begins now, and not those of another run within.
pub(super) fn enter(begins: bool) -> Silence {
    let silence = silence();
    #[cfg(feature = "tracing")]
    subscriber::enter(begins);
    #[cfg(not(feature = "tracing"))]
    let _ = begins;
    silence
}

#[cfg(feature = "tracing")]
impl Drop for Silence {
    fn drop(&mut self) {
        subscriber::set_state(self.before);
    }
}

/// Says how to find out where the run of a thread is.
pub(super) fn install(place: fn() -> Option<Place>) {
    #[cfg(feature = "tracing")]
    subscriber::install(place);
    #[cfg(not(feature = "tracing"))]
    let _ = place;
}

/// Makes a run, and keeps what its code logs. `None` without the feature: then no run is made.
pub(crate) fn record<R>(run: impl FnOnce() -> R) -> Option<(R, Logs)> {
    #[cfg(feature = "tracing")]
    return Some(subscriber::record(run));
    #[cfg(not(feature = "tracing"))]
    {
        drop(run);
        None
    }
}

/// Calls code of a workflow that may be a replay.
pub(super) fn in_replay<R>(is_replay: bool, call: impl FnOnce() -> R) -> R {
    #[cfg(feature = "tracing")]
    let _replay = subscriber::Replay::begin(is_replay);
    #[cfg(not(feature = "tracing"))]
    let _ = is_replay;
    call()
}
