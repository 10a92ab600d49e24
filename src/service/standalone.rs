//! Activities without a workflow, as Temporal has them since 1.31: a client starts one under an id of its own.
//!
//! Such an activity has a run to itself, which has no code, no tasks and no history: it closes with its activity. Workers
//! see nothing of it, and ids of activities and of workflows are apart. Cadence has no such activities.
//!
//! Source: temporal `chasm/lib/activity`, recorded scenarios `sa_*`.

use std::sync::Arc;

use super::workflow::{Standalone, Workflow};
use super::{
    Activity, ActivityClose, ActivityKey, Code, Dialect, News, Refused, Service, StartAnswer, WorkflowKey,
    WorkflowOutcome,
};
use crate::program::{
    ActivityId, ActivitySpec, Details, IdConflictPolicy, IdReusePolicy, Payload, RunInfo, Seq, Span, Time,
};

/// The values with which an activity without a workflow starts.
#[derive(Clone, PartialEq, Debug)]
pub struct StartActivity {
    /// The id of the activity, chosen by the caller that starts it.
    pub activity_id: Arc<str>,
    /// The type, the input and the options. An id in it means nothing.
    pub spec: Arc<ActivitySpec>,
    /// The queue in which attempts wait, unless the options name another.
    pub task_queue: Arc<str>,
    /// The consequence of a closed activity of the same id.
    pub id_reuse: IdReusePolicy,
    /// The consequence of an open activity of the same id. The server knows no
    /// [`TerminateExisting`](IdConflictPolicy::TerminateExisting) here.
    pub id_conflict: IdConflictPolicy,
}

/// The number of the only activity of a run.
const ONLY: Seq = 1;

impl Service {
    /// Starts an activity without a workflow, and offers its first attempt. The answer names the run that stands for it.
    ///
    /// # Errors
    /// - `ALREADY_EXISTS` if the id is taken (recorded scenario `sa_duplicate_start`).
    /// - `INVALID_ARGUMENT` if an option makes no sense (recorded scenario `sa_no_timeouts`).
    pub fn start_activity(&mut self, start: StartActivity, now: Time) -> Result<StartAnswer, Refused> {
        if self.dialect == Dialect::Cadence {
            return Err(Refused::invalid("Cadence has no activities without a workflow"));
        }
        if start.activity_id.is_empty() {
            return Err(Refused::invalid("activity ID is required"));
        }
        let spec = start.spec;
        let retry = self.policies.get(&spec.retry, self.dialect).map_err(Refused::invalid)?;
        let (id, activity_type) = (&start.activity_id, &spec.activity_type);
        let timeouts = self
            .dialect
            .normalize_timeouts(spec.timeouts, Some(&retry), Span::ZERO, id, activity_type)
            .map_err(Refused::invalid)?;
        if start.id_conflict == IdConflictPolicy::TerminateExisting {
            return Err(Refused::invalid("unsupported ID conflict policy: TerminateExisting"));
        }
        if let Some(newest) = self.newest_standalone(id) {
            let is_taken = match (self.workflow(newest).outcome(), start.id_reuse) {
                (None, _) if start.id_conflict == IdConflictPolicy::UseExisting => {
                    return Ok(StartAnswer::Existing(newest));
                }
                (None, _) | (Some(_), IdReusePolicy::RejectDuplicate) => true,
                (Some(outcome), IdReusePolicy::AllowDuplicateFailedOnly) => {
                    matches!(outcome, WorkflowOutcome::Completed(_))
                }
                (Some(_), IdReusePolicy::AllowDuplicate) => false,
            };
            if is_taken {
                return Err(Refused::already_exists("activity execution already started".to_owned()));
            }
        }
        let key = self.activities.next_key();
        let run = self.begin_standalone(Arc::clone(id), Arc::clone(&start.task_queue), &spec, key, now);
        let id = ActivityId::Named(start.activity_id);
        let activity = Activity::new(run, ONLY, id, spec, timeouts, retry, self.dialect, 0, now, Time::MAX);
        self.activities.push(activity);
        self.outbox.news.push_back(News::ActivityScheduled { activity: key });
        self.offer_attempt(key);
        self.arm_overall_timeout(key);
        Ok(StartAnswer::New(run))
    }

    /// Makes the run that stands for an activity.
    fn begin_standalone(
        &mut self,
        id: Arc<str>,
        task_queue: Arc<str>,
        spec: &ActivitySpec,
        activity: ActivityKey,
        now: Time,
    ) -> WorkflowKey {
        let run_id = self.next_run_id(&id);
        let seen = RunInfo { started_at: now, ..RunInfo::new("", run_id.clone(), "", task_queue.clone()) };
        let info =
            RunInfo { started_at: now, ..RunInfo::new(id.clone(), run_id, spec.activity_type.clone(), task_queue) };
        let mut run = Workflow::new(Arc::new(info), Time::MAX, Time::MAX, now);
        run.activities.push((ONLY, activity));
        run.named.insert(id.clone(), activity);
        run.standalone = Some(Box::new(Standalone {
            activity,
            seen: Arc::new(seen),
            input: spec.input.clone(),
            cancel_reason: None,
        }));
        let newest = self.newest_runs.entry(id).or_default();
        newest.runs += 1;
        run.number = newest.runs;
        let key = self.workflows.push(run);
        newest.activity = Some(key);
        self.outbox.news.push_back(News::WorkflowStarted { workflow: key });
        key
    }

