//! The life of a workflow run from its start to its close, besides its tasks.

use std::sync::Arc;

use super::chain::Successor;
use super::history::EventKind;
use super::workflow::{TaskState, TimerState};
use super::{ActivityKey, News, Refused, Service, WorkflowKey, WorkflowOutcome};
use crate::program::{ActivityId, Seq, Time};

impl Service {
    /// Asks a workflow to cancel itself. A second request, or a request for a closed workflow, is accepted and does nothing
    /// (recorded scenarios `cancel_wait_twice`, `cancel_after_close`).
    ///
    /// # Errors
    /// The error is `FAILED_PRECONDITION` for an activity without a workflow that has closed, or was asked before.
    pub fn request_cancel(&mut self, workflow: WorkflowKey, reason: Arc<str>, now: Time) -> Result<(), Refused> {
        if self.workflow(workflow).is_standalone_activity() {
            return self.cancel_standalone(workflow, reason, now);
        }
        let run = &mut self.workflows[workflow];
        if run.is_open() && !run.cancel_requested {
            run.cancel_requested = true;
            // It does not wait for the time of the first task (temporal `service/history/api/requestcancelworkflow/api.go`).
            run.waits_for_first_task = false;
            self.outbox.news.push_back(News::WorkflowCancelRequested { workflow });
            self.record(workflow, now, EventKind::WorkflowExecutionCancelRequested { reason }, None);
            self.want_task(workflow, now);
        }
        Ok(())
    }

    /// Finds the open activity of an id.
    pub(crate) fn open_activity(&self, workflow: WorkflowKey, id: &ActivityId) -> Option<ActivityKey> {
        let run = self.workflow(workflow);
        match id {
            ActivityId::Seq(seq) => {
                run.activity(*seq).filter(|key| self.activity(*key).is_open() && self.activity(*key).id == *id)
            }
            ActivityId::Named(name) => run.named.get(name).copied().or_else(|| {
                // One without a chosen id is known by its number.
                let seq: Seq = name.parse().ok().filter(|seq: &Seq| seq.to_string() == **name)?;
                self.open_activity(workflow, &ActivityId::Seq(seq))
            }),
        }
    }

    /// Fires a workflow's own timer.
    pub(super) fn fire_timer(&mut self, workflow: WorkflowKey, seq: Seq, now: Time) {
        let run = &mut self.workflows[workflow];
        if !matches!(run.timer(seq), Some(TimerState::Running(at)) if at <= now) {
            return;
        }
        run.set_timer(seq, TimerState::Fired);
        self.outbox.news.push_back(News::TimerFired { workflow, timer: seq });
        self.record(workflow, now, EventKind::TimerFired { seq }, None);
        self.want_task(workflow, now);
    }

    /// Closes a run. Its open activities get no event; calls for them are refused from now on (recorded scenario
    /// `wf_terminate_activity_pending`).
    ///
    /// The run that follows begins in the same moment.
    pub(super) fn close_workflow(
        &mut self,
        workflow: WorkflowKey,
        outcome: WorkflowOutcome,
        next: Option<Successor>,
        now: Time,
    ) {
        let new_run_id = next.as_ref().map(|_| self.next_run_id(&self.workflow(workflow).info().workflow_id));
        let event = match outcome.clone() {
            WorkflowOutcome::Completed(result) => EventKind::WorkflowExecutionCompleted { result },
            WorkflowOutcome::Failed { failure, retry_state } => {
                EventKind::WorkflowExecutionFailed { failure, retry_state, new_run_id }
            }
            WorkflowOutcome::Canceled(details) => EventKind::WorkflowExecutionCanceled { details },
            WorkflowOutcome::TimedOut { retry_state } => {
                EventKind::WorkflowExecutionTimedOut { retry_state, new_run_id }
            }
            WorkflowOutcome::Terminated { reason } => EventKind::WorkflowExecutionTerminated { reason },
            WorkflowOutcome::ContinuedAsNew => {
                let Some(Successor { info, input, .. }) = &next else {
                    unreachable!("a run that continues as another one has a successor")
                };
                EventKind::WorkflowExecutionContinuedAsNew {
                    new_run_id: new_run_id.unwrap_or_default(),
                    workflow_type: Arc::clone(&info.workflow_type),
                    task_queue: Arc::clone(&info.task_queue),
                    input: input.clone(),
                    run_timeout: info.run_timeout,
                    task_timeout: info.task_timeout,
                }
            }
        };
        let run = &mut self.workflows[workflow];
        run.append(now, event);
        run.buffered.clear();
        run.task = TaskState::None;
        run.is_task_speculative = false;
        run.outcome = Some(outcome);
        self.outbox.news.push_back(News::WorkflowClosed { workflow });
        self.tell_children(workflow);
        match next {
            Some(next) => self.follow(workflow, next, now),
            None => self.tell_parent(workflow),
        }
        self.abort_updates(workflow, self.workflow(workflow).successor(), now);
    }
}
