//! The updates of a run, from being sent to their end.
//!
//! The sources are those of [`Update`].

use std::sync::Arc;

use super::dialect::Dialect;
use super::history::{EventKind, TaskFailedCause};
use super::update::{Update, UpdateKey, UpdateStage};
use super::workflow::TaskState;
use super::{News, Refused, Service, WorkflowKey};
use crate::program::{Command, Details, Failure, FailureKind, Payload, Time};

/// The updates of a run that may be open at once.
const MOST_IN_FLIGHT: usize = 10;

/// The updates of a run that may be open or completed.
const MOST_IN_TOTAL: usize = 2000;

/// A run whose workflow task has failed so often in a row takes no updates.
const FAILING_ATTEMPTS: u32 = 3;

impl Service {
    /// Sends an update to a workflow, which gets it with its next task. One whose id the run knows already is not sent again: its
    /// key is given, and `false`.
    ///
    /// # Errors
    /// - `NOT_FOUND` if the run has closed and knows no update of this id.
    /// - `FAILED_PRECONDITION` if the workflow's task keeps failing, or the run has had 2,000 updates.
    /// - `RESOURCE_EXHAUSTED` if 10 of its updates are open.
    /// - `UNIMPLEMENTED` in Cadence's dialect.
    pub fn update(
        &mut self,
        workflow: WorkflowKey,
        id: Arc<str>,
        name: Arc<str>,
        input: Payload,
        now: Time,
    ) -> Result<(UpdateKey, bool), Refused> {
        if self.dialect == Dialect::Cadence {
            return Err(Refused::NO_UPDATES);
        }
        let run = self.workflow(workflow);
        if let Some(known) = run.updates_by_id.get(&id) {
            return Ok((*known, false));
        }
        if !run.is_open() {
            return Err(Refused::WORKFLOW_CLOSED);
        }
        if run.task_attempt() >= FAILING_ATTEMPTS {
            return Err(Refused::TASK_KEEPS_FAILING);
        }
        if self.updates_of(workflow).filter(|update| update.is_in_flight()).count() >= MOST_IN_FLIGHT {
            return Err(Refused::TOO_MANY_UPDATES_AT_ONCE);
        }
        if self.workflow(workflow).updates_by_id.len() >= MOST_IN_TOTAL {
            return Err(Refused::TOO_MANY_UPDATES);
        }
        let update = Update { workflow, id: Arc::clone(&id), name, input, stage: UpdateStage::Admitted };
        let key = self.updates.push(update);
        let run = &mut self.workflows[workflow];
        run.open_updates.push(key);
        run.updates_by_id.insert(id, key);
        self.outbox.news.push_back(News::UpdateAdmitted { update: key });
        self.want_speculative_task(workflow, now);
        Ok((key, true))
    }

    /// The update of a key.
    ///
    /// # Panics
    /// It panics if this service did not give the key.
    pub fn update_of(&self, update: UpdateKey) -> &Update {
        &self.updates[update]
    }

    /// Finds an update of a run by its id. One that was rejected is forgotten.
    pub fn find_update(&self, workflow: WorkflowKey, id: &str) -> Option<UpdateKey> {
        self.workflow(workflow).updates_by_id.get(id).copied()
    }

    /// The updates that the task at hand of a run has brought to its worker, in the order in which they were sent.
    pub fn sent_updates(&self, workflow: WorkflowKey) -> impl Iterator<Item = &Update> {
        self.updates_of(workflow).filter(|update| update.stage == UpdateStage::Sent)
    }

    fn updates_of(&self, workflow: WorkflowKey) -> impl Iterator<Item = &Update> {
        self.workflow(workflow).open_updates.iter().map(|key| &self.updates[*key])
    }

    /// A worker takes a task, and the updates that wait for one.
    pub(super) fn send_updates(&mut self, workflow: WorkflowKey) {
        self.change_updates(workflow, |update| {
            if update.stage == UpdateStage::Admitted {
                update.stage = UpdateStage::Sent;
            }
        });
    }

    /// A task has failed or timed out: the next one brings its updates again.
    pub(super) fn take_back_updates(&mut self, workflow: WorkflowKey) {
        self.change_updates(workflow, |update| {
            if update.stage == UpdateStage::Sent {
                update.stage = UpdateStage::Admitted;
            }
        });
    }

    fn change_updates(&mut self, workflow: WorkflowKey, change: impl Fn(&mut Update)) {
        for key in &self.workflows[workflow].open_updates {
            change(&mut self.updates[*key]);
        }
    }

    /// Sees to it that the workflow gets a task for its updates, which leaves no trace if it does nothing but reject them. An
    /// update does not wait for the time of the first task.
    pub(super) fn want_speculative_task(&mut self, workflow: WorkflowKey, now: Time) {
        let waits = self.updates_of(workflow).any(|update| update.stage == UpdateStage::Admitted);
        let run = &mut self.workflows[workflow];
        if waits && run.is_open() && run.task == TaskState::None {
            run.waits_for_first_task = false;
            run.is_task_speculative = true;
            self.schedule_speculative_task(workflow, now);
        }
    }

    /// Says whether an answer to a speculative task changes nothing, so that it leaves no event.
    pub(super) fn only_rejects(commands: &[Command]) -> bool {
        commands.iter().all(|command| matches!(command, Command::RejectUpdate { .. } | Command::QueryAnswer { .. }))
    }

