//! [`heartbeats_in_time`]: the service hears of every attempt before its heartbeat timeout.

use std::cmp::Reverse;
use std::time::Duration;

use super::Check;
use super::reference::Reference;
use super::violation::Violation;
use crate::program::TimeoutType;
use crate::trace::attempts::{ActivityEnd, AttemptEnd, AttemptExecution, Executions, Moment};
use crate::trace::{AttemptKey, Trace};
use crate::world::Run;

/// The service never goes without news of an attempt for as long as the heartbeat timeout, in a run without faults:
/// from the attempt's start, between its heartbeats, and from the last of them to its end.
///
/// A heartbeat counts from the moment at which it becomes *visible*, since the worker holds heartbeats back. Only runs
/// in which no fault struck are judged: stalls and lost messages are no fault of the attempt's code. Activities without
/// a heartbeat timeout are let alone.
///
/// The message names the attempt, the longest silence, and the events that began and ended it. If the service has given
/// the attempt up, the silence goes on until the attempt's next sign of life.
///
/// ```
/// use std::time::Duration;
/// use durasim::check;
/// let check = check::heartbeats_in_time().margin(Duration::from_secs(2));
/// ```
pub fn heartbeats_in_time() -> HeartbeatsInTime {
    HeartbeatsInTime { margin: Duration::ZERO }
}

/// The check that [`heartbeats_in_time`] makes.
#[derive(Clone, Debug)]
pub struct HeartbeatsInTime {
    margin: Duration,
}

impl HeartbeatsInTime {
    /// Sets how much of the heartbeat timeout must be left at the end of every silence. Zero, the default, means that
    /// the timeout must only not run out.
    ///
    /// The worker lets out one heartbeat in 0.8 of the timeout, so no more than 0.2 of it can be asked for where an
    /// attempt heartbeats more often than that.
    pub fn margin(self, margin: Duration) -> HeartbeatsInTime {
        HeartbeatsInTime { margin }
    }

    fn is_too_long(&self, silence: Duration, timeout: Duration) -> bool {
        silence >= timeout || timeout - silence < self.margin
    }
}

/// The beginning or the end of a silence.
#[derive(Clone, Copy)]
enum Sign {
    Start,
    Heartbeat,
    LateHeartbeat,
    End,
    HeartbeatTimeout,
    OtherTimeout,
    ActivityEnd,
    Cancellation,
    WorkflowEnd,
    RunEnd,
}

impl Sign {
    fn words(self) -> &'static str {
        match self {
            Sign::Start => "its start",
            Sign::Heartbeat => "a heartbeat",
            Sign::LateHeartbeat => "a heartbeat that comes too late",
            Sign::End => "its end",
            Sign::HeartbeatTimeout => "its heartbeat timeout",
            Sign::OtherTimeout => "another timeout",
            Sign::ActivityEnd => "the end of the activity",
            Sign::Cancellation => "its cancellation",
            Sign::WorkflowEnd => "the end of its workflow",
            Sign::RunEnd => "the end of the run",
        }
    }
}

/// A time without news of an attempt.
struct Silence {
    attempt: AttemptKey,
    timeout: Duration,
    from: (Moment, Sign),
    to: (Moment, Sign),
}

impl Silence {
    fn length(&self) -> Duration {
        self.to.0.at - self.from.0.at
    }
}

impl Check for HeartbeatsInTime {
    fn name(&self) -> &str {
        "heartbeats_in_time"
    }

    fn shows_nothing(&self, reference: &Run) -> Option<String> {
        let mut attempts = reference.trace().attempts().values();
        let has_timeout = |activity| !reference.limits(activity).0.heartbeat.is_zero();
        (!attempts.any(|attempt| has_timeout(attempt.activity)))
            .then(|| "without faults, no activity with a heartbeat timeout runs".to_owned())
    }

    fn has_something(&self, run: &Run, _reference: &Reference) -> bool {
        run.trace().faults().is_empty()
    }

    fn check(&self, run: &Run, _reference: &Reference) -> Result<(), Violation> {
        if !run.trace().faults().is_empty() {
            return Ok(());
        }
        match self.longest(run) {
            Some(silence) => Err(self.violation(run.trace(), &silence)),
            None => Ok(()),
        }
    }
}

