//! The decision whether there is another attempt, and when.

use std::sync::Arc;

use super::go_pow::go_pow;
use super::options::TIMEOUT_TYPE_PREFIX;
use crate::program::{Failure, FailureKind, RetrySpec, RetryState, Span, Time, TimeoutType};

/// Computes `initial * coefficient^(attempt - 1)` in floating point nanoseconds, truncated. The result is at most
/// [`Span::MAX`], and at most `maximum` unless that is zero. Attempts below 1 count as the first.
///
/// Source: temporal `service/history/workflow/retry.go` (`ExponentialBackoffAlgorithm`).
pub fn exponential(initial: Span, coefficient: f64, attempt: u32, maximum: Span) -> Span {
    // A cast stops at the ends of the integer's range and makes "not a number" a zero.
    let interval = (initial.as_nanos() as f64 * go_pow(coefficient, attempt.max(1) - 1)) as i64;
    let interval = Span::from_nanos(interval.max(0));
    if maximum.is_zero() { interval } else { interval.min(maximum) }
}

/// The time to wait before the attempt after `attempt`, counted from the end of `attempt`.
///
/// `next_retry_delay` replaces both the policy's interval and its maximum, so it is never capped; a delay of zero means
/// "no interval at all" and stops retrying (recorded scenario `retry_next_delay_zero`). `expires` is the last moment at
/// which an attempt may be due, itself included; `None` means no limit.
///
/// # Errors
/// The error is the reason why there is no other attempt: the attempts are used up, else it would come too late.
/// Source: temporal `service/history/workflow/retry.go` (`nextBackoffInterval`).
pub fn next_backoff(
    policy: &RetrySpec,
    attempt: u32,
    next_retry_delay: Option<Span>,
    now: Time,
    expires: Option<Time>,
) -> Result<Span, RetryState> {
    let attempt = attempt.max(1);
    if u32::try_from(policy.maximum_attempts).is_ok_and(|most| most > 0 && attempt >= most) {
        return Err(RetryState::MaximumAttemptsReached);
    }
    let (interval, maximum) = match next_retry_delay {
        Some(delay) => (delay, delay),
        None => {
            let interval = exponential(policy.initial_interval, policy.backoff_coefficient, attempt, Span::ZERO);
            (interval, policy.maximum_interval)
        }
    };
    let interval = match (interval.as_nanos() <= 0, maximum.is_zero()) {
        (true, true) => return Err(RetryState::Timeout),
        (true, false) => maximum,
        (false, true) => interval,
        (false, false) => interval.min(maximum),
    };
    match expires {
        Some(last) if now.plus(interval) > last => Err(RetryState::Timeout),
        _ => Ok(interval),
    }
}

/// Says whether a failure is worth another attempt at all. `None` is a report without a failure in it, which is worth
/// one.
///
/// Only the top of the chain counts, and types match exactly. Start-to-close and heartbeat timeouts can be listed as
/// `TemporalTimeout:StartToClose` and `TemporalTimeout:Heartbeat`; the other timeouts are never retried.
/// Source: temporal `common/retrypolicy/retry_policy.go` (`IsRetryableFailure`).
pub fn is_retryable(failure: Option<&Failure>, non_retryable_error_types: &[Arc<str>]) -> bool {
    let Some(failure) = failure else {
        return true;
    };
    let listed = |error_type: &str| non_retryable_error_types.iter().any(|listed| **listed == *error_type);
    let timeout_listed = |name: &str| {
        non_retryable_error_types.iter().any(|listed| listed.strip_prefix(TIMEOUT_TYPE_PREFIX) == Some(name))
    };
    match &failure.kind {
        FailureKind::Terminated | FailureKind::Canceled { .. } => false,
        FailureKind::Timeout { timeout_type, .. } => match timeout_type {
            TimeoutType::StartToClose => !timeout_listed("StartToClose"),
            TimeoutType::Heartbeat => !timeout_listed("Heartbeat"),
            TimeoutType::ScheduleToStart | TimeoutType::ScheduleToClose | TimeoutType::Unspecified => false,
        },
        FailureKind::Server { non_retryable } => !non_retryable,
        FailureKind::Application { non_retryable, error_type, .. } => !non_retryable && !listed(error_type),
        FailureKind::Activity { .. } | FailureKind::ChildWorkflow { .. } => true,
    }
}

/// An attempt that did not complete, with all that the verdict on it depends on.
#[derive(Clone, Copy, Debug)]
pub struct EndedAttempt<'a> {
    /// Says whether the workflow run is open.
    pub workflow_running: bool,
    /// The policy, after defaulting. Activities of workflows always have one in Temporal. Without a policy an activity
    /// is not retried.
    pub policy: Option<&'a RetrySpec>,
    /// Says whether the workflow asked to cancel the activity.
    pub cancel_requested: bool,
    /// Says whether an operator paused the activity.
    pub paused: bool,
    /// The attempt that ended, from 1.
    pub attempt: u32,
    /// The failure with which it ended; `None` is a report without a failure in it.
    pub failure: Option<&'a Failure>,
    /// The present moment.
    pub now: Time,
    /// The last moment at which another attempt may be due; `None` means no limit.
    pub expires: Option<Time>,
}

/// The consequence of an attempt that did not complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryVerdict {
    /// Another attempt comes after this backoff.
    Retry(Span),
    /// Another attempt comes when an operator lets the activity go on. Attempts and deadlines are not looked at.
    Hold,
    /// The activity closes, for this reason.
    Close(RetryState),
}

