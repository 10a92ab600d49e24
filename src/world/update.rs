//! [`UpdateCall`]: a client's call about an update.

use std::sync::Arc;
use std::task::Waker;

use crate::program::{Payload, Time, key};
use crate::service::{Refused, UpdateKey, WorkflowKey};

key! {
    /// Which of the calls that have sent an update, or ask for its result.
    pub(crate) struct UpdateCallKey;
}

/// The stage that the caller of an update waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WaitStage {
    /// The code has accepted the update, or refused it.
    Accepted,
    /// The update has ended.
    Completed,
}

/// A call about an update.
#[derive(Debug)]
pub(super) struct UpdateCall {
    pub(super) state: CallState,
    /// The sender, if it waits for the answer of the service.
    pub(super) sender: Option<Waker>,
    /// Says that the first answer to it is lost, so that its sender asks again.
    pub(super) answer_is_lost: bool,
    /// The time at which it hears of what it has asked again for.
    pub(super) hears_at: Time,
}

/// Says how far a call has come.
#[derive(Debug)]
pub(super) enum CallState {
    /// The update is on its way to the service.
    OnItsWay(LateUpdate),
    /// The answer of the service to the request.
    Answered(Result<UpdateKey, Refused>),
}

impl UpdateCall {
    /// A call in this state, whose answer it hears at once.
    pub(super) fn new(state: CallState) -> UpdateCall {
        UpdateCall { state, sender: None, answer_is_lost: false, hears_at: Time::ZERO }
    }

    /// Says whether its update is still on its way.
    pub(super) fn is_on_its_way(&self) -> bool {
        matches!(self.state, CallState::OnItsWay(_))
    }
}

/// An update that has not reached the service.
#[derive(Clone, Debug)]
pub(super) struct LateUpdate {
    pub(super) workflow: WorkflowKey,
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) input: Payload,
    /// Its number among those that were sent to the workflow.
    pub(super) number: u32,
}

/// The things that are known of an update that has reached the service, besides its stage.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// Those who wait for what becomes of it.
    pub(super) waiting: Vec<Waker>,
    /// Its number among those that were sent to its run.
    pub(super) number: u32,
    /// Says that the worker dies once its code has accepted it.
    pub(super) crashes: bool,
    /// The time from which those who wait hear of its end.
    pub(super) end_is_heard_at: Time,
}
