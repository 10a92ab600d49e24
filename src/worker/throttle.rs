//! [`Throttle`]: a worker's way to hold heartbeats back, so that *recorded* is not yet *sent*.
//!
//! One throttle belongs to one attempt. It knows no clock and no queue. It is given the things that happen and answers
//! with an [`Action`]. The carrier of the messages does what the action says, and calls [`Throttle::answered`] when the
//! service has answered. Everything that goes wrong with a message is a matter of when that call is made:
//!
//! | what goes wrong | what the carrier does |
//! | --- | --- |
//! | the request is lost | does not deliver it, calls `answered` when the worker learns of the error |
//! | the answer is lost | delivers it, keeps the answer to itself, calls `answered` when the worker learns of the error |
//! | the message is late | delivers it later, calls `answered` then: what is recorded meanwhile coalesces behind it |
//! | it never returns | never calls `answered`: nothing more is sent until the attempt ends |
//! | the worker dies | forgets the throttle: what is pending was never sent |
//!
//! Source: sdk-core `src/worker/activities/activity_heartbeat_manager.rs` and `src/worker/activities.rs:598-606`.

use crate::program::{Details, Payload, Span, Time};
use crate::service::Dialect;

/// The time between sends when an activity has no heartbeat timeout and nothing else is configured.
pub const DEFAULT_INTERVAL: Span = Span::from_secs(30);

/// The longest interval when nothing else is configured.
pub const MAX_INTERVAL: Span = Span::from_secs(60);

/// The time between two sends of an attempt: 0.8 of its heartbeat timeout, or `default` without one, and in either
/// case at most `max`.
///
/// Zero means "not set" in all three: no heartbeat timeout, [`DEFAULT_INTERVAL`], [`MAX_INTERVAL`].
///
/// Source: sdk-core `src/worker/activities.rs:598-606`, `src/worker/mod.rs:192,199`; recorded scenarios
/// `sdk_throttle_hb1000`, `sdk_throttle_max_interval`.
///
/// ```
/// use durasim::Span;
/// use durasim::internals::throttle;
/// assert_eq!(throttle::interval(Span::from_secs(30), Span::ZERO, Span::ZERO), Span::from_secs(24));
/// ```
pub fn interval(heartbeat_timeout: Span, default: Span, max: Span) -> Span {
    let wanted = if is_set(heartbeat_timeout) {
        four_fifths(heartbeat_timeout)
    } else if is_set(default) {
        default
    } else {
        DEFAULT_INTERVAL
    };
    wanted.min(if is_set(max) { max } else { MAX_INTERVAL })
}

/// Computes the interval as Cadence's client does: whole seconds, rounded down, and no upper bound. A heartbeat timeout
/// of 1 s gives zero: every heartbeat is sent. Without a heartbeat timeout the client reckons with ten minutes.
///
/// Source: cadence-client `internal/internal_task_handlers.go`, `BatchHeartbeat`.
pub fn cadence_interval(heartbeat_timeout: Span) -> Span {
    let timeout = if is_set(heartbeat_timeout) { heartbeat_timeout } else { Span::from_secs(600) };
    Span::from_secs(timeout.as_nanos() / NANOS_PER_SECOND * 4 / 5)
}