impl HeartbeatsInTime {
    /// The longest of the silences that are too long; among equal ones, the one that is over first.
    fn longest(&self, run: &Run) -> Option<Silence> {
        let mut longest: Option<Silence> = None;
        for attempt in run.executions().attempts().values() {
            let timeout = run.limits(attempt.activity).0.heartbeat.to_duration();
            if timeout.is_zero() {
                continue;
            }
            let signs = signs(run.executions(), attempt);
            for (from, to) in signs.iter().zip(&signs[1..]) {
                let silence = Silence { attempt: attempt.key, timeout, from: *from, to: *to };
                let is_longer =
                    |known: &Silence| (silence.length(), Reverse(silence.to.0)) > (known.length(), Reverse(known.to.0));
                if self.is_too_long(silence.length(), timeout) && longest.as_ref().is_none_or(is_longer) {
                    longest = Some(silence);
                }
            }
        }
        longest
    }

    fn violation(&self, trace: &Trace, silence: &Silence) -> Violation {
        let Silence { attempt, timeout, from: (from, begin), to: (to, end) } = *silence;
        let length = silence.length();
        let wanted = if self.margin.is_zero() {
            format!("less than {timeout:?}")
        } else {
            format!("no more than {:?}, so that {:?} are left", timeout.saturating_sub(self.margin), self.margin)
        };
        let message = format!(
            "the service hears nothing of {} for {length:?}; its heartbeat timeout is {timeout:?}",
            trace.attempt_in_a_sentence(attempt)
        );
        let found = format!("{length:?}, from {} at {} to {} at {}", begin.words(), from.at, end.words(), to.at);
        Violation::new("silent", message).expected(wanted, found).proved_by([from.event, to.event])
    }
}

/// The start of an attempt, the heartbeats that became visible while the service waited for it, and the end of the wait.
fn signs(executions: &Executions, attempt: &AttemptExecution) -> Vec<(Moment, Sign)> {
    // The service goes on waiting for an attempt that is completed by id.
    let ended = attempt.ended.filter(|_| attempt.end != AttemptEnd::Async).map(|ended| (ended, Sign::End));
    let over = first(ended.into_iter().chain(released(executions, attempt)));
    let visible = attempt.heartbeats.iter().filter_map(|heartbeat| heartbeat.visible);
    let in_time = visible.filter(|visible| over.is_none_or(|(over, _)| *visible < over));
    let last = match over {
        // The silence goes on until the attempt's next sign of life.
        Some((given_up, Sign::HeartbeatTimeout)) => {
            let mut sent = attempt.heartbeats.iter().filter_map(|heartbeat| heartbeat.sent);
            let late = sent.find(|sent| *sent > given_up).map(|sent| (sent, Sign::LateHeartbeat));
            let end_of_run = executions.end().map(|end| (end, Sign::RunEnd));
            first(late.into_iter().chain(ended).chain(end_of_run))
        }
        over => over,
    };
    let mut signs = vec![(attempt.started, Sign::Start)];
    signs.extend(in_time.map(|visible| (visible, Sign::Heartbeat)));
    signs.extend(last);
    signs
}

/// The moment and the reason why the service stopped waiting for an attempt, other than the attempt's own end.
fn released(executions: &Executions, attempt: &AttemptExecution) -> Option<(Moment, Sign)> {
    let activity = &executions.activities()[attempt.activity];
    let later = activity.timeouts.partition_point(|(moment, _)| *moment < attempt.started);
    let timed_out = activity.timeouts[later..].first().map(|(moment, timeout)| match timeout {
        TimeoutType::Heartbeat => (*moment, Sign::HeartbeatTimeout),
        _ => (*moment, Sign::OtherTimeout),
    });
    let closed = activity.closed.map(|(moment, end)| match end {
        ActivityEnd::Canceled => (moment, Sign::Cancellation),
        _ => (moment, Sign::ActivityEnd),
    });
    let workflow_closed = executions.workflows()[activity.workflow].closed;
    let workflow_closed = workflow_closed.map(|(moment, _)| (moment, Sign::WorkflowEnd));
    first([timed_out, closed, workflow_closed].into_iter().flatten().filter(|(moment, _)| *moment > attempt.started))
}

fn first(signs: impl Iterator<Item = (Moment, Sign)>) -> Option<(Moment, Sign)> {
    signs.min_by_key(|(moment, _)| *moment)
}
