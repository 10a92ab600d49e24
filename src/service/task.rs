//! The workflow task: scheduled, started, completed, failed, timed out.
//!
//! ```text
//!   None ───▶ Scheduled ───▶ Started ───▶ None            completed
//!                 ▲             │
//!                 └─────────────┘ next attempt            failed, timed out
//! ```
//! A run has at most one. From the second attempt on, a task leaves no events until it is completed.
//!
//! The worker that has answered a task keeps the workflow in its cache, and gets the next one on a queue of its own, the sticky
//! one. A task that fails or times out there is tried again on the normal queue, as a first attempt.

use std::sync::Arc;

use super::history::{EventKind, HistoryEvent, TaskFailedCause};
use super::history_limits::HistoryLimits;
use super::workflow::TaskState;
use super::{News, Ready, Refused, Service, ServiceTimer, TaskToken, Workflow, WorkflowKey};
use crate::program::{Command, Span, Time};

/// The content of a workflow task, as it is given to a worker. Its history is [`Service::history`] at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkflowTask {
    /// The token to answer with.
    pub token: TaskToken,
    /// The attempt at this task, from 1.
    pub attempt: u32,
    /// The `WORKFLOW_TASK_STARTED` event up to which an earlier task was completed; 0 for none.
    pub previous_started_event_id: u64,
    /// The `WORKFLOW_TASK_STARTED` event of this task. From attempt 2 on the event is written only when the task is
    /// completed.
    pub started_event_id: u64,
    /// The bytes of the history before that event.
    pub history_size: u64,
    /// Says whether the history is so long that the workflow had better continue as new.
    pub suggest_continue_as_new: bool,
}

/// A started task that has just ended.
#[derive(Clone, Copy)]
struct EndedTask {
    attempt: u32,
    scheduled_at: Time,
    started_at: Time,
}

/// The time that a worker may take for an attempt at a workflow task. The first three attempts have the configured
/// time, later ones 5 s more, 10 s more and so on, at most 10 minutes more. The server also takes up to a fifth off at
/// random; here there is no jitter.
///
/// Source: recorded scenarios `raw_wft_timeout_x4`, `raw_wft_fail_x3`.
fn timeout_of_attempt(configured: Span, attempt: u32) -> Span {
    const PATIENT_ATTEMPTS: u32 = 3;
    const MOST: i64 = 600;
    if attempt <= PATIENT_ATTEMPTS {
        return configured;
    }
    let doublings = (attempt - PATIENT_ATTEMPTS - 1).min(10);
    let more = Span::from_secs((5 << doublings).min(MOST));
    Span::from_nanos(configured.as_nanos().saturating_add(more.as_nanos()))
}

impl Workflow {
    /// Checks that this token speaks for the task that is open.
    ///
    /// # Errors
    /// The error is the server's answer to a token that does not (recorded scenario `raw_wft_late_complete`).
    fn check_task(&self, token: TaskToken) -> Result<EndedTask, Refused> {
        if !self.is_open() {
            return Err(Refused::WORKFLOW_CLOSED);
        }
        match self.task {
            TaskState::Started { attempt, scheduled_at, started_at } if token.stamp == self.stamp => {
                Ok(EndedTask { attempt, scheduled_at, started_at })
            }
            _ => Err(Refused::TASK_GONE),
        }
    }

    fn append_task_scheduled(&mut self, attempt: u32, at: Time) -> u64 {
        let timeout = timeout_of_attempt(self.info().task_timeout, attempt);
        self.append(at, EventKind::WorkflowTaskScheduled { attempt, timeout })
    }

    /// Writes that a first attempt failed; a repeated attempt leaves no event.
    fn append_task_failed(&mut self, task: EndedTask, cause: TaskFailedCause, message: Arc<str>, at: Time) {
        if task.attempt == 1 {
            let (scheduled_event_id, started_event_id) = self.open_task_events();
            self.append(at, EventKind::WorkflowTaskFailed { scheduled_event_id, started_event_id, cause, message });
        }
    }

    /// Writes the two events of a task of which nothing is written so far, and gives their ids.
    fn append_task_so_far(&mut self, task: EndedTask, limits: HistoryLimits) -> (u64, u64) {
        let scheduled_event_id = self.append_task_scheduled(task.attempt, task.scheduled_at);
        let history_size = self.history_size();
        let suggest_continue_as_new = limits.suggest(self.next_event_id(), history_size);
        let started = EventKind::WorkflowTaskStarted { scheduled_event_id, history_size, suggest_continue_as_new };
        (scheduled_event_id, self.append(task.started_at, started))
    }

