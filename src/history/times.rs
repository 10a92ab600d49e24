//! Times and lengths of time, as the JSON of Protocol Buffers has them.

use crate::program::calendar::day;
use crate::program::{Span, Time};

const SECOND: u64 = 1_000_000_000;

/// Reads a moment: `2020-01-01T00:00:00.001Z`, or with the distance of its zone instead of the `Z`. A moment before 2020 is the
/// beginning of 2020, where the clock of a simulation begins.
pub(super) fn timestamp(text: &str) -> Option<Time> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, of_month) = (date.next()??, date.next()??, date.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&of_month) {
        return None;
    }
    let (time, zone) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let at = time.rfind(['+', '-'])?;
            let (hours, minutes) = time[at + 1..].split_once(':')?;
            let distance = i64::try_from(number(hours)? * 3600 + number(minutes)? * 60).ok()?;
            (&time[..at], if time[at..].starts_with('-') { -distance } else { distance })
        }
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = time.splitn(3, ':').map(number);
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let of_day = i64::try_from(hour * 3600 + minute * 60 + second).ok()?;
    let seconds = i64::try_from(day(year, month, of_month) * 86_400).ok()? + of_day - zone;
    Some(moment(seconds, nanos(fraction)?))
}

/// The moment of a number of seconds from the Unix epoch, and of so many nanoseconds.
pub(super) fn moment(seconds: i64, nanos: u64) -> Time {
    let since_2020 = u64::try_from(seconds).unwrap_or(0).checked_sub(Time::EPOCH_SECONDS);
    since_2020.map_or(Time::ZERO, |seconds| Time::from_nanos(seconds.saturating_mul(SECOND).saturating_add(nanos)))
}

/// Reads a length of time: `1.500s`.
pub(super) fn duration(text: &str) -> Option<Span> {
    let text = text.strip_suffix('s')?;
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    // The server's longest is ten years, and a span has room for three hundred.
    let nanos = number(seconds)?.saturating_mul(SECOND).saturating_add(nanos(fraction)?);
    let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
    Some(Span::from_nanos(if is_negative { -nanos } else { nanos }))
}

/// Reads the digits behind the point of a second.
fn nanos(fraction: &str) -> Option<u64> {
    if fraction.len() > 9 {
        return None;
    }
    match fraction {
        "" => Some(0),
        digits => number(&format!("{digits:0<9}")),
    }
}

/// Reads digits and nothing else.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        let nanos = |text| timestamp(text).map(Time::as_nanos);
        assert_eq!(nanos("2020-01-01T00:00:00Z"), Some(0));
        assert_eq!(nanos("2020-01-01T00:00:00.001Z"), Some(1_000_000));
        assert_eq!(nanos("2020-02-29T00:00:01.000000001Z"), Some((59 * 86_400 + 1) * SECOND + 1));
        assert_eq!(nanos("2020-01-01T01:30:00+01:00"), Some(1800 * SECOND));
        assert_eq!(nanos("2019-12-31T23:30:00-01:00"), Some(1800 * SECOND));
        assert_eq!(nanos("1999-01-01T00:00:00Z"), Some(0));
        for text in ["", "2020-01-01", "2020-01-01T00:00:00", "2020-13-01T00:00:00Z", "2020-01-01T00:00Z", "now"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn lengths_have_an_s() {
        let nanos = |text| duration(text).map(Span::as_nanos);
        assert_eq!(nanos("0s"), Some(0));
        assert_eq!(nanos("1.5s"), Some(1_500_000_000));
        assert_eq!(nanos("-0.000000001s"), Some(-1));
        assert_eq!(nanos("315360000s"), Some(315_360_000 * 1_000_000_000));
        for text in ["", "s", "5", "1.0000000000s", "1,5s", "+1s"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
