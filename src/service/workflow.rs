//! [`Workflow`]: one workflow run, with its history and its timers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::child::Child;
use super::history::{Buffered, EventKind, HistoryEvent, TaskFailedCause};
use super::keys::{ActivityKey, WorkflowKey};
use super::outcome::WorkflowOutcome;
use super::update::UpdateKey;
use crate::program::{Payload, RunInfo, Seq, Span, Time};

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

/// The part of a run that stands for an activity without a workflow.
#[derive(Debug)]
pub(super) struct Standalone {
    pub(super) activity: ActivityKey,
    /// The names as the activity's code sees them: those of a workflow are empty.
    pub(super) seen: Arc<RunInfo>,
    pub(super) input: Payload,
    pub(super) cancel_reason: Option<Arc<str>>,
}

/// One workflow run.
#[derive(Debug)]
pub struct Workflow {
    info: Arc<RunInfo>,
    /// The time at which its run timeout passes, or that of the whole chain.
    pub(super) expires: Time,
    /// The time at which the timeout of the whole chain passes.
    pub(super) execution_expires: Time,
    /// The time at which its first workflow task may be scheduled.
    pub(super) first_task_at: Time,
    /// Says whether that time is still to come.
    pub(super) waits_for_first_task: bool,
    /// The number of this run among those of its id, from 1.
    pub(super) number: u32,
    /// The run before this one in its chain.
    pub(super) predecessor: Option<WorkflowKey>,
    /// The run that follows this one in its chain.
    pub(super) successor: Option<WorkflowKey>,
    pub(super) cancel_requested: bool,
    pub(super) outcome: Option<WorkflowOutcome>,
    pub(super) task: TaskState,
    /// Says whether the task is there for updates alone, and none of its events is written so far.
    pub(super) is_task_speculative: bool,
    /// The stamp of the last task scheduled.
    pub(super) stamp: u32,
    /// The longest time that a task waits for the worker that has answered the last one, on that worker's own queue; zero where
    /// there is no such queue.
    pub(super) sticky: Span,
    /// The cause and the message of the last task that failed. The history does not say them of a repeated attempt.
    pub(super) task_failure: Option<(TaskFailedCause, Arc<str>)>,
    /// The started event of the last task completed.
    pub(super) previous_started_event_id: u64,
    pub(super) history: Vec<HistoryEvent>,
    /// The bytes of the history.
    history_size: u64,
    /// The events that arrived while a workflow task is open.
    pub(super) buffered: Vec<Buffered>,
    /// The signals that arrived, in the order of arrival.
    pub(super) signals: Vec<Signal>,
    /// The updates that have not ended, in the order in which they came.
    pub(super) open_updates: Vec<UpdateKey>,
    /// The updates by their ids, without those that were rejected.
    pub(super) updates_by_id: BTreeMap<Arc<str>, UpdateKey>,
    /// The activities by the numbers of their commands, rising.
    pub(super) activities: Vec<(Seq, ActivityKey)>,
    /// The local activities, in the order in which they were first asked for.
    pub(super) locals: Vec<ActivityKey>,
    /// The children by their numbers, rising.
    children: Vec<(Seq, Child)>,
    /// The activity for which the run stands, if there is no workflow.
    pub(super) standalone: Option<Box<Standalone>>,
    /// The run that has started this one as its child, with the number of the child there.
    pub(super) parent: Option<(WorkflowKey, Seq)>,
    /// The timers by their numbers, rising.
    timers: Vec<(Seq, TimerState)>,
    /// The open activities with ids chosen by the caller.
    pub(super) named: BTreeMap<Arc<str>, ActivityKey>,
}

/// The number of events of a workflow that completes after one activity.
const EVENTS_OF_ONE_ACTIVITY: usize = 11;