    /// Checks that an answer to an update is for one that waits for it. `accepted` has those that the same task has accepted.
    pub(super) fn check_update(
        &self,
        workflow: WorkflowKey,
        command: &Command,
        accepted: &mut Vec<Arc<str>>,
    ) -> Result<(), (TaskFailedCause, String)> {
        let bad = |id: &Arc<str>, problem: &str| {
            let message = format!("BadUpdateWorkflowExecutionMessage: update {id} {problem}");
            Err((TaskFailedCause::BadUpdateWorkflowExecutionMessage, message))
        };
        let stage = |id: &str| self.find_update(workflow, id).map(|key| &self.updates[key].stage);
        match command {
            Command::AcceptUpdate { id } | Command::RejectUpdate { id, .. } => {
                if stage(id) != Some(&UpdateStage::Sent) || accepted.contains(id) {
                    return bad(id, "does not wait for a worker's decision");
                }
                accepted.push(Arc::clone(id));
                Ok(())
            }
            Command::CompleteUpdate { id, .. } => {
                let is_accepted = matches!(stage(id), Some(UpdateStage::Accepted { .. })) || accepted.contains(id);
                if is_accepted { Ok(()) } else { bad(id, "was not accepted") }
            }
            _ => Ok(()),
        }
    }

    /// Carries out an answer to an update, which has been checked.
    pub(super) fn answer_update(&mut self, workflow: WorkflowKey, command: &Command, now: Time) {
        let (Command::AcceptUpdate { id } | Command::RejectUpdate { id, .. } | Command::CompleteUpdate { id, .. }) =
            command
        else {
            return;
        };
        let Some(key) = self.find_update(workflow, id) else { return };
        let run = &mut self.workflows[workflow];
        let update = &mut self.updates[key];
        match command {
            Command::AcceptUpdate { .. } => {
                let event = EventKind::WorkflowExecutionUpdateAccepted {
                    update_id: Arc::clone(id),
                    name: Arc::clone(&update.name),
                    input: update.input.clone(),
                    sequencing_event_id: run.previous_started_event_id - 1,
                };
                update.stage = UpdateStage::Accepted { event_id: run.append(now, event) };
                self.outbox.news.push_back(News::UpdateAccepted { update: key });
            }
            Command::CompleteUpdate { result, .. } => {
                let UpdateStage::Accepted { event_id } = update.stage else { return };
                let (update_id, outcome) = (Arc::clone(id), result.clone());
                let event =
                    EventKind::WorkflowExecutionUpdateCompleted { update_id, accepted_event_id: event_id, outcome };
                run.append(now, event);
                self.end_update(key, UpdateStage::Completed(result.clone()));
            }
            Command::RejectUpdate { failure, .. } => self.end_update(key, UpdateStage::Rejected(Arc::clone(failure))),
            _ => {}
        }
    }

    /// An update ends. One that was rejected may be sent again under its id.
    fn end_update(&mut self, key: UpdateKey, stage: UpdateStage) {
        let update = &mut self.updates[key];
        let run = &mut self.workflows[update.workflow];
        run.open_updates.retain(|open| *open != key);
        self.outbox.news.push_back(match &stage {
            UpdateStage::Rejected(_) => {
                run.updates_by_id.remove(&update.id);
                News::UpdateRejected { update: key }
            }
            UpdateStage::Aborted => {
                run.updates_by_id.remove(&update.id);
                News::UpdateAborted { update: key }
            }
            _ => News::UpdateCompleted { update: key },
        });
        update.stage = stage;
    }

    /// A worker has answered the task without a word about these updates: it does not know of any.
    pub(super) fn reject_unprocessed_updates(&mut self, workflow: WorkflowKey) {
        let sent = |key: &UpdateKey| self.updates[*key].stage == UpdateStage::Sent;
        let unprocessed: Vec<UpdateKey> = self.workflow(workflow).open_updates.iter().copied().filter(sent).collect();
        for key in unprocessed {
            let failure = of_server(
                "UnprocessedUpdate",
                "Workflow Update is rejected because it wasn't processed by worker. Probably, Workflow Update is not \
                 supported by the worker.",
            );
            self.end_update(key, UpdateStage::Rejected(failure));
        }
    }

    /// A run has closed. Updates that its code has not accepted go to the run that follows, if there is one; one that it has
    /// accepted has failed.
    pub(super) fn abort_updates(&mut self, workflow: WorkflowKey, next: Option<WorkflowKey>, now: Time) {
        for key in std::mem::take(&mut self.workflows[workflow].open_updates) {
            match (&self.updates[key].stage, next) {
                (UpdateStage::Accepted { .. }, _) => {
                    let failure = of_server(
                        "AcceptedUpdateCompletedWorkflow",
                        "Workflow Update failed because the Workflow completed before the Update completed.",
                    );
                    self.updates[key].stage = UpdateStage::Completed(Err(failure));
                    self.outbox.news.push_back(News::UpdateAborted { update: key });
                }
                (_, Some(next)) => self.move_update(key, next),
                (_, None) => self.end_update(key, UpdateStage::Aborted),
            }
        }
        if let Some(next) = next {
            self.want_speculative_task(next, now);
        }
    }

    fn move_update(&mut self, key: UpdateKey, next: WorkflowKey) {
        let update = &mut self.updates[key];
        self.workflows[update.workflow].updates_by_id.remove(&update.id);
        (update.workflow, update.stage) = (next, UpdateStage::Admitted);
        let run = &mut self.workflows[next];
        run.open_updates.push(key);
        run.updates_by_id.insert(Arc::clone(&update.id), key);
        self.outbox.news.push_back(News::UpdateAdmitted { update: key });
    }
}

/// A failure that the server itself gives.
fn of_server(error_type: &str, message: &str) -> Arc<Failure> {
    let kind = FailureKind::Application {
        error_type: error_type.into(),
        non_retryable: true,
        details: Details::Absent,
        next_retry_delay: None,
    };
    Arc::new(Failure::new(message, kind))
}
