//! [`HistoryEvent`]: the events from which a workflow is replayed.

use std::sync::Arc;

use super::keys::ActivityKey;
use super::outcome::WorkflowOutcome;
use crate::program::{
    ActivityId, ActivitySpec, ChildSpec, Details, Failure, Marker, Payload, RetrySpec, RetryState, RunInfo, Seq, Span,
    Target, Time, Timeouts,
};

/// One event of a workflow's history.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryEvent {
    /// The number of the event. Events count from 1, without gaps.
    pub id: u64,
    /// The time at which the event happened. Buffered events keep their time of arrival, so times need not rise with
    /// ids (recorded scenario `raw_buffer_mixed`).
    pub at: Time,
    /// The thing that happened.
    pub kind: EventKind,
}

/// The content of an event: the attributes that replay and reports need. An event id of 0 means "there is none".
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// `WORKFLOW_EXECUTION_STARTED`: always the first event.
    WorkflowExecutionStarted {
        /// The facts about the run, with the options in force.
        info: Arc<RunInfo>,
        /// The encoded input.
        input: Payload,
        /// The time after which the first workflow task is scheduled.
        first_task_backoff: Span,
    },
    /// `WORKFLOW_TASK_SCHEDULED`.
    WorkflowTaskScheduled {
        /// The attempt at this task, from 1.
        attempt: u32,
        /// The time that a worker may take, from its start.
        timeout: Span,
    },
    /// `WORKFLOW_TASK_STARTED`: its time is the workflow's clock while the task is handled.
    WorkflowTaskStarted {
        /// The id of the task's scheduled event.
        scheduled_event_id: u64,
        /// The bytes of the history before it; see [`HistoryLimits`](super::HistoryLimits).
        history_size: u64,
        /// Says whether the history is so long that the workflow had better continue as new.
        suggest_continue_as_new: bool,
    },
    /// `WORKFLOW_TASK_COMPLETED`: the events of its commands follow.
    WorkflowTaskCompleted {
        /// The id of the task's scheduled event.
        scheduled_event_id: u64,
        /// The id of the task's started event.
        started_event_id: u64,
    },
    /// `WORKFLOW_TASK_FAILED`: written for the first attempt only.
    WorkflowTaskFailed {
        /// The id of the task's scheduled event.
        scheduled_event_id: u64,
        /// The id of the task's started event.
        started_event_id: u64,
        /// The reason why the task failed.
        cause: TaskFailedCause,
        /// The reason in words.
        message: Arc<str>,
    },
    /// `WORKFLOW_TASK_TIMED_OUT`: written for the first attempt only. It is start-to-close, or schedule-to-start where the worker
    /// that had the workflow in its cache did not take the task.
    WorkflowTaskTimedOut {
        /// The id of the task's scheduled event.
        scheduled_event_id: u64,
        /// The id of the task's started event; 0 if no worker took the task.
        started_event_id: u64,
    },
    /// `ACTIVITY_TASK_SCHEDULED`, with options after defaulting.
    ActivityTaskScheduled {
        /// The number of the command.
        seq: Seq,
        /// The id of the activity.
        id: ActivityId,
        /// The activity's specification, as the workflow asked for it.
        spec: Arc<ActivitySpec>,
        /// The timeouts in force; zero means none.
        timeouts: Timeouts,
        /// The retry policy in force.
        retry: Arc<RetrySpec>,
    },
    /// `ACTIVITY_TASK_STARTED`: written when the activity closes, with the start time of its last attempt
    /// (recorded scenario `retry_success_on_3`).
    ActivityTaskStarted {
        /// The id of the activity's scheduled event.
        scheduled_event_id: u64,
        /// The number of the last attempt. It counts from 1, and in the Cadence dialect from 0.
        attempt: u32,
        /// The failure of the attempt before it.
        last_failure: Option<Arc<Failure>>,
    },
    /// `ACTIVITY_TASK_COMPLETED`.
    ActivityTaskCompleted {
        /// The id of the activity's scheduled event.
        scheduled_event_id: u64,
        /// The id of the activity's started event.
        started_event_id: u64,
        /// The encoded result.
        result: Payload,
    },
    /// `ACTIVITY_TASK_FAILED`.
    ActivityTaskFailed {
        /// The id of the activity's scheduled event.
        scheduled_event_id: u64,
        /// The id of the activity's started event.
        started_event_id: u64,
        /// The last attempt's failure.
        failure: Arc<Failure>,
        /// The reason why there was no other attempt.
        retry_state: RetryState,
    },
    /// `ACTIVITY_TASK_TIMED_OUT`.
    ActivityTaskTimedOut {
        /// The id of the activity's scheduled event.
        scheduled_event_id: u64,
        /// The id of the activity's started event; 0 if the activity timed out waiting for a worker.
        started_event_id: u64,
        /// A timeout failure, caused by the failure of the attempt before.
        failure: Arc<Failure>,
        /// The reason why there was no other attempt.
        retry_state: RetryState,
    },
    /// `ACTIVITY_TASK_CANCEL_REQUESTED`.
    ActivityTaskCancelRequested {
        /// The id of the activity's scheduled event.
        scheduled_event_id: u64,
    },
    /// `ACTIVITY_TASK_CANCELED`.
    ActivityTaskCanceled {
        /// The id of the activity's scheduled event.
        scheduled_event_id: u64,
        /// The id of the activity's started event; 0 if the activity was not running.
        started_event_id: u64,
        /// The details that the code attached, or `"ACTIVITY_ID_NOT_STARTED"`.
        details: Details,
    },
    /// `TIMER_STARTED`.
    TimerStarted {
        /// The number of the timer.
        seq: Seq,
        /// The time for which the timer runs.
        duration: Span,
    },
    /// `TIMER_FIRED`.
    TimerFired {
        /// The number of the timer.
        seq: Seq,
    },
    /// `TIMER_CANCELED`.
    TimerCanceled {
        /// The number of the timer.
        seq: Seq,
    },
    /// `WORKFLOW_EXECUTION_CANCEL_REQUESTED`: at most one.
    WorkflowExecutionCancelRequested {
        /// The reason in words, possibly empty.
        reason: Arc<str>,
    },
    /// `WORKFLOW_EXECUTION_SIGNALED`.
    WorkflowExecutionSignaled {
        /// The signal's name.
        name: Arc<str>,
        /// Its encoded input.
        input: Payload,
    },
    /// `WORKFLOW_EXECUTION_UPDATE_ACCEPTED`: it holds the update, which no event before it does.
    WorkflowExecutionUpdateAccepted {
        /// The id of the update.
        update_id: Arc<str>,
        /// The name of its handler.
        name: Arc<str>,
        /// Its encoded input.
        input: Payload,
        /// The last event that the workflow knew of when it got the update.
        sequencing_event_id: u64,
    },
    /// `WORKFLOW_EXECUTION_UPDATE_COMPLETED`.
    WorkflowExecutionUpdateCompleted {
        /// The id of the update.
        update_id: Arc<str>,
        /// The id of the event that says that it was accepted.
        accepted_event_id: u64,
        /// Its encoded result, or the failure that it ended with.
        outcome: Result<Payload, Arc<Failure>>,
    },
    /// `START_CHILD_WORKFLOW_EXECUTION_INITIATED`.
    StartChildWorkflowExecutionInitiated {
        /// The number of the command.
        seq: Seq,
        /// The child, as the workflow asked for it.
        spec: Arc<ChildSpec>,
    },
    /// `START_CHILD_WORKFLOW_EXECUTION_FAILED`: a workflow of this id is there already.
    StartChildWorkflowExecutionFailed {
        /// The number of the child.
        seq: Seq,
        /// The id of the event that initiated it.
        initiated_event_id: u64,
    },
    /// `CHILD_WORKFLOW_EXECUTION_STARTED`.
    ChildWorkflowExecutionStarted {
        /// The number of the child.
        seq: Seq,
        /// The id of the event that initiated it.
        initiated_event_id: u64,
        /// The id of its first run.
        run_id: Arc<str>,
    },
    /// `CHILD_WORKFLOW_EXECUTION_COMPLETED`, `.._FAILED`, `.._CANCELED`, `.._TIMED_OUT` or `.._TERMINATED`.
    ChildWorkflowExecutionClosed {
        /// The number of the child.
        seq: Seq,
        /// The id of the event that initiated it.
        initiated_event_id: u64,
        /// The id of the event that says that it started.
        started_event_id: u64,
        /// The id of its last run.
        run_id: Arc<str>,
        /// The way in which that run closed.
        outcome: WorkflowOutcome,
    },
    /// `SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED`.
    SignalExternalWorkflowExecutionInitiated {
        /// The number of the command.
        seq: Seq,
        /// The workflow that gets the signal.
        target: Target,
        /// The signal's name.
        name: Arc<str>,
        /// Its encoded input.
        input: Payload,
    },
    /// `EXTERNAL_WORKFLOW_EXECUTION_SIGNALED`, or `SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED` if there is no such
    /// workflow, or it has closed.
    ExternalWorkflowExecutionSignaled {
        /// The number of the signal.
        seq: Seq,
        /// The id of the event that initiated it.
        initiated_event_id: u64,
        /// Says whether it has arrived.
        arrived: bool,
    },
    /// `REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED`.
    RequestCancelExternalWorkflowExecutionInitiated {
        /// The number of the command; that of the child if the target is a child.
        seq: Seq,
        /// The workflow that is asked.
        target: Target,
        /// The reason in words, possibly empty.
        reason: Arc<str>,
    },
    /// `EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED`, or `REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED` if there is no
    /// such workflow.
    ExternalWorkflowExecutionCancelRequested {
        /// The number of the request; that of the child if the target is a child.
        seq: Seq,
        /// Says whether the target is a child.
        of_child: bool,
        /// The id of the event that initiated it.
        initiated_event_id: u64,
        /// Says whether it has arrived.
        arrived: bool,
    },
    /// `MARKER_RECORDED`.
    MarkerRecorded {
        /// The marker, which is kept for replays.
        marker: Marker,
    },
    /// `WORKFLOW_EXECUTION_COMPLETED`.
    WorkflowExecutionCompleted {
        /// The encoded result.
        result: Payload,
    },
    /// `WORKFLOW_EXECUTION_FAILED`.
    WorkflowExecutionFailed {
        /// The failure that the code ended with.
        failure: Arc<Failure>,
        /// The reason why there is no other run, or `IN_PROGRESS`.
        retry_state: RetryState,
        /// The id of the run that retries this one.
        new_run_id: Option<Arc<str>>,
    },
    /// `WORKFLOW_EXECUTION_CANCELED`.
    WorkflowExecutionCanceled {
        /// The details that the code attached.
        details: Details,
    },
    /// `WORKFLOW_EXECUTION_TIMED_OUT`.
    WorkflowExecutionTimedOut {
        /// The reason why there is no other run, or `IN_PROGRESS`.
        retry_state: RetryState,
        /// The id of the run that retries this one.
        new_run_id: Option<Arc<str>>,
    },
    /// `WORKFLOW_EXECUTION_CONTINUED_AS_NEW`.
    WorkflowExecutionContinuedAsNew {
        /// The id of the run that follows.
        new_run_id: Arc<str>,
        /// Its registered name.
        workflow_type: Arc<str>,
        /// The queue that its workers poll.
        task_queue: Arc<str>,
        /// Its encoded input.
        input: Payload,
        /// The longest time that it may be open; zero means no limit.
        run_timeout: Span,
        /// The longest time that a worker may take for one of its workflow tasks.
        task_timeout: Span,
    },
    /// `WORKFLOW_EXECUTION_TERMINATED`.
    WorkflowExecutionTerminated {
        /// The reason in words, possibly empty.
        reason: Arc<str>,
    },
}

