//! The start of workflow runs: their options, ids that are taken, and a first workflow task that comes later.

use std::sync::Arc;

use super::cron::Cron;
use super::history::EventKind;
use super::{News, Refused, Service, ServiceTimer, Workflow, WorkflowKey, WorkflowOutcome};
use crate::program::{
    Carried, IdConflictPolicy, IdReusePolicy, Initiator, Parent, Payload, RetrySpec, RunInfo, Span, Time,
};

/// The values with which a workflow starts.
#[derive(Clone, PartialEq, Debug)]
pub struct StartWorkflow {
    /// The id of the workflow, chosen by the caller that starts it.
    pub workflow_id: Arc<str>,
    /// The registered name.
    pub workflow_type: Arc<str>,
    /// The queue that its workers poll.
    pub task_queue: Arc<str>,
    /// The encoded input.
    pub input: Payload,
    /// The longest time that each run may be open; zero means no limit but that of the chain. Clipped to it.
    pub run_timeout: Span,
    /// The longest time that all runs of the chain together may be open; zero means no limit.
    pub execution_timeout: Span,
    /// The longest time that a worker may take for one workflow task; zero means 10 s. Clipped to the run timeout.
    pub task_timeout: Span,
    /// The retry policy; `None` means that the workflow is not retried.
    pub retry: Option<RetrySpec>,
    /// The time after which the first workflow task is scheduled. A signal does not wait for it and wakes nobody
    /// (recorded scenario `wf_start_delay_signal`).
    pub start_delay: Span,
    /// The schedule by which it is run again and again; `None`, or a text without anything in it, means once. Its first
    /// workflow task waits for the first moment of the schedule.
    pub cron: Option<Arc<str>>,
    /// The values that its runs carry beside their input.
    pub carried: Carried,
    /// The workflow that starts this one as its child.
    pub parent: Option<Parent>,
    /// The consequence of a closed workflow of the same id.
    pub id_reuse: IdReusePolicy,
    /// The consequence of an open workflow of the same id.
    pub id_conflict: IdConflictPolicy,
    /// The seed of the workflow's own random numbers.
    pub random_seed: u64,
}

impl StartWorkflow {
    /// Makes a start without options.
    pub fn new(
        workflow_id: impl Into<Arc<str>>,
        workflow_type: impl Into<Arc<str>>,
        task_queue: impl Into<Arc<str>>,
        input: Payload,
    ) -> StartWorkflow {
        StartWorkflow {
            workflow_id: workflow_id.into(),
            workflow_type: workflow_type.into(),
            task_queue: task_queue.into(),
            input,
            run_timeout: Span::ZERO,
            execution_timeout: Span::ZERO,
            task_timeout: Span::ZERO,
            retry: None,
            start_delay: Span::ZERO,
            cron: None,
            carried: Carried::default(),
            parent: None,
            id_reuse: IdReusePolicy::default(),
            id_conflict: IdConflictPolicy::default(),
            random_seed: 0,
        }
    }
}

/// The answer to a start that was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StartAnswer {
    /// A run has started.
    New(WorkflowKey),
    /// A run of this id is open already, and is what the caller wants.
    Existing(WorkflowKey),
}

impl StartAnswer {
    /// The run that the caller has now.
    pub fn run(self) -> WorkflowKey {
        match self {
            StartAnswer::New(run) | StartAnswer::Existing(run) => run,
        }
    }
}

/// The end of a time that begins now; zero means that it has none.
fn limit(now: Time, length: Span) -> Time {
    if length.is_zero() { Time::MAX } else { now.plus(length) }
}

/// The timeout of a run in force: no run may be open for longer than its chain. Zero means no limit.
///
/// Source: temporal `common/util.go` (`OverrideWorkflowRunTimeout`), recorded scenario `wf_exec_timeout_activity_pending`.
pub(super) fn run_timeout_in_force(run: Span, chain: Span) -> Span {
    match (run.is_zero(), chain.is_zero()) {
        (_, true) => run,
        (true, _) => chain,
        (false, false) => run.min(chain),
    }
}

/// The end of a chain by the expiration interval of its retry policy, which Cadence has. Its first task is due at this
/// time.
///
/// Source: cadence `service/history/execution/mutable_state_builder.go`
/// (`addWorkflowExecutionStartedEventForContinueAsNew`), `mutable_state_task_generator.go`.
pub(super) fn last_retry(policy: Option<&RetrySpec>, first_task_at: Time) -> Time {
    limit(first_task_at, policy.map_or(Span::ZERO, |policy| policy.expiration_interval))
}

