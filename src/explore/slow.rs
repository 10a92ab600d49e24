//! [`factors`]: how slow an attempt is worth trying.

use std::time::Duration;

use crate::program::{Span, Time, Timeouts};
use crate::trace::attempts::AttemptExecution;

/// An attempt that is so much slower is a story that nobody believes.
const SLOWEST: u32 = 100_000;

/// The factors by which the waits of an attempt are worth drawing out: so that the service hears of it just before the
/// heartbeat timeout, and just after it; and so that it has not ended when its start-to-close timeout, or else its
/// schedule-to-close timeout, is over. None if one wait is all that it has: then a stall does the same.
pub(super) fn factors(attempt: &AttemptExecution, timeouts: Timeouts) -> Vec<u32> {
    let Some(ended) = attempt.ended.filter(|_| attempt.ended_by_itself()) else { return Vec::new() };
    if attempt.awaits.len() < 2 {
        return Vec::new();
    }
    let heard = attempt.heartbeats.iter().map(|heartbeat| heartbeat.recorded.at).chain([ended.at]);
    let silence = heard.fold((attempt.started.at, Duration::ZERO), |(last, longest): (Time, Duration), at| {
        (at, longest.max(at - last))
    });
    let heartbeat = timeouts.heartbeat.to_duration();
    let close = [timeouts.start_to_close, timeouts.schedule_to_close].into_iter().find(|close| *close != Span::ZERO);
    let mut factors = Vec::new();
    factors.extend(times(heartbeat - heartbeat / 50, silence.1));
    factors.extend(times(heartbeat, silence.1).map(|under| under.saturating_add(1)));
    let length = ended.at - attempt.started.at;
    factors.extend(close.and_then(|close| times(close.to_duration(), length)).map(|under| under.saturating_add(1)));
    factors.sort_unstable();
    factors.dedup();
    factors.retain(|factor| (2..=SLOWEST).contains(factor));
    factors
}

/// How many whole times a length goes into a time. `None` if either is zero.
fn times(time: Duration, length: Duration) -> Option<u32> {
    let times = time.as_nanos().checked_div(length.as_nanos()).filter(|_| !time.is_zero())?;
    Some(u32::try_from(times).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::singles::Singles;
    use super::*;
    use crate::fault::Fault;
    use crate::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError, time};

    /// The factors for an attempt of so many waits of 4 s with a heartbeat after each.
    fn tried(waits: u32, heartbeat: u64, close: u64) -> Vec<u32> {
        let work = async |ctx: &ActivityContext, waits: u32| -> Result<(), ActivityError> {
            for wait in 0..waits {
                time::sleep(Duration::from_secs(4)).await;
                ctx.heartbeat(&wait)?;
            }
            Ok(())
        };
        let main = async move |ctx: &WorkflowContext, waits: u32| -> Result<(), WorkflowError> {
            let options = ActivityOptions {
                heartbeat_timeout: Duration::from_secs(heartbeat),
                start_to_close_timeout: Duration::from_secs(close),
                schedule_to_close_timeout: Duration::from_secs(3_600),
                ..Default::default()
            };
            ctx.execute_activity("work", &waits, options).await
        };
        let run = Simulation::temporal().activity("work", work).workflow("main", main).run("main", &waits).unwrap();
        let slow = |fault: Fault| if let Fault::Slow(factor) = fault { Some(factor) } else { None };
        Singles::of(&run).entries.into_iter().filter_map(|entry| slow(entry.fault)).collect()
    }

    #[test]
    fn slowness_is_tried_around_the_timeouts_of_the_attempt() {
        assert_eq!(tried(5, 30, 60), [4, 7, 8], "4 * 20 s > 60 s; 7 * 4 s < 29.4 s; 8 * 4 s > 30 s");
        assert_eq!(tried(5, 0, 60), [4]);
        assert_eq!(tried(5, 0, 0), [181], "the activity's own time, which is 3,600 s");
        assert!(tried(1, 30, 60).is_empty(), "a stall does the same");
    }
}
