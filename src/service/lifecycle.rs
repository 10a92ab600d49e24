//! The life of a workflow run from its start to its close, besides its tasks.

use std::sync::Arc;

use super::history::EventKind;
use super::workflow::{TaskState, TimerState};
use super::{ActivityKey, News, Refused, Service, ServiceTimer, StartWorkflow, Workflow, WorkflowKey, WorkflowOutcome};
use crate::program::{ActivityId, RetryState, Seq, Time};

impl Service {
    /// Starts a run, with its first workflow task ready.
    pub fn start_workflow(&mut self, start: StartWorkflow, now: Time) -> WorkflowKey {
        let input = start.input.clone();
        let mut workflow = Workflow::new(start, now);
        let Workflow { run_timeout, task_timeout, expires, .. } = workflow;
        workflow.append(now, EventKind::WorkflowExecutionStarted { input, run_timeout, task_timeout });
        let key = self.workflows.push(workflow);
        if expires < Time::MAX {
            // This timer is armed before any timer of an activity: at equal times the run's own timeout wins (recorded
            // scenario `wf_run_timeout_equals_clipped_s2c`).
            self.outbox.arm(expires, ServiceTimer::RunTimeout { workflow: key });
        }
        self.want_task(key, now);
        key
    }

    /// Asks a workflow to cancel itself. A second request, or a request for a closed workflow, is accepted and does nothing
    /// (recorded scenarios `cancel_wait_twice`, `cancel_after_close`).
    ///
    /// # Errors
    /// There are none so far.
    pub fn request_cancel(&mut self, workflow: WorkflowKey, reason: Arc<str>, now: Time) -> Result<(), Refused> {
        let run = &mut self.workflows[workflow];
        if run.is_open() && !run.cancel_requested {
            run.cancel_requested = true;
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

    /// Closes a run whose timeout has passed. An open workflow task fails with it; events that the workflow has not
    /// seen are written before the end.
    pub(super) fn time_out_run(&mut self, workflow: WorkflowKey, now: Time) {
        self.force_task_closed(workflow, now);
        self.flush(workflow);
        // Runs of this simulation have no retry policy of their own.
        self.close_workflow(workflow, WorkflowOutcome::TimedOut { retry_state: RetryState::RetryPolicyNotSet }, now);
    }

    /// Closes a run. Its open activities get no event; calls for them are refused from now on (recorded scenario
    /// `wf_terminate_activity_pending`).
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
        self.outbox.news.push_back(News::WorkflowClosed { workflow });
    }
}
