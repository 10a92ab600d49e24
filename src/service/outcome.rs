//! [`WorkflowOutcome`]: the end of a workflow run.

use std::sync::Arc;

use crate::program::{Details, Failure, Payload, RetryState};

/// The way in which a workflow run closed.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum WorkflowOutcome {
    /// The run closed with a result.
    Completed(Payload),
    /// The run closed with a failure.
    Failed {
        /// The failure that the code gave.
        failure: Arc<Failure>,
        /// The reason why there is no other run; [`InProgress`](RetryState::InProgress) if one follows.
        retry_state: RetryState,
    },
    /// The run closed as cancelled.
    Canceled(Details),
    /// The run was closed by its run timeout.
    TimedOut {
        /// The reason why there is no other run; [`InProgress`](RetryState::InProgress) if one follows.
        retry_state: RetryState,
    },
    /// The run has done its part, and another one follows under the same id.
    ContinuedAsNew,
    /// The run was closed from outside.
    Terminated {
        /// The reason in words, possibly empty.
        reason: Arc<str>,
    },
}

impl WorkflowOutcome {
    /// Says in words how the workflow ended.
    pub(crate) fn words(&self) -> String {
        match self {
            WorkflowOutcome::Completed(result) => format!("completed with {result}"),
            WorkflowOutcome::Failed { failure, .. } => format!("failed: {failure}"),
            WorkflowOutcome::Canceled(_) => "cancelled".to_owned(),
            WorkflowOutcome::TimedOut { .. } => "timed out".to_owned(),
            WorkflowOutcome::ContinuedAsNew => "continued as new".to_owned(),
            WorkflowOutcome::Terminated { reason } if reason.is_empty() => "terminated".to_owned(),
            WorkflowOutcome::Terminated { reason } => format!("terminated: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_words() {
        let failure = Arc::new(Failure::application("E", "no luck"));
        let retry_state = RetryState::RetryPolicyNotSet;
        let terminated = |reason: &str| WorkflowOutcome::Terminated { reason: Arc::from(reason) };
        for (outcome, words) in [
            (WorkflowOutcome::Completed(Payload::new("7")), "completed with 7"),
            (WorkflowOutcome::Failed { failure, retry_state }, "failed: E: no luck"),
            (WorkflowOutcome::Canceled(Details::Absent), "cancelled"),
            (WorkflowOutcome::TimedOut { retry_state }, "timed out"),
            (WorkflowOutcome::ContinuedAsNew, "continued as new"),
            (terminated(""), "terminated"),
            (terminated("no money"), "terminated: no money"),
        ] {
            assert_eq!(outcome.words(), words);
        }
    }
}
