//! [`Summary`]: the numbers of one stop, on one screen.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use durasim::explore::Tally;
use indicatif::{HumanCount, HumanDuration};

use crate::activities::process_large_file::Progress;
use crate::tour::row::Row;

/// The numbers of one stop, on one screen. It is for a stop whose activity is `process_large_file`.
#[derive(Debug)]
pub struct Summary<'a>(pub &'a Row);

impl Summary<'_> {
    /// The number of attempts that resumed from each number of chunks.
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

/// Writes names and their numbers, in lines of at most 80 columns.
impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(80);
        for part in self.0.parts() {
            table.add_row([format!("{}:", part.name), hold(&part.tally)]);
        }
        let sum = |number: fn(&Tally) -> u64| HumanCount(self.0.sum(number));
        table.add_row(["attempts:".to_owned(), sum(|tally| tally.attempts).to_string()]);
        let recorded = sum(|tally| tally.heartbeats_recorded);
        let sent = sum(|tally| tally.heartbeats_sent);
        let visible = sum(|tally| tally.heartbeats_visible);
        table
            .add_row(["heartbeats:".to_owned(), format!("{recorded} recorded, {sent} sent, {visible} visible")])
            .add_row(["resumes:".to_owned(), format!("{}{}", sum(|tally| tally.resumes), origins(&self.resumes()))])
            .add_row(["lost progress:".to_owned(), HumanCount(self.0.lost_progress()).to_string()]);
        let virtual_time = self.0.parts().map(|part| part.tally.virtual_time).sum();
        table.add_row(["virtual time:".to_owned(), HumanDuration(virtual_time).to_string()]);
        let elapsed: Duration = self.0.parts().map(|part| part.elapsed).sum();
        let runs_per_second = self.0.sum(|tally| tally.runs) as f64 / elapsed.as_secs_f64();
        table.add_row(["runs per second:".to_owned(), HumanCount(runs_per_second as u64).to_string()]);
        if let Some(names) = table.column_mut(0) {
            names.set_cell_alignment(CellAlignment::Right);
        }
        f.write_str(&table.trim_fmt())
    }
}

/// Says how many runs hold, by class.
fn hold(tally: &Tally) -> String {
    let [hold, runs, survive, over_budget, cancelled] =
        [tally.hold(), tally.runs, tally.survive, tally.over_budget, tally.cancelled].map(HumanCount);
    let failed = match tally.failed {
        0 => String::new(),
        failed => format!(", {} FAILED", HumanCount(failed)),
    };
    format!("{hold}/{runs} hold ({survive} survive, {over_budget} over budget, {cancelled} cancelled){failed}")
}

/// The number of chunks that are named.
const ORIGINS_SHOWN: usize = 7;

/// Says where attempts resumed: the most frequent chunks, in their order.
fn origins(resumes: &BTreeMap<u32, u64>) -> String {
    let mut shown: Vec<(u32, u64)> = resumes.iter().map(|(chunk, count)| (*chunk, *count)).collect();
    shown.sort_by_key(|(chunk, count)| (Reverse(*count), *chunk));
    let others: u64 = shown.iter().skip(ORIGINS_SHOWN).map(|(_, count)| count).sum();
    shown.truncate(ORIGINS_SHOWN);
    shown.sort_unstable();
    let mut words: Vec<String> =
        shown.iter().map(|(chunk, count)| format!("{chunk}: {} x", HumanCount(*count))).collect();
    if others > 0 {
        words.push(format!("others: {} x", HumanCount(others)));
    }
    if words.is_empty() { String::new() } else { format!(" (from chunk {})", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_origins_are_shown_in_order() {
        let origins = |counts: &[(u32, u64)]| origins(&counts.iter().copied().collect());
        assert_eq!(origins(&[]), "");
        assert_eq!(origins(&[(6, 2), (3, 1_000)]), " (from chunk 3: 1,000 x, 6: 2 x)");
        let many: Vec<(u32, u64)> = (0..9).map(|chunk| (chunk, u64::from(9 - chunk % 5))).collect();
        assert_eq!(
            origins(&many),
            " (from chunk 0: 9 x, 1: 8 x, 2: 7 x, 3: 6 x, 5: 9 x, 6: 8 x, 7: 7 x, others: 11 x)"
        );
    }
}
