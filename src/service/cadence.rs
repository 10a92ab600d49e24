//! The rules of Cadence's server where they differ from Temporal's. [`Dialect`](super::dialect::Dialect) picks them.
//!
//! These rules are taken from the sources, not recorded. On Cadence's wire every time is a whole number of seconds. Its
//! client rounds options up (cadence-client `convertRetryPolicy`, `WithHeartbeatTimeout`), and so do the functions here
//! that take options.

use crate::program::{Failure, FailureKind, RetrySpec, RetryState, Span, Time, TimeoutType, Timeouts};

use super::go_pow::go_pow;
use super::retry::{EndedAttempt, RetryVerdict};

/// Schedule-to-start is widened to at most this much, so that a task that was lost on its way is noticed.
/// Source: cadence `history.activityMaxScheduleToStartTimeoutForRetry`.
pub const LONGEST_SCHEDULE_TO_START_FOR_RETRY: Span = Span::from_secs(1800);

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The longest backoff in seconds that still fits into nanoseconds.
const MOST_SECONDS: i64 = i64::MAX / NANOS_PER_SECOND;

/// The reason by which a timeout is known. A policy lists it so that the timeout is not retried.
/// Source: cadence `service/history/execution/timer_sequence.go` (`TimerTypeToReason`).
pub fn timeout_reason(timeout_type: TimeoutType) -> &'static str {
    match timeout_type {
        TimeoutType::StartToClose => "cadenceInternal:Timeout START_TO_CLOSE",
        TimeoutType::ScheduleToStart => "cadenceInternal:Timeout SCHEDULE_TO_START",
        TimeoutType::ScheduleToClose => "cadenceInternal:Timeout SCHEDULE_TO_CLOSE",
        TimeoutType::Heartbeat => "cadenceInternal:Timeout HEARTBEAT",
        TimeoutType::Unspecified => "cadenceInternal:Timeout",
    }
}

/// Rounds up to whole seconds; negative spans stay as they are and are refused later.
fn whole_seconds(span: Span) -> Span {
    let nanos = span.as_nanos();
    if nanos <= 0 { span } else { Span::from_secs((nanos - 1) / NANOS_PER_SECOND + 1) }
}

/// The policy of an activity that asks for none: it is not retried.
pub fn single_attempt() -> RetrySpec {
    normalize_retry(&RetrySpec::default())
}

/// The policy as the client sends it: whole seconds, 1 s before the second attempt and a coefficient of 2.0 if not set.
/// A maximum interval, attempts or an expiration of zero are off. With neither attempts nor an expiration nothing is
/// retried: the policy in force then allows one attempt.
pub fn normalize_retry(policy: &RetrySpec) -> RetrySpec {
    let initial_interval =
        if policy.initial_interval.is_zero() { Span::from_secs(1) } else { whole_seconds(policy.initial_interval) };
    let is_limited = policy.maximum_attempts != 0 || !policy.expiration_interval.is_zero();
    RetrySpec {
        initial_interval,
        backoff_coefficient: match policy.backoff_coefficient {
            0.0 => 2.0,
            given => given,
        },
        maximum_interval: whole_seconds(policy.maximum_interval),
        maximum_attempts: if is_limited { policy.maximum_attempts } else { 1 },
        expiration_interval: whole_seconds(policy.expiration_interval),
        non_retryable_error_types: policy.non_retryable_error_types.clone(),
    }
}

/// Checks a policy after [`normalize_retry`].
///
/// # Errors
/// The error has the server's words. Source: cadence `common/util.go` (`ValidateRetryPolicy`).
pub fn validate_retry(policy: &RetrySpec) -> Result<(), String> {
    let refusal = if policy.initial_interval <= Span::ZERO {
        "InitialIntervalInSeconds must be greater than 0 on retry policy."
    } else if policy.backoff_coefficient < 1.0 || policy.backoff_coefficient.is_nan() {
        "BackoffCoefficient cannot be less than 1 on retry policy."
    } else if policy.maximum_interval.is_negative() {
        "MaximumIntervalInSeconds cannot be less than 0 on retry policy."
    } else if !policy.maximum_interval.is_zero() && policy.maximum_interval < policy.initial_interval {
        "MaximumIntervalInSeconds cannot be less than InitialIntervalInSeconds on retry policy."
    } else if policy.maximum_attempts < 0 {
        "MaximumAttempts cannot be less than 0 on retry policy."
    } else if policy.expiration_interval.is_negative() {
        "ExpirationIntervalInSeconds cannot be less than 0 on retry policy."
    } else {
        return Ok(());
    };
    Err(refusal.to_owned())
}

