//! [`report`]: the message to the service when an attempt's code has ended.

use std::sync::Arc;

use crate::program::{ActivityOutcome, CancelReason, Details, Failure, Payload};
use crate::service::Dialect;

/// The error type of an attempt that ended because its worker shut down. A retry policy may name it.
pub const WORKER_SHUTDOWN: &str = "WorkerShutdown";

/// The message to the service at the end of an attempt.
#[derive(Clone, PartialEq, Debug)]
pub enum Report {
    /// The call is `RespondActivityTaskCompleted`.
    Complete(Payload),
    /// The call is `RespondActivityTaskFailed`.
    Fail(Arc<Failure>),
    /// The call is `RespondActivityTaskCanceled`. The service refuses it unless a cancel was requested. The worker
    /// drops the refusal, and the attempt stays started until it times out.
    Cancel(Details),
    /// There is no message.
    Nothing,
}

/// The fate of a heartbeat that was recorded but not sent when the attempt ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PendingHeartbeat {
    /// It is lost.
    Dropped,
    /// It travels with the report as `last_heartbeat_details`. These are absent if nothing is pending: the service then
    /// keeps its checkpoint.
    Attached,
    /// It is sent as a heartbeat of its own before the report leaves.
    FlushedFirst,
}

impl Report {
    /// The fate of the pending heartbeat.
    ///
    /// Cadence's report of a failure has no room for the heartbeat, so its client sends it by itself.
    ///
    /// Source: sdk-core `src/worker/activities.rs:345-570`; recorded scenarios `sdk_flush_on_failure`,
    /// `sdk_shutdown_flush_details`. For Cadence, cadence-client `internal/internal_task_handlers.go`
    /// (`cadenceInvoker.Close`).
    pub fn pending_heartbeat(&self, dialect: Dialect) -> PendingHeartbeat {
        match self {
            Report::Complete(_) | Report::Nothing => PendingHeartbeat::Dropped,
            Report::Fail(_) if dialect.takes_details_with_failure() => PendingHeartbeat::Attached,
            Report::Fail(_) | Report::Cancel(_) => PendingHeartbeat::FlushedFirst,
        }
    }
}

/// The report of the worker about an attempt that ended with `outcome` after it was asked to stop for `cancelled_for`, if
/// it was asked.
///
/// If the worker knows that the service has given the attempt up, there is no report. A cancelled attempt reports that
/// it was cancelled, also where nobody asked the service for it (paused, reset, or of its own accord): the Rust SDK
/// does not look at the reason. Only a shutdown of the worker turns into a failure, which is retried.
///
/// Source: sdk-core `src/worker/activities.rs:345-570`.
pub fn report(outcome: ActivityOutcome, cancelled_for: Option<CancelReason>) -> Report {
    if let Some(CancelReason::NotFound | CancelReason::TimedOut) = cancelled_for {
        return Report::Nothing;
    }
    match outcome {
        ActivityOutcome::Completed(result) => Report::Complete(result),
        ActivityOutcome::Failed(failure) => Report::Fail(failure),
        ActivityOutcome::Cancelled(_) if cancelled_for == Some(CancelReason::WorkerShutdown) => Report::Fail(Arc::new(
            Failure::application(WORKER_SHUTDOWN, "Worker is shutting down and this activity did not complete in time"),
        )),
        ActivityOutcome::Cancelled(details) => Report::Cancel(details),
        ActivityOutcome::WillCompleteAsync => Report::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::FailureKind;

    const REASONS: [Option<CancelReason>; 7] = [
        None,
        Some(CancelReason::Requested),
        Some(CancelReason::NotFound),
        Some(CancelReason::TimedOut),
        Some(CancelReason::WorkerShutdown),
        Some(CancelReason::Paused),
        Some(CancelReason::Reset),
    ];

    fn given_up(reason: Option<CancelReason>) -> bool {
        matches!(reason, Some(CancelReason::NotFound | CancelReason::TimedOut))
    }

    #[test]
    fn an_attempt_given_up_reports_nothing() {
        for reason in REASONS.into_iter().filter(|reason| given_up(*reason)) {
            for outcome in [
                ActivityOutcome::Completed(Payload::new(b"1")),
                ActivityOutcome::Failed(Failure::application("E", "e").into()),
                ActivityOutcome::Cancelled(Details::Absent),
                ActivityOutcome::WillCompleteAsync,
            ] {
                assert_eq!(report(outcome, reason), Report::Nothing);
            }
        }
    }

    #[test]
    fn only_temporal_attaches_the_pending_heartbeat_of_a_failure() {
        let pending =
            |report: Report| [Dialect::Temporal, Dialect::Cadence].map(|dialect| report.pending_heartbeat(dialect));
        let failure = Report::Fail(Arc::new(Failure::application("E", "e")));
        assert_eq!(pending(failure), [PendingHeartbeat::Attached, PendingHeartbeat::FlushedFirst]);
        assert_eq!(pending(Report::Cancel(Details::Absent)), [PendingHeartbeat::FlushedFirst; 2]);
        assert_eq!(pending(Report::Complete(Payload::new(b"1"))), [PendingHeartbeat::Dropped; 2]);
    }

    #[test]
    fn a_result_or_a_failure_is_reported_whatever_was_told() {
        for reason in REASONS.into_iter().filter(|reason| !given_up(*reason)) {
            let result = Payload::new(b"1");
            assert_eq!(report(ActivityOutcome::Completed(result.clone()), reason), Report::Complete(result));
            let failure = Arc::new(Failure::application("E", "e"));
            assert_eq!(report(ActivityOutcome::Failed(failure.clone()), reason), Report::Fail(failure));
        }
    }

    #[test]
    fn only_a_shutdown_turns_a_cancellation_into_a_failure() {
        let details = Details::Payload(Payload::new(b"1"));
        for reason in REASONS.into_iter().filter(|reason| !given_up(*reason)) {
            match report(ActivityOutcome::Cancelled(details.clone()), reason) {
                Report::Fail(failure) => {
                    assert_eq!(reason, Some(CancelReason::WorkerShutdown));
                    let FailureKind::Application { error_type, non_retryable, .. } = &failure.kind else {
                        panic!("not an application failure: {failure:?}");
                    };
                    assert_eq!((&**error_type, *non_retryable), (WORKER_SHUTDOWN, false));
                }
                other => {
                    assert_ne!(reason, Some(CancelReason::WorkerShutdown));
                    assert_eq!(other, Report::Cancel(details.clone()));
                }
            }
        }
    }
}
