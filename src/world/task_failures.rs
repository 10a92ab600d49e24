//! Workflow tasks that fail: told to the service or left to their timeout, tried again, and the end of a run that is stuck.

use super::core::Core;
use super::error::{RunError, WorkflowTaskErrorKind, outside_world};
use super::hosted_workflow::HostedWorkflow;
use super::user_code::with_last_step;
use crate::program::{Marker, TaskFailure};
use crate::service::{EventKind, HistoryEvent, TaskFailedCause, WorkflowKey, WorkflowTask};
use crate::trace::{What, Who, WorkerKey};
use crate::worker::instance::TaskProblem;
use crate::worker::process::{Version, Worker};

impl Core {
    /// A worker cannot answer a task. It tells the service so at the first attempt, and leaves later ones to their timeout, as
    /// the workers of Temporal and of Cadence do.
    ///
    /// Source: recorded scenarios `wf_task_panic_5` and `replay_nondeterminism`.
    pub(super) fn fail_task(&mut self, task: WorkflowTask, worker: WorkerKey, problem: &TaskProblem) {
        let workflow = task.token.workflow;
        if let TaskProblem::Code(failure) = problem
            && let Some(error) = self.ends_the_run(workflow, failure)
        {
            return self.fail(error);
        }
        let cause = match kind_of(problem) {
            WorkflowTaskErrorKind::NonDeterministic => TaskFailedCause::NonDeterministicError,
            _ => TaskFailedCause::WorkflowWorkerUnhandledFailure,
        };
        let message = problem.to_string();
        let is_left = self.leaves_to_other_version(worker, workflow, problem);
        let words = message.clone() + &self.place_words(workflow, worker, problem);
        if task.attempt == 1 {
            // A stale one changes nothing.
            let _ = self.serve(|service, now| service.fail_workflow_task(task.token, cause, message.into(), now));
        } else {
            self.note_failure(workflow, &message);
        }
        if !is_left {
            self.count_failure(workflow, cause, words, kind_of(problem));
        }
    }

    /// Says where the code failed: the service and the trace have no places, the error has.
    fn place_words(&self, workflow: WorkflowKey, worker: WorkerKey, problem: &TaskProblem) -> String {
        let place = match problem {
            TaskProblem::NonDeterministic { call, .. } => call.map(|call| format!("it is asked for by {call}")),
            // It says where.
            TaskProblem::Code(TaskFailure::Panicked { .. }) => None,
            _ => self.workflows[workflow].places().words(),
        };
        let mut words = place.map(|place| format!("; {place}")).unwrap_or_default();
        if let TaskProblem::NotRegistered { .. } = problem {
            words += &format!("; worker {} runs a version of the code that does not have it", worker.number());
        }
        let is_older =
            self.version_of(Some(worker)) == Version::Old && self.workflows[workflow].answered_with() == Version::New;
        if is_older && kind_of(problem) == WorkflowTaskErrorKind::NonDeterministic {
            words += &format!(
                "; worker {} runs the old version and replays what the new one has written: mark the change, with \
                 `ctx.version(..)` or a patch",
                worker.number()
            );
        }
        words
    }

    /// Says whether a worker leaves the task to a worker of another version, and there is one: of the version that has the
    /// workflow, or of the one that has written a history that the worker's code does not understand, and marks what it has
    /// changed.
    fn leaves_to_other_version(&self, worker: WorkerKey, workflow: WorkflowKey, problem: &TaskProblem) -> bool {
        if let TaskProblem::NotRegistered { .. } = problem {
            let version = self.version_of(Some(worker));
            return self.has_worker_beside(worker, |other| other.next_version() != version);
        }
        let written_with = self.workflows[workflow].answered_with();
        let is_marked = |event: &HistoryEvent| {
            let EventKind::MarkerRecorded { marker } = &event.kind else { return false };
            matches!(marker, Marker::Version { .. } | Marker::Patch { .. })
        };
        kind_of(problem) == WorkflowTaskErrorKind::NonDeterministic
            && self.version_of(Some(worker)) != written_with
            && self.has_worker_beside(worker, |other| other.next_version() == written_with)
            && self.service.history(workflow).iter().any(is_marked)
    }

    /// Says whether such a worker polls the queue of this one.
    fn has_worker_beside(&self, worker: WorkerKey, is_wanted: impl Fn(&Worker) -> bool) -> bool {
        let queue = self.workers[worker].task_queue();
        let mut workers = self.workers.keys().map(|key| &self.workers[key]);
        workers.any(|other| other.task_queue() == queue && is_wanted(other))
    }