/// The reason why a workflow task failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TaskFailedCause {
    /// The workflow was about to close while there was news it had not seen.
    UnhandledCommand,
    /// A `ScheduleActivity` command that makes no sense.
    BadScheduleActivityAttributes,
    /// An activity of this id is open.
    ScheduleActivityDuplicateId,
    /// A `CancelActivity` command for an activity that is not open.
    BadRequestCancelActivityAttributes,
    /// A `StartTimer` command that makes no sense.
    BadStartTimerAttributes,
    /// A timer of this number is running.
    StartTimerDuplicateId,
    /// A `CancelTimer` command for a timer that is not running.
    BadCancelTimerAttributes,
    /// A `StartChild` command that makes no sense.
    BadStartChildExecutionAttributes,
    /// A `SignalWorkflow` command that makes no sense.
    BadSignalWorkflowExecutionAttributes,
    /// A `CancelWorkflow` or `CancelChild` command that makes no sense.
    BadRequestCancelExternalWorkflowExecutionAttributes,
    /// A `ContinueAsNew` command that makes no sense.
    BadContinueAsNewAttributes,
    /// An answer to an update that waits for none.
    BadUpdateWorkflowExecutionMessage,
    /// The replay of the workflow asked for other things than its history says.
    NonDeterministicError,
    /// The workflow's code panicked, or could not be run.
    WorkflowWorkerUnhandledFailure,
    /// The run was closed from outside while the task was open.
    ForceCloseCommand,
}