/// Fills in, clips, widens and checks the four timeouts.
///
/// Cadence's workflows always have a timeout. A run without one counts as one without end, and a schedule-to-close that
/// is widened to it is off.
///
/// # Errors
/// The error has the server's words.
/// Source: cadence `service/history/decision/checker.go` (`validateActivityScheduleAttributes`).
pub fn normalize_timeouts(
    timeouts: Timeouts,
    policy: Option<&RetrySpec>,
    run_timeout: Span,
) -> Result<Timeouts, String> {
    let Timeouts { schedule_to_close, schedule_to_start, start_to_close, heartbeat } = timeouts;
    if [schedule_to_close, schedule_to_start, start_to_close, heartbeat].iter().any(|span| span.is_negative()) {
        return Err("A valid timeout may not be negative.".to_owned());
    }
    let run_timeout = if run_timeout.is_zero() { Span::MAX } else { run_timeout };
    let clipped = |span| whole_seconds(span).min(run_timeout);
    let mut normal = Timeouts {
        schedule_to_close: clipped(schedule_to_close),
        schedule_to_start: clipped(schedule_to_start),
        start_to_close: clipped(start_to_close),
        heartbeat: clipped(heartbeat),
    };
    if !normal.schedule_to_close.is_zero() {
        for span in [&mut normal.schedule_to_start, &mut normal.start_to_close] {
            if span.is_zero() {
                *span = normal.schedule_to_close;
            }
        }
    } else if !normal.schedule_to_start.is_zero() && !normal.start_to_close.is_zero() {
        let both = normal.schedule_to_start.as_nanos().saturating_add(normal.start_to_close.as_nanos());
        normal.schedule_to_close = Span::from_nanos(both).min(run_timeout);
    } else {
        return Err("A valid ScheduleToCloseTimeout is not set on decision.".to_owned());
    }
    if let Some(policy) = policy {
        widen(&mut normal, policy, run_timeout);
    }
    if normal.schedule_to_close == Span::MAX {
        normal.schedule_to_close = Span::ZERO;
    }
    Ok(normal)
}

/// Widens two timeouts: to wait for a worker again and again would be the same as to wait once for longer.
fn widen(timeouts: &mut Timeouts, policy: &RetrySpec, run_timeout: Span) {
    let expiration =
        if policy.expiration_interval.is_zero() { run_timeout } else { policy.expiration_interval.min(run_timeout) };
    if !is_listed(policy, timeout_reason(TimeoutType::ScheduleToStart)) {
        let longest = expiration.min(LONGEST_SCHEDULE_TO_START_FOR_RETRY);
        timeouts.schedule_to_start = timeouts.schedule_to_start.max(longest);
    }
    timeouts.schedule_to_close = timeouts.schedule_to_close.max(expiration);
}

/// Says whether the policy lists this reason exactly.
fn is_listed(policy: &RetrySpec, reason: &str) -> bool {
    policy.non_retryable_error_types.iter().any(|listed| **listed == *reason)
}

/// The last moment at which another attempt may be due, itself included.
///
/// Source: cadence `service/history/execution/mutable_state_builder_methods_activity.go` (`ExpirationTime`).
pub fn last_retry(policy: &RetrySpec, scheduled_at: Time) -> Option<Time> {
    (!policy.expiration_interval.is_zero()).then(|| scheduled_at.plus(policy.expiration_interval))
}

