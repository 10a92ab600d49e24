//! [`HistoryLimits`]: how long a history may grow, and when its workflow is told to continue as new.

use std::sync::Arc;

use super::dialect::Dialect;
use super::encoded::failure_size;
use super::history::EventKind;
use super::outcome::WorkflowOutcome;
use crate::program::{Carried, Details, Failure, LocalActivityEnd, Marker, Payload};

/// The lengths of a history at which the service suggests to continue as new, and at which it ends the run. A zero in any of
/// them means that there is no such limit.
///
/// Sizes are those of the payloads, names and failures in the history, with 64 bytes more for each event. A server measures its
/// encoding, which has other small parts.
///
/// Source: temporal `common/dynamicconfig/constants.go` (`limit.historyCount.*`, `limit.historySize.*`); cadence
/// `common/dynamicconfig/dynamicproperties/constants.go`.
///
/// ```
/// use durasim::{HistoryLimits, Simulation};
///
/// // The suggestion comes after ten events instead of 4,096.
/// let limits = HistoryLimits { suggested_events: 10, ..HistoryLimits::TEMPORAL };
/// let simulation = Simulation::temporal().history_limits(limits);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HistoryLimits {
    /// The number of events from which on continue-as-new is suggested.
    pub suggested_events: u64,
    /// The size in bytes from which on continue-as-new is suggested.
    pub suggested_bytes: u64,
    /// The number of events that the history may have. A run with more is terminated.
    pub events: u64,
    /// The size in bytes that the history may have. A run with more is terminated.
    pub bytes: u64,
}

impl HistoryLimits {
    /// The limits of a Temporal server with default settings: 4,096 events or 4 MiB, and 51,200 events or 50 MiB.
    pub const TEMPORAL: HistoryLimits =
        HistoryLimits { suggested_events: 4096, suggested_bytes: 4 << 20, events: 50 << 10, bytes: 50 << 20 };

    /// The limits of a Cadence server with default settings, which suggests nothing: 204,800 events or 200 MiB.
    pub const CADENCE: HistoryLimits =
        HistoryLimits { suggested_events: 0, suggested_bytes: 0, events: 200 << 10, bytes: 200 << 20 };

    /// Says whether continue-as-new is suggested for a task whose started event has this id, after so many bytes.
    pub(super) fn suggest(&self, started_event_id: u64, bytes: u64) -> bool {
        reaches(started_event_id, self.suggested_events) || reaches(bytes, self.suggested_bytes)
    }

    /// The words in which a run is terminated whose history is so long.
    pub(super) fn exceeded(&self, dialect: Dialect, events: u64, bytes: u64) -> Option<&'static str> {
        let words = if events > self.events && self.events > 0 {
            "Workflow history count exceeds limit."
        } else if bytes > self.bytes && self.bytes > 0 {
            "Workflow history size exceeds limit."
        } else {
            return None;
        };
        Some(if dialect == Dialect::Cadence { "HISTORY_EXCEEDS_LIMIT" } else { words })
    }
}

fn reaches(value: u64, limit: u64) -> bool {
    limit > 0 && value >= limit
}

/// The bytes that an event has beside what it carries.
const EVENT_SIZE: u64 = 64;

impl EventKind {
    /// Measures the event, in bytes.
    pub(super) fn size(&self) -> u64 {
        let carried = match self {
            EventKind::WorkflowExecutionStarted { info, input, .. } => {
                info.workflow_type.len() + size_of(input) + size_of_carried(&info.carried)
            }
            EventKind::WorkflowTaskFailed { message, .. } => message.len(),
            EventKind::ActivityTaskScheduled { spec, .. } => spec.activity_type.len() + size_of(&spec.input),
            EventKind::ActivityTaskStarted { last_failure, .. } => last_failure.as_ref().map_or(0, size_of_failure),
            EventKind::ActivityTaskCompleted { result, .. } | EventKind::WorkflowExecutionCompleted { result } => {
                size_of(result)
            }
            EventKind::ActivityTaskFailed { failure, .. }
            | EventKind::ActivityTaskTimedOut { failure, .. }
            | EventKind::WorkflowExecutionFailed { failure, .. } => size_of_failure(failure),
            EventKind::ActivityTaskCanceled { details, .. } | EventKind::WorkflowExecutionCanceled { details } => {
                size_of_details(details)
            }
            EventKind::WorkflowExecutionCancelRequested { reason }
            | EventKind::WorkflowExecutionTerminated { reason }
            | EventKind::RequestCancelExternalWorkflowExecutionInitiated { reason, .. } => reason.len(),
            EventKind::WorkflowExecutionUpdateCompleted { outcome, .. } => {
                outcome.as_ref().map_or_else(size_of_failure, size_of)
            }
            EventKind::WorkflowExecutionSignaled { name, input }
            | EventKind::WorkflowExecutionUpdateAccepted { name, input, .. }
            | EventKind::SignalExternalWorkflowExecutionInitiated { name, input, .. } => name.len() + size_of(input),
            EventKind::StartChildWorkflowExecutionInitiated { spec, .. } => {
                spec.workflow_type.len() + size_of(&spec.input) + size_of_carried(&spec.carried)
            }
            EventKind::ChildWorkflowExecutionClosed { outcome, .. } => match outcome {
                WorkflowOutcome::Completed(result) => size_of(result),
                WorkflowOutcome::Failed { failure, .. } => size_of_failure(failure),
                WorkflowOutcome::Canceled(details) => size_of_details(details),
                _ => 0,
            },
            EventKind::MarkerRecorded {
                marker: Marker::SideEffect { value, .. } | Marker::MutableSideEffect { value, .. },
            } => size_of(value),
            EventKind::MarkerRecorded { marker: Marker::LocalActivity(local) } => match &local.end {
                LocalActivityEnd::Completed(result) => size_of(result),
                LocalActivityEnd::Failed(failure)
                | LocalActivityEnd::TimedOut(failure)
                | LocalActivityEnd::Cancelled(failure)
                | LocalActivityEnd::Backoff(failure, _) => size_of_failure(failure),
            },
            EventKind::WorkflowExecutionContinuedAsNew { workflow_type, input, .. } => {
                workflow_type.len() + size_of(input)
            }
            _ => 0,
        };
        EVENT_SIZE + carried as u64
    }
}

fn size_of(payload: &Payload) -> usize {
    payload.as_bytes().len()
}

fn size_of_carried(carried: &Carried) -> usize {
    carried.values().map(|(name, value)| name.len() + size_of(value)).sum()
}

fn size_of_details(details: &Details) -> usize {
    details.as_bytes().map_or(0, <[u8]>::len)
}

fn size_of_failure(failure: &Arc<Failure>) -> usize {
    failure_size(failure, 0)
}
