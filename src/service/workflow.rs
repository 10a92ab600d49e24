//! [`Workflow`]: one workflow run, with its history and its timers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::history::{Buffered, EventKind, HistoryEvent, TaskFailedCause};
use super::signal::Signal;
use super::task::TaskState;
use super::{ActivityKey, News, Service, ServiceTimer, WorkflowKey};
use crate::program::{ActivityId, Details, Failure, Payload, RetryState, RunInfo, Seq, Span, Time};

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

impl Workflow {
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

impl Service {
    /// Starts a run, with its first workflow task ready.
    pub fn start_workflow(&mut self, start: StartWorkflow, now: Time) -> WorkflowKey {
        const DEFAULT_TASK_TIMEOUT: Span = Span::from_secs(10);
        let StartWorkflow { workflow_id, run_id, workflow_type, task_queue, input, .. } = start;
        let mut task_timeout = if start.task_timeout.is_zero() { DEFAULT_TASK_TIMEOUT } else { start.task_timeout };
        if !start.run_timeout.is_zero() {
            task_timeout = task_timeout.min(start.run_timeout);
        }
        let expires = if start.run_timeout.is_zero() { Time::MAX } else { now.plus(start.run_timeout) };
        let key = self.workflows.next_key();
        let mut workflow = Workflow {
            info: Arc::new(RunInfo {
                workflow_id,
                run_id,
                workflow_type,
                task_queue,
                attempt: 1,
                random_seed: start.random_seed,
                started_at: now,
            }),
            run_timeout: start.run_timeout,
            task_timeout,
            expires,
            cancel_requested: false,
            outcome: None,
            task: TaskState::None,
            stamp: 0,
            task_failure: None,
            previous_started_event_id: 0,
            history: Vec::new(),
            buffered: Vec::new(),
            signals: Vec::new(),
            activities: Vec::new(),
            timers: Vec::new(),
            named: BTreeMap::new(),
        };
        workflow
            .append(now, EventKind::WorkflowExecutionStarted { input, run_timeout: start.run_timeout, task_timeout });
        self.workflows.push(workflow);
        if expires < Time::MAX {
            // Before any timer of an activity: at equal times the run's own timeout wins
            // (recorded scenario `wf_run_timeout_equals_clipped_s2c`).
            self.outbox.arm(expires, ServiceTimer::RunTimeout { workflow: key });
        }
        self.want_task(key, now);
        key
    }

    /// Asks a workflow to cancel itself. A second request, and one for a closed workflow, is accepted and does nothing
    /// (recorded scenarios `cancel_wait_twice`, `cancel_after_close`).
    ///
    /// # Errors
    /// None so far.
    pub fn request_cancel(&mut self, workflow: WorkflowKey, reason: Arc<str>, now: Time) -> Result<(), super::Refused> {
        let run = &mut self.workflows[workflow];
        if run.is_open() && !run.cancel_requested {
            run.cancel_requested = true;
            self.outbox.news.push(News::WorkflowCancelRequested { workflow });
            self.record(workflow, now, EventKind::WorkflowExecutionCancelRequested { reason }, None);
            self.want_task(workflow, now);
        }
        Ok(())
    }

    /// The open activity of an id.
    pub(crate) fn open_activity(&self, workflow: WorkflowKey, id: &ActivityId) -> Option<ActivityKey> {
        let run = self.workflow(workflow);
        match id {
            ActivityId::Seq(seq) => {
                run.activity(*seq).filter(|key| self.activity(*key).is_open() && self.activity(*key).id == *id)
            }
            ActivityId::Named(name) => run.named.get(name).copied(),
        }
    }

    /// A workflow's own timer fires.
    pub(super) fn fire_timer(&mut self, workflow: WorkflowKey, seq: Seq, now: Time) {
        let run = &mut self.workflows[workflow];
        if !matches!(run.timer(seq), Some(TimerState::Running(at)) if at <= now) {
            return;
        }
        run.set_timer(seq, TimerState::Fired);
        self.outbox.news.push(News::TimerFired { workflow, timer: seq });
        self.record(workflow, now, EventKind::TimerFired { seq }, None);
        self.want_task(workflow, now);
    }

    /// The run timeout passes. An open workflow task fails with it; what it has not seen is written before the end.
    pub(super) fn time_out_run(&mut self, workflow: WorkflowKey, now: Time) {
        self.force_task_closed(workflow, now);
        self.flush(workflow);
        // Runs of this simulation have no retry policy of their own.
        self.close_workflow(workflow, WorkflowOutcome::TimedOut { retry_state: RetryState::RetryPolicyNotSet }, now);
    }

    /// Closes a run. Its open activities get no event; calls for them are refused from now on
    /// (recorded scenario `wf_terminate_activity_pending`).
    pub(super) fn close_workflow(&mut self, workflow: WorkflowKey, outcome: WorkflowOutcome, now: Time) {
        let run = &mut self.workflows[workflow];
        let event = match outcome.clone() {
            WorkflowOutcome::Completed(result) => EventKind::WorkflowExecutionCompleted { result },
            WorkflowOutcome::Failed { failure, retry_state } => {
                EventKind::WorkflowExecutionFailed { failure, retry_state }
            }
            WorkflowOutcome::Canceled(details) => EventKind::WorkflowExecutionCanceled { details },
            WorkflowOutcome::TimedOut { retry_state } => EventKind::WorkflowExecutionTimedOut { retry_state },
            WorkflowOutcome::Terminated { reason } => EventKind::WorkflowExecutionTerminated { reason },
        };
        run.append(now, event);
        run.buffered.clear();
        run.task = TaskState::None;
        run.outcome = Some(outcome);
        self.outbox.news.push(News::WorkflowClosed { workflow });
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