/// Checks a schedule. A text without anything in it is none. A server takes one without any moment, as that of the 30th of
/// February, and runs its workflow once.
pub(super) fn check_schedule(schedule: &str) -> Result<(), String> {
    if schedule.is_empty() {
        return Ok(());
    }
    let invalid = |why: String| format!("Invalid CronSchedule `{schedule}`: {why}");
    let cron = Cron::parse(schedule).map_err(invalid)?;
    cron.next(Time::ZERO).map(|_| ()).ok_or_else(|| invalid("it names no day that there is".to_owned()))
}

impl Service {
    /// Starts a workflow under an id. Its first workflow task is ready, unless the start is delayed or has a schedule.
    ///
    /// # Errors
    /// - `ALREADY_EXISTS` if the id is taken (recorded scenarios `wf_start_duplicate_running`,
    ///   `wf_start_duplicate_closed`).
    /// - `INVALID_ARGUMENT` if the retry policy, the schedule or a time makes no sense.
    pub fn start_workflow(&mut self, start: StartWorkflow, now: Time) -> Result<StartAnswer, Refused> {
        let retry = self.check_start_options(&start)?;
        if let Some(newest) = self.newest_run(&start.workflow_id) {
            let is_open = self.workflow(newest).is_open();
            match start.id_conflict {
                IdConflictPolicy::UseExisting if is_open => return Ok(StartAnswer::Existing(newest)),
                IdConflictPolicy::TerminateExisting if is_open => {
                    self.terminate(newest, Arc::from("TerminateIfRunning WorkflowIdReusePolicy Policy"), now)?;
                }
                _ => self.check_reuse(newest, start.id_reuse)?,
            }
        }
        let cron = start.cron.filter(|schedule| !schedule.is_empty());
        // It was checked with the other options.
        let to_first_moment = cron.as_deref().and_then(|schedule| Cron::parse(schedule).ok()?.backoff(now, now));
        let backoff = to_first_moment.unwrap_or(start.start_delay);
        let retries_end = last_retry(retry.as_deref(), now.plus(backoff));
        let execution_expires = limit(now, start.execution_timeout).min(retries_end);
        let run_id = self.next_run_id(&start.workflow_id);
        let info = RunInfo {
            random_seed: start.random_seed,
            started_at: now,
            run_timeout: start.run_timeout,
            execution_timeout: start.execution_timeout,
            task_timeout: start.task_timeout,
            retry,
            initiator: cron.as_ref().map(|_| Initiator::Cron),
            cron,
            carried: start.carried,
            parent: start.parent,
            ..RunInfo::new(start.workflow_id, run_id, start.workflow_type, start.task_queue)
        };
        Ok(StartAnswer::New(self.begin_run(info, start.input, execution_expires, backoff, now)))
    }

    /// Checks times, schedule and retry policy, and gives the policy in force.
    pub(super) fn check_start_options(&mut self, start: &StartWorkflow) -> Result<Option<Arc<RetrySpec>>, Refused> {
        for (name, span) in [
            ("WorkflowExecutionTimeout", start.execution_timeout),
            ("WorkflowRunTimeout", start.run_timeout),
            ("WorkflowTaskTimeout", start.task_timeout),
            ("WorkflowStartDelay", start.start_delay),
        ] {
            if span.is_negative() {
                return Err(Refused::invalid(format!("An invalid {name} is set on request: negative duration")));
            }
        }
        let schedule = start.cron.as_deref().unwrap_or_default();
        check_schedule(schedule).map_err(Refused::invalid)?;
        // Source: temporal `service/frontend/errors.go` (`errCronAndStartDelaySet`).
        if !schedule.is_empty() && !start.start_delay.is_zero() {
            return Err(Refused::invalid("CronSchedule and WorkflowStartDelay may not be used together."));
        }
        self.workflow_retry(start.retry.as_ref()).map_err(Refused::invalid)
    }

    /// The newest run of an id.
    pub fn newest_run(&self, workflow_id: &str) -> Option<WorkflowKey> {
        self.newest_runs.get(workflow_id)?.workflow
    }

    /// The run of this id among those of a workflow id.
    pub fn run_of(&self, workflow_id: &str, run_id: &str) -> Option<WorkflowKey> {
        let is_run = |info: &RunInfo| *info.workflow_id == *workflow_id && *info.run_id == *run_id;
        self.workflows.iter().find(|(_, workflow)| is_run(workflow.info())).map(|(run, _)| run)
    }