/// The interval of a dialect's workers. Cadence's client has no settings for it, so `default` and `max` mean nothing
/// there.
pub(crate) fn interval_in(dialect: Dialect, heartbeat_timeout: Span, default: Span, max: Span) -> Span {
    match dialect {
        Dialect::Temporal => interval(heartbeat_timeout, default, max),
        Dialect::Cadence => cadence_interval(heartbeat_timeout),
    }
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;

fn is_set(span: Span) -> bool {
    span > Span::ZERO
}

/// Computes 0.8 of a span, exact in whole nanoseconds, and without an overflow at the longest span.
fn four_fifths(span: Span) -> Span {
    let nanos = span.as_nanos();
    Span::from_nanos(nanos / 5 * 4 + nanos % 5 * 4 / 5)
}

/// The next step of the carrier.
#[derive(Clone, PartialEq, Debug)]
#[must_use = "a heartbeat that is not sent, or a wake-up that is not asked for, is lost"]
pub enum Action {
    /// Send a heartbeat with these details, or one without any, which erases the checkpoint. It is in flight until
    /// [`Throttle::answered`].
    Send(Details),
    /// Send nothing yet: call [`Throttle::interval_elapsed`] at this time.
    WakeAt(Time),
    /// Do nothing: an answer or a wake-up is under way already, or there is nothing to send.
    Nothing,
}

/// The heartbeats of one attempt on their way out of the worker.
///
/// The first is sent at once. Later ones overwrite one pending slot, which is sent when the interval since the last
/// *send* has passed. One heartbeat is in flight at a time; those recorded while its answer is missing coalesce behind
/// it and never overtake it. Recording does not allocate once the slot has grown to the size of the details.
///
/// ```
/// use durasim::{Span, Time};
/// use durasim::program::Details;
/// use durasim::internals::throttle::{Action, Throttle};
///
/// let (start, later) = (Time::ZERO, Time::from_millis(100));
/// let mut throttle = Throttle::new(Span::from_millis(800));
/// assert_eq!(throttle.record(Some(b"1"), start), Action::Send(Details::from(Some(b"1".as_slice()))));
/// assert_eq!(throttle.answered(start), Action::Nothing);
/// assert_eq!(throttle.record(Some(b"2"), later), Action::WakeAt(Time::from_millis(800)));
/// assert_eq!(throttle.record(Some(b"3"), later), Action::Nothing);
/// assert_eq!(throttle.interval_elapsed(Time::from_millis(800)), Action::Send(Details::from(Some(b"3".as_slice()))));
/// ```
#[derive(Clone, Debug)]
pub struct Throttle {
    interval: Span,
    line: Line,
    /// The bytes of a [`Kept::Bytes`], reused from heartbeat to heartbeat.
    bytes: Vec<u8>,
    /// Says whether the last heartbeat that was recorded had no details.
    erases: bool,
}

/// The way to the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    /// Nothing was sent yet.
    Free,
    /// A heartbeat is on its way and has no answer.
    InFlight { sent_at: Time, behind: Option<Kept> },
    /// The last heartbeat was answered and nothing was recorded since. The way is open from `until` on.
    Resting { until: Time },
    /// Something was recorded; a wake-up at `until` is asked for.
    Waiting { until: Time, kept: Kept },
}

/// The content of the pending slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kept {
    /// A heartbeat without details.
    NoDetails,
    /// A heartbeat with the details in [`Throttle::bytes`].
    Bytes,
}

impl Throttle {
    /// Makes the throttle of a new attempt. An interval of zero holds nothing back.
    pub fn new(interval: Span) -> Throttle {
        Throttle { interval, line: Line::Free, bytes: Vec::new(), erases: false }
    }

    /// Takes a heartbeat that the attempt's code records.
    pub fn record(&mut self, details: Option<&[u8]>, now: Time) -> Action {
        self.erases = details.is_none();
        match self.line {
            Line::Free => self.send(details, now),
            Line::Resting { until } if until <= now => self.send(details, now),
            Line::Resting { until } => {
                let kept = self.keep(details);
                self.line = Line::Waiting { until, kept };
                Action::WakeAt(until)
            }
            Line::InFlight { sent_at, .. } => {
                let kept = self.keep(details);
                self.line = Line::InFlight { sent_at, behind: Some(kept) };
                Action::Nothing
            }
            Line::Waiting { until, .. } => {
                let kept = self.keep(details);
                self.line = Line::Waiting { until, kept };
                Action::Nothing
            }
        }
    }

    /// Takes a heartbeat that the attempt's code records, as if the interval were over: it is sent at once, whatever is
    /// pending. This is for faults that need a sent heartbeat.
    ///
    /// Only a heartbeat in flight holds it back, since that must not be overtaken.
    pub fn record_unthrottled(&mut self, details: Option<&[u8]>, now: Time) -> Action {
        match self.line {
            Line::InFlight { .. } => self.record(details, now),
            Line::Free | Line::Resting { .. } | Line::Waiting { .. } => {
                self.erases = details.is_none();
                self.send(details, now)
            }
        }
    }

    /// Takes in that the wake-up has come. A wake-up that is too early, or that something else has made superfluous,
    /// does nothing.
    pub fn interval_elapsed(&mut self, now: Time) -> Action {
        match self.line {
            Line::Waiting { until, kept } if until <= now => self.send_kept(kept, now),
            _ => Action::Nothing,
        }
    }

    /// Takes in that the service has answered, or that the worker has learned that no answer will come. This does
    /// nothing when no heartbeat is in flight.
    pub fn answered(&mut self, now: Time) -> Action {
        let Line::InFlight { sent_at, behind } = self.line else { return Action::Nothing };
        let until = sent_at.plus(self.interval);
        match behind {
            None => {
                self.line = Line::Resting { until };
                Action::Nothing
            }
            Some(kept) if until <= now => self.send_kept(kept, now),
            Some(kept) => {
                self.line = Line::Waiting { until, kept };
                Action::WakeAt(until)
            }
        }
    }

