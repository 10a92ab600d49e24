//! [`Table`]: what the tour found, on one screen.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::numbers::{Count, Days};
use crate::outcomes::Outcomes;
use crate::row::Row;

/// What the tour found, on one screen: a column for each workflow, a line for each number.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
}

/// A name and how its number is found.
type Line = (&'static str, fn(&Row) -> u64);

/// What was run, and how it ended.
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

/// What happened on the way.
const OUTCOMES: [Line; 8] = [
    ("resumed from a heartbeat", |row| row.outcomes.resumed),
    ("cancelled, progress saved", |row| row.outcomes.cancelled_with_progress),
    ("stopped by its deadline", |row| row.outcomes.stopped_by_deadline),
    ("stopped with its worker", |row| row.outcomes.worker_shutdown),
    ("heartbeat timeout", |row| row.outcomes.heartbeat_timeout),
    ("start-to-close timeout", |row| row.outcomes.start_to_close_timeout),
    ("schedule-to-close timeout", |row| row.outcomes.schedule_to_close_timeout),
    ("schedule-to-start timeout", |row| row.outcomes.schedule_to_start_timeout),
];

impl Table {
    /// With these columns.
    pub fn new(rows: Vec<Row>) -> Table {
        Table { rows }
    }

    /// The columns.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether all checks hold in all runs.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(Row::holds)
    }

    /// The same numbers, for programs.
    pub fn json(&self) -> serde_json::Result<String> {
        let columns: Vec<Column<'_>> = self.rows.iter().map(Column::new).collect();
        serde_json::to_string_pretty(&columns)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, row) in self.rows.iter().enumerate() {
            writeln!(f, "{:>3}  {:<30} {:>8} without faults", at + 1, row.workflow, row.without_faults.to_string())?;
        }
        write!(f, "\n{:<26}", "")?;
        for at in 1..=self.rows.len() {
            write!(f, "{at:>8}")?;
        }
        writeln!(f)?;
        self.lines(f, &RUNS)?;
        writeln!(f, "\nruns in which an attempt was")?;
        self.lines(f, &OUTCOMES[..4])?;
        writeln!(f, "\nruns in which there was a")?;
        self.lines(f, &OUTCOMES[4..])?;
        writeln!(f, "\n{LEGEND}")
    }
}

/// What the less obvious words mean.
const LEGEND: &str = "\
survive: ended as without faults. over budget: faults used up the attempts or the time that the options allow, and the
service gave up as it should. lost progress: work that was lost, or done again though a heartbeat said that it was done.";

impl Table {
    fn lines(&self, f: &mut fmt::Formatter<'_>, lines: &[Line]) -> fmt::Result {
        for (name, number) in lines {
            write!(f, "{name:<26}")?;
            for row in &self.rows {
                write!(f, "{:>8}", Count(number(row)).to_string())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Table {
    /// `21,000 runs, 28 days 3 h of virtual time`.
    pub fn effort(&self) -> String {
        let runs = self.rows.iter().map(|row| row.sum(|tally| tally.runs)).sum();
        let seconds: u64 = self.rows.iter().map(|row| row.sum(|tally| tally.virtual_time.as_secs())).sum();
        format!("{} runs, {} of virtual time", Count(runs), Days(Duration::from_secs(seconds)))
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
            workflow: row.workflow,
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
