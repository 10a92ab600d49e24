//! The runs that follow each other under one id: by continue-as-new, by the retry policy of the workflow, and by its schedule.

use std::sync::Arc;

use super::cron::Cron;
use super::retry::{EndedAttempt, RetryVerdict};
use super::start::{last_retry, run_timeout_in_force};
use super::{Service, WorkflowKey, WorkflowOutcome};
use crate::program::{
    ContinueAsNew, Details, Failure, FailureKind, Initiator, Payload, RetryState, RunInfo, Span, Time, TimeoutType,
};

/// The least time from the first workflow task of a run to that of the next one. Recorded scenarios
/// `wf_fail_retry_policy`, `wf_continue_as_new`; runs that are older are followed at once
/// (`wf_continue_as_new_after_1200`).
///
/// Source: temporal `service/history/workflow/mutable_state_impl.go` (`ContinueAsNewMinBackoff`).
const LEAST_TIME_BETWEEN_RUNS: Span = Span::from_secs(1);

/// The run that is to follow another one.
pub(super) struct Successor {
    pub(super) info: RunInfo,
    pub(super) input: Payload,
    backoff: Span,
}

impl Service {
    /// The newest run of a chain, from one of its runs on.
    pub fn newest_in_chain(&self, workflow: WorkflowKey) -> WorkflowKey {
        let mut newest = workflow;
        while let Some(next) = self.workflow(newest).successor {
            newest = next;
        }
        newest
    }

    /// Closes a run that has completed. Another one follows if it has a schedule, and knows of its result.
    ///
    /// Source: temporal `service/history/api/respondworkflowtaskcompleted/workflow_task_completed_handler.go`
    /// (`handleCommandCompleteWorkflow`, `handleCron`).
    pub(super) fn complete_run(&mut self, workflow: WorkflowKey, result: Payload, now: Time) {
        let next = self.next_by_schedule(workflow, Some(&result), None, now);
        self.close_workflow(workflow, WorkflowOutcome::Completed(result), next, now);
    }

    /// Closes a run that has failed. Another one follows if its retry policy says so, or else its schedule.
    pub(super) fn fail_run(&mut self, workflow: WorkflowKey, failure: Arc<Failure>, now: Time) {
        let verdict = self.run_verdict(workflow, &failure, now);
        let (retry_state, retry) = self.retry_run(workflow, verdict, &failure);
        let next = retry.or_else(|| self.next_by_schedule(workflow, None, Some(&failure), now));
        self.close_workflow(workflow, WorkflowOutcome::Failed { failure, retry_state }, next, now);
    }

    /// Closes a run whose timeout has passed. An open workflow task fails with it; events that the workflow has not
    /// seen are written before the end. Another run follows if its retry policy says so, or else its schedule, unless the
    /// time of the whole chain is over (recorded scenarios `wf_timeout_retry_policy`, `wf_exec_timeout_retry_policy`).
    ///
    /// Source: temporal `service/history/timer_queue_active_task_executor.go` (`executeWorkflowRunTimeoutTask`).
    pub(super) fn time_out_run(&mut self, workflow: WorkflowKey, now: Time) {
        self.force_task_closed(workflow, now);
        self.flush(workflow);
        let kind =
            FailureKind::Timeout { timeout_type: TimeoutType::StartToClose, last_heartbeat_details: Details::Absent };
        let failure = Arc::new(Failure::new("workflow timeout", kind));
        let is_over = self.workflow(workflow).execution_expires <= now;
        let verdict =
            if is_over { RetryVerdict::Close(RetryState::Timeout) } else { self.run_verdict(workflow, &failure, now) };
        let (retry_state, retry) = self.retry_run(workflow, verdict, &failure);
        // It may be the time for retries only that is over, which Cadence has.
        let is_over = is_over && !self.workflow(workflow).info().execution_timeout.is_zero();
        let by_schedule = || self.next_by_schedule(workflow, None, Some(&failure), now).filter(|_| !is_over);
        let next = retry.or_else(by_schedule);
        self.close_workflow(workflow, WorkflowOutcome::TimedOut { retry_state }, next, now);
    }

