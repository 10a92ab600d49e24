//! The seam: what the engine needs of user code, and all it needs.
//!
//! Native activities and workflows ([`crate::ActivityContext`], [`crate::WorkflowContext`]) run through these traits.
//! So does anything else one wants to host: a context type of another client, or a whole SDK. An adapter implements
//! [`ActivityProgram`] (one future per attempt, one link back) and [`WorkflowProgram`] (a state machine fed with
//! [`Activation`]s that answers with [`Command`]s), and registers them with
//! [`Simulation::activity_program`](crate::Simulation::activity_program) and
//! [`Simulation::workflow_program`](crate::Simulation::workflow_program).
//!
//! An instance of a workflow has a link back, too: [`WorkflowLink`]. Code between durasim and the user's code handles
//! unwinding with [`panics`], and says with [`places`] which lines of user code messages name. [`Waiters`] is the list
//! of the futures that wait for one event.
//!
//! Contexts are `Send + Sync` on purpose: published clients demand `Send` futures of activity code, which holds its
//! context across awaits. The futures themselves need not be `Send`; nothing here ever changes threads within a run.

mod activity;
mod application_failure;
pub(crate) mod calendar;
mod carried;
mod child;
mod continue_as_new;
mod decode;
mod envelope;
mod extensions;
mod failure;
pub(crate) mod host;
mod info;
mod instant;
mod limits;
mod local_activity;
mod marker;
mod names;
pub mod panics;
mod payload;
mod per_process;
pub mod places;
mod spec;
mod table;
mod waiters;
mod words;
mod workflow;

pub use activity::{
    ActivityLink, ActivityOutcome, ActivityProgram, ActivityTask, Attempt, AttemptListener, Beat, CancelReason,
};
pub use application_failure::ApplicationFailure;
pub use carried::{Carried, Fields};
pub use child::{
    ChildCancellation, ChildResolution, ChildSpec, ChildStart, IdConflictPolicy, IdReusePolicy, ParentClosePolicy,
    Target,
};
pub use continue_as_new::ContinueAsNew;
pub use decode::Decode;
pub use envelope::Encoded;
pub use extensions::Extensions;
pub use failure::{Failure, FailureKind, RetryState, TimeoutType};
pub use host::{Doorway, Ground, Host, News, Tries};
pub use info::ActivityInfo;
pub use instant::{Span, Time};
pub(crate) use limits::call_budget;
pub use local_activity::{LocalActivityEnd, LocalActivityMarker, LocalActivityResolution, LocalActivitySpec};
pub use marker::Marker;
pub use names::list_names;
pub use payload::{Details, PAYLOAD_LIMIT, Payload};
pub use per_process::PerProcess;
pub use spec::{ActivityId, ActivitySpec, CancellationType, RetrySpec, Seq, Timeouts};
pub(crate) use table::key;
pub use table::{Key, Table};
pub use waiters::{WaiterIndex, Waiters};
pub(crate) use words::{An, Counted, is_mark_of_direction};
pub(crate) use workflow::DEFAULT_TASK_TIMEOUT;
pub use workflow::{
    Activation, ActivityResolution, Command, Initiator, Job, Parent, RunInfo, TaskFailure, WorkflowLink,
    WorkflowProgram, WorkflowRun, WorkflowStart,
};
