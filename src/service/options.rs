//! The options of an activity, with the server's defaults and validation.

use std::fmt::Display;

use crate::program::{RetrySpec, Span, Timeouts};

/// The values that the server fills into a retry policy. See [`normalize_retry`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RetryDefaults {
    /// The backoff before the second attempt.
    pub initial_interval: Span,
    /// The growth of the backoff.
    pub backoff_coefficient: f64,
    /// The longest backoff, in initial intervals.
    pub maximum_interval_coefficient: f64,
    /// The number of attempts in all; 0 means no limit.
    pub maximum_attempts: i32,
}

/// The defaults for activities. Source: temporal `common/retrypolicy/retry_policy.go`, recorded scenario
/// `retry_default_policy`.
pub const ACTIVITY_DEFAULTS: RetryDefaults = RetryDefaults {
    initial_interval: Span::from_secs(1),
    backoff_coefficient: 2.0,
    maximum_interval_coefficient: 100.0,
    maximum_attempts: 0,
};

/// Fills each zero field of a policy by itself; the maximum interval follows the initial one.
///
/// Source: temporal `common/retrypolicy/retry_policy.go` (`EnsureDefaults`).
pub fn normalize_retry(policy: &RetrySpec, defaults: &RetryDefaults) -> RetrySpec {
    let or = |given: Span, default: Span| if given.is_zero() { default } else { given };
    let initial_interval = or(policy.initial_interval, defaults.initial_interval);
    RetrySpec {
        initial_interval,
        backoff_coefficient: match policy.backoff_coefficient {
            0.0 => defaults.backoff_coefficient,
            given => given,
        },
        maximum_interval: or(
            policy.maximum_interval,
            Span::from_nanos((initial_interval.as_nanos() as f64 * defaults.maximum_interval_coefficient) as i64),
        ),
        maximum_attempts: match policy.maximum_attempts {
            0 => defaults.maximum_attempts,
            given => given,
        },
        expiration_interval: policy.expiration_interval,
        non_retryable_error_types: policy.non_retryable_error_types.clone(),
    }
}

/// The prefix of a timeout's name among the error types that are not retried.
pub const TIMEOUT_TYPE_PREFIX: &str = "TemporalTimeout:";

/// Checks a policy after its defaults were filled in.
///
/// # Errors
/// The error has the server's words. A policy of one attempt is not checked further.
/// Source: temporal `common/retrypolicy/retry_policy.go` (`Validate`).
pub fn validate_retry(policy: &RetrySpec) -> Result<(), String> {
    if policy.maximum_attempts == 1 {
        return Ok(());
    }
    if policy.initial_interval.is_negative() {
        return Err("invalid InitialInterval set on retry policy: negative duration".into());
    }
    // This also refuses a coefficient that is not a number, which a comparison the other way round would let through.
    if policy.backoff_coefficient < 1.0 || policy.backoff_coefficient.is_nan() {
        return Err("BackoffCoefficient cannot be less than 1 on retry policy.".into());
    }
    if policy.maximum_interval.is_negative() {
        return Err("invalid MaximumInterval set on retry policy: negative duration".into());
    }
    if !policy.maximum_interval.is_zero() && policy.maximum_interval < policy.initial_interval {
        return Err("MaximumInterval cannot be less than InitialInterval on retry policy.".into());
    }
    if policy.maximum_attempts < 0 {
        return Err("MaximumAttempts cannot be negative on retry policy.".into());
    }
    for error_type in &policy.non_retryable_error_types {
        if let Some(name) = error_type.strip_prefix(TIMEOUT_TYPE_PREFIX)
            && !matches!(name, "StartToClose" | "ScheduleToStart" | "ScheduleToClose" | "Heartbeat")
        {
            return Err(format!("Invalid timeout type value: {name}."));
        }
    }
    Ok(())
}