/// The time to wait before the attempt after `attempt`, which counts from 0. It is computed as seconds in floating
/// point, rounded down to whole ones. If that is less than a second, or more than a clock can hold, the backoff is the
/// maximum interval, or `None` without a maximum.
fn interval(policy: &RetrySpec, attempt: u32) -> Option<Span> {
    let seconds = |span: Span| span.as_nanos() as f64 / NANOS_PER_SECOND as f64;
    let maximum = policy.maximum_interval.as_nanos() / NANOS_PER_SECOND;
    // A cast stops at the ends of the integer's range and makes "not a number" a zero.
    let grown = (seconds(policy.initial_interval) * go_pow(policy.backoff_coefficient, attempt)) as i64;
    let interval = if grown <= 0 || grown > MOST_SECONDS { maximum } else { grown };
    match interval {
        0 => None,
        interval if maximum > 0 => Some(Span::from_secs(interval.min(maximum))),
        interval => Some(Span::from_secs(interval)),
    }
}

/// The time to wait before the attempt after `attempt`, which counts from 0 and ended for `reason`. `expires` is the
/// last moment at which an attempt may be due, itself included; `None` means no limit.
///
/// # Errors
/// The error is the reason why there is no other attempt. Cadence itself does not tell these apart.
/// Source: cadence `service/history/execution/retry.go`.
pub fn next_backoff(
    policy: &RetrySpec,
    attempt: u32,
    reason: &str,
    now: Time,
    expires: Option<Time>,
) -> Result<Span, RetryState> {
    if policy.maximum_attempts == 0 && expires.is_none() {
        return Err(RetryState::RetryPolicyNotSet);
    }
    if policy.maximum_attempts > 0 && i64::from(attempt) >= i64::from(policy.maximum_attempts) - 1 {
        return Err(RetryState::MaximumAttemptsReached);
    }
    let backoff = interval(policy, attempt).ok_or(RetryState::Timeout)?;
    if expires.is_some_and(|last| now.plus(backoff) > last) {
        return Err(RetryState::Timeout);
    }
    if is_listed(policy, reason) {
        return Err(RetryState::NonRetryableFailure);
    }
    Ok(backoff)
}

