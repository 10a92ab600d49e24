//! [`Cron`]: the schedule of a workflow that is run again and again.

use crate::program::calendar::date;
use crate::program::{Span, Time};

/// A schedule, as a server reads it: five fields (`30 9 * * MON-FRI`), a name (`@daily`), or an interval (`@every 90m`). All
/// moments are in UTC.
///
/// Source: temporal `common/backoff/cron.go`, which leaves the reading to `github.com/robfig/cron/v3` (`ParseStandard`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cron {
    /// So long after one another.
    Every(Span),
    /// At the minutes that the fields name.
    At(Fields),
}

/// The numbers that the five fields of a schedule name, a bit for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Says whether each day of the month or each day of the week is named by a star. A day has to be named by both fields
    /// then, else by one of the two.
    any_day: bool,
}

/// A field of a schedule.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// The words for its numbers, from the least on.
    words: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", least: 0, most: 59, words: &[] };
const HOUR: Field = Field { name: "hour", least: 0, most: 23, words: &[] };
const DAY: Field = Field { name: "day of the month", least: 1, most: 31, words: &[] };
const MONTH: Field = Field {
    name: "month",
    least: 1,
    most: 12,
    words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Field =
    Field { name: "day of the week", least: 0, most: 6, words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// The names of schedules.
const NAMED: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The time zones that are no others than UTC.
const UTC: [&str; 5] = ["", "UTC", "Etc/UTC", "GMT", "Etc/GMT"];

const SECOND: u64 = 1_000_000_000;
const MINUTES_OF_A_DAY: u64 = 24 * 60;

/// A schedule that names no moment for so many years names none.
const YEARS: u64 = 5;

impl Cron {
    /// Reads a schedule.
    ///
    /// # Errors
    /// The error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Cron, String> {
        let zone = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ="));
        let (zone, rest) = zone.map_or((None, text), |rest| {
            let (zone, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            (Some(zone), rest)
        });
        if let Some(zone) = zone.filter(|zone| !UTC.contains(zone)) {
            return Err(format!("the time zone `{zone}` is not simulated: write the schedule in UTC"));
        }
        let rest = rest.trim();
        if let Some(every) = rest.strip_prefix("@every ") {
            return Ok(Cron::Every(interval(every.trim())?));
        }
        let fields = match rest.strip_prefix('@') {
            None => rest,
            Some(_) => NAMED
                .iter()
                .find(|(name, _)| *name == rest)
                .map(|(_, fields)| *fields)
                .ok_or_else(|| format!("`{rest}` is no name of a schedule: write @hourly, @daily or @every 90m"))?,
        };
        Fields::parse(fields).map(Cron::At)
    }

    /// The first moment of the schedule after this one; `None` if there is none for five years.
    pub(super) fn next(&self, after: Time) -> Option<Time> {
        match self {
            Cron::Every(interval) => {
                let whole = Time::from_nanos(after.as_nanos() / SECOND * SECOND);
                Some(whole.plus(*interval))
            }
            Cron::At(fields) => fields.next(after),
        }
    }

    /// The time from now to the next run, in whole seconds, of which the last is begun. `scheduled` is the moment at which the
    /// run before was to begin; moments that have passed meanwhile are left out. `None` if there is no next run.
    ///
    /// Source: temporal `common/backoff/cron.go` (`GetBackoffForNextSchedule`).
    pub(super) fn backoff(&self, scheduled: Time, now: Time) -> Option<Span> {
        let next = if now < scheduled {
            scheduled
        } else {
            let first = self.next(scheduled)?;
            match self {
                _ if first >= now => first,
                Cron::Every(interval) => {
                    let (late, step) = (now.as_nanos() - first.as_nanos(), interval.as_nanos().unsigned_abs());
                    Time::from_nanos(first.as_nanos().saturating_add(late.div_ceil(step).saturating_mul(step)))
                }
                // A moment that is now counts.
                Cron::At(fields) => fields.next(Time::from_nanos(now.as_nanos() - 1))?,
            }
        };
        let seconds = (next.as_nanos() - now.as_nanos()).div_ceil(SECOND);
        Some(Span::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
    }
}

impl Fields {
    fn parse(text: &str) -> Result<Fields, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!(
                "it has {} fields instead of five: minute, hour, day of the month, month, day of the week",
                fields.len()
            ));
        };
        let (days, any_day) = DAY.parse(day)?;
        let (weekdays, any_weekday) = WEEKDAY.parse(weekday)?;
        Ok(Fields {
            minutes: MINUTE.parse(minute)?.0,
            hours: HOUR.parse(hour)?.0,
            days,
            months: MONTH.parse(month)?.0,
            weekdays,
            any_day: any_day || any_weekday,
        })
    }

    fn next(&self, after: Time) -> Option<Time> {
        let (first_day, first_minute) = {
            let minute = Time::EPOCH_SECONDS / 60 + after.as_nanos() / (60 * SECOND) + 1;
            (minute / MINUTES_OF_A_DAY, minute % MINUTES_OF_A_DAY)
        };
        let last_year = date(first_day).0 + YEARS;
        let days = (first_day..).take_while(|day| date(*day).0 <= last_year);
        let minute = days.filter(|day| self.has_day(*day)).find_map(|day| {
            let from = if day == first_day { first_minute } else { 0 };
            let mut minutes = from..MINUTES_OF_A_DAY;
            let minute = minutes.find(|minute| has(self.hours, minute / 60) && has(self.minutes, minute % 60))?;
            Some(day * MINUTES_OF_A_DAY + minute)
        })?;
        let nanos = (minute * 60 - Time::EPOCH_SECONDS).checked_mul(SECOND)?;
        Some(Time::from_nanos(nanos))
    }

    /// Says whether the schedule has moments on a day, which is counted from the Unix epoch, a Thursday.
    fn has_day(&self, day: u64) -> bool {
        let (_, month, day_of_month) = date(day);
        let (by_month, by_week) = (has(self.days, day_of_month), has(self.weekdays, (day + 4) % 7));
        has(self.months, month) && if self.any_day { by_month && by_week } else { by_month || by_week }
    }
}