    /// Closes a run that continues as another one.
    pub(super) fn continue_as_new(&mut self, workflow: WorkflowKey, next: &ContinueAsNew, now: Time) {
        let run = self.workflow(workflow);
        let before = run.info();
        let or = |given: Span, before: Span| if given.is_zero() { before } else { given };
        // The policy was checked with the command.
        let retry = next.retry.as_ref().and_then(|policy| self.dialect.normalize_retry(Some(policy)).ok());
        let info = RunInfo {
            workflow_type: next.workflow_type.clone().unwrap_or_else(|| Arc::clone(&before.workflow_type)),
            task_queue: next.task_queue.clone().unwrap_or_else(|| Arc::clone(&before.task_queue)),
            run_timeout: run_timeout_in_force(or(next.run_timeout, before.run_timeout), before.execution_timeout),
            task_timeout: or(next.task_timeout, before.task_timeout),
            retry: retry.map(Arc::new).or_else(|| before.retry.clone()),
            cron: next.cron.clone().or_else(|| before.cron.clone()).filter(|schedule| !schedule.is_empty()),
            attempt: 1,
            initiator: Some(Initiator::Workflow),
            last_failure: None,
            carried: next.carried.clone(),
            ..RunInfo::clone(before)
        };
        let next = Successor { info, input: next.input.clone(), backoff: next.backoff };
        self.close_workflow(workflow, WorkflowOutcome::ContinuedAsNew, Some(next), now);
    }

    fn run_verdict(&self, workflow: WorkflowKey, failure: &Failure, now: Time) -> RetryVerdict {
        let run = self.workflow(workflow);
        self.dialect.retry_verdict(&EndedAttempt {
            workflow_running: true,
            policy: run.info().retry.as_deref(),
            cancel_requested: false,
            paused: false,
            attempt: run.info().attempt,
            failure: Some(failure),
            now,
            expires: (run.execution_expires < Time::MAX).then_some(run.execution_expires),
        })
    }

    /// The run that retries this one, if the verdict is so, and the reason that the closing event says.
    fn retry_run(
        &self,
        workflow: WorkflowKey,
        verdict: RetryVerdict,
        failure: &Arc<Failure>,
    ) -> (RetryState, Option<Successor>) {
        let backoff = match verdict {
            RetryVerdict::Retry(backoff) => backoff,
            RetryVerdict::Close(retry_state) => return (retry_state, None),
            RetryVerdict::Hold => unreachable!("nobody pauses a workflow"),
        };
        let run = self.workflow(workflow);
        let before = run.info();
        let info = RunInfo {
            attempt: before.attempt + 1,
            initiator: Some(Initiator::Retry),
            last_failure: Some(Arc::clone(failure)),
            ..RunInfo::clone(before)
        };
        (RetryState::InProgress, Some(Successor { info, input: run.input().clone(), backoff }))
    }

    /// The run that follows this one by its schedule, if it has one. Moments that have passed while it was open are left out.
    /// One that has not completed hands on the result that it was given itself.
    fn next_by_schedule(
        &self,
        workflow: WorkflowKey,
        result: Option<&Payload>,
        failure: Option<&Arc<Failure>>,
        now: Time,
    ) -> Option<Successor> {
        let run = self.workflow(workflow);
        let before = run.info();
        let schedule = Cron::parse(before.cron.as_deref()?).ok()?;
        let backoff = schedule.backoff(run.first_task_at, now)?;
        let info = RunInfo {
            attempt: 1,
            initiator: Some(Initiator::Cron),
            last_result: result.or(before.last_result.as_ref()).cloned(),
            last_failure: failure.cloned(),
            ..RunInfo::clone(before)
        };
        Some(Successor { info, input: run.input().clone(), backoff })
    }

    /// Begins the run that follows one which has just closed.
    pub(super) fn follow(&mut self, workflow: WorkflowKey, next: Successor, now: Time) {
        let Successor { mut info, input, backoff } = next;
        let run = self.workflow(workflow);
        let age = Span::from(now.since(run.first_task_at));
        let least = Span::from_nanos(LEAST_TIME_BETWEEN_RUNS.as_nanos() - age.as_nanos());
        let backoff = backoff.max(least);
        let execution_expires = match info.retry.as_deref() {
            // The time for retries begins anew with each run that is not one.
            Some(policy) if !policy.expiration_interval.is_zero() && info.initiator != Some(Initiator::Retry) => {
                let of_chain = if info.execution_timeout.is_zero() { Time::MAX } else { run.execution_expires };
                of_chain.min(last_retry(Some(policy), now.plus(backoff)))
            }
            _ => run.execution_expires,
        };
        info.continued_run_id = Some(std::mem::replace(&mut info.run_id, self.next_run_id(&info.workflow_id)));
        info.started_at = now;
        info.random_seed ^= workflow.index() as u64 ^ self.workflows.next_key().index() as u64;
        let next = self.begin_run(info, input, execution_expires, backoff, now);
        self.workflows[workflow].successor = Some(next);
        self.workflows[next].predecessor = Some(workflow);
        self.workflows[next].parent = self.workflows[workflow].parent;
    }
}
