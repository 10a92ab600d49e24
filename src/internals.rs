//! The state machines by themselves, for the tests of this repository: with the feature `internals`, and no promise to
//! anybody else. They change with the servers and clients that they follow.

pub use crate::history::read as read_history;
pub use crate::service::activity::{Activity, ActivityClose, ActivityState, ResetRequest, Started};
pub use crate::service::attempt::HeartbeatAnswer;
pub use crate::service::keys::{Rank, TaskToken, Token};
pub use crate::service::outbox::{News, Outbox, Ready, ServiceTimer, TimerRequest, WorkflowMessage};
pub use crate::service::refused::{Code, Refused};
pub use crate::service::standalone::StartActivity;
pub use crate::service::start::{StartAnswer, StartWorkflow};
pub use crate::service::state::Service;
pub use crate::service::task::WorkflowTask;
pub use crate::service::workflow::{Signal, Workflow};
pub use crate::worker::{CachedWorkflow, local_activity, report, throttle};
pub use crate::workflow::NativeWorkflow;

/// The rules of Cadence that differ.
pub mod cadence {
    pub use crate::service::cadence::{LONGEST_SCHEDULE_TO_START_FOR_RETRY, next_backoff, normalize_timeouts};
}

/// The defaults and the validation of options.
pub mod options {
    pub use crate::service::options::{RetryDefaults, normalize_retry, normalize_timeouts, validate_retry};
}

/// The decision whether there is another attempt, and when.
pub mod retry {
    pub use crate::service::retry::{
        EndedAttempt, RetryVerdict, exponential, is_retryable, next_backoff, retry_verdict,
    };
}

/// The deadlines of an activity, and how a passed deadline is reported.
pub mod timeout {
    pub use crate::service::timeout::{Clocks, NOT_ENOUGH_TIME, deadlines};
}