    /// Says whether a workflow may be started under the id of this one.
    ///
    /// Source: temporal `service/history/api/create_workflow_util.go`, recorded scenario `wf_start_duplicate_closed`.
    pub(super) fn check_reuse(&self, newest: WorkflowKey, policy: IdReusePolicy) -> Result<(), Refused> {
        let run = self.workflow(newest);
        let (id, run_id) = (&run.info().workflow_id, &run.info().run_id);
        let finished = |why: &str| {
            Err(Refused::already_exists(format!(
                "Workflow execution already finished{why}. WorkflowId: {id}, RunId: {run_id}. Workflow Id reuse \
                 policy: {policy}."
            )))
        };
        match (run.outcome(), policy) {
            (None, _) => Err(Refused::already_exists(format!(
                "Workflow execution is already running. WorkflowId: {id}, RunId: {run_id}."
            ))),
            (Some(_), IdReusePolicy::RejectDuplicate) => finished(""),
            (Some(WorkflowOutcome::Completed(_)), IdReusePolicy::AllowDuplicateFailedOnly) => finished(" successfully"),
            _ => Ok(()),
        }
    }

    /// The policy in force of a workflow, with the server's defaults.
    pub(super) fn workflow_retry(&mut self, policy: Option<&RetrySpec>) -> Result<Option<Arc<RetrySpec>>, String> {
        // The defaults are those of activities.
        policy.map(|policy| self.policies.get(&Some(policy.clone()), self.dialect)).transpose()
    }

    /// The id of the next run of a workflow: the id of the workflow for the first, and its number behind it for others.
    pub(super) fn next_run_id(&self, workflow_id: &Arc<str>) -> Arc<str> {
        match self.newest_runs.get(workflow_id) {
            None => Arc::clone(workflow_id),
            Some(newest) => format!("{workflow_id}:{}", newest.runs + 1).into(),
        }
    }

    /// Begins a run, whose options have been checked.
    pub(super) fn begin_run(
        &mut self,
        info: RunInfo,
        input: Payload,
        execution_expires: Time,
        backoff: Span,
        now: Time,
    ) -> WorkflowKey {
        let run_timeout = run_timeout_in_force(info.run_timeout, info.execution_timeout);
        let mut task_timeout = if info.task_timeout.is_zero() { self.task_timeout } else { info.task_timeout };
        if !run_timeout.is_zero() {
            task_timeout = task_timeout.min(run_timeout);
        }
        let info = Arc::new(RunInfo { run_timeout, task_timeout, ..info });
        let first_task_at = now.plus(backoff);
        let expires = limit(first_task_at, info.run_timeout).min(execution_expires);
        let mut workflow = Workflow::new(Arc::clone(&info), expires, execution_expires, first_task_at);
        let is_delayed = first_task_at > now;
        let newest = self.newest_runs.entry(Arc::clone(&info.workflow_id)).or_default();
        newest.runs += 1;
        workflow.number = newest.runs;
        workflow.waits_for_first_task = is_delayed;
        workflow.append(
            now,
            EventKind::WorkflowExecutionStarted { info: Arc::clone(&info), input, first_task_backoff: backoff },
        );
        let key = self.workflows.push(workflow);
        newest.workflow = Some(key);
        self.outbox.news.push_back(News::WorkflowStarted { workflow: key });
        if expires < Time::MAX {
            // This timer is armed before any timer of an activity: at equal times the run's own timeout wins (recorded
            // scenario `wf_run_timeout_equals_clipped_s2c`).
            self.outbox.arm(expires, ServiceTimer::RunTimeout { workflow: key });
        }
        if is_delayed {
            self.outbox.arm(first_task_at, ServiceTimer::FirstTask { workflow: key });
        } else {
            self.want_task(key, now);
        }
        key
    }

    /// Takes in a run that was recorded elsewhere, with its start for all its history. It has no task and no timer.
    pub(crate) fn adopt(&mut self, info: Arc<RunInfo>, input: Payload, now: Time) -> WorkflowKey {
        let mut workflow = Workflow::new(Arc::clone(&info), Time::MAX, Time::MAX, now);
        let kind =
            EventKind::WorkflowExecutionStarted { info: Arc::clone(&info), input, first_task_backoff: Span::ZERO };
        workflow.append(now, kind);
        let key = self.workflows.push(workflow);
        let newest = self.newest_runs.entry(Arc::clone(&info.workflow_id)).or_default();
        (newest.workflow, newest.runs) = (Some(key), 1);
        self.outbox.news.push_back(News::WorkflowStarted { workflow: key });
        key
    }

    /// Schedules the first workflow task of a run that has waited for it.
    pub(super) fn first_task_due(&mut self, workflow: WorkflowKey, now: Time) {
        self.workflows[workflow].waits_for_first_task = false;
        self.want_task(workflow, now);
    }
}