impl Field {
    /// Reads a field: numbers or words, ranges and steps, with commas between. Gives the bits of its numbers, and says whether a
    /// star stands for all of them.
    fn parse(&self, text: &str) -> Result<(u64, bool), String> {
        let mut parts = text.split(',').filter(|part| !part.is_empty()).peekable();
        if parts.peek().is_none() {
            return Err(format!("the {} `{text}` is empty", self.name));
        }
        parts.try_fold((0, false), |(bits, all), part| {
            let (more, star) = self.part(part)?;
            Ok((bits | more, all || star))
        })
    }

    fn part(&self, text: &str) -> Result<(u64, bool), String> {
        let wrong = |what: &str| Err(format!("the {} `{text}` {what}", self.name));
        let (range, step) = text.split_once('/').map_or((text, None), |(range, step)| (range, Some(step)));
        let (low, high) = range.split_once('-').map_or((range, None), |(low, high)| (low, Some(high)));
        let is_star = matches!(low, "*" | "?");
        let (least, mut most) = if is_star {
            (self.least, self.most)
        } else {
            let least = self.number(low, text)?;
            (least, high.map_or(Ok(least), |high| self.number(high, text))?)
        };
        let step = match step.map(str::parse::<u32>) {
            None => 1,
            Some(Ok(step)) if step > 0 => step,
            Some(_) => return wrong("has no step: write a number of at least 1 behind the slash"),
        };
        // One number with a step stands for all from there on.
        if text.contains('/') && high.is_none() {
            most = self.most;
        }
        if least < self.least || most > self.most {
            return wrong(&format!("is not within {} to {}", self.least, self.most));
        }
        if least > most {
            return wrong("ends before it begins");
        }
        let bits = (least..=most).step_by(step as usize).fold(0, |bits, number| bits | 1 << number);
        Ok((bits, is_star && step == 1))
    }

    fn number(&self, text: &str, whole: &str) -> Result<u32, String> {
        let word = self.words.iter().zip(self.least..).find(|(word, _)| word.eq_ignore_ascii_case(text));
        match word {
            Some((_, number)) => Ok(number),
            None => text.parse().map_err(|_| format!("the {} `{whole}` has no number where `{text}` is", self.name)),
        }
    }
}

/// Says whether the bit of a number is set.
fn has(bits: u64, number: u64) -> bool {
    bits >> number & 1 == 1
}

