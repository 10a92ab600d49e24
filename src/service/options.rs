//! What an activity's options become: defaults and validation.

use std::sync::Arc;

use crate::instant::Span;
use crate::program::{RetrySpec, Timeouts};

/// What the server fills into a retry policy. See [`normalize_retry`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RetryDefaults {
    /// Before the second attempt.
    pub initial_interval: Span,
    /// Growth of the backoff.
    pub backoff_coefficient: f64,
    /// The longest backoff, in initial intervals.
    pub maximum_interval_coefficient: f64,
    /// Attempts in all; 0 means no limit.
    pub maximum_attempts: i32,
}

/// For activities. Source: temporal `common/retrypolicy/retry_policy.go`, recorded scenario `retry_default_policy`.
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
    let _ = (policy, defaults);
    unimplemented!()
}

/// Checks a policy as the caller sent it.
///
/// # Errors
/// The server's words. A policy of one attempt is not looked at further.
/// Source: temporal `common/retrypolicy/retry_policy.go` (`Validate`).
pub fn validate_retry(policy: &RetrySpec) -> Result<(), String> {
    let _ = policy;
    unimplemented!()
}

/// Fills in, clips and checks the four timeouts. `run_timeout` zero means none.
///
/// # Errors
/// The server's words; `%s` of the missing-timeout message is filled from `activity_id` and `activity_type`.
/// Source: temporal `chasm/lib/activity/validator.go`.
pub fn normalize_timeouts(
    timeouts: Timeouts,
    run_timeout: Span,
    activity_id: &dyn std::fmt::Display,
    activity_type: &str,
) -> Result<Timeouts, String> {
    let _ = (timeouts, run_timeout, activity_id, activity_type);
    unimplemented!()
}

/// Policies after defaulting, so that activities with the same options share one.
#[derive(Debug, Default)]
pub(super) struct PolicyCache {
    known: Vec<(Option<RetrySpec>, Arc<RetrySpec>)>,
}

impl PolicyCache {
    pub(super) fn get(&mut self, policy: &Option<RetrySpec>) -> Arc<RetrySpec> {
        let _ = (policy, &self.known);
        unimplemented!()
    }
}
