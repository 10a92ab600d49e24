//! [`Depth`]: how far an exploration goes, as the environment says.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::variables::example;
use crate::world::RunError;

/// How far an exploration goes, where that is not what its test says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Depth {
    pub(super) seeds: Option<Range<u64>>,
    pub(super) pairs: Option<u64>,
    pub(super) time: Option<TimeLimit>,
}

/// The real time that an exploration may take. It decides when no further run is made, and never what a run does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TimeLimit {
    /// As it was given.
    pub(super) text: String,
    length: Duration,
}

impl TimeLimit {
    /// The end of an exploration that begins now. `None` if no clock comes so far.
    pub(super) fn end(&self) -> Option<Instant> {
        Instant::now().checked_add(self.length)
    }
}

/// The error of a variable with such a value.
fn malformed(name: &str, value: &str, why: &str) -> RunError {
    RunError::Setup(format!("{name} is `{value}`, {why}: write for example {}", example(name)))
}

/// A whole number, which may have underscores as in code.
fn number(text: &str) -> Option<u64> {
    let digits: String = text.trim().chars().filter(|character| *character != '_').collect();
    digits.parse().ok()
}

impl Depth {
    pub(super) fn parse(seeds: Option<&str>, pairs: Option<&str>, time: Option<&str>) -> Result<Depth, RunError> {
        Ok(Depth {
            seeds: seeds.map(|text| parse_seeds(text.trim())).transpose()?,
            pairs: pairs.map(|text| parse_pairs(text.trim())).transpose()?,
            time: time.map(|text| parse_time(text.trim())).transpose()?,
        })
    }
}

fn parse_seeds(text: &str) -> Result<Range<u64>, RunError> {
    let error = |why| malformed("DURASIM_SEEDS", text, why);
    let ends = text.split_once("..").and_then(|(start, end)| Some((number(start)?, number(end)?)));
    match ends {
        None => Err(error("which is not a range of seeds")),
        Some((start, end)) if start >= end => Err(error("in which there is no seed")),
        Some((start, end)) => Ok(start..end),
    }
}

fn parse_pairs(text: &str) -> Result<u64, RunError> {
    match number(text) {
        None => Err(malformed("DURASIM_PAIRS", text, "which is not a whole number")),
        Some(0) => Err(malformed("DURASIM_PAIRS", text, "with which no pair would be tried")),
        Some(pairs) => Ok(pairs),
    }
}

fn parse_time(text: &str) -> Result<TimeLimit, RunError> {
    let error = |why| malformed("DURASIM_TIME", text, why);
    let unit = text.trim_start_matches(|character: char| character.is_ascii_digit() || character == '_');
    let millis = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(error("which is not a whole number of `s`, `m` or `h`")),
    };
    let count = number(&text[..text.len() - unit.len()]);
    match count.and_then(|count| count.checked_mul(millis)) {
        None => Err(error("which is not a whole number of `s`, `m` or `h`")),
        Some(0) => Err(error("in which nothing could run")),
        Some(millis) => Ok(TimeLimit { text: text.to_owned(), length: Duration::from_millis(millis) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_written() {
        let depth = Depth::parse(Some(" 7..1_000_000 "), Some("5"), Some("90s")).unwrap();
        assert_eq!((depth.seeds, depth.pairs), (Some(7..1_000_000), Some(5)));
        let length = |text| Depth::parse(None, None, Some(text)).unwrap().time.unwrap().length.as_millis();
        assert_eq!(["20ms", "90s", "10m", "2h"].map(length), [20, 90_000, 600_000, 7_200_000]);
        assert_eq!(Depth::parse(None, None, None), Ok(Depth::default()));
    }

    #[test]
    fn a_malformed_value_is_met_with_the_right_form() {
        let refused = |name: &str, value: &str, form: &str| {
            let given = |wanted: &str| (name == wanted).then_some(value);
            let depth = Depth::parse(given("DURASIM_SEEDS"), given("DURASIM_PAIRS"), given("DURASIM_TIME"));
            let error = depth.unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} is `{value}`, ")) && error.ends_with(form), "{error}");
        };
        for value in ["7", "..7", "7..", "a..b", "3..3", "9..3", "0..=9"] {
            refused("DURASIM_SEEDS", value, "write for example DURASIM_SEEDS=0..1000000");
        }
        for value in ["many", "0", "-1", "1.5"] {
            refused("DURASIM_PAIRS", value, "write for example DURASIM_PAIRS=100000");
        }
        for value in ["10", "m", "10 weeks", "0s", "-1m", "1.5h", "99999999999999999999h"] {
            refused("DURASIM_TIME", value, "write for example DURASIM_TIME=10m");
        }
    }
}
