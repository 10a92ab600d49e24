//! [`Count`] and [`Days`]: large numbers that are read at a glance.

use std::fmt;
use std::time::Duration;

/// A number with its thousands set apart: `12,345`.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// A long time in days and hours: `2 days 3 h`.
#[derive(Clone, Copy, Debug)]
pub struct Days(pub Duration);

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.0.as_secs() / 3600;
        match (hours / 24, hours % 24) {
            (0, 0) => write!(f, "{} s", self.0.as_secs()),
            (0, hours) => write!(f, "{hours} h"),
            (1, hours) => write!(f, "1 day {hours} h"),
            (days, hours) => write!(f, "{days} days {hours} h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        let counts = [0, 999, 1000, 1_234_567].map(|number| Count(number).to_string());
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
        let days = [59, 7200, 90_000, 200_000].map(|secs| Days(Duration::from_secs(secs)).to_string());
        assert_eq!(days, ["59 s", "2 h", "1 day 1 h", "2 days 7 h"]);
    }
}
