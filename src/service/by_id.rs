//! Calls that name an activity by its id instead of a token: they are not bound to an attempt.

use super::{HeartbeatAnswer, Order, Refused, Service, WorkflowKey};
use crate::instant::Time;
use crate::program::{ActivityId, Details, Failure, Payload};

impl Service {
    /// Completes an activity, running or not.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn complete_by_id(
        &mut self,
        workflow: WorkflowKey,
        id: &ActivityId,
        result: Payload,
        now: Time,
    ) -> Result<(), Refused> {
        let _ = (workflow, id, result, now);
        unimplemented!()
    }

    /// Fails the attempt that runs.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn fail_by_id(
        &mut self,
        workflow: WorkflowKey,
        id: &ActivityId,
        failure: Option<Failure>,
        last_heartbeat_details: Option<Details>,
        now: Time,
    ) -> Result<(), Refused> {
        let _ = (workflow, id, failure, last_heartbeat_details, now);
        unimplemented!()
    }

    /// Says that the attempt that runs was cancelled.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn cancel_by_id(
        &mut self,
        workflow: WorkflowKey,
        id: &ActivityId,
        details: Details,
        now: Time,
    ) -> Result<(), Refused> {
        let _ = (workflow, id, details, now);
        unimplemented!()
    }

    /// A heartbeat of the attempt that runs.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn heartbeat_by_id(
        &mut self,
        workflow: WorkflowKey,
        id: &ActivityId,
        details: Details,
        now: Time,
        order: Order,
    ) -> Result<HeartbeatAnswer, Refused> {
        let _ = (workflow, id, details, now, order);
        unimplemented!()
    }
}
