//! Attempts: handed out, heard of by token, ended.

use super::{ActivityKey, Order, Refused, Service, Token};
use crate::instant::Time;
use crate::program::{ActivityTask, Details, Failure, Payload};

/// The answer to a heartbeat.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HeartbeatAnswer {
    /// The workflow asked to cancel the activity, or the heartbeat was too large.
    pub cancel_requested: bool,
    /// An operator paused the activity.
    pub activity_paused: bool,
    /// An operator reset the activity.
    pub activity_reset: bool,
}

impl Service {
    /// Hands an attempt to a worker. `None` if it is stale.
    pub fn take_activity_task(
        &mut self,
        activity: ActivityKey,
        attempt: u32,
        now: Time,
    ) -> Option<(Token, ActivityTask)> {
        let _ = (activity, attempt, now);
        unimplemented!()
    }

    /// Takes a heartbeat.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn heartbeat(
        &mut self,
        token: Token,
        details: Details,
        now: Time,
        order: Order,
    ) -> Result<HeartbeatAnswer, Refused> {
        let _ = (token, details, now, order);
        unimplemented!()
    }

    /// Takes an attempt's result.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn complete(&mut self, token: Token, result: Payload, now: Time) -> Result<(), Refused> {
        let _ = (token, result, now);
        unimplemented!()
    }

    /// Takes an attempt's failure.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn fail(
        &mut self,
        token: Token,
        failure: Option<Failure>,
        last_heartbeat_details: Option<Details>,
        now: Time,
    ) -> Result<(), Refused> {
        let _ = (token, failure, last_heartbeat_details, now);
        unimplemented!()
    }

    /// Takes an attempt's word that it was cancelled.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn cancel(&mut self, token: Token, details: Details, now: Time) -> Result<(), Refused> {
        let _ = (token, details, now);
        unimplemented!()
    }
}