    /// Takes the heartbeat that was recorded but not sent, when the attempt has ended. Gives `None` if there is none.
    ///
    /// A pending heartbeat without details is [`Details::Empty`]: sdk-core attaches an empty list, which erases the
    /// checkpoint (its test `activity_failure_distinguishes_no_heartbeat_from_empty_heartbeat`).
    pub fn take_pending(&mut self) -> Option<Details> {
        let kept = match &mut self.line {
            Line::InFlight { behind, .. } => behind.take()?,
            Line::Waiting { until, kept } => {
                let kept = *kept;
                self.line = Line::Resting { until: *until };
                kept
            }
            Line::Free | Line::Resting { .. } => return None,
        };
        Some(match kept {
            Kept::NoDetails => Details::Empty,
            Kept::Bytes => Details::Payload(Payload::new(&self.bytes)),
        })
    }

    /// Takes the details that travel with the report of a failure: those that are pending, and an empty list also where the
    /// last heartbeat was sent without details. sdk-core sends none in the heartbeat and an empty list with the failure.
    pub fn take_attached(&mut self) -> Option<Details> {
        self.take_pending().or_else(|| self.erases.then_some(Details::Empty))
    }

    /// Says whether something was recorded that was not sent.
    pub fn has_pending(&self) -> bool {
        matches!(self.line, Line::InFlight { behind: Some(_), .. } | Line::Waiting { .. })
    }

    /// Says whether a heartbeat is on its way without an answer. The report of an attempt's end waits for it.
    pub fn is_in_flight(&self) -> bool {
        matches!(self.line, Line::InFlight { .. })
    }

    fn send(&mut self, details: Option<&[u8]>, now: Time) -> Action {
        self.line = Line::InFlight { sent_at: now, behind: None };
        Action::Send(details.into())
    }

    fn send_kept(&mut self, kept: Kept, now: Time) -> Action {
        self.line = Line::InFlight { sent_at: now, behind: None };
        Action::Send(match kept {
            Kept::NoDetails => None.into(),
            Kept::Bytes => Some(self.bytes.as_slice()).into(),
        })
    }