    /// The ids of a first attempt's two events. Nothing else is written while a task is open, so they are the last two.
    fn open_task_events(&self) -> (u64, u64) {
        let last = self.history.iter().rev();
        let mut ids = last.filter_map(|event| match event.kind {
            EventKind::WorkflowTaskStarted { scheduled_event_id, .. } => Some((scheduled_event_id, event.id)),
            _ => None,
        });
        ids.next().unwrap_or_default()
    }
}

impl Service {
    /// Says whether this task waits for the worker that has answered the last one.
    pub fn is_task_sticky(&self, token: TaskToken) -> bool {
        let run = self.workflow(token.workflow);
        let is_scheduled = matches!(run.task, TaskState::Scheduled { attempt: 1, .. }) && run.stamp == token.stamp;
        is_scheduled && !run.sticky.is_zero() && run.is_open()
    }

    /// Hears that the worker is gone for which this task waits: the task times out there, unless another worker takes it.
    ///
    /// Source: recorded scenario `raw_sticky_dead_poller`; temporal `service/history/transfer_queue_active_task_executor.go`.
    pub fn sticky_worker_is_gone(&mut self, token: TaskToken) {
        let run = &self.workflows[token.workflow];
        if let TaskState::Scheduled { at, .. } = run.task {
            self.outbox.arm(at.plus(run.sticky), ServiceTimer::StickyTimeout { token });
        }
    }

    /// Sees to it that the workflow gets a task for its news.
    pub(super) fn want_task(&mut self, workflow: WorkflowKey, now: Time) {
        let run = &self.workflows[workflow];
        if run.is_open() && run.task == TaskState::None && !run.waits_for_first_task {
            self.schedule_task(workflow, 1, now);
            self.enforce_history_limits(workflow, now);
        }
    }

    /// Terminates a run whose history has grown too long.
    ///
    /// Source: temporal `service/history/workflow/context.go` (`enforceHistorySizeCheck`, `enforceHistoryCountCheck`).
    fn enforce_history_limits(&mut self, workflow: WorkflowKey, now: Time) {
        let run = self.workflow(workflow);
        let (events, bytes) = (run.history.len() as u64, run.history_size());
        if run.is_open()
            && let Some(reason) = self.history_limits.exceeded(self.dialect, events, bytes)
        {
            // It is open, so nothing is refused.
            let _ = self.terminate(workflow, reason.into(), now);
        }
    }

    fn schedule_task(&mut self, workflow: WorkflowKey, attempt: u32, now: Time) {
        if attempt == 1 {
            self.workflows[workflow].append_task_scheduled(attempt, now);
        }
        self.offer_task(workflow, attempt, now);
    }

    /// Schedules a task of which nothing is written so far.
    pub(super) fn schedule_speculative_task(&mut self, workflow: WorkflowKey, now: Time) {
        self.offer_task(workflow, 1, now);
    }

    fn offer_task(&mut self, workflow: WorkflowKey, attempt: u32, now: Time) {
        let run = &mut self.workflows[workflow];
        run.stamp += 1;
        run.task = TaskState::Scheduled { attempt, at: now, history_length: run.history.len() };
        self.outbox.ready.push_back(Ready::Workflow { workflow, stamp: run.stamp });
    }

    /// Writes the events that a speculative task has so far: something has happened that it must come before.
    ///
    /// Source: temporal `service/history/workflow/workflow_task_state_machine.go`
    /// (`convertSpeculativeWorkflowTaskToNormal`).
    pub(super) fn make_task_normal(&mut self, workflow: WorkflowKey) {
        let run = &mut self.workflows[workflow];
        if !std::mem::take(&mut run.is_task_speculative) {
            return;
        }
        match &mut run.task {
            TaskState::None => {}
            TaskState::Scheduled { attempt, at, history_length } => {
                let (attempt, at) = (*attempt, *at);
                *history_length += 1;
                run.append_task_scheduled(attempt, at);
            }
            TaskState::Started { attempt, scheduled_at, started_at } => {
                let task = EndedTask { attempt: *attempt, scheduled_at: *scheduled_at, started_at: *started_at };
                run.append_task_so_far(task, self.history_limits);
            }
        }
    }