/// Writes the cause as the API spells it, without its prefix: `UNHANDLED_COMMAND`.
impl std::fmt::Display for TaskFailedCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            TaskFailedCause::UnhandledCommand => "UNHANDLED_COMMAND",
            TaskFailedCause::BadScheduleActivityAttributes => "BAD_SCHEDULE_ACTIVITY_ATTRIBUTES",
            TaskFailedCause::ScheduleActivityDuplicateId => "SCHEDULE_ACTIVITY_DUPLICATE_ID",
            TaskFailedCause::BadRequestCancelActivityAttributes => "BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES",
            TaskFailedCause::BadStartTimerAttributes => "BAD_START_TIMER_ATTRIBUTES",
            TaskFailedCause::StartTimerDuplicateId => "START_TIMER_DUPLICATE_ID",
            TaskFailedCause::BadCancelTimerAttributes => "BAD_CANCEL_TIMER_ATTRIBUTES",
            TaskFailedCause::BadStartChildExecutionAttributes => "BAD_START_CHILD_EXECUTION_ATTRIBUTES",
            TaskFailedCause::BadSignalWorkflowExecutionAttributes => "BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES",
            TaskFailedCause::BadRequestCancelExternalWorkflowExecutionAttributes => {
                "BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES"
            }
            TaskFailedCause::BadContinueAsNewAttributes => "BAD_CONTINUE_AS_NEW_ATTRIBUTES",
            TaskFailedCause::BadUpdateWorkflowExecutionMessage => "BAD_UPDATE_WORKFLOW_EXECUTION_MESSAGE",
            TaskFailedCause::NonDeterministicError => "NON_DETERMINISTIC_ERROR",
            TaskFailedCause::WorkflowWorkerUnhandledFailure => "WORKFLOW_WORKER_UNHANDLED_FAILURE",
            TaskFailedCause::ForceCloseCommand => "FORCE_CLOSE_COMMAND",
        })
    }
}