/// Decides what follows an attempt that did not complete. The order of the questions is the rule.
///
/// Source: temporal `service/history/workflow/mutable_state_impl.go` (`RetryActivity`), recorded scenarios
/// `retry_verdict_*` and `cancel_wait_fails_*`.
pub fn retry_verdict(ended: &EndedAttempt<'_>) -> RetryVerdict {
    if !ended.workflow_running {
        return RetryVerdict::Close(RetryState::InternalServerError);
    }
    let Some(policy) = ended.policy else {
        return RetryVerdict::Close(RetryState::RetryPolicyNotSet);
    };
    if ended.cancel_requested {
        return RetryVerdict::Close(RetryState::CancelRequested);
    }
    let mut next_retry_delay = None;
    match ended.failure.map(|failure| &failure.kind) {
        Some(FailureKind::Timeout {
            timeout_type: TimeoutType::ScheduleToStart | TimeoutType::ScheduleToClose,
            ..
        }) => {
            return RetryVerdict::Close(RetryState::Timeout);
        }
        Some(FailureKind::Application { next_retry_delay: delay, .. }) => next_retry_delay = *delay,
        _ => {}
    }
    if !is_retryable(ended.failure, &policy.non_retryable_error_types) {
        return RetryVerdict::Close(RetryState::NonRetryableFailure);
    }
    if ended.paused {
        return RetryVerdict::Hold;
    }
    match next_backoff(policy, ended.attempt, next_retry_delay, ended.now, ended.expires) {
        Ok(backoff) => RetryVerdict::Retry(backoff),
        Err(state) => RetryVerdict::Close(state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(initial: i64, coefficient: f64, maximum: i64, attempts: i32) -> RetrySpec {
        RetrySpec {
            initial_interval: Span::from_millis(initial),
            backoff_coefficient: coefficient,
            maximum_interval: Span::from_millis(maximum),
            maximum_attempts: attempts,
            ..RetrySpec::default()
        }
    }

    /// Recorded scenario `retry_backoff_coef2_maxint`.
    #[test]
    fn backoff_grows_to_its_maximum() {
        let policy = policy(200, 2.0, 1000, 0);
        let gaps: Vec<i64> = (1..=5)
            .map(|attempt| next_backoff(&policy, attempt, None, Time::ZERO, None).unwrap().as_nanos() / 1_000_000)
            .collect();
        assert_eq!(gaps, [200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn growth_without_end_stops_at_the_end_of_time() {
        assert_eq!(exponential(Span::from_secs(1), 10.0, 400, Span::ZERO), Span::MAX);
        assert_eq!(exponential(Span::from_secs(1), 2.0, u32::MAX, Span::from_secs(9)), Span::from_secs(9));
    }

    /// Without a maximum nothing is capped; without an interval the maximum stands in for it.
    #[test]
    fn either_the_interval_or_its_maximum_may_be_missing() {
        let gap = |initial, maximum| next_backoff(&policy(initial, 2.0, maximum, 0), 1, None, Time::ZERO, None);
        assert_eq!(gap(3000, 0), Ok(Span::from_secs(3)));
        assert_eq!(gap(0, 7000), Ok(Span::from_secs(7)));
        assert_eq!(gap(9000, 7000), Ok(Span::from_secs(7)));
        assert_eq!(gap(0, 0), Err(RetryState::Timeout));
    }

    /// Recorded scenarios `retry_next_delay_above_maxint`, `retry_next_delay_zero`.
    #[test]
    fn the_codes_own_delay_is_not_capped_and_zero_stops() {
        let policy = policy(200, 2.0, 1000, 0);
        let delay = |delay| next_backoff(&policy, 1, Some(Span::from_millis(delay)), Time::ZERO, None);
        assert_eq!(delay(7000), Ok(Span::from_millis(7000)));
        assert_eq!(delay(0), Err(RetryState::Timeout));
    }

    /// Recorded scenarios `cancel_wait_fails_nonretryable_after`, `retry_nonretryable_flag_on_last_attempt`,
    /// `retry_verdict_max_attempts_vs_s2c`.
    #[test]
    fn the_order_of_the_questions() {
        let policy = policy(1000, 2.0, 100_000, 1);
        let failure = Failure {
            message: "m".into(),
            kind: FailureKind::Application {
                error_type: "T".into(),
                non_retryable: true,
                details: Default::default(),
                next_retry_delay: None,
            },
            cause: None,
        };
        let mut ended = EndedAttempt {
            workflow_running: true,
            policy: Some(&policy),
            cancel_requested: true,
            paused: true,
            attempt: 1,
            failure: Some(&failure),
            now: Time::ZERO,
            expires: Some(Time::ZERO),
        };
        assert_eq!(retry_verdict(&ended), RetryVerdict::Close(RetryState::CancelRequested));
        ended.cancel_requested = false;
        assert_eq!(retry_verdict(&ended), RetryVerdict::Close(RetryState::NonRetryableFailure));
        ended.failure = None;
        assert_eq!(retry_verdict(&ended), RetryVerdict::Hold);
        ended.paused = false;
        assert_eq!(retry_verdict(&ended), RetryVerdict::Close(RetryState::MaximumAttemptsReached));
        let again = self::policy(1000, 2.0, 100_000, 2);
        ended.policy = Some(&again);
        assert_eq!(retry_verdict(&ended), RetryVerdict::Close(RetryState::Timeout));
        ended.expires = Some(Time::from_millis(1000));
        assert_eq!(retry_verdict(&ended), RetryVerdict::Retry(Span::from_secs(1)));
    }
}
