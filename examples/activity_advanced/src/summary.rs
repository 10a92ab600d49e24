//! [`Summary`]: what an exploration showed, on one screen.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use durasim::{Exploration, Report};

use crate::activities::process_large_file::Progress;

/// What an exploration showed, on one screen.
#[derive(Debug)]
pub struct Summary {
    report: Report,
}

impl Summary {
    /// Runs the exploration.
    pub fn of(exploration: &Exploration) -> Summary {
        Summary { report: exploration.report() }
    }

    /// Whether all checks hold in all runs.
    pub fn holds(&self) -> bool {
        self.report.holds()
    }

    /// How often the checks `progress` and `effects` were violated: work that was lost, or done again though a heartbeat
    /// said that it was done.
    pub fn lost_progress(&self) -> u64 {
        let violations = |check: &str| self.sum(|tally| tally.violations.get(check).copied().unwrap_or(0));
        violations("progress") + violations("effects")
    }

    /// How many attempts resumed from each number of chunks.
    pub fn resumes(&self) -> BTreeMap<u32, u64> {
        let mut resumes = BTreeMap::new();
        for (details, count) in self.report.parts().iter().flat_map(|part| &part.tally.resumed_from) {
            if let Ok(Progress { chunks_done, .. }) = serde_json::from_slice(details) {
                *resumes.entry(chunks_done).or_default() += count;
            }
        }
        resumes
    }

    fn sum(&self, number: impl Fn(&Tally) -> u64) -> u64 {
        self.report.parts().iter().map(|part| number(&part.tally)).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.report.error() {
            return writeln!(f, "the exploration could not be done: {error}");
        }
        for Part { name, tally, .. } in self.report.parts() {
            let Tally { runs, survive, over_budget, cancelled, failed, .. } = tally;
            write!(f, "{name}: {}/{} hold ", Count(runs - failed), Count(*runs))?;
            write!(f, "({} survive, {} over budget, {} cancelled)", Count(*survive), Count(*over_budget), Count(*cancelled))?;
            match failed {
                0 => writeln!(f)?,
                failed => writeln!(f, ", {} failed", Count(*failed))?,
            }
        }
        let sum = |number: fn(&Tally) -> u64| Count(self.sum(number));
        writeln!(f, "attempts: {}", sum(|tally| tally.attempts))?;
        writeln!(
            f,
            "heartbeats: {} recorded, {} sent, {} visible",
            sum(|tally| tally.heartbeats_recorded),
            sum(|tally| tally.heartbeats_sent),
            sum(|tally| tally.heartbeats_visible),
        )?;
        writeln!(f, "resumes: {}", sum(|tally| tally.resumes))?;
        let resumes: Vec<_> = self.resumes().into_iter().collect();
        for line in resumes.chunks(RESUMES_IN_A_LINE) {
            let line: Vec<_> = line.iter().map(|(chunk, count)| format!("{} x from chunk {chunk}", Count(*count))).collect();
            writeln!(f, "    {}", line.join(", "))?;
        }
        writeln!(f, "lost progress: {}", Count(self.lost_progress()))?;
        let virtual_time = self.report.parts().iter().map(|part| part.tally.virtual_time).sum();
        writeln!(f, "virtual time: {}", Days(virtual_time))?;
        let elapsed: Duration = self.report.parts().iter().map(|part| part.elapsed).sum();
        let runs = self.sum(|tally| tally.runs);
        writeln!(f, "runs per second: {}", Count((runs as f64 / elapsed.as_secs_f64()) as u64))
    }
}

const RESUMES_IN_A_LINE: usize = 5;

/// A number with its thousands set apart: `12,345`.
struct Count(u64);

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
struct Days(Duration);

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
