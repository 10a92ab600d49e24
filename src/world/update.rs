//! [`UpdateCall`]: a client's call about an update.

use crate::program::key;
use crate::service::{Refused, UpdateKey};

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
    /// The answer of the service to the request.
    pub(super) update: Result<UpdateKey, Refused>,
}
