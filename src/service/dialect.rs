//! [`Dialect`]: the server whose rules the service follows.

use std::fmt::{self, Display};
use std::sync::Arc;

use super::retry::{EndedAttempt, RetryVerdict};
use super::{cadence, options, retry, timeout};
use crate::program::{Details, Failure, RetrySpec, RetryState, Span, Time, TimeoutType, Timeouts};

/// The server whose rules the service and its workers follow. Each rule that differs is a method here; everything else
/// is the same in both.
///
/// Temporal's rules are those of Temporal Server 1.32 and sdk-core, recorded from a real server. Cadence's are **taken
/// from the sources** of its server and its Go client, **not recorded**: traces and timelines say so.
///
/// | | Temporal | Cadence |
/// | --- | --- | --- |
/// | attempt that activity code and history show | from 1 | from 0 |
/// | without a retry policy | the default policy: retried without limit | not retried |
/// | policy with neither attempts nor expiration | retried without limit | not retried |
/// | retrying ends | where schedule-to-close leaves no room | `expiration_interval` after the schedule |
/// | backoff | to the nanosecond | whole seconds, rounded down |
/// | options | to the nanosecond | whole seconds, rounded up by the client |
/// | timeouts that are retried | start-to-close, heartbeat | all four |
/// | schedule-to-close | once, over all attempts | anew for each attempt, from when it is due |
/// | schedule-to-close not set | the run timeout, or none | schedule-to-start plus start-to-close, else refused |
/// | with a retry policy | as given | schedule-to-start and schedule-to-close widened to the expiration |
/// | not retried | error type, or a failure that says so | the reason, which is the error type, listed in the policy |
/// | heartbeat pending when an attempt fails | travels with the failure | sent by itself first |
/// | heartbeats are held back for | 0.8 of the timeout, at most 60 s | 0.8 of the timeout in whole seconds, no limit |
///
/// In a trace, a plan, a record and a token attempts count from 1 in both dialects.
///
/// Source of Cadence's rules: cadence `service/history/execution/retry.go`, `mutable_state_builder_methods_activity.go`
/// and `timer_sequence.go`, `service/history/decision/checker.go`, `service/history/task/timer_active_task_executor.go`;
/// cadence-client `internal/internal_task_handlers.go` and `internal/activity.go`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// Temporal Server 1.32 and sdk-core.
    #[default]
    Temporal,
    /// Cadence's server and Go client.
    Cadence,
}

impl Dialect {
    /// The words of the server for an activity that is scheduled without this field, which is called `activityId` or
    /// `activityType`.
    ///
    /// Source: temporal `chasm/lib/activity/validator.go`, recorded scenario `raw_empty_activity_id`; cadence
    /// `service/history/decision/checker.go`.
    pub(super) fn not_set(self, field: &str) -> String {
        match self {
            Dialect::Temporal => format!("{field} is not set"),
            Dialect::Cadence => format!("A{} is not set on decision.", field.strip_prefix('a').unwrap_or(field)),
        }
    }

    /// The policy in force, defaults filled in.
    ///
    /// Temporal gives an activity without a policy its default one. Cadence does not retry it: the policy in force then
    /// allows one attempt.
    ///
    /// # Errors
    /// The error has the server's words. Temporal knows no `expiration_interval` and would retry for longer than a
    /// policy with one says. Such a policy is refused, in our words.
    pub fn normalize_retry(self, policy: Option<&RetrySpec>) -> Result<RetrySpec, String> {
        match (self, policy) {
            (Dialect::Temporal, None) => {
                Ok(options::normalize_retry(&RetrySpec::default(), &options::ACTIVITY_DEFAULTS))
            }
            (Dialect::Temporal, Some(policy)) => {
                let normal = options::normalize_retry(policy, &options::ACTIVITY_DEFAULTS);
                options::validate_retry(&normal)?;
                if !normal.expiration_interval.is_zero() {
                    return Err(
                        "expiration_interval is set on retry policy, which only Cadence has: limit retrying with \
                                ScheduleToCloseTimeout, or simulate Cadence"
                            .to_owned(),
                    );
                }
                Ok(normal)
            }
            (Dialect::Cadence, None) => Ok(cadence::single_attempt()),
            (Dialect::Cadence, Some(policy)) => {
                let normal = cadence::normalize_retry(policy);
                cadence::validate_retry(&normal)?;
                Ok(normal)
            }
        }
    }

