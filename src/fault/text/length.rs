//! [`Length`]: a length of time as plans spell it.

use std::fmt;
use std::time::Duration;

/// Writes digits and the largest unit that is exact: `2s`, `1500ms`.
#[derive(Clone, Copy, Debug)]
pub(in crate::fault) struct Length(pub Duration);

/// The longest length, for messages.
pub(super) const LONGEST: &str = "18446744073709551615s";

/// The units and how many of them make a second, the largest first.
const UNITS: [(&str, u128); 4] = [("s", 1), ("ms", 1_000), ("us", 1_000_000), ("ns", 1_000_000_000)];

const NANOS_PER_SECOND: u128 = 1_000_000_000;

impl Length {
    /// Says whether the text is a unit.
    pub(super) fn is_unit(text: &str) -> bool {
        UNITS.iter().any(|(name, _)| *name == text)
    }

    /// Reads digits and a unit, which the caller has separated. Gives `None` if they are not that, or longer than a
    /// [`Duration`].
    pub(super) fn read(digits: &str, unit: &str) -> Option<Duration> {
        let (_, per_second) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        let count: u128 = digits.parse().ok()?;
        let nanos = (count % per_second) * (NANOS_PER_SECOND / per_second);
        // The rest is below one second, hence below 2^32.
        Some(Duration::new(u64::try_from(count / per_second).ok()?, nanos as u32))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        for (unit, per_second) in UNITS {
            let nanos_per_unit = NANOS_PER_SECOND / per_second;
            if nanos.is_multiple_of(nanos_per_unit) {
                return write!(f, "{}{unit}", nanos / nanos_per_unit);
            }
        }
        unreachable!("every length is a whole number of nanoseconds")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_exact_unit() {
        let text = |nanos| Length(Duration::from_nanos(nanos)).to_string();
        assert_eq!(text(0), "0s");
        assert_eq!(text(90_000_000_000), "90s");
        assert_eq!(text(1_500_000_000), "1500ms");
        assert_eq!(text(1_000), "1us");
        assert_eq!(text(1_001), "1001ns");
        assert_eq!(Length(Duration::MAX).to_string(), "18446744073709551615999999999ns");
    }

    #[test]
    fn reads_what_it_writes_and_no_more_than_a_duration_holds() {
        assert_eq!(Length::read("1500", "ms"), Some(Duration::from_millis(1500)));
        assert_eq!(Length::read("18446744073709551615999999999", "ns"), Some(Duration::MAX));
        assert_eq!(Length::read(LONGEST.trim_end_matches('s'), "s"), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(Length::read("18446744073709551616", "s"), None);
        assert_eq!(Length::read("1", "min"), None);
        assert_eq!(Length::read("", "s"), None);
    }
}
