//! [`Summary`]: what the tour found at one stop, on one screen.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use durasim::Tally;

use crate::activities::process_large_file::Progress;
use crate::numbers::{Count, Days};
use crate::row::Row;

/// What the tour found at one stop, on one screen. For a stop whose activity is `process_large_file`.
#[derive(Debug)]
pub struct Summary<'a>(pub &'a Row);

impl Summary<'_> {
    /// How many attempts resumed from each number of chunks.
    pub fn resumes(&self) -> BTreeMap<u32, u64> {
        let mut resumes = BTreeMap::new();
        for (details, count) in self.0.parts().flat_map(|part| &part.tally.resumed_from) {
            if let Ok(Progress { chunks_done, .. }) = serde_json::from_slice(details) {
                *resumes.entry(chunks_done).or_default() += count;
            }
        }
        resumes
    }
}

/// Numbers to the right of their names, the names set flush with each other.
impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.parts() {
            row(f, &part.name, Verdict(&part.tally))?;
        }
        let sum = |number: fn(&Tally) -> u64| Count(self.0.sum(number));
        row(f, "attempts", sum(|tally| tally.attempts))?;
        let recorded = sum(|tally| tally.heartbeats_recorded);
        let sent = sum(|tally| tally.heartbeats_sent);
        let visible = sum(|tally| tally.heartbeats_visible);
        row(f, "heartbeats", format_args!("{recorded} recorded, {sent} sent, {visible} visible"))?;
        row(f, "resumes", format_args!("{}{}", sum(|tally| tally.resumes), Origins(&self.resumes())))?;
        row(f, "lost progress", Count(self.0.lost_progress()))?;
        let virtual_time = self.0.parts().map(|part| part.tally.virtual_time).sum();
        row(f, "virtual time", Days(virtual_time))?;
        let elapsed: Duration = self.0.parts().map(|part| part.elapsed).sum();
        row(f, "runs per second", Count((self.0.sum(|tally| tally.runs) as f64 / elapsed.as_secs_f64()) as u64))
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(f, "{name:>15}: {value}")
}

/// How many runs hold, by class.
struct Verdict<'a>(&'a Tally);

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hold, runs, failed) = (Count(self.0.hold()), Count(self.0.runs), self.0.failed);
        let [survive, over_budget, cancelled] = [self.0.survive, self.0.over_budget, self.0.cancelled].map(Count);
        write!(f, "{hold}/{runs} hold ({survive} survive, {over_budget} over budget, {cancelled} cancelled)")?;
        if failed > 0 {
            write!(f, ", {} FAILED", Count(failed))?;
        }
        Ok(())
    }
}

/// Where attempts resumed: the most frequent chunks, in their order.
struct Origins<'a>(&'a BTreeMap<u32, u64>);

/// So many fit a line.
const ORIGINS_SHOWN: usize = 7;

impl fmt::Display for Origins<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown: Vec<(u32, u64)> = self.0.iter().map(|(chunk, count)| (*chunk, *count)).collect();
        shown.sort_by_key(|(chunk, count)| (Reverse(*count), *chunk));
        let others: u64 = shown.iter().skip(ORIGINS_SHOWN).map(|(_, count)| count).sum();
        shown.truncate(ORIGINS_SHOWN);
        shown.sort_unstable();
        let mut between = " (from chunk ";
        for (chunk, count) in &shown {
            write!(f, "{between}{chunk}: {} x", Count(*count))?;
            between = ", ";
        }
        match (others, shown.is_empty()) {
            (_, true) => Ok(()),
            (0, false) => f.write_str(")"),
            (others, false) => write!(f, ", others: {} x)", Count(others)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_origins_are_shown_in_order() {
        let origins = |counts: &[(u32, u64)]| Origins(&counts.iter().copied().collect()).to_string();
        assert_eq!(origins(&[]), "");
        assert_eq!(origins(&[(6, 2), (3, 1_000)]), " (from chunk 3: 1,000 x, 6: 2 x)");
        let many: Vec<(u32, u64)> = (0..9).map(|chunk| (chunk, u64::from(9 - chunk % 5))).collect();
        assert_eq!(
            origins(&many),
            " (from chunk 0: 9 x, 1: 8 x, 2: 7 x, 3: 6 x, 5: 9 x, 6: 8 x, 7: 7 x, others: 11 x)"
        );
    }
}