    /// Hands a workflow task to a worker. Gives `None` if the task is stale.
    ///
    /// A repeated attempt becomes a first one again if there is news since it was scheduled.
    pub fn take_workflow_task(&mut self, workflow: WorkflowKey, stamp: u32, now: Time) -> Option<WorkflowTask> {
        let limits = self.history_limits;
        let run = &mut self.workflows[workflow];
        let TaskState::Scheduled { mut attempt, at, history_length } = run.task else {
            return None;
        };
        if run.stamp != stamp || !run.is_open() {
            return None;
        }
        if attempt > 1 && run.history.len() > history_length {
            attempt = 1;
            run.append_task_scheduled(attempt, at);
        }
        let history_size = run.history_size();
        let started_event_id = if attempt == 1 && !run.is_task_speculative {
            let scheduled = run.history.iter().rev();
            let scheduled_event_id = scheduled
                .take_while(|event| !matches!(event.kind, EventKind::WorkflowTaskStarted { .. }))
                .find(|event| matches!(event.kind, EventKind::WorkflowTaskScheduled { .. }))
                .map_or(0, |event| event.id);
            let suggest_continue_as_new = limits.suggest(run.next_event_id(), history_size);
            let started = EventKind::WorkflowTaskStarted { scheduled_event_id, history_size, suggest_continue_as_new };
            run.append(now, started)
        } else {
            run.next_event_id() + 1
        };
        let suggest_continue_as_new = limits.suggest(started_event_id, history_size);
        run.task = TaskState::Started { attempt, scheduled_at: at, started_at: now };
        let token = TaskToken { workflow, stamp };
        let previous_started_event_id = run.previous_started_event_id;
        let deadline = now.plus(timeout_of_attempt(run.info().task_timeout, attempt));
        self.outbox.arm(deadline, ServiceTimer::TaskTimeout { token });
        self.send_updates(workflow);
        Some(WorkflowTask {
            token,
            attempt,
            previous_started_event_id,
            started_event_id,
            history_size,
            suggest_continue_as_new,
        })
    }

    /// Takes the answer to a workflow task. The commands are carried out in their order, all or none.
    ///
    /// [`Command::CancelActivity`] means `RequestCancelActivityTask`; the worker has already dealt with its effect on
    /// the workflow's code. A cancelled activity that is not running is closed at once, behind all other events of the
    /// task, and a new task is scheduled (recorded scenario `raw_cancel_same_task`).
    ///
    /// # Errors
    /// - `NOT_FOUND` if the task is not open any more.
    /// - `INVALID_ARGUMENT` if a closing command is not the last one; the task stays open until it times out
    ///   (`raw_complete_then_schedule`).
    /// - `INVALID_ARGUMENT` if a command makes no sense, or the workflow would close without having seen all news
    ///   (`raw_unhandled_complete`): the task has failed and is scheduled again.
    pub fn complete_workflow_task(&mut self, token: TaskToken, commands: &[Command], now: Time) -> Result<(), Refused> {
        self.complete_and_stick(token, commands, Span::ZERO, now)
    }

    /// The same from a worker that has a queue of its own for the workflow, on which the next task waits for it at most so long. A
    /// zero says that it has none.
    ///
    /// # Errors
    /// As [`complete_workflow_task`](Self::complete_workflow_task).
    pub fn complete_and_stick(
        &mut self,
        token: TaskToken,
        commands: &[Command],
        schedule_to_start: Span,
        now: Time,
    ) -> Result<(), Refused> {
        let workflow = token.workflow;
        let task = self.workflow(workflow).check_task(token)?;
        self.check_sequence(commands)?;
        if let Err((cause, message)) = self.check_commands(workflow, commands) {
            self.task_failed(workflow, task, cause, Arc::from(message.as_str()), now);
            return Err(Refused::invalid(message));
        }
        let limits = self.history_limits;
        let run = &mut self.workflows[workflow];
        if run.is_task_speculative && Self::only_rejects(commands) {
            // It leaves no trace.
            run.sticky = schedule_to_start;
            run.is_task_speculative = false;
            self.end_task(workflow, commands, now);
            return Ok(());
        }
        let is_written = task.attempt == 1 && !std::mem::take(&mut run.is_task_speculative);
        let (scheduled_event_id, started_event_id) =
            if is_written { run.open_task_events() } else { run.append_task_so_far(task, limits) };
        run.previous_started_event_id = started_event_id;
        run.sticky = schedule_to_start;
        run.append(now, EventKind::WorkflowTaskCompleted { scheduled_event_id, started_event_id });
        self.end_task(workflow, commands, now);
        self.enforce_history_limits(workflow, now);
        Ok(())
    }