/// An event that arrived while a workflow task was open, and has no id yet.
#[derive(Debug)]
pub(super) struct Buffered {
    pub(super) at: Time,
    pub(super) kind: EventKind,
    /// The activity or the child that started or closed.
    pub(super) subject: Option<Subject>,
}

/// The thing whose start or end an event says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Subject {
    Activity(ActivityKey),
    Child(Seq),
}

impl Subject {
    pub(super) fn activity(self) -> Option<ActivityKey> {
        match self {
            Subject::Activity(activity) => Some(activity),
            Subject::Child(_) => None,
        }
    }
}

impl EventKind {
    /// Says whether this is the last event of an activity or a child. Such events move behind all others of a buffer (temporal
    /// `service/history/historybuilder/event_store.go`, recorded scenario `raw_buffer_mixed`).
    pub(super) fn comes_last(&self) -> bool {
        matches!(
            self,
            EventKind::ActivityTaskCompleted { .. }
                | EventKind::ActivityTaskFailed { .. }
                | EventKind::ActivityTaskTimedOut { .. }
                | EventKind::ActivityTaskCanceled { .. }
                | EventKind::ChildWorkflowExecutionClosed { .. }
        )
    }

    /// Fills in the id of the event that says that the activity or child started, which is known once that event is
    /// written.
    pub(super) fn refer_to_start(&mut self, id: u64) {
        match self {
            EventKind::ActivityTaskCompleted { started_event_id, .. }
            | EventKind::ActivityTaskFailed { started_event_id, .. }
            | EventKind::ActivityTaskTimedOut { started_event_id, .. }
            | EventKind::ActivityTaskCanceled { started_event_id, .. }
            | EventKind::ChildWorkflowExecutionClosed { started_event_id, .. } => *started_event_id = id,
            _ => {}
        }
    }
}
