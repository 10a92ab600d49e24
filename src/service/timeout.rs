//! The deadlines of an activity, and how a passed deadline is reported.

use std::sync::Arc;

use crate::program::{Details, Failure, FailureKind, RetryState, Span, Time, TimeoutType, Timeouts};

/// The moments from which an activity's clocks run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// The time at which schedule-to-close began: with the first schedule, or in the Cadence dialect when the current
    /// attempt was due.
    pub scheduled_at: Time,
    /// The time at which the current attempt is, or was, due.
    pub attempt_scheduled_at: Time,
    /// The time at which the attempt that runs was started; `None` if none runs.
    pub started_at: Option<Time>,
    /// The time of the last heartbeat. A heartbeat from before the start counts for nothing.
    pub last_heartbeat_at: Option<Time>,
}

/// The time at which a timeout passes; `None` if the timeout is off or its clock does not run now.
///
/// Schedule-to-start runs from the moment the attempt is due until a worker takes it. Schedule-to-close always runs,
/// from the first schedule. Start-to-close and heartbeat run while an attempt runs.
/// Source: temporal `service/history/workflow/timer_sequence.go`.
pub fn deadline(timeout: TimeoutType, timeouts: &Timeouts, clocks: &Clocks) -> Option<Time> {
    let (from, span) = match timeout {
        TimeoutType::ScheduleToStart => match clocks.started_at {
            None => (clocks.attempt_scheduled_at, timeouts.schedule_to_start),
            Some(_) => return None,
        },
        TimeoutType::ScheduleToClose => (clocks.scheduled_at, timeouts.schedule_to_close),
        TimeoutType::StartToClose => (clocks.started_at?, timeouts.start_to_close),
        TimeoutType::Heartbeat => {
            let started_at = clocks.started_at?;
            let from = clocks.last_heartbeat_at.map_or(started_at, |beat| beat.max(started_at));
            (from, timeouts.heartbeat)
        }
        TimeoutType::Unspecified => return None,
    };
    // A time behind the end of time is never.
    (!span.is_zero()).then(|| from.plus(span)).filter(|at| *at < Time::MAX)
}

/// All deadlines that run now, as the server sorts them: by time, and at equal times start-to-close, schedule-to-start,
/// schedule-to-close, heartbeat.
///
/// In a run equal deadlines pass in the order in which their clocks started, because a real server arms each when its
/// clock starts and a hand-over takes time (recorded scenarios `to_stc_eq_s2c`, `to_all_equal`). This order would only
/// count if two had been armed at one moment.
/// Source: temporal `service/history/workflow/timer_sequence.go`.
#[cfg(feature = "internals")]
pub fn deadlines(timeouts: &Timeouts, clocks: &Clocks) -> Vec<(TimeoutType, Time)> {
    let order =
        [TimeoutType::StartToClose, TimeoutType::ScheduleToStart, TimeoutType::ScheduleToClose, TimeoutType::Heartbeat];
    let running = order.into_iter().filter_map(|timeout| Some((timeout, deadline(timeout, timeouts, clocks)?)));
    let mut all: Vec<(TimeoutType, Time)> = running.collect();
    all.sort_by_key(|(_, at)| *at);
    all
}

/// The last moment at which another attempt may be due, for [`next_backoff`](super::retry::next_backoff); `None` means no
/// limit.
///
/// The server compares with the schedule-to-close deadline and takes equality as in time. But handing out takes time,
/// so that an attempt due at the deadline itself is never seen: the recordings close such an activity at once
/// (`retry_s2c_exact_boundary`). The moment is therefore one nanosecond before the deadline.
pub fn last_retry(timeouts: &Timeouts, scheduled_at: Time) -> Option<Time> {
    (!timeouts.schedule_to_close.is_zero())
        .then(|| scheduled_at.plus(timeouts.schedule_to_close).plus(Span::from_nanos(-1)))
}

/// The message of a timeout when schedule-to-close leaves no room for another attempt.
/// Source: temporal `common/util.go`.
pub const NOT_ENOUGH_TIME: &str =
    "Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying";

/// The failure of an attempt that is given up because a deadline has passed, as it is stored for the next attempt. It
/// has no details, which only a final timeout carries (recorded scenarios `hb_details_silent_attempt_stc`,
/// `to_no_hb_timeout_vanish`).
pub fn timeout_failure(timeout_type: TimeoutType) -> Arc<Failure> {
    Arc::new(plain_timeout_failure(timeout_type, Details::Absent, None))
}

