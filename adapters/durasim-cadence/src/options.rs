//! The options of an activity, on their way to the service.

use std::sync::Arc;

use crabdance_core::{ActivityOptions, RetryPolicy};
use durasim::program::{ActivitySpec, CancellationType, Payload, RetrySpec, Timeouts};

/// An activity as the client's code asks for it.
pub(crate) fn spec(activity_type: Arc<str>, input: Payload, options: ActivityOptions) -> ActivitySpec {
    let timeouts = Timeouts::default()
        .schedule_to_close(options.schedule_to_close_timeout.into())
        .schedule_to_start(options.schedule_to_start_timeout.into())
        .start_to_close(options.start_to_close_timeout.into())
        .heartbeat(options.heartbeat_timeout.into());
    let cancellation = match options.wait_for_cancellation {
        true => CancellationType::WaitCancellationCompleted,
        false => CancellationType::TryCancel,
    };
    let mut spec = ActivitySpec::new(activity_type, input).timeouts(timeouts).cancellation(cancellation);
    if !options.task_list.is_empty() {
        spec = spec.task_queue(options.task_list);
    }
    match options.retry_policy {
        Some(policy) => spec.retry(retry(policy)),
        None => spec,
    }
}

fn retry(policy: RetryPolicy) -> RetrySpec {
    RetrySpec::default()
        .initial_interval(policy.initial_interval.into())
        .backoff_coefficient(policy.backoff_coefficient)
        .maximum_interval(policy.maximum_interval.into())
        .maximum_attempts(policy.maximum_attempts)
        .expiration_interval(policy.expiration_interval.into())
        .non_retryable_error_types(policy.non_retryable_error_types)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use durasim::Span;

    use super::*;

    #[test]
    fn every_option_arrives() {
        let secs = Duration::from_secs;
        let options = ActivityOptions {
            task_list: "files".to_owned(),
            schedule_to_close_timeout: secs(1),
            schedule_to_start_timeout: secs(2),
            start_to_close_timeout: secs(3),
            heartbeat_timeout: secs(4),
            wait_for_cancellation: true,
            retry_policy: Some(RetryPolicy {
                initial_interval: secs(5),
                backoff_coefficient: 1.5,
                maximum_interval: secs(6),
                maximum_attempts: 7,
                non_retryable_error_types: vec!["NonRetryable".to_owned()],
                expiration_interval: secs(8),
            }),
            local_activity: false,
        };
        let timeouts = Timeouts::default()
            .schedule_to_close(Span::from_secs(1))
            .schedule_to_start(Span::from_secs(2))
            .start_to_close(Span::from_secs(3))
            .heartbeat(Span::from_secs(4));
        let retry = RetrySpec::default()
            .initial_interval(Span::from_secs(5))
            .backoff_coefficient(1.5)
            .maximum_interval(Span::from_secs(6))
            .maximum_attempts(7)
            .expiration_interval(Span::from_secs(8))
            .non_retryable_error_types(["NonRetryable"]);
        let expected = ActivitySpec::new("copy", Payload::new("1"))
            .task_queue("files")
            .timeouts(timeouts)
            .retry(retry)
            .cancellation(CancellationType::WaitCancellationCompleted);
        assert_eq!(spec("copy".into(), Payload::new("1"), options), expected);

        let none = ActivitySpec::new("copy", Payload::new("1")).cancellation(CancellationType::TryCancel);
        assert_eq!(spec("copy".into(), Payload::new("1"), ActivityOptions::default()), none);
    }
}
