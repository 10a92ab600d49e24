//! [`Marker`]: what a workflow writes into its history for its own replays.

use std::sync::Arc;

use super::payload::Payload;
use super::spec::Seq;

/// A `MARKER_RECORDED` event: something that the workflow's code decided once and has to decide the same way in every
/// replay.
///
/// Source: Temporal's Go SDK, `internal/internal_event_handlers.go` (`SideEffect`, `GetVersion`).
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Marker {
    /// What a side effect has given.
    SideEffect {
        /// Its number: 1 for the first side effect of the run.
        seq: Seq,
        /// Its encoded value.
        value: Payload,
    },
    /// Which version of a change the run follows.
    Version {
        /// Which change of the code.
        change_id: Arc<str>,
        /// The version that was the newest when the code first asked.
        version: i32,
    },
}
