//! [`Marker`]: the things that a workflow writes into its history for its own replays.

use std::sync::Arc;

use super::local_activity::LocalActivityMarker;
use super::payload::Payload;
use super::spec::Seq;

/// A `MARKER_RECORDED` event: something that the workflow's code decided once and has to decide the same way in every
/// replay.
///
/// Source: Temporal's Go SDK, `internal/internal_event_handlers.go` (`SideEffect`, `GetVersion`).
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Marker {
    /// A side effect gave a value.
    SideEffect {
        /// The number of the side effect: 1 for the first of the run.
        seq: Seq,
        /// The encoded value.
        value: Payload,
    },
    /// A value that the code looks up again and again is another one now. In a replay the code sees what is recorded, and
    /// asks for no marker: a replay is compared without these.
    ///
    /// Source: cadence-client `internal/internal_event_handlers.go` (`MutableSideEffect`), `internal/internal_task_handlers.go`
    /// (`skipDeterministicCheckForEvent`).
    MutableSideEffect {
        /// The name of the value.
        id: Arc<str>,
        /// The number of the call for this name that found it, from 1; 0 if the SDK of the code does not count calls.
        call: u32,
        /// The encoded value.
        value: Payload,
    },
    /// A local activity has ended. In a replay the worker gives the code what is recorded as a
    /// [`Job::LocalActivityDone`](super::Job::LocalActivityDone), and does not run the activity.
    LocalActivity(Arc<LocalActivityMarker>),
    /// The run follows a version of a change.
    Version {
        /// The name of the change of the code.
        change_id: Arc<str>,
        /// The version that was the newest when the code first asked.
        version: i32,
    },
    /// The run has passed a patch of the code: it goes the new way. In a replay the code asks for it again, unless it was deprecated
    /// by then.
    ///
    /// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/patch_state_machine.rs`.
    Patch {
        /// The name of the patch.
        id: Arc<str>,
        /// Says whether the code has only the new way left.
        deprecated: bool,
    },
    /// The run has set values that are shown with it, such as its memo or its search attributes. Nothing in a run reads
    /// them but its own code.
    Upserted {
        /// The sort of values: `memo`.
        sort: Arc<str>,
        /// The encoded values.
        values: Payload,
    },
}
