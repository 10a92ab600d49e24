//! [`Progress`]: how far a long exploration has come, on a terminal.

use std::time::{Duration, Instant};

use super::bars::Bar;

/// A part that takes less than this shows nothing.
const LONG: Duration = Duration::from_secs(2);

/// How many characters a bar is long.
const WIDTH: u64 = 30;

/// How far a part of an exploration has come.
pub(super) struct Progress {
    what: String,
    /// Runs there will be, if that is known.
    runs: Option<u64>,
    started: Instant,
    bar: Option<Bar>,
}

impl Progress {
    pub(super) fn new(what: String, runs: Option<u64>) -> Progress {
        Progress { what, runs, started: Instant::now(), bar: None }
    }

    /// Says how many runs are done, and how many of them failed.
    pub(super) fn at(&mut self, done: u64, failed: u64) {
        let elapsed = self.started.elapsed();
        if self.bar.is_some() || elapsed >= LONG {
            self.bar.get_or_insert_with(Bar::new).show(|| line(&self.what, self.runs, done, failed, elapsed));
        }
    }
}

fn line(what: &str, runs: Option<u64>, done: u64, failed: u64, elapsed: Duration) -> String {
    let each_second = done as f64 / elapsed.as_secs_f64();
    let failed = if failed > 0 { format!(", {failed} FAILED") } else { String::new() };
    let made = grouped(done);
    let Some(runs) = runs else { return format!("{what} {made} runs, {each_second:.0}/s{failed}") };
    let filled = (u128::from(WIDTH) * u128::from(done) / u128::from(runs.max(1))).min(u128::from(WIDTH)) as usize;
    let tip = if filled < WIDTH as usize { ">" } else { "" };
    let bar = format!("{}{tip}", "=".repeat(filled));
    let left = left(runs.saturating_sub(done) as f64 / each_second);
    format!("{what} [{bar:30}] {made}/{} runs, {each_second:.0}/s{failed}, {left} left", grouped(runs))
}

/// `1,234,567`
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds in the unit of which there are more than one and a half.
fn left(seconds: f64) -> String {
    match seconds {
        ..90.0 => format!("{seconds:.0}s"),
        ..5_400.0 => format!("{:.0}m", seconds / 60.0),
        ..129_600.0 => format!("{:.0}h", seconds / 3_600.0),
        _ => format!("{:.0}d", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_whose_runs_are_known_has_a_bar() {
        let line = |done, failed| line("work: seeds", Some(4_000_000), done, failed, Duration::from_secs(10));
        assert_eq!(
            line(1_000_000, 0),
            "work: seeds [=======>                      ] 1,000,000/4,000,000 runs, 100000/s, 30s left"
        );
        assert_eq!(
            line(4_000_000, 12),
            "work: seeds [==============================] 4,000,000/4,000,000 runs, 400000/s, 12 FAILED, 0s left"
        );
    }

    #[test]
    fn the_end_of_the_range_of_seeds_overflows_nothing() {
        let line = line("work", Some(u64::MAX), 51_200, 0, Duration::from_secs(2));
        assert!(
            line.starts_with("work [>                             ] 51,200/18,446,744,073,709,551,615 runs, "),
            "{line}"
        );
    }

    #[test]
    fn a_part_whose_runs_are_not_known_only_counts() {
        assert_eq!(line("work: every pair", None, 999, 0, Duration::from_secs(3)), "work: every pair 999 runs, 333/s");
    }

    #[test]
    fn what_is_left_is_said_in_a_unit_of_its_size() {
        let said = [0.4, 89.4, 90.0, 5_399.0, 5_400.0, 129_599.0, 129_600.0].map(left);
        assert_eq!(said, ["0s", "89s", "2m", "90m", "2h", "36h", "2d"]);
    }
}
