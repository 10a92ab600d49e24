//! [`Locals`]: the local activities that an instance waits for, and what its worker has to do for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::program::{
    ActivityId, CancellationType, Command, Details, Failure, FailureKind, Job, LocalActivityEnd, LocalActivityMarker,
    LocalActivityResolution, LocalActivitySpec, RetryState, Seq, Span, TaskFailure, Time,
};

/// The local activities whose ends the code does not know, and what the worker has still to do for them.
#[derive(Default)]
pub(crate) struct Locals {
    pub(super) open: BTreeMap<Seq, Open>,
    /// Those that the worker has to run, and has not begun.
    pub(super) new: Vec<Seq>,
    /// Those that the worker has to tell of a cancel.
    pub(super) cancelled: Vec<(Seq, CancellationType)>,
}

pub(super) struct Open {
    pub(super) spec: Arc<LocalActivitySpec>,
    /// The workflow's clock when the code asked for it.
    pub(super) asked_at: Time,
}

/// A thing that a worker has to do for a local activity.
pub(crate) enum LocalWork {
    /// Run it.
    Run { seq: Seq, spec: Arc<LocalActivitySpec> },
    /// Tell it that it is cancelled. Where nobody waits for it any more, the worker also forgets it.
    Cancel { seq: Seq, how: CancellationType },
}

/// The end of a local activity, as its worker knows it.
pub(crate) struct LocalDone {
    pub(crate) seq: Seq,
    /// The number of the last attempt.
    pub(crate) attempt: u32,
    /// The time that the last attempt took.
    pub(crate) runtime: Span,
    /// The time at which it was first asked for.
    pub(crate) first_scheduled_at: Time,
    pub(crate) end: LocalActivityEnd,
}

/// Says whether a command is about a local activity: it goes to the worker, not to the service.
pub(super) fn is_of_a_local(command: &Command) -> bool {
    matches!(command, Command::ScheduleLocalActivity { .. } | Command::CancelLocalActivity { .. })
}

/// Refuses options that make no sense, as the SDKs do. A policy that makes none is repaired.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/protosext/mod.rs` (`ValidScheduleLA`).
pub(super) fn check(spec: &LocalActivitySpec) -> Result<(), TaskFailure> {
    let (name, timeouts) = (&spec.activity.activity_type, spec.activity.timeouts);
    let refused = |what: String| Err(TaskFailure::Misuse(format!("local activity `{name}` {what}")));
    let named = [
        ("schedule-to-close timeout", timeouts.schedule_to_close),
        ("start-to-close timeout", timeouts.start_to_close),
        ("local retry threshold", spec.local_retry_threshold),
    ];
    if let Some((what, _)) = named.iter().find(|(_, length)| length.is_negative()) {
        return refused(format!("has a negative {what}: give a length of time, or leave it out"));
    }
    if timeouts.schedule_to_close.is_zero() && timeouts.start_to_close.is_zero() {
        return refused(
            "has no timeout, so that one that hangs would never end: set its start-to-close or its schedule-to-close timeout"
                .to_owned(),
        );
    }
    Ok(())
}

/// The failure of a local activity that was cancelled (recorded scenario `local_cancel_try`).
pub(crate) fn cancelled_failure(details: Details) -> Arc<Failure> {
    Arc::new(Failure::new("Activity cancelled", FailureKind::Canceled { details }))
}

pub(super) fn activity_id(seq: Seq, spec: &LocalActivitySpec) -> Arc<str> {
    let id = spec.activity.activity_id.clone().map_or(ActivityId::Seq(seq), ActivityId::Named);
    id.to_string().into()
}

/// The job that tells the code of an end.
///
/// A failure of the activity's code is told as it is; a cancellation and a timeout are the cause of a failure of the activity (recorded
/// scenarios `local_max_attempts_2`, `local_cancel_wait`).
pub(super) fn done(marker: &LocalActivityMarker) -> Job {
    let wrapped = |message: &str, retry_state, cause: &Arc<Failure>| {
        let kind = FailureKind::Activity {
            activity_type: marker.activity_type.clone(),
            activity_id: marker.activity_id.clone(),
            scheduled_event_id: 0,
            started_event_id: 0,
            retry_state,
        };
        Arc::new(Failure { message: message.into(), kind, cause: Some(cause.clone()) })
    };
    let result = match &marker.end {
        LocalActivityEnd::Completed(result) => LocalActivityResolution::Completed(result.clone()),
        LocalActivityEnd::Failed(failure) => LocalActivityResolution::Failed(failure.clone()),
        LocalActivityEnd::TimedOut(failure) => {
            LocalActivityResolution::Failed(wrapped("Local Activity timed out", RetryState::Timeout, failure))
        }
        LocalActivityEnd::Cancelled(failure) => LocalActivityResolution::Cancelled(wrapped(
            "Local Activity cancelled",
            RetryState::CancelRequested,
            failure,
        )),
        LocalActivityEnd::Backoff(_, delay) => LocalActivityResolution::Backoff {
            attempt: marker.attempt + 1,
            delay: *delay,
            first_scheduled_at: marker.first_scheduled_at,
        },
    };
    Job::LocalActivityDone { seq: marker.seq, result }
}