/// Reads a length of time as `1h30m` or `1.5s`, of at least a second and without a part of one.
fn interval(text: &str) -> Result<Span, String> {
    let wrong = || format!("`@every {text}` has no length of time: write it as 1h30m or 45s");
    let (mut rest, mut nanos) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, behind) = rest.split_at(digits);
        let letters = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let unit = match unit {
            "h" => 3_600e9,
            "m" => 60e9,
            "s" => 1e9,
            "ms" => 1e6,
            "us" | "µs" | "μs" => 1e3,
            "ns" => 1.0,
            _ => return Err(wrong()),
        };
        nanos += number.parse::<f64>().map_err(|_| wrong())? * unit;
        rest = behind;
    }
    if text.is_empty() {
        return Err(wrong());
    }
    Ok(Span::from_secs(((nanos / 1e9) as i64).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A moment of 2020, whose first day is the virtual epoch.
    fn at(day: u64, hour: u64, minute: u64, second: u64) -> Time {
        Time::from_nanos((((day - 1) * 24 + hour) * 3_600 + minute * 60 + second) * SECOND)
    }

    fn next(schedule: &str, after: Time) -> Option<Time> {
        Cron::parse(schedule).unwrap_or_else(|error| panic!("{schedule}: {error}")).next(after)
    }

    /// Source: temporal `common/backoff/cron_test.go`, with its days of 2018 moved to 2020.
    #[test]
    fn the_time_to_the_next_run_is_the_servers() {
        let (hour, minute) = (3_600, 60);
        for (schedule, scheduled, now, seconds) in [
            ("0 10 * * *", at(17, 16, 0, 0), at(17, 16, 0, 0), 18 * hour),
            ("0 10 * * *", at(18, 10, 0, 0), at(18, 10, 0, 0), 24 * hour),
            ("0 * * * *", at(17, 8, 8, 0), at(17, 8, 8, 0), 52 * minute),
            ("0 * * * *", at(17, 9, 0, 0), at(17, 9, 0, 0), hour),
            ("* * * * *", at(17, 8, 8, 18), at(17, 8, 8, 18), 42),
            ("0 10 * * *", at(17, 8, 0, 0), at(20, 0, 0, 0), 10 * hour),
            ("0 10 * * *", at(17, 8, 0, 0), at(17, 9, 0, 0), hour),
            ("*/10 * * * *", at(17, 0, 4, 0), at(17, 1, 2, 0), 8 * minute),
            ("@every 5h", at(17, 8, 0, 0), at(17, 9, 0, 0), 4 * hour),
            ("@every 5h", at(17, 8, 0, 0), at(18, 0, 0, 0), 4 * hour),
            ("0 3 * * 0-6", at(17, 16, 0, 0), at(17, 16, 0, 0), 11 * hour),
            ("@every 30s", at(17, 10, 0, 2), at(17, 10, 0, 2), 30),
            ("@every 30s", at(17, 10, 0, 2), at(79, 4, 0, 53), 9),
            // The run is not due yet.
            ("@every 30m", at(17, 10, 0, 0), at(17, 9, 45, 0), 15 * minute),
            // A moment that is now is not left out, unless it is that of the run before.
            ("0 * * * *", at(17, 8, 0, 0), at(17, 11, 0, 0), 0),
            ("@every 1h", at(17, 8, 0, 0), at(17, 11, 0, 0), 0),
        ] {
            let backoff = Cron::parse(schedule).unwrap().backoff(scheduled, now);
            assert_eq!(backoff, Some(Span::from_secs(seconds)), "{schedule} from {scheduled} at {now}");
        }
    }

    /// A part of a second counts as a whole one, so that a run may begin a little behind its minute.
    #[test]
    fn the_time_to_the_next_run_is_in_whole_seconds() {
        let now = Time::from_nanos(at(1, 0, 0, 10).as_nanos() + 5_000_000);
        assert_eq!(Cron::parse("* * * * *").unwrap().backoff(Time::ZERO, now), Some(Span::from_secs(50)));
        assert_eq!(Cron::parse("@every 20s").unwrap().backoff(Time::ZERO, now), Some(Span::from_secs(10)));
        // An interval counts from the whole second.
        let every = Cron::parse("@every 20s").unwrap();
        assert_eq!(every.backoff(Time::from_millis(5), Time::from_millis(10_000)), Some(Span::from_secs(10)));
    }

    /// The first day of 2020 is a Wednesday, and the year has 366 days.
    #[test]
    fn the_next_moment_is_on_the_calendar() {
        for (schedule, moment) in [
            ("@yearly", at(367, 0, 0, 0)),
            ("@annually", at(367, 0, 0, 0)),
            ("@monthly", at(32, 0, 0, 0)),
            ("@weekly", at(5, 0, 0, 0)),
            ("@daily", at(2, 0, 0, 0)),
            ("@midnight", at(2, 0, 0, 0)),
            ("@hourly", at(1, 1, 0, 0)),
            ("30 9 * * MON-FRI", at(1, 9, 30, 0)),
            ("30 9 * * sat,Sun", at(4, 9, 30, 0)),
            ("0 0 29 feb *", at(60, 0, 0, 0)),
            ("0 0 31 * ?", at(31, 0, 0, 0)),
            ("0 12 31 4-6 *", at(152, 12, 0, 0)),
            ("5,10 22-23 * * *", at(1, 22, 5, 0)),
            ("58/1 0 * * *", at(1, 0, 58, 0)),
            ("7-30/7 * * * *", at(1, 0, 7, 0)),
            // Either of two days, but both where one is a star.
            ("0 0 13 * fri", at(3, 0, 0, 0)),
            ("0 0 */2 * fri", at(3, 0, 0, 0)),
            ("0 0 * * fri", at(3, 0, 0, 0)),
            ("CRON_TZ=UTC 0 1 * * *", at(1, 1, 0, 0)),
            ("TZ=Etc/UTC @daily", at(2, 0, 0, 0)),
            ("  0   1 * * *  ", at(1, 1, 0, 0)),
        ] {
            assert_eq!(next(schedule, Time::ZERO), Some(moment), "{schedule}");
        }
        assert_eq!(next("0 0 29 2 *", at(60, 0, 0, 0)), Some(at(60 + 366 + 3 * 365, 0, 0, 0)));
        assert_eq!(next("0 0 30 2 *", Time::ZERO), None);
        assert_eq!(next("0 0 1 1 *", Time::MAX), None);
    }

    #[test]
    fn an_interval_has_units_and_at_least_a_second() {
        for (text, seconds) in
            [("90m", 5_400), ("1h30m", 5_400), ("1.5h", 5_400), ("2s500ms", 2), ("1ms", 1), ("0s", 1)]
        {
            assert_eq!(Cron::parse(&format!("@every {text}")), Ok(Cron::Every(Span::from_secs(seconds))), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_told() {
        for (schedule, told) in [
            ("", "it has 0 fields instead of five"),
            ("invalid-cron-spec", "it has 1 fields instead of five"),
            ("* * * * * *", "it has 6 fields instead of five"),
            ("60 * * * *", "the minute `60` is not within 0 to 59"),
            ("* 24 * * *", "the hour `24` is not within 0 to 23"),
            ("* * 0 * *", "the day of the month `0` is not within 1 to 31"),
            ("* * * 13 *", "the month `13` is not within 1 to 12"),
            ("* * * * 7", "the day of the week `7` is not within 0 to 6"),
            ("5-3 * * * *", "the minute `5-3` ends before it begins"),
            ("*/0 * * * *", "the minute `*/0` has no step"),
            ("*/x * * * *", "the minute `*/x` has no step"),
            ("* * * foo *", "the month `foo` has no number where `foo` is"),
            ("1-2-3 * * * *", "the minute `1-2-3` has no number where `2-3` is"),
            (", * * * *", "the minute `,` is empty"),
            ("@fortnightly", "`@fortnightly` is no name of a schedule"),
            ("@every", "`@every` is no name of a schedule"),
            ("@every soon", "`@every soon` has no length of time"),
            ("@every 5", "`@every 5` has no length of time"),
            ("@every -5s", "`@every -5s` has no length of time"),
            ("@every 1.2.3s", "`@every 1.2.3s` has no length of time"),
            ("CRON_TZ=Europe/Berlin 0 1 * * *", "the time zone `Europe/Berlin` is not simulated"),
            ("CRON_TZ=UTC", "it has 0 fields instead of five"),
        ] {
            let error = Cron::parse(schedule).expect_err(schedule);
            assert!(error.contains(told), "{schedule}: {error}");
        }
    }
}