    /// Fills in, clips and checks the four timeouts. `policy` is the policy in force of an activity that asked for one,
    /// and `run_timeout` is the timeout of the whole run; zero means none.
    ///
    /// # Errors
    /// The error has the server's words.
    pub fn normalize_timeouts(
        self,
        timeouts: Timeouts,
        policy: Option<&RetrySpec>,
        run_timeout: Span,
        activity_id: &dyn Display,
        activity_type: &str,
    ) -> Result<Timeouts, String> {
        match self {
            Dialect::Temporal => options::normalize_timeouts(timeouts, run_timeout, activity_id, activity_type),
            Dialect::Cadence => cadence::normalize_timeouts(timeouts, policy, run_timeout),
        }
    }

    /// Decides what comes after an attempt that did not complete.
    pub fn retry_verdict(self, ended: &EndedAttempt<'_>) -> RetryVerdict {
        match self {
            Dialect::Temporal => retry::retry_verdict(ended),
            Dialect::Cadence => cadence::retry_verdict(ended),
        }
    }

    /// The last moment at which another attempt may be due; `None` means no limit.
    pub fn last_retry(self, timeouts: &Timeouts, policy: &RetrySpec, scheduled_at: Time) -> Option<Time> {
        match self {
            Dialect::Temporal => timeout::last_retry(timeouts, scheduled_at),
            Dialect::Cadence => cadence::last_retry(policy, scheduled_at),
        }
    }

    /// The failure with which an activity closes when a deadline has passed and there is no other attempt.
    ///
    /// Temporal reports it as schedule-to-close if schedule-to-close leaves no room for another attempt. Cadence
    /// reports the timeout that passed (cadence `service/history/task/timer_active_task_executor.go`).
    pub fn final_timeout_failure(
        self,
        timeout_type: TimeoutType,
        retry_state: RetryState,
        last_heartbeat_details: Details,
        previous: Option<Arc<Failure>>,
    ) -> Failure {
        match self {
            Dialect::Temporal => {
                timeout::final_timeout_failure(timeout_type, retry_state, last_heartbeat_details, previous)
            }
            Dialect::Cadence => timeout::plain_timeout_failure(timeout_type, last_heartbeat_details, previous),
        }
    }

    /// Says whether an activity that asks for no policy has one.
    pub fn has_default_policy(self) -> bool {
        self == Dialect::Temporal
    }

    /// Says whether each attempt has a schedule-to-close clock of its own, which starts when the attempt is due.
    pub fn restarts_schedule_to_close(self) -> bool {
        self == Dialect::Cadence
    }

    /// Says whether the report of a failed attempt has room for heartbeat details. Without room, details in a report
    /// are ignored, and the worker sends a pending heartbeat before the report.
    pub fn takes_details_with_failure(self) -> bool {
        self == Dialect::Temporal
    }

    /// The number that activity code and the history show for an attempt, which counts from 1 here.
    ///
    /// Cadence's server counts from 0, and its clients hand the number on as it is (cadence-client
    /// `internal/activity.go`, `ActivityInfo.Attempt`).
    pub fn shown_attempt(self, attempt: u32) -> u32 {
        match self {
            Dialect::Temporal => attempt,
            Dialect::Cadence => attempt.saturating_sub(1),
        }
    }
}

/// Writes the label that traces and timelines have.
impl Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Temporal => "temporal",
            Dialect::Cadence => "cadence (from sources, not recorded)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activity_without_a_policy_is_retried_by_temporal_only() {
        assert_eq!(Dialect::Temporal.normalize_retry(None).unwrap().maximum_attempts, 0);
        assert_eq!(Dialect::Cadence.normalize_retry(None).unwrap().maximum_attempts, 1);
    }

    #[test]
    fn an_expiration_is_refused_by_temporal() {
        let policy = RetrySpec { expiration_interval: Span::from_secs(60), ..RetrySpec::default() };
        let refusal = Dialect::Temporal.normalize_retry(Some(&policy)).unwrap_err();
        assert!(refusal.contains("only Cadence has"), "{refusal}");
        let normal = Dialect::Cadence.normalize_retry(Some(&policy)).unwrap();
        assert_eq!(normal.expiration_interval, Span::from_secs(60));
    }

    #[test]
    fn attempts_are_shown_from_one_or_from_zero() {
        assert_eq!([1, 2].map(|attempt| Dialect::Temporal.shown_attempt(attempt)), [1, 2]);
        assert_eq!([1, 2].map(|attempt| Dialect::Cadence.shown_attempt(attempt)), [0, 1]);
    }

    #[test]
    fn cadence_names_the_timeout_that_passed() {
        let named = |dialect: Dialect| {
            let failure =
                dialect.final_timeout_failure(TimeoutType::Heartbeat, RetryState::Timeout, Details::Absent, None);
            failure.message.to_string()
        };
        assert_eq!(named(Dialect::Temporal), timeout::NOT_ENOUGH_TIME);
        assert_eq!(named(Dialect::Cadence), "activity Heartbeat timeout");
    }
}
