//! [`Time`] and [`Span`]: points and lengths of virtual time.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::{Duration, SystemTime};

/// A point in virtual time, in nanoseconds since the virtual epoch.
///
/// Every run starts at [`Time::ZERO`]. The clock of a run moves only when nothing is left to do at the present moment,
/// and then it jumps to the next timer. Seen as a wall clock, the epoch is 2020-01-01T00:00:00Z
/// ([`Time::to_system_time`]).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// Seconds from the Unix epoch to the virtual epoch, 2020-01-01T00:00:00Z.
    pub(crate) const EPOCH_SECONDS: u64 = 1_577_836_800;

    /// The virtual epoch: the moment every run starts.
    pub const ZERO: Time = Time(0);
    /// The last moment there is, about 584 years after the epoch. Stands for "never" in comparisons.
    pub const MAX: Time = Time(u64::MAX);

    /// The moment `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// The moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Time {
        Time(millis * 1_000_000)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The length of time since the epoch.
    pub const fn since_epoch(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// The length of time from `earlier` to this moment; zero if this moment is not after it.
    pub const fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This moment as a wall clock would show it.
    pub fn to_system_time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(Time::EPOCH_SECONDS) + Duration::from_nanos(self.0)
    }

    /// The moment `span` after this one. Stops at the epoch and at [`Time::MAX`].
    pub const fn plus(self, span: Span) -> Time {
        Time(self.0.saturating_add_signed(span.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    /// Stops at [`Time::MAX`].
    fn add(self, length: Duration) -> Time {
        Time(self.0.saturating_add(saturating_nanos(length)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, length: Duration) {
        *self = *self + length;
    }
}

impl Sub for Time {
    type Output = Duration;
    /// Gives the length of time since `earlier`; zero if `earlier` is not earlier.
    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes seconds and milliseconds, `32.001s`; finer digits are shown only where there are any.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        if nanos.is_multiple_of(1_000_000) {
            write!(f, "{seconds}.{:03}s", nanos / 1_000_000)
        } else {
            write!(f, "{seconds}.{nanos:09}s")
        }
    }
}

/// A length of time as the service's requests carry it: signed nanoseconds, where zero means "not set".
///
/// User-facing options use [`Duration`], which cannot be negative. The service's own messages can, and the service
/// refuses negative ones as the real server does; hence this type in [`crate::program`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Span {
    /// The span that means "not set".
    pub const ZERO: Span = Span(0);
    /// The longest length, about 292 years.
    pub const MAX: Span = Span(i64::MAX);

    /// `nanos` nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Span {
        Span(nanos)
    }

    /// `millis` milliseconds.
    pub const fn from_millis(millis: i64) -> Span {
        Span(millis.saturating_mul(1_000_000))
    }

    /// `seconds` seconds.
    pub const fn from_secs(seconds: i64) -> Span {
        Span(seconds.saturating_mul(1_000_000_000))
    }

    /// The length in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Says whether this is zero, which means "not set".
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Says whether this is below zero, which the service refuses.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The length as a [`Duration`]; zero if it is negative.
    pub const fn to_duration(self) -> Duration {
        Duration::from_nanos(if self.0 < 0 { 0 } else { self.0 as u64 })
    }
}

impl From<Duration> for Span {
    /// Gives the same length, or [`Span::MAX`] if that is shorter.
    fn from(length: Duration) -> Span {
        Span(i64::try_from(length.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            write!(f, "-{:?}", Duration::from_nanos(self.0.unsigned_abs()))
        } else {
            write!(f, "{:?}", self.to_duration())
        }
    }
}

fn saturating_nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
