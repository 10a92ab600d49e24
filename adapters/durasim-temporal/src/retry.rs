//! Retry policies.

use durasim::Span;
use durasim::program::RetrySpec;

use crate::sdk::ProtoRetryPolicy;

/// The nanoseconds of a second.
const NANOS: i64 = 1_000_000_000;

/// Takes a duration of the SDK's; none is zero.
pub(crate) fn span(duration: Option<prost_wkt_types::Duration>) -> Span {
    let duration = duration.unwrap_or_default();
    Span::from_nanos(duration.seconds.saturating_mul(NANOS).saturating_add(i64::from(duration.nanos)))
}

/// Gives a duration to the SDK.
pub(crate) fn proto(span: Span) -> prost_wkt_types::Duration {
    let (seconds, nanos) = (span.as_nanos() / NANOS, span.as_nanos() % NANOS);
    prost_wkt_types::Duration { seconds, nanos: nanos as i32 }
}

/// Gives a duration to the SDK, for which zero is none.
pub(crate) fn given(span: Span) -> Option<prost_wkt_types::Duration> {
    (!span.is_zero()).then(|| proto(span))
}

/// Takes a policy of the SDK's.
pub(crate) fn into_core(policy: &ProtoRetryPolicy) -> RetrySpec {
    RetrySpec::default()
        .initial_interval(span(policy.initial_interval))
        .backoff_coefficient(policy.backoff_coefficient)
        .maximum_interval(span(policy.maximum_interval))
        .maximum_attempts(policy.maximum_attempts)
        .non_retryable_error_types(policy.non_retryable_error_types.iter().map(String::as_str))
}

/// Gives a policy to the SDK.
pub(crate) fn from_core(policy: &RetrySpec) -> ProtoRetryPolicy {
    ProtoRetryPolicy {
        initial_interval: given(policy.initial_interval),
        backoff_coefficient: policy.backoff_coefficient,
        maximum_interval: given(policy.maximum_interval),
        maximum_attempts: policy.maximum_attempts,
        non_retryable_error_types: policy.non_retryable_error_types.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_comes_back_as_it_was() {
        let policy = RetrySpec::default()
            .initial_interval(Span::from_millis(1_500))
            .backoff_coefficient(1.5)
            .maximum_interval(Span::from_secs(30))
            .maximum_attempts(7)
            .non_retryable_error_types(["Fatal", "Refused"]);
        assert_eq!(into_core(&from_core(&policy)), policy);
        assert_eq!(into_core(&from_core(&RetrySpec::default())), RetrySpec::default());
    }

    #[test]
    fn a_duration_comes_back_as_it_was() {
        assert!(span(None).is_zero());
        for nanos in [0, 1, 1_234_000_000, -1, -1_500_000_000, i64::MAX] {
            assert_eq!(span(Some(proto(Span::from_nanos(nanos)))), Span::from_nanos(nanos));
        }
    }
}
