//! The days of the calendar.

/// The year, the month and the day of the month of a day that is counted from the Unix epoch.
pub(crate) fn date(day: u64) -> (u64, u64, u64) {
    // Years begin in March here, so that the day that not every year has is the last; and an era has 400 years.
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// The day of a date, counted from the Unix epoch: [`date`] the other way around.
pub(crate) fn day(year: u64, month: u64, of_month: u64) -> u64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + of_month - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_has_its_date() {
        let mut expected = (1970, 1, 1);
        for day in 0..200_000 {
            assert_eq!(date(day), expected, "day {day}");
            let (year, month, of_month) = expected;
            assert_eq!(super::day(year, month, of_month), day, "{expected:?}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + u64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (of_month < length, month < 12) {
                (true, _) => (year, month, of_month + 1),
                (false, true) => (year, month + 1, 1),
                (false, false) => (year + 1, 1, 1),
            };
        }
    }
}