    /// Carries out the commands of a task, which is over then. The next one is scheduled if there is news for it.
    fn end_task(&mut self, workflow: WorkflowKey, commands: &[Command], now: Time) {
        self.carry_out(workflow, commands, now);
        self.workflows[workflow].task = TaskState::None;
        if !self.workflow(workflow).is_open() {
            return;
        }
        self.reject_unprocessed_updates(workflow);
        if self.flush(workflow) {
            self.want_task(workflow, now);
        }
        self.want_speculative_task(workflow, now);
    }

    /// Takes a worker's word that it could not handle a workflow task. The next attempt is scheduled at once.
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if the task is not open any more.
    pub fn fail_workflow_task(
        &mut self,
        token: TaskToken,
        cause: TaskFailedCause,
        message: Arc<str>,
        now: Time,
    ) -> Result<(), Refused> {
        let task = self.workflow(token.workflow).check_task(token)?;
        self.task_failed(token.workflow, task, cause, message, now);
        Ok(())
    }

    pub(super) fn is_task_open(&self, token: TaskToken) -> bool {
        self.workflow(token.workflow).check_task(token).is_ok()
    }

    /// Ends a task that its worker has not taken: it is given out again on the normal queue.
    pub(super) fn time_out_sticky_task(&mut self, token: TaskToken, now: Time) {
        if !self.is_task_sticky(token) {
            return;
        }
        let workflow = token.workflow;
        self.make_task_normal(workflow);
        let run = &mut self.workflows[workflow];
        let mut scheduled = run.history.iter().rev();
        let is_scheduled = |event: &&HistoryEvent| matches!(event.kind, EventKind::WorkflowTaskScheduled { .. });
        let scheduled_event_id = scheduled.find(is_scheduled).map_or(0, |event| event.id);
        run.append(now, EventKind::WorkflowTaskTimedOut { scheduled_event_id, started_event_id: 0 });
        run.sticky = Span::ZERO;
        self.outbox.news.push_back(News::TaskNotTaken { workflow });
        self.schedule_task(workflow, 1, now);
    }

    /// Ends a task for which the worker took too long.
    pub(super) fn time_out_task(&mut self, token: TaskToken, now: Time) {
        let workflow = token.workflow;
        let Ok(task) = self.workflow(workflow).check_task(token) else {
            return;
        };
        self.make_task_normal(workflow);
        let run = &mut self.workflows[workflow];
        if task.attempt == 1 {
            let (scheduled_event_id, started_event_id) = run.open_task_events();
            run.append(now, EventKind::WorkflowTaskTimedOut { scheduled_event_id, started_event_id });
        }
        self.outbox.news.push_back(News::TaskTimedOut { workflow });
        self.try_task_again(workflow, task, now);
    }

    fn task_failed(
        &mut self,
        workflow: WorkflowKey,
        task: EndedTask,
        cause: TaskFailedCause,
        message: Arc<str>,
        now: Time,
    ) {
        self.make_task_normal(workflow);
        let run = &mut self.workflows[workflow];
        run.task_failure = Some((cause, Arc::clone(&message)));
        run.append_task_failed(task, cause, message, now);
        self.outbox.news.push_back(News::TaskFailed { workflow });
        self.try_task_again(workflow, task, now);
    }

    /// Schedules the next attempt at a task. If news arrived meanwhile, the next task is a first attempt.
    fn try_task_again(&mut self, workflow: WorkflowKey, task: EndedTask, now: Time) {
        self.take_back_updates(workflow);
        let run = &mut self.workflows[workflow];
        run.task = TaskState::None;
        // One on a sticky queue does not count (recorded scenarios `wf_task_panic_retry` and `wf_task_panic_5`).
        let was_sticky = !std::mem::take(&mut run.sticky).is_zero();
        let next = if self.flush(workflow) || was_sticky { 1 } else { task.attempt + 1 };
        self.schedule_task(workflow, next, now);
    }

    /// Ends an open task because the run is closed from outside.
    pub(super) fn force_task_closed(&mut self, workflow: WorkflowKey, now: Time) {
        if let TaskState::Started { attempt, scheduled_at, started_at } = self.workflow(workflow).task {
            self.make_task_normal(workflow);
            let task = EndedTask { attempt, scheduled_at, started_at };
            let cause = TaskFailedCause::ForceCloseCommand;
            self.workflows[workflow].append_task_failed(task, cause, Arc::from(""), now);
        }
        self.workflows[workflow].task = TaskState::None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_attempts_may_take_longer() {
        let seconds = |attempt| timeout_of_attempt(Span::from_secs(1), attempt).as_nanos() / 1_000_000_000;
        assert_eq!([1, 3, 4, 5, 6, 40].map(seconds), [1, 1, 6, 11, 21, 601]);
    }
}
