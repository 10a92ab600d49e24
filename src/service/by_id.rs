//! Calls that name an activity by its id instead of a token: they are not bound to an attempt.

use std::sync::Arc;

use super::{ActivityKey, HeartbeatAnswer, News, Rank, Refused, Service, WorkflowKey};
use crate::program::{ActivityId, Details, Failure, Payload, Time};

impl Service {
    fn find_open(&self, workflow: WorkflowKey, id: &ActivityId) -> Result<ActivityKey, Refused> {
        if self.workflow(workflow).is_standalone_activity() {
            let open = self.open_activity(workflow, id).filter(|activity| self.runs(*activity));
            return open.ok_or_else(|| Refused::activity_not_found(id));
        }
        if !self.workflow(workflow).is_open() {
            return Err(Refused::WORKFLOW_CLOSED);
        }
        self.open_activity(workflow, id).ok_or_else(|| Refused::no_pending_activity(id))
    }

    fn find_running(&self, workflow: WorkflowKey, id: &ActivityId) -> Result<ActivityKey, Refused> {
        let key = self.find_open(workflow, id)?;
        self.check_running(key, None)?;
        Ok(key)
    }

    /// Tells that a running attempt is over for the service, if its code still runs.
    fn give_up_running(&mut self, activity: ActivityKey) {
        let attempt = self.activity(activity).attempt();
        self.outbox.news.push_back(News::AttemptGivenUp { activity, attempt });
    }

    /// Completes an activity, whether an attempt runs, is in backoff, or was never taken or paused; a start is made up
    /// if need be (recorded scenarios `byid_complete_backoff`, `byid_complete_before_start`).
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if no activity of this id is open, or the workflow has closed.
    pub fn complete_by_id(
        &mut self,
        workflow: WorkflowKey,
        id: &ActivityId,
        result: Payload,
        now: Time,
    ) -> Result<(), Refused> {
        let key = self.find_open(workflow, id)?;
        self.complete_open(key, result, now);
        Ok(())
    }

    /// Fails the attempt that runs. Unlike with a token, every kind of failure is taken (rule rows `trace/14`, `trace/15`,
    /// `trace/19`).
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if no attempt of this id runs (recorded scenario `byid_fail_before_start`), or the
    /// workflow has closed.
    pub fn fail_by_id(
        &mut self,
        workflow: WorkflowKey,
        id: &ActivityId,
        failure: Option<Arc<Failure>>,
        last_heartbeat_details: Option<Details>,
        now: Time,
    ) -> Result<(), Refused> {
        let key = self.find_running(workflow, id)?;
        self.give_up_running(key);
        self.end_attempt(key, failure, last_heartbeat_details, now);
        Ok(())
    }

    /// Says that the attempt that runs was cancelled (recorded scenario `byid_cancel_requested`).
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if no attempt of this id runs, or the workflow has closed. It is `INVALID_ARGUMENT` if
    /// nobody asked to cancel the attempt.
    pub fn cancel_by_id(
        &mut self,
        workflow: WorkflowKey,
        id: &ActivityId,
        details: Details,
        now: Time,
    ) -> Result<(), Refused> {
        let key = self.find_running(workflow, id)?;
        if self.activity(key).cancel_requested() {
            self.give_up_running(key);
        }
        self.cancel_running(key, details, now)
    }

    /// Takes a heartbeat of the attempt that runs. `order` is as in [`Service::heartbeat`].
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if no attempt of this id runs (recorded scenario `byid_heartbeat_backoff`), or the
    /// workflow has closed.
    pub fn heartbeat_by_id(
        &mut self,
        workflow: WorkflowKey,
        id: &ActivityId,
        details: Details,
        now: Time,
        order: Rank,
    ) -> Result<HeartbeatAnswer, Refused> {
        let key = self.find_running(workflow, id)?;
        Ok(self.heartbeat_running(key, details, now, order))
    }
}