/// The failure with which an activity closes when a deadline has passed and there is no other attempt.
///
/// If another attempt would come too late, any timeout is reported as schedule-to-close, with a text of its own; only
/// schedule-to-start keeps its name. The failure of the attempt before becomes the cause.
/// Source: temporal `service/history/timer_queue_active_task_executor.go`, recorded scenarios
/// `retry_s2c_backoff_cut_after_stc_timeout`, `to_vanish_only_s2c`, `to_stc_fail_then_timeout`.
pub fn final_timeout_failure(
    timeout_type: TimeoutType,
    retry_state: RetryState,
    last_heartbeat_details: Details,
    previous: Option<Arc<Failure>>,
) -> Failure {
    let no_time_left = retry_state == RetryState::Timeout && timeout_type != TimeoutType::ScheduleToStart;
    let reported = if no_time_left { TimeoutType::ScheduleToClose } else { timeout_type };
    let mut failure = plain_timeout_failure(reported, last_heartbeat_details, previous);
    if no_time_left {
        failure.message = Arc::from(NOT_ENOUGH_TIME);
    }
    failure
}

/// A timeout failure, reported by the timeout's own name.
pub fn plain_timeout_failure(
    timeout_type: TimeoutType,
    last_heartbeat_details: Details,
    previous: Option<Arc<Failure>>,
) -> Failure {
    Failure {
        message: timeout_message(timeout_type).into(),
        kind: FailureKind::Timeout { timeout_type, last_heartbeat_details },
        cause: previous,
    }
}

fn timeout_message(timeout_type: TimeoutType) -> &'static str {
    match timeout_type {
        TimeoutType::StartToClose => "activity StartToClose timeout",
        TimeoutType::ScheduleToStart => "activity ScheduleToStart timeout",
        TimeoutType::ScheduleToClose => "activity ScheduleToClose timeout",
        TimeoutType::Heartbeat => "activity Heartbeat timeout",
        TimeoutType::Unspecified => "activity Unspecified timeout",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Timeouts = Timeouts {
        schedule_to_close: Span::from_secs(10),
        schedule_to_start: Span::from_secs(10),
        start_to_close: Span::from_secs(10),
        heartbeat: Span::from_secs(10),
    };

    fn clocks(started_at: Option<u64>, last_heartbeat_at: Option<u64>) -> Clocks {
        Clocks {
            scheduled_at: Time::ZERO,
            attempt_scheduled_at: Time::from_millis(3000),
            started_at: started_at.map(Time::from_millis),
            last_heartbeat_at: last_heartbeat_at.map(Time::from_millis),
        }
    }

    #[test]
    fn equal_deadlines_are_sorted_by_kind() {
        let started = Clocks { attempt_scheduled_at: Time::ZERO, ..clocks(Some(0), None) };
        let order: Vec<TimeoutType> = deadlines(&ALL, &started).into_iter().map(|(timeout, _)| timeout).collect();
        assert_eq!(order, [TimeoutType::StartToClose, TimeoutType::ScheduleToClose, TimeoutType::Heartbeat]);
    }

    #[test]
    fn each_clock_has_its_own_start() {
        let at = |timeout, started, beat| {
            deadline(timeout, &ALL, &clocks(started, beat)).map(|at| at.as_nanos() / 1_000_000_000)
        };
        assert_eq!(at(TimeoutType::ScheduleToStart, None, None), Some(13));
        assert_eq!(at(TimeoutType::ScheduleToStart, Some(4000), None), None);
        assert_eq!(at(TimeoutType::ScheduleToClose, Some(4000), None), Some(10));
        assert_eq!(at(TimeoutType::StartToClose, Some(4000), Some(6000)), Some(14));
        assert_eq!(at(TimeoutType::Heartbeat, Some(4000), Some(6000)), Some(16));
        // This is the heartbeat of an attempt before this one.
        assert_eq!(at(TimeoutType::Heartbeat, Some(4000), Some(1000)), Some(14));
    }

    #[test]
    fn behind_the_end_of_time_is_never() {
        let endless = Timeouts { schedule_to_close: Span::MAX, ..ALL };
        let late = Clocks { scheduled_at: Time::MAX, ..clocks(None, None) };
        assert_eq!(deadline(TimeoutType::ScheduleToClose, &endless, &late), None);
    }

    #[test]
    fn no_time_left_is_reported_as_schedule_to_close() {
        let named = |timeout, state| match final_timeout_failure(timeout, state, Details::Absent, None) {
            Failure { message, kind: FailureKind::Timeout { timeout_type, .. }, .. } => (timeout_type, message),
            other => panic!("{other}"),
        };
        let cut = (TimeoutType::ScheduleToClose, NOT_ENOUGH_TIME.into());
        assert_eq!(named(TimeoutType::Heartbeat, RetryState::Timeout), cut);
        assert_eq!(named(TimeoutType::ScheduleToClose, RetryState::Timeout), cut);
        let plain = |timeout: TimeoutType| (timeout, format!("activity {timeout} timeout").into());
        assert_eq!(
            named(TimeoutType::ScheduleToClose, RetryState::CancelRequested),
            plain(TimeoutType::ScheduleToClose)
        );
        assert_eq!(named(TimeoutType::ScheduleToStart, RetryState::Timeout), plain(TimeoutType::ScheduleToStart));
    }
}
