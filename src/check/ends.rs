//! [`difference`]: says whether two ends of a workflow are the same to those who wait for it.

use crate::program::{Failure, FailureKind};
use crate::service::WorkflowOutcome;

/// Says in words how two ends differ; `None` if callers need not tell them apart. Results are compared elsewhere, since
/// [`normalize`](super::SameResult::normalize) may take something from them.
pub(super) fn difference(expected: &WorkflowOutcome, found: &WorkflowOutcome) -> Option<&'static str> {
    use WorkflowOutcome as W;
    match (expected, found) {
        // The retry state only says how it came to this.
        (W::Failed { failure: expected, .. }, W::Failed { failure: found, .. }) => between_failures(expected, found),
        // Details only say how far the code had come.
        (W::Canceled(_), W::Canceled(_)) | (W::TimedOut { .. }, W::TimedOut { .. }) => None,
        (W::Terminated { reason: expected }, W::Terminated { reason: found }) => {
            (expected != found).then_some("the reason")
        }
        _ => Some("the kind of end"),
    }
}

fn between_failures(expected: &Failure, found: &Failure) -> Option<&'static str> {
    use FailureKind as K;
    let causes = || match (&expected.cause, &found.cause) {
        (Some(expected), Some(found)) => between_failures(expected, found),
        (None, None) => None,
        _ => Some("the cause"),
    };
    let unless = |same: bool, words: &'static str| (!same).then_some(words);
    let message = || unless(expected.message == found.message, "the message");
    match (&expected.kind, &found.kind) {
        // Ids and retry states differ when attempts do.
        (K::Activity { activity_type: expected, .. }, K::Activity { activity_type: found, .. }) => {
            unless(expected == found, "the activity that failed").or_else(causes)
        }
        (K::ChildWorkflow { workflow_type: expected, .. }, K::ChildWorkflow { workflow_type: found, .. }) => {
            unless(expected == found, "the child workflow that failed").or_else(causes)
        }
        // Details are for the code that handles the failure, and say which attempt it was and how far it came; a delay
        // says when to retry.
        (
            K::Application { error_type: expected, non_retryable: stops, .. },
            K::Application { error_type: found, non_retryable: found_stops, .. },
        ) => unless(expected == found, "the error type")
            .or_else(message)
            .or_else(|| unless(stops == found_stops, "whether a retry is of use (`non_retryable`)"))
            .or_else(causes),
        (K::Server { non_retryable: stops }, K::Server { non_retryable: found_stops }) => {
            message().or_else(|| unless(stops == found_stops, "whether a retry is of use (`non_retryable`)"))
        }
        // The cause is the end of the attempt before, and the details are its checkpoint.
        (K::Timeout { timeout_type: expected, .. }, K::Timeout { timeout_type: found, .. }) => {
            unless(expected == found, "the kind of timeout")
        }
        (K::Canceled { .. }, K::Canceled { .. }) | (K::Terminated, K::Terminated) => None,
        _ => Some("the kind of failure"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::difference;
    use crate::program::{Details, Failure, FailureKind, Payload, RetryState, TimeoutType};
    use crate::service::WorkflowOutcome;

    fn failed(failure: Failure, retry_state: RetryState) -> WorkflowOutcome {
        WorkflowOutcome::Failed { failure: Arc::new(failure), retry_state }
    }

    fn between(expected: Failure, found: Failure) -> Option<&'static str> {
        let (one, other) = (RetryState::RetryPolicyNotSet, RetryState::MaximumAttemptsReached);
        difference(&failed(expected, one), &failed(found, other))
    }

    fn application(message: &str) -> Failure {
        Failure::application("Refused", message)
    }

    fn timeout(timeout_type: TimeoutType) -> Failure {
        let kind = FailureKind::Timeout { timeout_type, last_heartbeat_details: Details::Absent };
        Failure::new("timeout", kind)
    }

    fn details() -> Details {
        Details::Payload(Payload::new(b"1"))
    }

    #[test]
    fn the_kind_of_failure_counts() {
        let cancelled = Failure::new("no", FailureKind::Canceled { details: Details::Absent });
        let server = Failure::new("no", FailureKind::Server { non_retryable: false });
        let all = [application("no"), timeout(TimeoutType::StartToClose), cancelled, server];
        for (index, expected) in all.iter().enumerate() {
            for (other, found) in all.iter().enumerate() {
                let differs = (index != other).then_some("the kind of failure");
                assert_eq!(between(expected.clone(), found.clone()), differs, "{expected} {found}");
            }
        }
        let timed_out = WorkflowOutcome::TimedOut { retry_state: RetryState::Timeout };
        let failed = failed(application("no"), RetryState::Timeout);
        assert_eq!(difference(&timed_out, &failed), Some("the kind of end"));
        assert_eq!(difference(&timed_out, &timed_out), None);
    }

    #[test]
    fn the_causes_that_code_gave_count() {
        let caused = |cause: &str| application("no").caused_by(application(cause));
        assert_eq!(between(caused("full"), caused("full")), None);
        assert_eq!(between(caused("full"), caused("empty")), Some("the message"));
        assert_eq!(between(caused("full"), application("no")), Some("the cause"));
    }

    #[test]
    fn ids_and_retry_states_do_not_count() {
        let activity = |activity_type: &str, id: &str, events: u64, retry_state: RetryState| {
            let kind = FailureKind::Activity {
                activity_type: activity_type.into(),
                activity_id: id.into(),
                scheduled_event_id: events,
                started_event_id: events + 1,
                retry_state,
            };
            Failure::new("activity error", kind).caused_by(application("no"))
        };
        let expected = activity("charge", "5", 5, RetryState::NonRetryableFailure);
        let found = activity("charge", "7", 9, RetryState::MaximumAttemptsReached);
        assert_eq!(between(expected.clone(), found), None);
        let other = activity("refund", "5", 5, RetryState::NonRetryableFailure);
        assert_eq!(between(expected, other), Some("the activity that failed"));
    }

    #[test]
    fn what_preceded_a_timeout_does_not_count() {
        let after = |message: &str| timeout(TimeoutType::ScheduleToClose).caused_by(application(message));
        assert_eq!(between(after("not ready"), after("not ready yet")), None);
        assert_eq!(between(after("not ready"), timeout(TimeoutType::ScheduleToClose)), None);
        let other = timeout(TimeoutType::StartToClose);
        assert_eq!(between(after("not ready"), other), Some("the kind of timeout"));
    }

    #[test]
    fn the_details_of_a_cancellation_do_not_count() {
        let (without, with) = (WorkflowOutcome::Canceled(Details::Absent), WorkflowOutcome::Canceled(details()));
        assert_eq!(difference(&without, &with), None);
        let cancelled = |details: Details| Failure::new("cancelled", FailureKind::Canceled { details });
        assert_eq!(between(cancelled(Details::Absent), cancelled(details())), None);
    }

    #[test]
    fn the_reason_of_a_termination_counts() {
        let terminated = |reason: &str| WorkflowOutcome::Terminated { reason: reason.into() };
        assert_eq!(difference(&terminated("no"), &terminated("no")), None);
        assert_eq!(difference(&terminated("no"), &terminated("")), Some("the reason"));
    }
}
