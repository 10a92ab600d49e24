//! [`Workflow`]: one workflow run, with its history and its timers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::history::{Buffered, EventKind, HistoryEvent, TaskFailedCause};
use super::keys::ActivityKey;
use crate::program::{Details, Failure, Payload, RetryState, RunInfo, Seq, Span, Time};

/// The values with which a workflow run starts.
#[derive(Clone, PartialEq, Debug)]
pub struct StartWorkflow {
    /// The id of the workflow, chosen by the caller that starts it.
    pub workflow_id: Arc<str>,
    /// The id of this run.
    pub run_id: Arc<str>,
    /// The registered name.
    pub workflow_type: Arc<str>,
    /// The queue that its workers poll.
    pub task_queue: Arc<str>,
    /// The encoded input.
    pub input: Payload,
    /// The longest time the run may be open; zero means no limit.
    pub run_timeout: Span,
    /// The longest time a worker may take for one workflow task; zero means 10 s. Clipped to the run timeout.
    pub task_timeout: Span,
    /// The seed of the workflow's own random numbers.
    pub random_seed: u64,
}

/// The way in which a workflow run closed.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum WorkflowOutcome {
    /// The run closed with a result.
    Completed(Payload),
    /// The run closed with a failure.
    Failed {
        /// The failure that the code gave.
        failure: Arc<Failure>,
        /// The reason why there is no other run.
        retry_state: RetryState,
    },
    /// The run closed as cancelled.
    Canceled(Details),
    /// The run was closed by its run timeout.
    TimedOut {
        /// The reason why there is no other run.
        retry_state: RetryState,
    },
    /// The run was closed from outside.
    Terminated {
        /// The reason in words, possibly empty.
        reason: Arc<str>,
    },
}

impl WorkflowOutcome {
    /// Says in words how the workflow ended.
    pub(crate) fn words(&self) -> String {
        match self {
            WorkflowOutcome::Completed(result) => format!("completed with {result}"),
            WorkflowOutcome::Failed { failure, .. } => format!("failed: {failure}"),
            WorkflowOutcome::Canceled(_) => "cancelled".to_owned(),
            WorkflowOutcome::TimedOut { .. } => "timed out".to_owned(),
            WorkflowOutcome::Terminated { reason } if reason.is_empty() => "terminated".to_owned(),
            WorkflowOutcome::Terminated { reason } => format!("terminated: {reason}"),
        }
    }
}

/// A signal that a workflow run has got.
#[derive(Clone, PartialEq, Debug)]
pub struct Signal {
    /// The name of the signal.
    pub name: Arc<str>,
    /// The encoded input of the signal.
    pub input: Payload,
}

/// The place at which the task of a run stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TaskState {
    /// There is no news for the workflow.
    None,
    /// The task waits for a worker.
    Scheduled {
        attempt: u32,
        at: Time,
        /// The number of events in the history by then. Events that come later make this a task of its own.
        history_length: usize,
    },
    /// A worker has the task.
    Started { attempt: u32, scheduled_at: Time, started_at: Time },
}

impl TaskState {
    pub(super) fn is_started(&self) -> bool {
        matches!(self, TaskState::Started { .. })
    }
}

/// A workflow's own timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TimerState {
    /// The timer fires at this time.
    Running(Time),
    Fired,
    Canceled,
}

/// One workflow run.
#[derive(Debug)]
pub struct Workflow {
    info: Arc<RunInfo>,
    pub(super) run_timeout: Span,
    pub(super) task_timeout: Span,
    /// The time at which its run timeout passes.
    pub(super) expires: Time,
    pub(super) cancel_requested: bool,
    pub(super) outcome: Option<WorkflowOutcome>,
    pub(super) task: TaskState,
    /// The stamp of the last task scheduled.
    pub(super) stamp: u32,
    /// The cause and the message of the last task that failed. The history does not say them of a repeated attempt.
    pub(super) task_failure: Option<(TaskFailedCause, Arc<str>)>,
    /// The started event of the last task completed.
    pub(super) previous_started_event_id: u64,
    pub(super) history: Vec<HistoryEvent>,
    /// The events that arrived while a workflow task is open.
    pub(super) buffered: Vec<Buffered>,
    /// The signals that arrived, in the order of arrival.
    pub(super) signals: Vec<Signal>,
    /// The activities by the numbers of their commands, rising.
    pub(super) activities: Vec<(Seq, ActivityKey)>,
    /// The timers by their numbers, rising.
    timers: Vec<(Seq, TimerState)>,
    /// The open activities with ids chosen by the caller.
    pub(super) named: BTreeMap<Arc<str>, ActivityKey>,
}

/// The number of events of a workflow that completes after one activity.
const EVENTS_OF_ONE_ACTIVITY: usize = 11;

