//! [`Workflow`]: one workflow run, with its history and its timers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::history::{Buffered, EventKind, HistoryEvent, TaskFailedCause};
use super::keys::ActivityKey;
use crate::program::{Details, Failure, Payload, RetryState, RunInfo, Seq, Span, Time};

/// What starts a workflow run.
#[derive(Clone, PartialEq, Debug)]
pub struct StartWorkflow {
    /// Chosen by who starts it.
    pub workflow_id: Arc<str>,
    /// Of this run.
    pub run_id: Arc<str>,
    /// The registered name.
    pub workflow_type: Arc<str>,
    /// Where its workers poll.
    pub task_queue: Arc<str>,
    /// The encoded input.
    pub input: Payload,
    /// The longest time the run may be open; zero means no limit.
    pub run_timeout: Span,
    /// The longest time a worker may take for one workflow task; zero means 10 s. Clipped to the run timeout.
    pub task_timeout: Span,
    /// Feeds the workflow's own random numbers.
    pub random_seed: u64,
}

/// How a workflow run closed.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum WorkflowOutcome {
    /// With a result.
    Completed(Payload),
    /// With a failure.
    Failed {
        /// What the code said.
        failure: Arc<Failure>,
        /// Why there is no other run.
        retry_state: RetryState,
    },
    /// As cancelled.
    Canceled(Details),
    /// By its run timeout.
    TimedOut {
        /// Why there is no other run.
        retry_state: RetryState,
    },
    /// From outside.
    Terminated {
        /// In words, possibly empty.
        reason: Arc<str>,
    },
}

impl WorkflowOutcome {
    /// How the workflow ended, in words.
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
    /// Which one, by name.
    pub name: Arc<str>,
    /// Its encoded input.
    pub input: Payload,
}

/// Where the task of a run stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TaskState {
    /// There is no news for the workflow.
    None,
    /// Waits for a worker.
    Scheduled {
        attempt: u32,
        at: Time,
        /// Events in the history by then: what comes later makes this a task of its own.
        history_length: usize,
    },
    /// A worker has it.
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
    /// Fires at this time.
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
    /// When its run timeout passes.
    pub(super) expires: Time,
    pub(super) cancel_requested: bool,
    pub(super) outcome: Option<WorkflowOutcome>,
    pub(super) task: TaskState,
    /// Of the last task scheduled.
    pub(super) stamp: u32,
    /// Of the last task that failed, which its history does not say of a repeated attempt.
    pub(super) task_failure: Option<(TaskFailedCause, Arc<str>)>,
    /// Of the last task completed.
    pub(super) previous_started_event_id: u64,
    pub(super) history: Vec<HistoryEvent>,
    /// Events that arrived while a workflow task is open.
    pub(super) buffered: Vec<Buffered>,
    /// In the order of arrival.
    pub(super) signals: Vec<Signal>,
    /// By the numbers of their commands, rising.
    pub(super) activities: Vec<(Seq, ActivityKey)>,
    /// By their numbers, rising.
    timers: Vec<(Seq, TimerState)>,
    /// Open activities with ids chosen by the caller.
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

    /// Its names and its start.
    pub fn info(&self) -> &Arc<RunInfo> {
        &self.info
    }

    /// The longest time it may be open; zero means no limit.
    pub fn run_timeout(&self) -> Span {
        self.run_timeout
    }

    /// Whether it has not closed.
    pub fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// How it closed.
    pub fn outcome(&self) -> Option<&WorkflowOutcome> {
        self.outcome.as_ref()
    }

    /// Whether somebody asked to cancel it.
    pub fn cancel_requested(&self) -> bool {
        self.cancel_requested
    }

    /// Its history so far.
    pub fn history(&self) -> &[HistoryEvent] {
        &self.history
    }

    /// The signals it has got, in the order of arrival, seen by its code or not.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Whether there is a workflow task: news that its code has not taken in.
    pub fn has_task(&self) -> bool {
        self.task != TaskState::None
    }

    /// Why the last task failed that did, repeated attempts included: those leave no event.
    pub fn task_failure(&self) -> Option<(TaskFailedCause, &str)> {
        self.task_failure.as_ref().map(|(cause, message)| (*cause, &**message))
    }

    /// Its activities with the numbers of their commands, closed ones included.
    pub fn activities(&self) -> &[(Seq, ActivityKey)] {
        &self.activities
    }

    /// The activity of a command's number.
    pub fn activity(&self, seq: Seq) -> Option<ActivityKey> {
        find(&self.activities, seq).ok().map(|index| self.activities[index].1)
    }

    /// Writes an event. Its id is the answer.
    pub(super) fn append(&mut self, at: Time, kind: EventKind) -> u64 {
        let id = self.history.len() as u64 + 1;
        self.history.push(HistoryEvent { id, at, kind });
        id
    }

    /// Whether a timer of its own runs.
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
fn find<T>(list: &[(Seq, T)], seq: Seq) -> Result<usize, usize> {
    list.binary_search_by_key(&seq, |(seq, _)| *seq)
}

/// Puts an entry into a rising list; an older one of the same number is replaced.
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