    /// The run that stands for the newest activity without a workflow of an id.
    pub fn newest_standalone(&self, activity_id: &str) -> Option<WorkflowKey> {
        self.newest_runs.get(activity_id)?.activity
    }

    /// Closes the run that stands for an activity as that has closed. A timeout is a failure here, whose kind says so.
    pub(super) fn close_standalone(&mut self, run: WorkflowKey, close: ActivityClose) {
        let outcome = match close {
            ActivityClose::Completed { result } => WorkflowOutcome::Completed(result),
            ActivityClose::Failed { failure, retry_state } | ActivityClose::TimedOut { failure, retry_state } => {
                WorkflowOutcome::Failed { failure, retry_state }
            }
            ActivityClose::Canceled { details } => WorkflowOutcome::Canceled(details),
        };
        self.end_standalone(run, outcome);
    }

    fn end_standalone(&mut self, run: WorkflowKey, outcome: WorkflowOutcome) {
        self.workflows[run].outcome = Some(outcome);
        self.outbox.news.push_back(News::WorkflowClosed { workflow: run });
    }

    /// Asks an activity without a workflow to cancel itself. One that is not running is cancelled at once, and has the reason
    /// for its details (recorded scenario `sa_cancel_before_start`).
    ///
    /// # Errors
    /// The error is `FAILED_PRECONDITION` if it has closed, or somebody has asked before.
    pub(super) fn cancel_standalone(&mut self, run: WorkflowKey, reason: Arc<str>, now: Time) -> Result<(), Refused> {
        self.check_standalone_open(run)?;
        let holder = &mut self.workflows[run];
        if std::mem::replace(&mut holder.cancel_requested, true) {
            return Err(Refused::precondition("cancellation already requested"));
        }
        let Some(standalone) = &mut holder.standalone else { return Ok(()) };
        let key = standalone.activity;
        standalone.cancel_reason = Some(Arc::clone(&reason));
        self.outbox.news.push_back(News::WorkflowCancelRequested { workflow: run });
        self.outbox.news.push_back(News::ActivityCancelRequested { activity: key });
        let activity = &mut self.activities[key];
        activity.cancel_requested = true;
        if activity.started().is_none() {
            let text = Payload::from_json(&*reason).unwrap_or_else(|_| Payload::new("\"\""));
            let details = Details::Payload(text);
            self.close_activity(key, ActivityClose::Canceled { details }, None, now);
        }
        Ok(())
    }

    /// Closes an activity without a workflow at once; its code does not hear of it.
    ///
    /// # Errors
    /// The error is `FAILED_PRECONDITION` if it has closed.
    pub(super) fn terminate_standalone(&mut self, run: WorkflowKey, reason: Arc<str>) -> Result<(), Refused> {
        self.check_standalone_open(run)?;
        self.end_standalone(run, WorkflowOutcome::Terminated { reason });
        Ok(())
    }

    fn check_standalone_open(&self, run: WorkflowKey) -> Result<(), Refused> {
        match self.workflow(run).outcome() {
            None => Ok(()),
            Some(outcome) => Err(Refused::precondition(format!("activity is in terminal state: {}", outcome.words()))),
        }
    }
}

impl Workflow {
    /// Says whether this is no workflow's run, but stands for an activity without a workflow.
    pub fn is_standalone_activity(&self) -> bool {
        self.standalone.is_some()
    }

    /// The activity without a workflow for which this run stands.
    pub fn standalone_activity(&self) -> Option<ActivityKey> {
        self.standalone.as_ref().map(|standalone| standalone.activity)
    }

    /// The reason with which somebody asked to cancel the activity without a workflow.
    pub fn cancel_reason(&self) -> Option<&Arc<str>> {
        self.standalone.as_ref()?.cancel_reason.as_ref()
    }

    /// The names that code of the run's activities sees.
    pub(super) fn seen_info(&self) -> &Arc<RunInfo> {
        self.standalone.as_ref().map_or(self.info(), |standalone| &standalone.seen)
    }
}

impl Refused {
    /// Refuses a call for an activity without a workflow that is not there (recorded scenarios `sa_stale_token`,
    /// `sa_terminate`).
    pub(crate) fn activity_not_found(id: &ActivityId) -> Refused {
        Refused { code: Code::NotFound, message: format!("activity not found for ID: {id}").into() }
    }
}
