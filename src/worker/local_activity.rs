//! Retries of local activities, which the worker does by itself inside a workflow task.
//!
//! They differ from the service's retries: a bad policy is repaired instead of refused, error types match without
//! regard to case, and a delay of zero that the code asks for means "at once".
//!
//! Source: sdk-core `src/retry_logic.rs`.

use std::sync::Arc;

use crate::program::{Failure, FailureKind, RetrySpec, Span};
use crate::service::go_pow::go_pow;

/// Makes the policy in force: each field that is not set or not valid is replaced.
///
/// The initial interval becomes 1 s, the coefficient 2.0 if below 1, the maximum interval 100 times the initial one if
/// not set and equal to it if shorter, and a negative number of attempts means no limit.
pub fn policy_defaults(policy: &RetrySpec) -> RetrySpec {
    let initial_interval =
        if policy.initial_interval > Span::ZERO { policy.initial_interval } else { Span::from_secs(1) };
    let maximum_interval = if policy.maximum_interval > Span::ZERO {
        policy.maximum_interval.max(initial_interval)
    } else {
        Span::from_nanos(initial_interval.as_nanos().saturating_mul(100))
    };
    RetrySpec {
        initial_interval,
        // This also replaces NaN.
        backoff_coefficient: if policy.backoff_coefficient >= 1.0 { policy.backoff_coefficient } else { 2.0 },
        maximum_interval,
        maximum_attempts: policy.maximum_attempts.max(0),
        expiration_interval: policy.expiration_interval,
        non_retryable_error_types: policy.non_retryable_error_types.clone(),
    }
}

/// The time to wait after `attempt` (from 1) ended with `failure`; `None` if there is no further attempt.
///
/// `policy` has gone through [`policy_defaults`]. `failure` is `None` when the attempt timed out. A delay that the
/// failure asks for replaces the backoff, is not capped by the maximum interval, and does not lift the limit on
/// attempts.
pub fn next_backoff(policy: &RetrySpec, attempt: u32, failure: Option<&Failure>) -> Option<Span> {
    if policy.maximum_attempts > 0 && attempt >= policy.maximum_attempts.unsigned_abs() {
        return None;
    }
    let (error_type, delay) = match failure.map(|failure| &failure.kind) {
        Some(FailureKind::Application { non_retryable: true, .. }) => return None,
        Some(FailureKind::Application { error_type, next_retry_delay, .. }) => (&**error_type, *next_retry_delay),
        _ => ("", None),
    };
    if policy.non_retryable_error_types.iter().any(|listed| same_type(listed, error_type)) {
        return None;
    }
    match delay {
        // A negative delay cannot be kept; the policy decides.
        Some(delay) if !delay.is_negative() => Some(delay),
        _ => Some(exponential(policy, attempt)),
    }
}

/// The policy's own backoff. The first is the initial interval. A backoff that is too long for a number is the maximum
/// interval.
fn exponential(policy: &RetrySpec, attempt: u32) -> Span {
    if attempt <= 1 {
        return policy.initial_interval;
    }
    let factor = go_pow(policy.backoff_coefficient, attempt - 1);
    let nanos = factor * policy.initial_interval.as_nanos() as f64;
    // `as` saturates, which is longer than any maximum.
    Span::from_nanos(nanos as i64).min(policy.maximum_interval)
}

fn same_type(listed: &Arc<str>, error_type: &str) -> bool {
    listed.chars().flat_map(char::to_lowercase).eq(error_type.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_policy_becomes_the_default_one() {
        let policy = policy_defaults(&RetrySpec { backoff_coefficient: f64::NAN, ..RetrySpec::default() });
        assert_eq!(policy.initial_interval, Span::from_secs(1));
        assert_eq!(policy.backoff_coefficient, 2.0);
        assert_eq!(policy.maximum_interval, Span::from_secs(100));
        assert_eq!(policy.maximum_attempts, 0);
    }

    #[test]
    fn negative_intervals_count_as_not_set() {
        let bad = Span::from_secs(-5);
        let policy =
            policy_defaults(&RetrySpec { initial_interval: bad, maximum_interval: bad, ..RetrySpec::default() });
        assert_eq!((policy.initial_interval, policy.maximum_interval), (Span::from_secs(1), Span::from_secs(100)));
    }

    #[test]
    fn a_negative_delay_leaves_it_to_the_policy() {
        let policy = policy_defaults(&RetrySpec::default());
        let mut failure = Failure::application("E", "e");
        let FailureKind::Application { next_retry_delay, .. } = &mut failure.kind else { unreachable!() };
        *next_retry_delay = Some(Span::from_secs(-1));
        assert_eq!(next_backoff(&policy, 3, Some(&failure)), Some(Span::from_secs(4)));
    }

    #[test]
    fn the_default_policy_never_gives_up() {
        let policy = policy_defaults(&RetrySpec { backoff_coefficient: 10.0, ..RetrySpec::default() });
        assert!((1..400).all(|attempt| next_backoff(&policy, attempt, None).is_some()));
        assert_eq!(next_backoff(&policy, u32::MAX, None), Some(Span::from_secs(100)));
    }
}