impl Workflow {
    /// A run that starts now, with nothing in its history yet.
    pub(super) fn new(start: StartWorkflow, now: Time) -> Workflow {
        const DEFAULT_TASK_TIMEOUT: Span = Span::from_secs(10);
        let mut task_timeout = if start.task_timeout.is_zero() { DEFAULT_TASK_TIMEOUT } else { start.task_timeout };
        if !start.run_timeout.is_zero() {
            task_timeout = task_timeout.min(start.run_timeout);
        }
        Workflow {
            info: Arc::new(RunInfo {
                workflow_id: start.workflow_id,
                run_id: start.run_id,
                workflow_type: start.workflow_type,
                task_queue: start.task_queue,
                attempt: 1,
                random_seed: start.random_seed,
                started_at: now,
                run_timeout: start.run_timeout,
            }),
            run_timeout: start.run_timeout,
            task_timeout,
            expires: if start.run_timeout.is_zero() { Time::MAX } else { now.plus(start.run_timeout) },
            cancel_requested: false,
            outcome: None,
            task: TaskState::None,
            stamp: 0,
            task_failure: None,
            previous_started_event_id: 0,
            history: Vec::with_capacity(EVENTS_OF_ONE_ACTIVITY),
            buffered: Vec::new(),
            signals: Vec::new(),
            activities: Vec::new(),
            timers: Vec::new(),
            named: BTreeMap::new(),
        }
    }

    /// The names and the start of the run.
    pub fn info(&self) -> &Arc<RunInfo> {
        &self.info
    }

    /// The longest time the run may be open; zero means no limit.
    pub fn run_timeout(&self) -> Span {
        self.run_timeout
    }

    /// Says whether the run has not closed.
    pub fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// The way in which the run closed; `None` while it is open.
    pub fn outcome(&self) -> Option<&WorkflowOutcome> {
        self.outcome.as_ref()
    }

    /// Says whether somebody asked to cancel the run.
    pub fn cancel_requested(&self) -> bool {
        self.cancel_requested
    }

    /// The history of the run so far.
    pub fn history(&self) -> &[HistoryEvent] {
        &self.history
    }

    /// The signals that the run has got, in the order of arrival, seen by its code or not.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Says whether there is a workflow task: news that its code has not taken in.
    pub fn has_task(&self) -> bool {
        self.task != TaskState::None
    }

    /// The cause and the message of the last task that failed. Repeated attempts count too, although they leave no
    /// event.
    pub fn task_failure(&self) -> Option<(TaskFailedCause, &str)> {
        self.task_failure.as_ref().map(|(cause, message)| (*cause, &**message))
    }

    /// The activities of the run with the numbers of their commands, closed ones included.
    pub fn activities(&self) -> &[(Seq, ActivityKey)] {
        &self.activities
    }

    /// The activity of a command's number.
    pub fn activity(&self, seq: Seq) -> Option<ActivityKey> {
        find(&self.activities, seq).ok().map(|index| self.activities[index].1)
    }

    /// Writes an event and gives its id.
    pub(super) fn append(&mut self, at: Time, kind: EventKind) -> u64 {
        let id = self.history.len() as u64 + 1;
        self.history.push(HistoryEvent { id, at, kind });
        id
    }

    /// Says whether a timer of the run's own is running.
    pub fn has_timer(&self) -> bool {
        self.timers.iter().any(|(_, state)| matches!(state, TimerState::Running(_)))
    }

    pub(super) fn timer(&self, seq: Seq) -> Option<TimerState> {
        find(&self.timers, seq).ok().map(|index| self.timers[index].1)
    }

    pub(super) fn set_timer(&mut self, seq: Seq, state: TimerState) {
        insert(&mut self.timers, seq, state);
    }
}

/// Looks for a number in a rising list.
pub(super) fn find<T>(list: &[(Seq, T)], seq: Seq) -> Result<usize, usize> {
    list.binary_search_by_key(&seq, |(seq, _)| *seq)
}

/// Puts an entry into a rising list; an older entry of the same number is replaced.
pub(super) fn insert<T>(list: &mut Vec<(Seq, T)>, seq: Seq, value: T) {
    match find(list, seq) {
        Ok(index) => list[index].1 = value,
        Err(index) => list.insert(index, (seq, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_come_in_any_order() {
        let mut list = Vec::new();
        for seq in [3, 1, 2, 9, 3] {
            insert(&mut list, seq, seq * 10);
        }
        assert_eq!(list, [(1, 10), (2, 20), (3, 30), (9, 90)]);
        assert_eq!(find(&list, 2), Ok(1));
        assert_eq!(find(&list, 4), Err(3));
    }
}