/// Fills in, clips and checks the four timeouts. `run_timeout` is the timeout of the whole run, not the rest of it
/// (recorded scenario `to_default_run_timeout_clips_late`); zero means none.
///
/// # Errors
/// The error has the server's words, which name the activity.
/// Source: temporal `chasm/lib/activity/validator.go`.
pub fn normalize_timeouts(
    timeouts: Timeouts,
    run_timeout: Span,
    activity_id: &dyn Display,
    activity_type: &str,
) -> Result<Timeouts, String> {
    for &(name, span) in &[
        ("ScheduleToCloseTimeout", timeouts.schedule_to_close),
        ("ScheduleToStartTimeout", timeouts.schedule_to_start),
        ("StartToCloseTimeout", timeouts.start_to_close),
        ("HeartbeatTimeout", timeouts.heartbeat),
    ] {
        if span.is_negative() {
            return Err(format!("invalid {name}: negative duration"));
        }
    }
    let mut normal = timeouts;
    if !normal.schedule_to_close.is_zero() {
        normal.schedule_to_start = at_most(normal.schedule_to_start, normal.schedule_to_close);
        normal.start_to_close = at_most(normal.start_to_close, normal.schedule_to_close);
    } else if !normal.start_to_close.is_zero() {
        normal.schedule_to_close = run_timeout;
        if normal.schedule_to_start.is_zero() {
            normal.schedule_to_start = run_timeout;
        }
    } else {
        return Err(format!(
            "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. \
             ActivityId={activity_id} ActivityType={activity_type}"
        ));
    }
    if !run_timeout.is_zero() {
        normal.schedule_to_close = normal.schedule_to_close.min(run_timeout);
        normal.schedule_to_start = normal.schedule_to_start.min(run_timeout);
        normal.start_to_close = normal.start_to_close.min(run_timeout);
        normal.heartbeat = normal.heartbeat.min(run_timeout);
    }
    normal.heartbeat = normal.heartbeat.min(normal.start_to_close);
    Ok(normal)
}

/// Gives the span, or `limit` if the span is not set or is longer.
fn at_most(span: Span, limit: Span) -> Span {
    if span.is_zero() { limit } else { span.min(limit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(close: i64, start: i64, start_to_close: i64, heartbeat: i64) -> Timeouts {
        Timeouts {
            schedule_to_close: Span::from_secs(close),
            schedule_to_start: Span::from_secs(start),
            start_to_close: Span::from_secs(start_to_close),
            heartbeat: Span::from_secs(heartbeat),
        }
    }

    #[test]
    fn timeouts_default_and_clip() {
        let normal = |timeouts, run| normalize_timeouts(timeouts, Span::from_secs(run), &"a", "act").unwrap();
        assert_eq!(normal(seconds(10, 0, 0, 0), 0), seconds(10, 10, 10, 0));
        assert_eq!(normal(seconds(10, 20, 30, 40), 0), seconds(10, 10, 10, 10));
        assert_eq!(normal(seconds(0, 0, 5, 0), 0), seconds(0, 0, 5, 0));
        assert_eq!(normal(seconds(0, 7, 5, 0), 0), seconds(0, 7, 5, 0));
        assert_eq!(normal(seconds(0, 0, 5, 0), 20), seconds(20, 20, 5, 0));
        assert_eq!(normal(seconds(30, 0, 25, 22), 20), seconds(20, 20, 20, 20));
    }

    #[test]
    fn timeouts_that_make_no_sense_are_refused() {
        let refusal = |timeouts| normalize_timeouts(timeouts, Span::ZERO, &"a", "act").unwrap_err();
        assert_eq!(
            refusal(seconds(0, 1, 0, 1)),
            "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set on the activity. \
             ActivityId=a ActivityType=act"
        );
        assert_eq!(refusal(seconds(0, 0, -1, 0)), "invalid StartToCloseTimeout: negative duration");
    }

    #[test]
    fn a_backoff_may_stay_as_it_begins() {
        let policy = |maximum| RetrySpec {
            initial_interval: Span::from_secs(2),
            backoff_coefficient: 1.0,
            maximum_interval: Span::from_secs(maximum),
            ..RetrySpec::default()
        };
        assert_eq!(validate_retry(&policy(2)), Ok(()));
        assert_eq!(
            validate_retry(&policy(1)),
            Err("MaximumInterval cannot be less than InitialInterval on retry policy.".into())
        );
    }
}