impl Workflow {
    /// A run with nothing in its history yet.
    pub(super) fn new(info: Arc<RunInfo>, expires: Time, execution_expires: Time, first_task_at: Time) -> Workflow {
        Workflow {
            info,
            expires,
            execution_expires,
            first_task_at,
            waits_for_first_task: false,
            number: 1,
            predecessor: None,
            successor: None,
            cancel_requested: false,
            outcome: None,
            task: TaskState::None,
            is_task_speculative: false,
            stamp: 0,
            sticky: Span::ZERO,
            task_failure: None,
            previous_started_event_id: 0,
            history: Vec::with_capacity(EVENTS_OF_ONE_ACTIVITY),
            history_size: 0,
            buffered: Vec::new(),
            signals: Vec::new(),
            open_updates: Vec::new(),
            updates_by_id: BTreeMap::new(),
            activities: Vec::new(),
            locals: Vec::new(),
            children: Vec::new(),
            standalone: None,
            parent: None,
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
        self.info.run_timeout
    }

    /// The time at which its run timeout passes, or that of the whole chain; `None` if it has neither.
    pub fn expires(&self) -> Option<Time> {
        (self.expires < Time::MAX).then_some(self.expires)
    }

    /// The encoded input.
    pub fn input(&self) -> &Payload {
        if let Some(standalone) = &self.standalone {
            return &standalone.input;
        }
        match &self.history[0].kind {
            EventKind::WorkflowExecutionStarted { input, .. } => input,
            other => unreachable!("a history begins with its start, not with {other:?}"),
        }
    }

    /// The number of this run among those of its workflow id, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The run before this one in its chain.
    pub fn predecessor(&self) -> Option<WorkflowKey> {
        self.predecessor
    }

    /// The run that follows this one in its chain, by continue-as-new or by a retry.
    pub fn successor(&self) -> Option<WorkflowKey> {
        self.successor
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

    /// The bytes of the history so far; see [`HistoryLimits`](super::HistoryLimits).
    pub fn history_size(&self) -> u64 {
        self.history_size
    }

    /// The signals that the run has got, in the order of arrival, seen by its code or not.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Says whether there is a workflow task: news that its code has not taken in.
    pub fn has_task(&self) -> bool {
        self.task != TaskState::None
    }

    /// The attempt at the task that is there, from 1; 0 if there is none.
    pub(super) fn task_attempt(&self) -> u32 {
        match self.task {
            TaskState::None => 0,
            TaskState::Scheduled { attempt, .. } | TaskState::Started { attempt, .. } => attempt,
        }
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

    /// The children of the run, with the numbers of their commands, closed ones included.
    pub fn children(&self) -> &[(Seq, Child)] {
        &self.children
    }

    /// The child of a command's number.
    pub fn child(&self, seq: Seq) -> Option<&Child> {
        find(&self.children, seq).ok().map(|index| &self.children[index].1)
    }

    pub(super) fn child_mut(&mut self, seq: Seq) -> Option<&mut Child> {
        find(&self.children, seq).ok().map(|index| &mut self.children[index].1)
    }

    pub(super) fn add_child(&mut self, seq: Seq, child: Child) {
        insert(&mut self.children, seq, child);
    }

    /// The run that has started this one as its child.
    pub fn parent(&self) -> Option<WorkflowKey> {
        self.parent.map(|(parent, _)| parent)
    }

    /// The id of the event that is written next.
    pub(super) fn next_event_id(&self) -> u64 {
        self.history.len() as u64 + 1
    }

    /// Writes an event and gives its id.
    pub(super) fn append(&mut self, at: Time, kind: EventKind) -> u64 {
        let id = self.next_event_id();
        self.history_size += kind.size();
        self.history.push(HistoryEvent { id, at, kind });
        id
    }

    /// The time at which its first workflow task comes, or came.
    pub fn first_task_at(&self) -> Time {
        self.first_task_at
    }

    /// Says whether the time of its first workflow task is still to come.
    pub fn waits_for_first_task(&self) -> bool {
        self.waits_for_first_task
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
