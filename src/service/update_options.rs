//! [`UpdateOptions`]: the options of an open activity that an operator changes.
//!
//! Source: temporal `service/history/api/updateactivityoptions/api.go`, recorded scenarios `x_update_*`.

use std::sync::Arc;

use super::activity::{ActivityState, Options};
use super::{ActivityKey, Ready, Refused, Service, ServiceTimer, retry};
use crate::program::{RetrySpec, Span, Time, TimeoutType, Timeouts};

/// The options of an activity that an operator changes. `None` leaves an option as it is; zero means "not set", as when the
/// activity was scheduled.
///
/// ```
/// use durasim::Span;
/// use durasim::service::UpdateOptions;
///
/// let longer = UpdateOptions { start_to_close: Some(Span::from_secs(600)), ..Default::default() };
/// assert!(longer.heartbeat.is_none());
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct UpdateOptions {
    /// The queue in which its attempts wait for a worker.
    pub task_queue: Option<Arc<str>>,
    /// The longest time from the first schedule to the end.
    pub schedule_to_close: Option<Span>,
    /// The longest time that an attempt waits for a worker.
    pub schedule_to_start: Option<Span>,
    /// The longest time that an attempt runs.
    pub start_to_close: Option<Span>,
    /// The longest time between two heartbeats.
    pub heartbeat: Option<Span>,
    /// The backoff before the second attempt.
    pub initial_interval: Option<Span>,
    /// The growth of the backoff.
    pub backoff_coefficient: Option<f64>,
    /// The longest backoff.
    pub maximum_interval: Option<Span>,
    /// The number of attempts in all; zero means no limit.
    pub maximum_attempts: Option<i32>,
    /// Gives all options the values with which the activity was scheduled. No other field may be set then.
    pub restore_original: bool,
    /// Lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

impl UpdateOptions {
    fn names_an_option(&self) -> bool {
        *self != UpdateOptions { restore_original: self.restore_original, ..UpdateOptions::default() }
    }

    /// The timeouts with these changes, before they are clipped anew.
    fn timeouts(&self, before: Timeouts) -> Timeouts {
        Timeouts {
            schedule_to_close: self.schedule_to_close.unwrap_or(before.schedule_to_close),
            schedule_to_start: self.schedule_to_start.unwrap_or(before.schedule_to_start),
            start_to_close: self.start_to_close.unwrap_or(before.start_to_close),
            heartbeat: self.heartbeat.unwrap_or(before.heartbeat),
        }
    }

    /// The policy with these changes; `None` if they leave it as it is.
    fn retry(&self, before: &RetrySpec) -> Option<RetrySpec> {
        let policy = RetrySpec {
            initial_interval: self.initial_interval.unwrap_or(before.initial_interval),
            backoff_coefficient: self.backoff_coefficient.unwrap_or(before.backoff_coefficient),
            maximum_interval: self.maximum_interval.unwrap_or(before.maximum_interval),
            maximum_attempts: self.maximum_attempts.unwrap_or(before.maximum_attempts),
            ..before.clone()
        };
        (policy != *before).then_some(policy)
    }
}

impl Service {
    /// Changes options of an open activity, from this moment on. The clocks of an attempt that runs have the new lengths, and
    /// count from where they began (recorded scenario `x_update_stc_running`); a deadline that has passed by then passes now.
    /// A backoff is measured anew, from the end of the attempt before. Timeouts that do not fit together any more are
    /// clipped, as when an activity is scheduled (recorded scenario `x_update_s2c_running`).
    ///
    /// The backoff that is measured anew is the one *after* the attempt that waits: the server takes that attempt's number
    /// (temporal `service/history/workflow/activity.go`, `GetNextScheduledTime`).
    ///
    /// # Errors
    /// The error is `NOT_FOUND` if the activity or its workflow has closed. It is `INVALID_ARGUMENT` if the options make no
    /// sense, there is none, or some are named besides `restore_original`.
    pub fn update_options(&mut self, activity: ActivityKey, how: &UpdateOptions, now: Time) -> Result<(), Refused> {
        if how.restore_original && how.names_an_option() {
            return Err(Refused::invalid("Both UpdateMask and RestoreOriginal are provided"));
        }
        self.check_pending(activity)?;
        let queue = self.activity(activity).options.task_queue.clone();
        if how.restore_original {
            self.restore_options(activity);
        } else if how.names_an_option() {
            let options = self.changed(activity, how).map_err(Refused::invalid)?;
            self.set_options(activity, options);
        } else {
            return Err(Refused::invalid("UpdateMask is not provided"));
        }
        let has_new_queue = queue != self.activity(activity).options.task_queue;
        self.go_by_new_options(activity, has_new_queue, now);
        Ok(())
    }

    fn changed(&self, key: ActivityKey, how: &UpdateOptions) -> Result<Options, String> {
        if how.task_queue.as_ref().is_some_and(|queue| queue.is_empty()) {
            return Err("missing task queue name".to_owned());
        }
        let activity = self.activity(key);
        let before = &activity.options;
        let retry = match how.retry(&before.retry) {
            Some(policy) => Arc::new(self.dialect.normalize_retry(Some(&policy))?),
            None => Arc::clone(&before.retry),
        };
        let timeouts = how.timeouts(before.timeouts);
        // The run's timeout clips nothing here.
        let timeouts = self.dialect.normalize_timeouts(
            timeouts,
            Some(&retry),
            Span::ZERO,
            activity.id(),
            activity.activity_type(),
        )?;
        let task_queue = how.task_queue.clone().or_else(|| before.task_queue.clone());
        Ok(Options { task_queue, timeouts, retry })
    }

    fn set_options(&mut self, key: ActivityKey, options: Options) {
        let activity = &mut self.activities[key];
        let before = std::mem::replace(&mut activity.options, options);
        activity.original.get_or_insert_with(|| Box::new(before));
        let run_expires = self.workflows[activity.workflow].expires;
        activity.set_expires(run_expires);
    }

    /// Gives an activity the options with which it was scheduled.
    pub(super) fn restore_options(&mut self, key: ActivityKey) {
        if let Some(original) = self.activities[key].original.take() {
            self.set_options(key, *original);
            self.activities[key].original = None;
        }
    }

    /// Sets timers for deadlines that may have moved, and offers an attempt that waits where it waits now.
    fn go_by_new_options(&mut self, key: ActivityKey, has_new_queue: bool, now: Time) {
        let activity = &mut self.activities[key];
        let attempt = activity.attempt;
        let was_in_backoff = activity.is_in_backoff();
        if activity.started().is_none() {
            let due = activity.due_by_policy();
            activity.attempt_scheduled_at = due;
            let is_early = due > now;
            activity.state = if is_early { ActivityState::Backoff } else { ActivityState::Scheduled };
            if is_early {
                self.outbox.arm(due, ServiceTimer::RetryDue { activity: key, attempt });
            } else if (was_in_backoff || has_new_queue) && !activity.is_paused() {
                self.outbox.ready.push_back(Ready::Activity { activity: key, attempt });
            }
        }
        self.start_clocks(key, now);
        self.start_clock(key, TimeoutType::ScheduleToStart, now);
    }
}

impl super::Activity {
    /// The time at which the attempt that waits is due by the policy in force. The first is due since it was scheduled.
    fn due_by_policy(&mut self) -> Time {
        if self.attempt <= 1 {
            return self.attempt_scheduled_at;
        }
        let policy = &self.options.retry;
        let interval = retry::exponential(
            policy.initial_interval,
            policy.backoff_coefficient,
            self.attempt,
            policy.maximum_interval,
        );
        let due = self.attempt_ended_at.plus(interval);
        self.backoff = interval;
        due
    }
}