/// Decides what comes after an attempt that did not complete. A timeout of any kind is retried like a failure.
///
/// Only the reason counts, which is the failure's error type. A failure of Temporal can also say that a retry is no
/// use, or when to retry. Cadence's wire has no room for either, so both are ignored.
/// Source: cadence `service/history/execution/mutable_state_builder_methods_activity.go` (`RetryActivity`).
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
    let reason = match ended.failure.map(|failure| (failure, &failure.kind)) {
        // A value that is too large would be too large again.
        Some((_, FailureKind::Server { non_retryable: true })) => {
            return RetryVerdict::Close(RetryState::NonRetryableFailure);
        }
        Some((_, FailureKind::Application { error_type, .. })) => error_type,
        Some((_, FailureKind::Timeout { timeout_type, .. })) => timeout_reason(*timeout_type),
        Some((Failure { message, .. }, _)) => message,
        None => "",
    };
    match next_backoff(policy, ended.attempt.saturating_sub(1), reason, ended.now, ended.expires) {
        Ok(backoff) => RetryVerdict::Retry(backoff),
        Err(state) => RetryVerdict::Close(state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(initial: i64, coefficient: f64, attempts: i32) -> RetrySpec {
        RetrySpec {
            initial_interval: Span::from_secs(initial),
            backoff_coefficient: coefficient,
            maximum_attempts: attempts,
            ..RetrySpec::default()
        }
    }

    fn timeouts(close: i64, start: i64, start_to_close: i64, heartbeat: i64) -> Timeouts {
        Timeouts {
            schedule_to_close: Span::from_millis(close),
            schedule_to_start: Span::from_millis(start),
            start_to_close: Span::from_millis(start_to_close),
            heartbeat: Span::from_millis(heartbeat),
        }
    }

    #[test]
    fn backoffs_are_whole_seconds() {
        let gaps = |policy: &RetrySpec| -> Vec<i64> {
            let gap = |attempt| next_backoff(policy, attempt, "", Time::ZERO, None).unwrap();
            (0..5).map(|attempt| gap(attempt).as_nanos() / NANOS_PER_SECOND).collect()
        };
        assert_eq!(gaps(&policy(1, 1.5, 9)), [1, 1, 2, 3, 5]);
        let capped = RetrySpec { maximum_interval: Span::from_secs(3), ..policy(1, 2.0, 9) };
        assert_eq!(gaps(&capped), [1, 2, 3, 3, 3]);
    }

    #[test]
    fn a_backoff_that_no_clock_can_hold_is_the_maximum_or_none() {
        let endless = policy(1, 10.0, 1000);
        assert_eq!(next_backoff(&endless, 400, "", Time::ZERO, None), Err(RetryState::Timeout));
        let capped = RetrySpec { maximum_interval: Span::from_secs(7), ..endless.clone() };
        assert_eq!(next_backoff(&capped, 400, "", Time::ZERO, None), Ok(Span::from_secs(7)));
        // 31 years, and the longest there is.
        assert_eq!(next_backoff(&endless, 9, "", Time::ZERO, None), Ok(Span::from_secs(1_000_000_000)));
        let longest = policy(9_223_372_036, 1.0, 9);
        assert_eq!(next_backoff(&longest, 0, "", Time::ZERO, None), Ok(longest.initial_interval));
    }

    #[test]
    fn policies_that_make_no_sense_are_refused() {
        let good = RetrySpec { maximum_interval: Span::from_secs(1), ..policy(1, 1.0, 0) };
        assert_eq!(validate_retry(&good), Ok(()));
        let minus = Span::from_secs(-1);
        for (bad, words) in [
            (
                RetrySpec { initial_interval: minus, ..good.clone() },
                "InitialIntervalInSeconds must be greater than 0 on retry policy.",
            ),
            (
                RetrySpec { initial_interval: Span::ZERO, ..good.clone() },
                "InitialIntervalInSeconds must be greater than 0 on retry policy.",
            ),
            (
                RetrySpec { backoff_coefficient: 0.9, ..good.clone() },
                "BackoffCoefficient cannot be less than 1 on retry policy.",
            ),
            (
                RetrySpec { backoff_coefficient: f64::NAN, ..good.clone() },
                "BackoffCoefficient cannot be less than 1 on retry policy.",
            ),
            (
                RetrySpec { maximum_interval: minus, ..good.clone() },
                "MaximumIntervalInSeconds cannot be less than 0 on retry policy.",
            ),
            (
                RetrySpec { initial_interval: Span::from_secs(2), ..good.clone() },
                "MaximumIntervalInSeconds cannot be less than InitialIntervalInSeconds on retry policy.",
            ),
            (
                RetrySpec { maximum_attempts: -1, ..good.clone() },
                "MaximumAttempts cannot be less than 0 on retry policy.",
            ),
            (
                RetrySpec { expiration_interval: minus, ..good.clone() },
                "ExpirationIntervalInSeconds cannot be less than 0 on retry policy.",
            ),
        ] {
            assert_eq!(validate_retry(&bad), Err(words.to_owned()));
        }
    }

    #[test]
    fn an_attempt_may_be_due_at_the_expiration_but_not_later() {
        let due =
            |millis| next_backoff(&policy(1, 2.0, 0), 0, "", Time::from_millis(millis), Some(Time::from_millis(3000)));
        assert_eq!(due(2000), Ok(Span::from_secs(1)));
        assert_eq!(due(2001), Err(RetryState::Timeout));
        assert_eq!(last_retry(&policy(1, 2.0, 3), Time::ZERO), None);
    }

    #[test]
    fn without_attempts_or_expiration_nothing_is_retried() {
        let normal = normalize_retry(&policy(1, 2.0, 0));
        assert_eq!((normal.maximum_attempts, validate_retry(&normal)), (1, Ok(())));
        assert_eq!(next_backoff(&policy(1, 2.0, 0), 0, "", Time::ZERO, None), Err(RetryState::RetryPolicyNotSet));
    }

    #[test]
    fn options_are_rounded_up() {
        let given = RetrySpec {
            initial_interval: Span::from_millis(1),
            maximum_interval: Span::from_millis(1000),
            expiration_interval: Span::from_millis(1001),
            ..RetrySpec::default()
        };
        let normal = normalize_retry(&given);
        assert_eq!(normal.initial_interval, Span::from_secs(1));
        assert_eq!(normal.maximum_interval, Span::from_secs(1));
        assert_eq!(normal.expiration_interval, Span::from_secs(2));
        assert_eq!(normal.backoff_coefficient, 2.0);
        let timeouts = normalize_timeouts(timeouts(2500, 0, 700, 1), None, Span::ZERO).unwrap();
        assert_eq!(timeouts, self::timeouts(3000, 3000, 1000, 1000));
    }

    #[test]
    fn schedule_to_close_is_deduced_or_asked_for() {
        let normal = |given, run| normalize_timeouts(given, None, Span::from_secs(run));
        assert_eq!(normal(timeouts(0, 3000, 5000, 0), 0), Ok(timeouts(8000, 3000, 5000, 0)));
        assert_eq!(normal(timeouts(0, 3000, 5000, 0), 6), Ok(timeouts(6000, 3000, 5000, 0)));
        assert_eq!(normal(timeouts(9000, 0, 5000, 7000), 6), Ok(timeouts(6000, 6000, 5000, 6000)));
        let missing = Err("A valid ScheduleToCloseTimeout is not set on decision.".to_owned());
        assert_eq!(normal(timeouts(0, 0, 5000, 0), 6), missing);
        assert_eq!(normal(timeouts(0, 3000, 0, 0), 6), missing);
        assert_eq!(normal(timeouts(9000, 0, -1, 0), 6), Err("A valid timeout may not be negative.".to_owned()));
    }

    #[test]
    fn a_policy_widens_what_waits_for_a_worker() {
        let normal = |policy: &RetrySpec, run| {
            normalize_timeouts(timeouts(10_000, 5000, 5000, 0), Some(policy), Span::from_secs(run)).unwrap()
        };
        let minute = RetrySpec { expiration_interval: Span::from_secs(60), ..policy(1, 2.0, 0) };
        assert_eq!(normal(&minute, 0), timeouts(60_000, 60_000, 5000, 0));
        assert_eq!(normal(&minute, 20), timeouts(20_000, 20_000, 5000, 0));
        let day = RetrySpec { expiration_interval: Span::from_secs(86_400), ..minute.clone() };
        assert_eq!(normal(&day, 0), timeouts(86_400_000, 1_800_000, 5000, 0));
        // Without an expiration the timeouts are widened up to the run's end, which is never here.
        assert_eq!(normal(&policy(1, 2.0, 3), 0), timeouts(0, 1_800_000, 5000, 0));
        let reason = timeout_reason(TimeoutType::ScheduleToStart).into();
        let listed = RetrySpec { non_retryable_error_types: vec![reason], ..minute };
        assert_eq!(normal(&listed, 0), timeouts(60_000, 5000, 5000, 0));
    }

    #[test]
    fn only_the_reason_decides() {
        let policy = RetrySpec { non_retryable_error_types: vec!["Fatal".into()], ..policy(3, 2.0, 5) };
        let verdict = |failure: Option<&Failure>| {
            retry_verdict(&EndedAttempt {
                workflow_running: true,
                policy: Some(&policy),
                cancel_requested: false,
                paused: false,
                attempt: 1,
                failure,
                now: Time::ZERO,
                expires: None,
            })
        };
        let retried = RetryVerdict::Retry(Span::from_secs(3));
        let mut failure = Failure::application("Transient", "m");
        if let FailureKind::Application { non_retryable, next_retry_delay, .. } = &mut failure.kind {
            *non_retryable = true;
            *next_retry_delay = Some(Span::from_secs(60));
        }
        assert_eq!(verdict(Some(&failure)), retried);
        assert_eq!(verdict(None), retried);
        let never = RetryVerdict::Close(RetryState::NonRetryableFailure);
        assert_eq!(verdict(Some(&Failure::application("Fatal", "m"))), never);
        assert_eq!(verdict(Some(&Failure::application("fatal", "m"))), retried);
        let too_large = Failure { message: "m".into(), kind: FailureKind::Server { non_retryable: true }, cause: None };
        assert_eq!(verdict(Some(&too_large)), never);
        for timeout in [
            TimeoutType::StartToClose,
            TimeoutType::ScheduleToStart,
            TimeoutType::ScheduleToClose,
            TimeoutType::Heartbeat,
        ] {
            assert_eq!(verdict(Some(&super::super::timeout::timeout_failure(timeout))), retried, "{timeout}");
        }
    }
}