    /// A failure that no service would be told of: of the simulation, not of the workflow's task.
    fn ends_the_run(&self, workflow: WorkflowKey, failure: &TaskFailure) -> Option<RunError> {
        let name = &self.trace.workflows()[workflow].workflow_type;
        match failure {
            TaskFailure::Panicked { message } => {
                let (what, _) = outside_world(message)?;
                // The message of a panic ends with its place.
                let place = message.rsplit_once(" at ").map(|(_, place)| format!(" (at {place})")).unwrap_or_default();
                Some(RunError::Misuse(format!(
                    "workflow `{name}` {what}{place}: use the timers and the clock of its context, and activities"
                )))
            }
            TaskFailure::AskedForTooMuch { asked, what } => Some(RunError::TooLong {
                events: self.settings.event_budget,
                at: self.agenda.now(),
                waiting: format!("workflow `{name}` has asked for {asked} {what} (a loop that does not wait?)"),
            }),
            TaskFailure::NeverWaits { calls } => {
                let places = self.workflows[workflow].places();
                let who = with_last_step(format!("workflow `{name}`"), places);
                Some(RunError::NeverWaits { who, calls: *calls, at: self.agenda.now() })
            }
            TaskFailure::Unsupported(what) => {
                Some(RunError::Misuse(format!("workflow `{name}` asked for {what}, which is not simulated")))
            }
            _ => None,
        }
    }

    fn note_failure(&mut self, workflow: WorkflowKey, message: &str) {
        let text = self.trace.store(message.as_bytes());
        self.note(Who::Workflow(workflow), What::TaskFailed(text));
    }

    /// The service has heard that a task failed, or refused the answer to it.
    pub(super) fn note_task_failed(&mut self, workflow: WorkflowKey) {
        let failure = self.service.workflow(workflow).task_failure();
        let Some((cause, message)) = failure.map(|(cause, message)| (cause, message.to_owned())) else { return };
        self.note_failure(workflow, &message);
        let advice = match cause {
            // News arrived while the workflow was closing: the task is done again with it, as it should be.
            TaskFailedCause::UnhandledCommand => return,
            // The worker has told so, and counts it.
            TaskFailedCause::NonDeterministicError | TaskFailedCause::WorkflowWorkerUnhandledFailure => return,
            TaskFailedCause::ScheduleActivityDuplicateId => {
                ": two open activities of a workflow cannot have the same `activity_id`"
            }
            _ => "",
        };
        self.count_failure(workflow, cause, message + advice, WorkflowTaskErrorKind::Other);
    }

    /// Counts a failure of the workflow's task. The run ends where it has failed too often in a row, and nothing is ahead that
    /// could change that.
    fn count_failure(
        &mut self,
        workflow: WorkflowKey,
        cause: TaskFailedCause,
        message: String,
        kind: WorkflowTaskErrorKind,
    ) {
        let hosted = &mut self.workflows[workflow];
        let task = hosted.task_number();
        let workflow_type = &self.trace.workflows()[workflow].workflow_type;
        let failures = hosted.task_fails(|| RunError::WorkflowTask {
            workflow: workflow_type.to_string(),
            task,
            cause: cause.to_string(),
            message,
            kind,
            failures: 1,
            is_stuck: false,
        });
        let limit = self.settings.workflow_task_failures;
        if limit > 0
            && failures >= limit
            && !self.may_go_on(workflow)
            && let Some(error) = self.stuck_on_task(workflow)
        {
            self.fail(error);
        }
    }

    /// Says whether something is ahead that may change what becomes of a task: a fault of the plan, the end of a deploy, a timeout
    /// of the workflow or of one that has started it.
    fn may_go_on(&self, workflow: WorkflowKey) -> bool {
        let is_deployed = |key: WorkerKey| self.workers[key].next_version() != self.workers[key].version();
        let ends = |key: WorkflowKey| self.service.workflow(key).expires().is_some_and(|at| at <= self.horizon);
        let parent = |key: &WorkflowKey| self.service.workflow(*key).parent();
        self.faults.are_ahead()
            || self.workers.keys().any(is_deployed)
            || std::iter::successors(Some(workflow), parent).any(ends)
    }

    /// The error of a run that ends while this workflow's task fails.
    fn stuck_on_task(&self, workflow: WorkflowKey) -> Option<RunError> {
        self.workflows[workflow].failing_task().map(|failing| failing.error(true))
    }

    /// The error of a run that ends while the task of a workflow fails.
    pub(super) fn stuck_on_some_task(&self) -> Option<RunError> {
        let mut open = self.workflows.keys().filter(|key| self.service.workflow(*key).is_open());
        open.find_map(|key| self.stuck_on_task(key))
    }

    /// The first failure of a workflow task, whether the task went on or not.
    pub(crate) fn failed_task(&self) -> Option<RunError> {
        let failing = || self.workflows.values().find_map(HostedWorkflow::failing_task);
        self.healed_task.as_deref().or_else(failing).map(|failing| failing.error(false))
    }
}

/// The sort of failure that this problem is.
fn kind_of(problem: &TaskProblem) -> WorkflowTaskErrorKind {
    match problem {
        TaskProblem::Code(TaskFailure::Panicked { .. }) => WorkflowTaskErrorKind::Panicked,
        TaskProblem::NonDeterministic { .. } | TaskProblem::Code(TaskFailure::NonDeterministic(_)) => {
            WorkflowTaskErrorKind::NonDeterministic
        }
        _ => WorkflowTaskErrorKind::Other,
    }
}