    fn keep(&mut self, details: Option<&[u8]>) -> Kept {
        let Some(details) = details else { return Kept::NoDetails };
        self.bytes.clear();
        self.bytes.extend_from_slice(details);
        Kept::Bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Span = Span::from_millis(800);

    fn sent(details: Option<&[u8]>) -> Action {
        Action::Send(details.into())
    }

    fn ms(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    /// A throttle whose first heartbeat was sent and answered at the start.
    fn resting() -> Throttle {
        let mut throttle = Throttle::new(INTERVAL);
        assert_eq!(throttle.record(Some(b"1"), ms(0)), sent(Some(b"1")));
        assert_eq!(throttle.answered(ms(0)), Action::Nothing);
        throttle
    }

    #[test]
    fn a_pause_longer_than_the_interval_sends_at_once() {
        let mut throttle = resting();
        assert_eq!(throttle.record(Some(b"2"), ms(800)), sent(Some(b"2")));
    }

    #[test]
    fn later_ones_overwrite_the_slot_and_ask_for_one_wake_up() {
        let mut throttle = resting();
        assert_eq!(throttle.record(Some(b"long details"), ms(1)), Action::WakeAt(ms(800)));
        assert_eq!(throttle.record(Some(b"3"), ms(2)), Action::Nothing);
        assert_eq!(throttle.interval_elapsed(ms(799)), Action::Nothing);
        assert_eq!(throttle.interval_elapsed(ms(800)), sent(Some(b"3")));
        assert_eq!(throttle.answered(ms(810)), Action::Nothing);
        // The interval counts from the send, not from the answer.
        assert_eq!(throttle.record(Some(b"4"), ms(900)), Action::WakeAt(ms(1600)));
    }

    #[test]
    fn one_without_details_overwrites_one_with() {
        let mut throttle = resting();
        assert_eq!(throttle.record(Some(b"2"), ms(1)), Action::WakeAt(ms(800)));
        assert_eq!(throttle.record(None, ms(2)), Action::Nothing);
        assert_eq!(throttle.interval_elapsed(ms(800)), sent(None));
    }

    #[test]
    fn a_delayed_one_is_not_overtaken() {
        let mut throttle = Throttle::new(INTERVAL);
        assert_eq!(throttle.record(Some(b"1"), ms(0)), sent(Some(b"1")));
        for at in [500, 1000, 1500] {
            assert_eq!(throttle.record(Some(at.to_string().as_bytes()), ms(at)), Action::Nothing);
            assert_eq!(throttle.interval_elapsed(ms(at)), Action::Nothing);
        }
        assert!(throttle.is_in_flight());
        assert_eq!(throttle.answered(ms(2000)), sent(Some(b"1500")), "the newest, as soon as the line is free");
    }

    #[test]
    fn an_answer_within_the_interval_keeps_the_slot_waiting() {
        let mut throttle = Throttle::new(INTERVAL);
        assert_eq!(throttle.record(Some(b"1"), ms(0)), sent(Some(b"1")));
        assert_eq!(throttle.record(Some(b"2"), ms(10)), Action::Nothing);
        assert_eq!(throttle.answered(ms(20)), Action::WakeAt(ms(800)));
        assert_eq!(throttle.answered(ms(30)), Action::Nothing, "nothing is in flight any more");
        assert_eq!(throttle.interval_elapsed(ms(800)), sent(Some(b"2")));
    }

    #[test]
    fn an_unthrottled_one_goes_before_its_time_but_does_not_overtake() {
        let mut throttle = resting();
        assert_eq!(throttle.record(Some(b"2"), ms(1)), Action::WakeAt(ms(800)));
        assert_eq!(throttle.record_unthrottled(Some(b"3"), ms(2)), sent(Some(b"3")));
        assert!(!throttle.has_pending(), "the older one is superseded");
        assert_eq!(throttle.record_unthrottled(Some(b"4"), ms(3)), Action::Nothing);
        assert!(throttle.has_pending());
        assert_eq!(throttle.interval_elapsed(ms(800)), Action::Nothing, "the wake-up of the superseded one");
    }

    #[test]
    fn the_pending_one_is_taken_once() {
        let mut throttle = resting();
        assert_eq!(throttle.take_pending(), None, "a sent one is not pending");
        assert_eq!(throttle.record(Some(b"2"), ms(1)), Action::WakeAt(ms(800)));
        assert_eq!(throttle.take_pending(), Some(Details::Payload(Payload::new(b"2"))));
        assert_eq!(throttle.take_pending(), None);
        assert_eq!(throttle.interval_elapsed(ms(800)), Action::Nothing);
    }

    #[test]
    fn a_pending_one_without_details_erases() {
        let mut throttle = Throttle::new(INTERVAL);
        assert_eq!(throttle.record(Some(b"1"), ms(0)), sent(Some(b"1")));
        assert_eq!(throttle.record(None, ms(1)), Action::Nothing);
        assert_eq!(throttle.take_pending(), Some(Details::Empty));
        assert_eq!(throttle.take_attached(), Some(Details::Empty));
        let mut throttle = Throttle::new(INTERVAL);
        assert_eq!(throttle.take_attached(), None);
        assert_eq!(throttle.record(None, Time::ZERO), Action::Send(Details::Absent));
        assert_eq!(throttle.take_attached(), Some(Details::Empty));
        assert_eq!(throttle.record_unthrottled(Some(b"2"), Time::ZERO), Action::Nothing);
        assert_eq!(throttle.take_attached(), Some(Details::Payload(Payload::new(b"2"))));
        assert_eq!(throttle.take_attached(), None);
        assert!(throttle.is_in_flight());
    }

    #[test]
    fn an_interval_of_zero_holds_nothing_back() {
        let mut throttle = Throttle::new(Span::ZERO);
        for n in 0..3_u8 {
            assert_eq!(throttle.record(Some(&[n]), ms(0)), sent(Some(&[n])));
            assert_eq!(throttle.answered(ms(0)), Action::Nothing);
        }
    }

    #[test]
    fn four_fifths_is_exact_at_both_ends() {
        assert_eq!(four_fifths(Span::from_nanos(1)), Span::ZERO);
        assert_eq!(four_fifths(Span::from_nanos(9)), Span::from_nanos(7));
        assert_eq!(four_fifths(Span::MAX).as_nanos(), (i128::from(i64::MAX) * 4 / 5) as i64);
        assert_eq!(cadence_interval(Span::from_secs(1)), Span::ZERO);
        assert_eq!(cadence_interval(Span::ZERO), Span::from_secs(480));
    }
}
