//! [`Overview`]: the whole tour, on one screen.

use std::time::Duration;
use std::{fmt, iter};

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{HumanCount, HumanDuration};
use serde::Serialize;

use crate::tour::outcomes::Outcomes;
use crate::tour::row::Row;

/// The whole tour, on one screen: a column for each workflow, a line for each number.
#[derive(Debug)]
pub struct Overview {
    rows: Vec<Row>,
}

/// A name, and the function that finds its number.
type Line = (&'static str, fn(&Row) -> u64);

/// The numbers of runs that were made, and of their ends.
const RUNS: [Line; 9] = [
    ("runs under every fault", |row| row.every_fault(|tally| tally.runs)),
    ("runs under random faults", |row| row.seeds(|tally| tally.runs)),
    ("of these hold", |row| row.sum(|tally| tally.hold())),
    ("  survive", |row| row.sum(|tally| tally.survive)),
    ("  over budget", |row| row.sum(|tally| tally.over_budget)),
    ("  cancelled", |row| row.sum(|tally| tally.cancelled)),
    ("  had too little time", |row| row.sum(|tally| tally.differ)),
    ("FAILED", |row| row.sum(|tally| tally.failed)),
    ("lost progress", Row::lost_progress),
];

/// The ways in which attempts began and ended.
const ATTEMPTS: [Line; 4] = [
    ("resumed from a heartbeat", |row| row.outcomes.resumed),
    ("cancelled, progress saved", |row| row.outcomes.cancelled_with_progress),
    ("stopped by its deadline", |row| row.outcomes.stopped_by_deadline),
    ("stopped with its worker", |row| row.outcomes.worker_shutdown),
];

/// The timeouts that ended attempts.
const TIMEOUTS: [Line; 4] = [
    ("heartbeat timeout", |row| row.outcomes.heartbeat_timeout),
    ("start-to-close timeout", |row| row.outcomes.start_to_close_timeout),
    ("schedule-to-close timeout", |row| row.outcomes.schedule_to_close_timeout),
    ("schedule-to-start timeout", |row| row.outcomes.schedule_to_start_timeout),
];

impl Overview {
    /// Makes an overview with these columns.
    pub fn new(rows: Vec<Row>) -> Overview {
        Overview { rows }
    }

    /// The columns.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Says whether all checks hold in all runs.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(Row::holds)
    }

    /// The same numbers, for programs.
    pub fn json(&self) -> serde_json::Result<String> {
        let columns: Vec<Column<'_>> = self.rows.iter().map(Column::new).collect();
        serde_json::to_string_pretty(&columns)
    }
}

/// Writes lines of at most 80 columns: the workflows with their numbers, then a column for each of these.
impl fmt::Display for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut workflows = plain_table();
        for (number, row) in (1..).zip(&self.rows) {
            workflows.add_row([
                number.to_string(),
                row.stop.workflow.to_owned(),
                row.without_faults.to_string(),
                row.stop.about.to_owned(),
            ]);
        }
        writeln!(f, "    workflow                      without faults\n{}\n", workflows.trim_fmt())?;

        let mut numbers = plain_table();
        let header = (1..=self.rows.len()).map(|number| number.to_string());
        numbers.add_row(iter::once(String::new()).chain(header));
        self.add_lines(&mut numbers, &RUNS);
        numbers.add_row([""]).add_row(["runs in which an attempt was"]);
        self.add_lines(&mut numbers, &ATTEMPTS);
        numbers.add_row([""]).add_row(["runs in which there was a"]);
        self.add_lines(&mut numbers, &TIMEOUTS);
        for column in numbers.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
            column.set_padding((1, 0));
        }
        writeln!(f, "{}\n\n{LEGEND}", numbers.trim_fmt())
    }
}

/// A table without lines between its columns, which are one space apart.
fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// An explanation of the less obvious words.
const LEGEND: &str = "\
survive: ended as without faults. over budget: faults used up the attempts or
the time that the options allow, and the service gave up as it should.
lost progress: work that was lost, or done again though a heartbeat said that
it was done.";

impl Overview {
    fn add_lines(&self, table: &mut Table, lines: &[Line]) {
        for (name, number) in lines {
            let numbers = self.rows.iter().map(|row| HumanCount(number(row)).to_string());
            table.add_row(iter::once((*name).to_owned()).chain(numbers));
        }
    }

    /// Says the effort in words: `21,000 runs, 4 weeks of virtual time`.
    pub fn effort(&self) -> String {
        let runs = self.rows.iter().map(|row| row.sum(|tally| tally.runs)).sum();
        let seconds: u64 = self.rows.iter().map(|row| row.sum(|tally| tally.virtual_time.as_secs())).sum();
        format!("{} runs, {} of virtual time", HumanCount(runs), HumanDuration(Duration::from_secs(seconds)))
    }
}

/// One column, for programs.
#[derive(Serialize)]
struct Column<'a> {
    workflow: &'a str,
    runs_under_every_fault: u64,
    runs_under_random_faults: u64,
    hold: u64,
    survive: u64,
    over_budget: u64,
    cancelled: u64,
    too_little_time: u64,
    failed: u64,
    lost_progress: u64,
    #[serde(flatten)]
    outcomes: Outcomes,
}

impl Column<'_> {
    fn new(row: &Row) -> Column<'_> {
        Column {
            workflow: row.stop.workflow,
            runs_under_every_fault: row.every_fault(|tally| tally.runs),
            runs_under_random_faults: row.seeds(|tally| tally.runs),
            hold: row.sum(|tally| tally.hold()),
            survive: row.sum(|tally| tally.survive),
            over_budget: row.sum(|tally| tally.over_budget),
            cancelled: row.sum(|tally| tally.cancelled),
            too_little_time: row.sum(|tally| tally.differ),
            failed: row.sum(|tally| tally.failed),
            lost_progress: row.lost_progress(),
            outcomes: row.outcomes,
        }
    }
}
